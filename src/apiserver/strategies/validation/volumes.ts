/**
 * Sources of volumes, as pods and persistent volumes have them: a table of what each kind of source needs. Upstream:
 * `validateVolumeSource`, `ValidatePersistentVolumeSpec` and what they call.
 */
import { dnsLabel, dnsSubdomain } from '#machinery/names.ts'
import { Quantity } from '#machinery/quantity.ts'
import {
  all,
  type Check,
  each,
  fields,
  first,
  maxBytes,
  must,
  named,
  oneOf,
  oneSource,
  type Path,
  type Problems,
  range,
  required,
  strictlyNamed,
} from './check.ts'
import { claimTemplate } from './claims.ts'
import { resourceFieldRef, volumeFieldRef } from './field-refs.ts'
import { absolutePath, descendingPath, fileMode, localPath, noBacksteps } from './paths.ts'

const IQN = /iqn\.\d{4}-\d{2}\.[A-Za-z0-9\-.]+(:[^,;*&$|\s]+)$/
const EUI = /^eui.[A-Za-z0-9]{16}$/
const NAA = /^naa.[A-Za-z0-9]{32}$/
const portalNames: readonly (readonly [string, RegExp])[] = [
  ['iqn', IQN],
  ['eui', EUI],
  ['naa', NAA],
]

const initiator =
  (unknown: string): Check =>
  (value: string, at, to) => {
    const known = portalNames.find(([prefix]) => value.startsWith(prefix))
    if (!known) to.invalid(at, value, unknown)
    else if (!known[1].test(value)) to.invalid(at, value, 'must be valid format')
  }

const iscsi = (unknown: string): Check =>
  all(
    fields({ targetPortal: required, iqn: first(required, initiator(unknown)), lun: range(0, 255) }),
    (source, at, to) => {
      if ((source.chapAuthDiscovery || source.chapAuthSession) && !source.secretRef) to.required(at.at('secretRef'))
      if (source.initiatorName !== undefined) initiator(unknown)(source.initiatorName, at.at('initiatorname'), to)
    },
  )

const keyToPath = fields({ key: required, path: [required, localPath], mode: fileMode })
const items = each(keyToPath)
const secretRefName = fields({ secretRef: fields({ name: required }) })
const secretRefFull = fields({ secretRef: fields({ name: required, namespace: required }) })

/** Of a downward API volume; the list is not part of the path, as upstream has it. */
const downwardFile: Check = (file, at, to) => {
  fields({ path: [required, localPath], mode: fileMode })(file, at, to)
  if (file.fieldRef) {
    volumeFieldRef(file.fieldRef, at.at('fieldRef'), to)
    if (file.resourceFieldRef) {
      to.invalid(at, 'resource', 'fieldRef and resourceFieldRef can not be specified simultaneously')
    }
  } else if (file.resourceFieldRef) resourceFieldRef(true)(file.resourceFieldRef, at.at('resourceFieldRef'), to)
  else to.required(at, 'one of fieldRef and resourceFieldRef is required')
}

const downwardFiles: Check = (source, at, to) => {
  for (const file of source.items ?? []) downwardFile(file, at, to)
}

const flexOptions: Check = (options: Record<string, string>, at, to) => {
  for (const key in options) {
    const domain = `.${(key.includes('/') ? key.split('/')[0]! : key).toLowerCase()}`
    if (domain.endsWith('.kubernetes.io') || domain.endsWith('.k8s.io')) {
      to.invalid(at.key(key), key, 'kubernetes.io and k8s.io namespaces are reserved')
    }
  }
}

/** Upstream counts a driver's name, but compares it in lower case. */
export const csiDriverName: Check = first(
  required,
  all(
    maxBytes(63),
    strictlyNamed((name) => dnsSubdomain(name.toLowerCase())),
  ),
)

const hostPath = fields({
  path: first(required, noBacksteps),
  type: oneOf('', 'BlockDevice', 'CharDevice', 'Directory', 'DirectoryOrCreate', 'File', 'FileOrCreate', 'Socket'),
})
const partition = range(0, 255, 'must be between 1 and 255, inclusive')
const nfs = fields({ server: required, path: [required, absolutePath] })
const glusterfs = fields({ endpoints: required, path: required })

const flocker: Check = ({ datasetName = '', datasetUUID = '' }, at, to) => {
  if (!datasetName && !datasetUUID) to.required(at, 'one of datasetName and datasetUUID is required')
  if (datasetName && datasetUUID) {
    to.invalid(at, 'resource', 'datasetName and datasetUUID can not be specified simultaneously')
  }
  if (datasetName.includes('/')) to.invalid(at.at('datasetName'), datasetName, "must not contain '/'")
}

const PAIRS = 'must be a host:port pair or multiple pairs separated by commas'
const quobyte: Check = ({ registry = '', tenant = '', volume }, at, to) => {
  if (!registry) to.required(at.at('registry'), PAIRS)
  else if (tenant.length >= 65) {
    to.required(at.at('tenant'), 'must be a UUID and may not exceed a length of 64 characters')
  } else {
    for (const pair of registry.split(',')) {
      if (!/^(\[[^\]]*\]|[^:]*):[^:]*$/.test(pair)) to.invalid(at.at('registry'), registry, PAIRS)
    }
  }
  if (!volume) to.required(at.at('volume'))
}

const fc: Check = ({ targetWWNs = [], wwids = [], lun }, at, to) => {
  if (targetWWNs.length === 0 && wwids.length === 0) {
    to.required(at.at('targetWWNs'), 'must specify either targetWWNs or wwids, but not both')
  }
  if (targetWWNs.length > 0 && wwids.length > 0) {
    to.invalid(at.at('targetWWNs'), targetWWNs, 'targetWWNs and wwids can not be specified simultaneously')
  }
  if (targetWWNs.length === 0) return
  if (lun === undefined) to.required(at.at('lun'), 'lun is required if targetWWNs is specified')
  else range(0, 255)(lun, at.at('lun'), to)
}

const BLOB_DISK = 'https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd'
const MANAGED_DISK = '/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}'
const azureDisk = all(
  fields({
    diskName: required,
    diskURI: required,
    cachingMode: oneOf('None', 'ReadOnly', 'ReadWrite'),
    kind: oneOf('Dedicated', 'Managed', 'Shared'),
  }),
  ({ kind, diskURI = '' }, at, to) => {
    const [prefix, example] = kind === 'Managed' ? ['/subscriptions/', MANAGED_DISK] : ['https://', BLOB_DISK]
    if (kind !== undefined && !diskURI.startsWith(prefix)) to.unsupported(at.at('diskURI'), diskURI, [example])
  },
)

const storageos = fields({ volumeName: first(required, named(dnsLabel)), volumeNamespace: named(dnsLabel) })
const scaleIO = fields({ gateway: required, system: required, volumeName: required })
const rbd = fields({ monitors: required, image: required })
const flexVolume = fields({ driver: required, options: flexOptions })

const image =
  (isPod: boolean): Check =>
  (source, at, to) => {
    if (isPod && !source.reference) to.required(at.at('reference'))
    pullPolicy(source.pullPolicy, at.at('pullPolicy'), to)
  }

export const pullPolicy: Check = first(required, oneOf('Always', 'IfNotPresent', 'Never'))

/** What both pods and persistent volumes know under the same name and shape. */
const sharedSources = {
  gcePersistentDisk: fields({ pdName: required, partition }),
  awsElasticBlockStore: fields({ volumeID: required, partition }),
  nfs,
  flocker,
  rbd,
  quobyte,
  fc,
  flexVolume,
  vsphereVolume: fields({ volumePath: required }),
  photonPersistentDisk: fields({ pdID: required }),
  portworxVolume: fields({ volumeID: required }),
  azureDisk,
  scaleIO,
  cephfs: fields({ monitors: required }),
}

const namesInMessages = {
  refusedAs: { cephfs: 'cephFS', downwardAPI: 'downwarAPI' },
  placedAs: { gcePersistentDisk: 'persistentDisk' },
}
const TOO_MANY = 'may not specify more than 1 volume type'

/** Of several sources it is the first of these that counts. */
const podOrder =
  'emptyDir hostPath gitRepo gcePersistentDisk awsElasticBlockStore secret nfs iscsi glusterfs flocker persistentVolumeClaim rbd cinder cephfs quobyte downwardAPI fc flexVolume configMap azureFile vsphereVolume photonPersistentDisk portworxVolume azureDisk storageos projected scaleIO csi ephemeral image'.split(
    ' ',
  )
const persistentOrder =
  'hostPath gcePersistentDisk awsElasticBlockStore glusterfs flocker nfs rbd quobyte cephfs iscsi cinder fc flexVolume azureFile vsphereVolume photonPersistentDisk portworxVolume azureDisk scaleIO local storageos csi'.split(
    ' ',
  )

const podSources = (isPod: boolean): Check =>
  oneSource(
    {
      emptyDir: (source, at, to) => {
        if (source.sizeLimit !== undefined && Quantity.parse(source.sizeLimit).sign < 0) {
          to.forbidden(at.at('sizeLimit'), 'SizeLimit field must be a valid resource quantity')
        }
      },
      hostPath,
      gitRepo: fields({ repository: required, directory: descendingPath }),
      ...sharedSources,
      secret: fields({ secretName: required, defaultMode: fileMode, items }),
      iscsi: iscsi('must be valid format starting with iqn, eui, or naa'),
      glusterfs,
      persistentVolumeClaim: fields({ claimName: required }),
      cinder: all(fields({ volumeID: required }), secretRefName),
      downwardAPI: all(fields({ defaultMode: fileMode }), downwardFiles),
      configMap: fields({ name: required, defaultMode: fileMode, items }),
      azureFile: fields({ secretName: required, shareName: required }),
      storageos: all(storageos, secretRefName),
      projected: all(fields({ defaultMode: fileMode }), projections),
      csi: (source, at, to) => {
        csiDriverName(source.driver, at.at('driver'), to)
        const name = source.nodePublishSecretRef?.name
        if (source.nodePublishSecretRef && !name) to.required(at.at('nodePublishSecretRef', 'name'))
        else if (name) to.each(at.at('name'), name, dnsSubdomain(name))
      },
      ephemeral: fields({ volumeClaimTemplate: [must(), claimTemplate] }),
      image: image(isPod),
    },
    {
      order: podOrder,
      tooMany: TOO_MANY,
      none: (at, to) => to.required(at, 'must specify a volume type'),
      ...namesInMessages,
    },
  )
const sourcesOfPods = podSources(true)
const sourcesOfTemplates = podSources(false)

/** All sources of a projected volume put their files into one directory. */
function projections(volume: { sources?: Record<string, any>[] }, at: Path, to: Problems) {
  const paths = new Set<string>()
  const claim = (path: string | undefined, shown: string) => {
    if (!path) return
    if (paths.has(path)) to.invalid(at, shown, 'conflicting duplicate paths')
    paths.add(path)
  }
  ;(volume.sources ?? []).forEach((source, i) => {
    const place = at.at('sources').index(i)
    for (const kind of ['secret', 'configMap']) {
      const projection = source[kind]
      if (!projection) continue
      fields({ name: required, items })(projection, place.at(kind), to)
      for (const { path } of projection.items ?? []) claim(path, projection.name)
    }
    if (source.downwardAPI) {
      downwardFiles(source.downwardAPI, place.at('downwardAPI'), to)
      for (const { path } of source.downwardAPI.items ?? []) claim(path, path)
    }
    if (source.serviceAccountToken) tokenProjection(source.serviceAccountToken, at, place.at('serviceAccountToken'), to)
    if (Object.keys(source).length > 1) to.forbidden(place, 'may not specify more than 1 volume type per source')
  })
}

const MIN_TOKEN_SECONDS = 600
const MAX_TOKEN_SECONDS = 2 ** 32

/** The path is reported at the volume rather than at the source, as upstream has it. */
function tokenProjection(token: Record<string, any>, volumeAt: Path, at: Path, to: Problems) {
  const seconds = token.expirationSeconds ?? 3600
  if (seconds < MIN_TOKEN_SECONDS) {
    to.invalid(at.at('expirationSeconds'), seconds, 'may not specify a duration less than 10 minutes')
  }
  if (seconds > MAX_TOKEN_SECONDS) {
    to.invalid(at.at('expirationSeconds'), seconds, 'may not specify a duration larger than 2^32 seconds')
  }
  first(required, localPath)(token.path, volumeAt.at('path'), to)
}

type Volume = Record<string, any> & { name: string }

const MAX_ISCSI_NAME = 64

/**
 * Checks the volumes of a pod; the answer is those that are fine, which containers may mount. `podName` is empty for
 * templates, whose pods get names later.
 */
export function checkVolumes(
  volumes: readonly Volume[],
  podName: string,
  isPod: boolean,
  at: Path,
  to: Problems,
): Map<string, Volume> {
  const fine = new Map<string, Volume>()
  const createdClaims = new Set(
    podName ? volumes.filter(({ ephemeral }) => ephemeral).map(({ name }) => `${podName}-${name}`) : [],
  )
  volumes.forEach((volume, i) => {
    const place = at.index(i)
    const before = to.errors.length
    ;(isPod ? sourcesOfPods : sourcesOfTemplates)(volume, place, to)
    const { iscsi: portal } = volume
    if (portal?.initiatorName !== undefined && `${volume.name}:${portal.targetPortal}`.length > MAX_ISCSI_NAME) {
      const why =
        'Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.'
      to.invalid(place.at('name'), volume.name, why)
    }
    if (volume.ephemeral && podName && volume.name) {
      const claim = `${podName}-${volume.name}`
      for (const why of dnsSubdomain(claim)) to.invalid(place.at('name'), volume.name, `PVC name "${claim}": ${why}`)
    }
    first(required, named(dnsLabel))(volume.name, place.at('name'), to)
    if (fine.has(volume.name)) to.duplicate(place.at('name'), volume.name)
    if (to.errors.length === before) fine.set(volume.name, volume)
    const claimName = volume.persistentVolumeClaim?.claimName
    if (createdClaims.has(claimName)) {
      const why = 'must not reference a PVC that gets created for an ephemeral volume'
      to.invalid(place.at('persistentVolumeClaim', 'claimName'), claimName, why)
    }
  })
  return fine
}

const secretReference = fields({
  name: first(required, named(dnsSubdomain)),
  namespace: first(required, named(dnsLabel)),
})

/** Sources of persistent volumes. */
export const persistentSources: Readonly<Record<string, Check>> = {
  hostPath,
  ...sharedSources,
  glusterfs: all(glusterfs, ({ endpointsNamespace }, at, to) => {
    if (endpointsNamespace === undefined) return
    const why = 'if the endpointnamespace is set, it must be a valid namespace name'
    to.each(
      at.at('endpointsNamespace'),
      endpointsNamespace,
      endpointsNamespace === '' ? [why] : dnsLabel(endpointsNamespace),
    )
  }),
  iscsi: all(iscsi('must be valid format'), secretRefName),
  cinder: all(fields({ volumeID: required }), secretRefFull),
  azureFile: fields({
    secretName: required,
    shareName: required,
    secretNamespace: (value, at, to) => value === '' && to.required(at),
  }),
  local: fields({ path: first(required, noBacksteps) }),
  storageos: all(storageos, secretRefFull),
  csi: fields({
    driver: csiDriverName,
    volumeHandle: required,
    controllerPublishSecretRef: secretReference,
    controllerExpandSecretRef: secretReference,
    nodePublishSecretRef: secretReference,
    nodeExpandSecretRef: secretReference,
  }),
}

/** Which of the sources of a persistent volume counts. */
export const persistentSourceOf = (spec: Record<string, unknown>): string | undefined =>
  persistentOrder.find((name) => spec[name] !== undefined)

export const persistentSource = oneSource(persistentSources, {
  order: persistentOrder,
  alsoChecked: ['flexVolume'],
  tooMany: TOO_MANY,
  none: (at, to) => to.required(at, 'must specify a volume type'),
  ...namesInMessages,
})
