/**
 * The pods that a node may create: those that show what it runs from files of its own. They refer to nothing in the API, so
 * that a node can't get at anything by them. Pure. Upstream: `admitPodCreate`, and `podutil.HasAPIObjectReference`.
 */
import type { Pod } from '#api/core/v1/pod.ts'
import type { Volume } from '#api/core/v1/volume.ts'
import { referencesOf } from '../../authz/pod-references.ts'

const MIRROR_ANNOTATION = 'kubernetes.io/config.mirror'

/** Why the node may not create it, or that there is no such node; undefined where it may. */
export function mirrorPodProblem(pod: Pod, node: string, nodeUid: string | undefined): string | 'no node' | undefined {
  const { metadata, spec } = pod
  const who = `node ${JSON.stringify(node)}`
  if (metadata.annotations?.[MIRROR_ANNOTATION] === undefined)
    return `pod does not have ${JSON.stringify(MIRROR_ANNOTATION)} annotation, ${who} can only create mirror pods`
  if (spec?.nodeName !== node) return `${who} can only create pods with spec.nodeName set to itself`
  const [owner, ...others] = metadata.ownerReferences ?? []
  if (others.length > 0) return `${who} can only create pods with a single owner reference set to itself`
  if (!owner || owner.apiVersion !== 'v1' || owner.kind !== 'Node' || owner.name !== node)
    return `${who} can only create pods with an owner reference set to itself`
  if (!owner.controller) return `${who} can only create pods with a controller owner reference set to itself`
  if (owner.blockOwnerDeletion) return `${who} must not set blockOwnerDeletion on an owner reference`
  if (nodeUid === undefined) return 'no node'
  if (owner.uid !== nodeUid) return `node ${node} UID mismatch: expected ${owner.uid} got ${nodeUid}`
  try {
    const referenced = apiReference(pod)
    return referenced && `${who} can not create pods that reference ${referenced}`
  } catch (err) {
    if (!(err instanceof UnknownSource)) throw err
    return `error checking mirror pod for API references: ${err.message}`
  }
}

class UnknownSource extends Error {
  override readonly name = 'UnknownSource'
}

/** What of the API the pod refers to, in words. Throws UnknownSource for a volume of no known kind. */
function apiReference({ metadata, spec }: Pod): string | undefined {
  if (spec.serviceAccountName) return 'serviceaccounts'
  // Other pods are asked about for what they give access to, which mirror pods do not.
  const { annotations: _annotations, ...meta } = metadata
  const referenced = [...referencesOf({ metadata: meta, spec } as Pod)]
  const kind = ['secrets', 'configmaps'].find((one) => referenced.some((key) => key.startsWith(`${one}/`)))
  if (kind) return kind
  if (spec.resourceClaims?.length) return 'resourceclaims'
  for (const volume of spec.volumes ?? []) {
    const words = volumeReference(volume)
    if (words) return words
  }
  return undefined
}

/** Kinds of volumes that need nothing of the API. */
const FREE = [
  'awsElasticBlockStore',
  'azureDisk',
  'cephfs',
  'cinder',
  'downwardAPI',
  'emptyDir',
  'fc',
  'flexVolume',
  'flocker',
  'gcePersistentDisk',
  'gitRepo',
  'hostPath',
  'image',
  'iscsi',
  'nfs',
  'photonPersistentDisk',
  'portworxVolume',
  'quobyte',
  'rbd',
  'scaleIO',
  'storageos',
  'vsphereVolume',
] as const

const BOUND = {
  configMap: 'configmaps (via configmap volumes)',
  secret: 'secrets (via secret volumes)',
  csi: 'csidrivers (via CSI volumes)',
  glusterfs: 'endpoints (via glusterFS volumes)',
  persistentVolumeClaim: 'persistentvolumeclaims',
  ephemeral: 'persistentvolumeclaims (via ephemeral volumes)',
  azureFile: 'secrets (via azureFile volumes)',
} as const

const PROJECTED = {
  configMap: 'configmaps (via projected volumes)',
  secret: 'secrets (via projected volumes)',
  serviceAccountToken: 'serviceaccounts (via projected volumes)',
  clusterTrustBundle: 'clustertrustbundles',
  podCertificate: 'podcertificates',
} as const

function volumeReference(volume: Volume): string | undefined {
  if (FREE.some((kind) => volume[kind])) return undefined
  const bound = wordsFor(BOUND, volume)
  if (bound) return bound
  if (!volume.projected) throw new UnknownSource(`unknown volume type for volume  ${JSON.stringify(volume.name)}`)
  for (const source of volume.projected.sources ?? []) {
    const projected = wordsFor(PROJECTED, source)
    if (projected) return projected
    if (!source.downwardAPI)
      throw new UnknownSource(`unknown source for projected volume ${JSON.stringify(volume.name)}`)
  }
  return undefined
}

const wordsFor = (table: Readonly<Record<string, string>>, source: object) =>
  Object.entries(table).find(([kind]) => (source as Record<string, unknown>)[kind])?.[1]
