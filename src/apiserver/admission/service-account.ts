/**
 * Gives every pod a service account, its pull secrets and its token volume, and holds pods to the secrets of accounts
 * that ask for that. Upstream: `plugin/pkg/admission/serviceaccount`.
 */
import type { ServiceAccount } from '#api/core/v1/config.ts'
import type { Container, EphemeralContainer } from '#api/core/v1/container.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import { pods, serviceAccounts } from '#api/resources.ts'
import { type Clock, sleep } from '#base/clock.ts'
import { nameSuffix, type Random } from '#base/random.ts'
import type { Api } from '../api.ts'
import { referencesOf } from '../authz/pod-references.ts'
import type { AdmissionPlugin, AdmissionRequest } from './admission.ts'
import { cachedObject } from './lookup.ts'
import { refused } from './refusal.ts'

const MOUNT_PATH = '/var/run/secrets/kubernetes.io/serviceaccount'
const VOLUME_PREFIX = 'kube-api-access-'
const SUFFIX_LENGTH = 5
const TOKEN_SECONDS = 3607
const DEFAULT_ACCOUNT = 'default'
/** Mirror pods come from a node's own manifests and know no API objects. */
const MIRROR_ANNOTATION = 'kubernetes.io/config.mirror'
const ENFORCES_SECRETS = 'kubernetes.io/enforce-mountable-secrets'

/** In a namespace made a moment ago its default account may be about to appear: so often, and so far apart, it is looked for. */
const LOOKUPS = 20
const LOOKUP_PERIOD_MS = 50

export function serviceAccountAdmission(api: () => Api, clock: Clock, random: Random): AdmissionPlugin {
  const find = (namespace: string, name: string) => cachedObject(api(), serviceAccounts, namespace, name)
  const missing = (request: AdmissionRequest, pod: Pod, name: string) => {
    const why = `error looking up service account ${request.namespace}/${name}: serviceaccount ${JSON.stringify(name)} not found`
    return refused(request, pod, why)
  }
  const waitForDefault = async (request: AdmissionRequest, pod: Pod): Promise<ServiceAccount> => {
    for (let i = 0; i < LOOKUPS; i++) {
      await sleep(clock, LOOKUP_PERIOD_MS)
      const account = find(request.namespace, DEFAULT_ACCOUNT)
      if (account) return account
    }
    throw missing(request, pod, DEFAULT_ACCOUNT)
  }
  return {
    name: 'ServiceAccount',
    admit(request, object) {
      const { operation, resource, subresource, namespace } = request
      if (operation !== 'CREATE' || resource !== pods || subresource !== '') return
      const pod = object as unknown as Pod
      if (isMirror(pod)) return checkMirror(request, pod)
      const { spec } = pod
      const name = spec.serviceAccountName || DEFAULT_ACCOUNT
      spec.serviceAccountName = name
      spec.serviceAccount = name
      const account = find(namespace, name)
      if (account) return applyAccount(pod, account, random)
      if (name !== DEFAULT_ACCOUNT) throw missing(request, pod, name)
      return waitForDefault(request, pod).then((late) => applyAccount(pod, late, random))
    },
    validate(request, object) {
      const { operation, resource, subresource, namespace } = request
      if (resource !== pods || !object) return
      const isCreation = operation === 'CREATE' && subresource === ''
      if (!isCreation && !(operation === 'UPDATE' && subresource === 'ephemeralcontainers')) return
      const pod = object as unknown as Pod
      if (isMirror(pod)) return isCreation ? checkMirror(request, pod) : undefined
      const name = pod.spec.serviceAccountName
      if (!name) throw refused(request, pod, `no service account specified for pod ${namespace}/${pod.metadata.name}`)
      const account = find(namespace, name)
      if (!account) throw missing(request, pod, name)
      if (!isTrue(account.metadata.annotations?.[ENFORCES_SECRETS])) return
      const why = isCreation ? foreignSecret(pod, account) : foreignSecretOfEphemeral(pod, account)
      if (why) throw refused(request, pod, why)
    },
  }
}

const isMirror = (pod: Pod) => pod.metadata.annotations?.[MIRROR_ANNOTATION] !== undefined

/** As Go's `strconv.ParseBool`. */
const isTrue = (text: string | undefined) => text !== undefined && /^(1|t|T|true|True|TRUE)$/.test(text)

function checkMirror(request: AdmissionRequest, pod: Pod) {
  const { spec } = pod
  if (spec.serviceAccountName) throw refused(request, pod, 'a mirror pod may not reference service accounts')
  const { annotations: _mirror, ...metadata } = pod.metadata
  const references = [...referencesOf({ ...pod, metadata, status: pod.status ?? {} })]
  if (references.some((key) => key.startsWith('secrets/')))
    throw refused(request, pod, 'a mirror pod may not reference secrets')
  const wantsToken = spec.volumes?.some(({ projected }) => projected?.sources?.some((s) => s.serviceAccountToken))
  if (wantsToken) throw refused(request, pod, 'a mirror pod may not use ServiceAccountToken volume projections')
}

/** The first secret of the pod that its account does not have. */
function foreignSecret({ spec }: Pod, account: ServiceAccount): string | undefined {
  const because = `is not allowed because service account ${account.metadata.name} does not reference that`
  const own = new Set(account.secrets?.map(({ name }) => name))
  for (const { secret } of spec.volumes ?? []) {
    if (secret && !own.has(secret.secretName))
      return `volume with secret.secretName="${secret.secretName ?? ''}" ${because} secret`
  }
  const inContainer =
    foreignInEnvironment('init container', spec.initContainers, own) ??
    foreignInEnvironment('container', spec.containers, own)
  if (inContainer) return `${inContainer} ${because} secret`
  const pullSecrets = new Set(account.imagePullSecrets?.map(({ name }) => name))
  const at = (spec.imagePullSecrets ?? []).findIndex(({ name }) => !pullSecrets.has(name))
  if (at < 0) return undefined
  return `imagePullSecrets[${at}].name="${spec.imagePullSecrets![at]!.name ?? ''}" ${because} imagePullSecret`
}

function foreignSecretOfEphemeral({ spec }: Pod, account: ServiceAccount): string | undefined {
  const own = new Set(account.secrets?.map(({ name }) => name))
  const found = foreignInEnvironment('ephemeral container', spec.ephemeralContainers, own)
  return (
    found && `${found} is not allowed because service account ${account.metadata.name} does not reference that secret`
  )
}

function foreignInEnvironment(
  what: string,
  containers: readonly (Container | EphemeralContainer)[] | undefined,
  own: ReadonlySet<string | undefined>,
): string | undefined {
  for (const { name, env, envFrom } of containers ?? []) {
    for (const { name: variable, valueFrom } of env ?? []) {
      const secret = valueFrom?.secretKeyRef
      if (secret && !own.has(secret.name))
        return `${what} ${name} with envVar ${variable} referencing secret.secretName="${secret.name ?? ''}"`
    }
    for (const { secretRef } of envFrom ?? []) {
      if (secretRef && !own.has(secretRef.name))
        return `${what} ${name} with envFrom referencing secret.secretName="${secretRef.name ?? ''}"`
    }
  }
  return undefined
}

function applyAccount(pod: Pod, account: ServiceAccount, random: Random) {
  const { spec } = pod
  if (spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true) mountToken(pod, random)
  if (!spec.imagePullSecrets?.length && account.imagePullSecrets?.length)
    spec.imagePullSecrets = account.imagePullSecrets.map(({ name }) => ({ name: name ?? '' }))
}

function mountToken({ spec }: Pod, random: Random) {
  const unmounted = [...(spec.initContainers ?? []), ...spec.containers].filter(
    ({ volumeMounts }) => !volumeMounts?.some(({ mountPath }) => mountPath === MOUNT_PATH),
  )
  if (unmounted.length === 0) return
  // Whoever copies a pod copies its volume too.
  const existing = spec.volumes?.find(({ name }) => name.startsWith(VOLUME_PREFIX))?.name
  const name = existing ?? VOLUME_PREFIX + nameSuffix(random, SUFFIX_LENGTH)
  for (const container of unmounted) {
    container.volumeMounts = [...(container.volumeMounts ?? []), { name, mountPath: MOUNT_PATH, readOnly: true }]
  }
  if (existing === undefined) spec.volumes = [...(spec.volumes ?? []), { name, projected: tokenVolume() }]
}

const tokenVolume = () => ({
  defaultMode: 0o644,
  sources: [
    { serviceAccountToken: { path: 'token', expirationSeconds: TOKEN_SECONDS } },
    { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
    {
      downwardAPI: {
        items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
      },
    },
  ],
})
