/**
 * Which tokens of service accounts a node may have: those of its own pods, for whom the pods' volumes name as the audience.
 * Upstream: `admitServiceAccount`.
 */
import type { TokenRequest } from '#api/authentication/v1.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import type { Volume } from '#api/core/v1/volume.ts'
import { csiDrivers, persistentVolumeClaims, persistentVolumes, pods } from '#api/resources.ts'
import { notFound, type StatusError } from '#machinery/status-error.ts'
import type { Api } from '../../api.ts'
import type { Stored } from '../../registry/strategy.ts'
import type { AdmissionRequest } from '../admission.ts'
import { cachedObject } from '../lookup.ts'
import { aggregated } from '../refusal.ts'

/** Why the node may not have the token, as a reason or as an error of its own; undefined where it may. */
export function tokenProblem(
  api: Api,
  node: string,
  request: AdmissionRequest,
  object: Stored,
): string | StatusError | undefined {
  const { spec } = object as unknown as TokenRequest
  const ref = spec?.boundObjectRef
  if (ref?.apiVersion !== 'v1' || ref.kind !== 'Pod' || !ref.name) return 'node requested token not bound to a pod'
  if (!ref.uid) return 'node requested token with a pod binding without a uid'
  const pod = cachedObject(api, pods, request.namespace, ref.name)
  if (!pod) return notFound({ group: '', plural: 'pod' }, ref.name)
  if (ref.uid !== pod.metadata.uid)
    return `the UID in the bound object reference (${ref.uid}) does not match the UID in record. The object might have been deleted and then recreated`
  if (pod.spec.nodeName !== node) return 'node requested token bound to a pod scheduled on a different node'
  return audienceProblem(api, request, pod, spec.audiences ?? [])
}

function audienceProblem(
  api: Api,
  { user, namespace, name }: AdmissionRequest,
  pod: Pod,
  audiences: readonly string[],
): string | undefined {
  if (audiences.length > 1) return 'node may only request 0 or 1 audiences'
  const audience = audiences[0] ?? ''
  const quoted = JSON.stringify(audience)
  const problems: string[] = []
  for (const volume of pod.spec.volumes ?? []) {
    const answer = namesAudience(api, pod, volume, audience)
    if (answer === true) return undefined
    if (answer !== false) problems.push(answer)
  }
  if (problems.length > 0) return `error validating audience ${quoted}: ${aggregated(problems)}`
  const { allowed } = api.authorizer.authorize({
    user,
    verb: 'request-serviceaccounts-token-audience',
    group: '',
    version: 'v1',
    resource: audience,
    subresource: '',
    namespace,
    name,
  })
  if (allowed) return undefined
  return `audience ${quoted} not found in pod spec volume, ${user.name} is not authorized to request tokens for this audience`
}

/** Whether the volume is given tokens for the audience, by itself or by its driver; or why that can't be told. */
function namesAudience(api: Api, pod: Pod, volume: Volume, audience: string): boolean | string {
  const tokens = volume.projected?.sources?.map(({ serviceAccountToken }) => serviceAccountToken) ?? []
  if (tokens.some((token) => token && (token.audience ?? '') === audience)) return true
  const driver = driverOf(api, pod, volume)
  if (driver === undefined) return false
  if ('problem' in driver) return driver.problem
  const found = cachedObject(api, csiDrivers, undefined, driver.name)
  if (!found) return missing('csidriver.storage.k8s.io', driver.name)
  return found.spec.tokenRequests?.some((token) => token.audience === audience) === true
}

type Driver = { name: string } | { problem: string } | undefined

const missing = (kind: string, name: string) => `${kind} ${JSON.stringify(name)} not found`

function driverOf(api: Api, { metadata }: Pod, volume: Volume): Driver {
  const { namespace, name } = metadata
  if (volume.ephemeral?.volumeClaimTemplate) return driverOfClaim(api, namespace!, `${name}-${volume.name}`)
  if (volume.persistentVolumeClaim) return driverOfClaim(api, namespace!, volume.persistentVolumeClaim.claimName)
  return driverOfSource(volume)
}

function driverOfClaim(api: Api, namespace: string, name: string): Driver {
  const claim = cachedObject(api, persistentVolumeClaims, namespace, name)
  if (!claim) return { problem: missing('persistentvolumeclaim', name) }
  const volumeName = claim.spec.volumeName ?? ''
  const volume = cachedObject(api, persistentVolumes, undefined, volumeName)
  return volume ? driverOfSource(volume.spec) : { problem: missing('persistentvolume', volumeName) }
}

/** Kinds of volumes that a driver has taken over. */
const MIGRATED = {
  awsElasticBlockStore: 'ebs.csi.aws.com',
  azureDisk: 'disk.csi.azure.com',
  azureFile: 'file.csi.azure.com',
  cinder: 'cinder.csi.openstack.org',
  gcePersistentDisk: 'pd.csi.storage.gke.io',
  portworxVolume: 'pxd.portworx.com',
  vsphereVolume: 'csi.vsphere.vmware.com',
} as const

function driverOfSource(source: { csi?: { driver: string } | undefined } & object): Driver {
  if (source.csi) return { name: source.csi.driver }
  const kind = Object.keys(MIGRATED).find((one) => (source as Record<string, unknown>)[one])
  return kind === undefined ? undefined : { name: MIGRATED[kind as keyof typeof MIGRATED] }
}
