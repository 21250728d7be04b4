/** Rows of nodes, namespaces, configuration, storage and events. Upstream: `printNode` and its like. */
import { ComponentStatus } from '#api/core/v1/component-status.ts'
import { ConfigMap, Secret, ServiceAccount } from '#api/core/v1/config.ts'
import { Event } from '#api/core/v1/event.ts'
import { Namespace, ResourceQuota } from '#api/core/v1/namespace.ts'
import { Node } from '#api/core/v1/node.ts'
import { PersistentVolume, PersistentVolumeClaim } from '#api/core/v1/persistent-volume.ts'
import { conditionOf } from '#machinery/conditions.ts'
import { since } from './human-duration.ts'
import { AGE, age, boolean, column, integer, NAME, type Printed, printer, wide } from './printer.ts'
import {
  CSIDriver,
  CSINode,
  CSIStorageCapacity,
  StorageClass,
  VolumeAttachment,
  VolumeAttributesClass,
} from '#api/storage/v1.ts'

export const namespacePrinter = printer(Namespace, {
  columns: [NAME, column('Status', 'Whether the namespace is in use or on its way out.'), AGE],
  cells: (namespace, now) => [namespace.metadata.name, namespace.status?.phase ?? '', age(namespace, now)],
})

const ROLE_PREFIX = 'node-role.kubernetes.io/'
const ROLE_LABEL = 'kubernetes.io/role'

export const nodePrinter = printer(Node, {
  columns: [
    NAME,
    column('Status', 'Whether the node is ready, and open to new pods.'),
    column('Roles', 'Roles of the node, taken from its labels.'),
    AGE,
    column('Version', 'status.nodeInfo.kubeletVersion'),
    wide('Internal-IP', 'status.addresses'),
    wide('External-IP', 'status.addresses'),
    wide('OS-Image', 'status.nodeInfo.osImage'),
    wide('Kernel-Version', 'status.nodeInfo.kernelVersion'),
    wide('Container-Runtime', 'status.nodeInfo.containerRuntimeVersion'),
  ],
  cells(node, now) {
    const info = node.status?.nodeInfo ?? {}
    const architecture = info.architecture ? ` (${info.architecture})` : ''
    return [
      node.metadata.name,
      nodeState(node),
      nodeRoles(node.metadata.labels ?? {}),
      age(node, now),
      info.kubeletVersion ?? '',
      addressOf(node, 'InternalIP'),
      addressOf(node, 'ExternalIP'),
      info.osImage || '<unknown>',
      `${info.kernelVersion || '<unknown>'}${architecture}`,
      info.containerRuntimeVersion || '<unknown>',
    ]
  },
})

function nodeState({ spec, status = {} }: Printed): string {
  const ready = conditionOf(status.conditions, 'Ready')
  const state = ready === undefined ? 'Unknown' : ready.status === 'True' ? 'Ready' : 'NotReady'
  return spec?.unschedulable ? `${state},SchedulingDisabled` : state
}

function nodeRoles(labels: Record<string, string>): string {
  const roles = Object.entries(labels).flatMap(([key, value]) =>
    key.startsWith(ROLE_PREFIX) ? [key.slice(ROLE_PREFIX.length)] : key === ROLE_LABEL ? [value] : [],
  )
  return [...new Set(roles.filter(Boolean))].toSorted().join(',') || '<none>'
}

const addressOf = ({ status = {} }: Printed, type: string) =>
  (status.addresses ?? []).find((address: { type: string }) => address.type === type)?.address ?? '<none>'

export const configMapPrinter = printer(ConfigMap, {
  columns: [NAME, column('Data', 'data'), AGE],
  cells: (map, now) => [map.metadata.name, size(map.data) + size(map.binaryData), age(map, now)],
})

export const secretPrinter = printer(Secret, {
  columns: [NAME, column('Type', 'type'), column('Data', 'data'), AGE],
  cells: (secret, now) => [secret.metadata.name, secret.type ?? '', size(secret.data), age(secret, now)],
})

const size = (map: object | undefined) => Object.keys(map ?? {}).length

export const serviceAccountPrinter = printer(ServiceAccount, {
  columns: [NAME, AGE],
  cells: (account, now) => [account.metadata.name, age(account, now)],
})

const access: readonly (readonly [string, string])[] = [
  ['ReadWriteOnce', 'RWO'],
  ['ReadOnlyMany', 'ROX'],
  ['ReadWriteMany', 'RWX'],
  ['ReadWriteOncePod', 'RWOP'],
]
const accessText = (modes: readonly string[] = []) =>
  access
    .filter(([mode]) => modes.includes(mode))
    .map(([, short]) => short)
    .join(',')

const CLASS_ANNOTATION = 'volume.beta.kubernetes.io/storage-class'
const classOf = ({ metadata, spec }: Printed) => metadata.annotations?.[CLASS_ANNOTATION] ?? spec.storageClassName ?? ''
const phaseOf = ({ metadata, status = {} }: Printed) =>
  metadata.deletionTimestamp ? 'Terminating' : (status.phase ?? '')

export const persistentVolumePrinter = printer(PersistentVolume, {
  columns: [
    NAME,
    column('Capacity', 'spec.capacity'),
    column('Access Modes', 'spec.accessModes'),
    column('Reclaim Policy', 'spec.persistentVolumeReclaimPolicy'),
    column('Status', 'status.phase'),
    column('Claim', 'spec.claimRef'),
    column('StorageClass', 'spec.storageClassName'),
    column('VolumeAttributesClass', 'spec.volumeAttributesClassName'),
    column('Reason', 'status.reason'),
    AGE,
    wide('VolumeMode', 'spec.volumeMode'),
  ],
  cells(volume, now) {
    const { spec, status = {} } = volume
    return [
      volume.metadata.name,
      spec.capacity?.storage ?? '0',
      accessText(spec.accessModes),
      spec.persistentVolumeReclaimPolicy ?? '',
      phaseOf(volume),
      spec.claimRef ? `${spec.claimRef.namespace ?? ''}/${spec.claimRef.name ?? ''}` : '',
      classOf(volume),
      spec.volumeAttributesClassName ?? '<unset>',
      status.reason ?? '',
      age(volume, now),
      spec.volumeMode ?? '<unset>',
    ]
  },
})

export const persistentVolumeClaimPrinter = printer(PersistentVolumeClaim, {
  columns: [
    NAME,
    column('Status', 'status.phase'),
    column('Volume', 'spec.volumeName'),
    column('Capacity', 'status.capacity'),
    column('Access Modes', 'status.accessModes'),
    column('StorageClass', 'spec.storageClassName'),
    column('VolumeAttributesClass', 'spec.volumeAttributesClassName'),
    AGE,
    wide('VolumeMode', 'spec.volumeMode'),
  ],
  cells(claim, now) {
    const { spec, status = {} } = claim
    return [
      claim.metadata.name,
      phaseOf(claim),
      spec.volumeName ?? '',
      spec.volumeName ? (status.capacity?.storage ?? '0') : '',
      spec.volumeName ? accessText(status.accessModes) : '',
      classOf(claim),
      spec.volumeAttributesClassName ?? '<unset>',
      age(claim, now),
      spec.volumeMode ?? '<unset>',
    ]
  },
})

const defaultClassAnnotations = [
  'storageclass.kubernetes.io/is-default-class',
  'storageclass.beta.kubernetes.io/is-default-class',
]

export const storageClassPrinter = printer(StorageClass, {
  columns: [
    NAME,
    column('Provisioner', 'provisioner'),
    column('ReclaimPolicy', 'reclaimPolicy'),
    column('VolumeBindingMode', 'volumeBindingMode'),
    column('AllowVolumeExpansion', 'allowVolumeExpansion'),
    AGE,
  ],
  cells(storageClass, now) {
    const { metadata } = storageClass
    const isDefault = defaultClassAnnotations.some((annotation) => metadata.annotations?.[annotation] === 'true')
    return [
      isDefault ? `${metadata.name} (default)` : metadata.name,
      storageClass.provisioner,
      storageClass.reclaimPolicy ?? 'Delete',
      storageClass.volumeBindingMode ?? 'Immediate',
      storageClass.allowVolumeExpansion ?? false,
      age(storageClass, now),
    ]
  },
})

export const volumeAttributesClassPrinter = printer(VolumeAttributesClass, {
  columns: [NAME, column('DriverName', 'driverName'), AGE],
  cells: (attributes, now) => [attributes.metadata.name, attributes.driverName, age(attributes, now)],
})

export const volumeAttachmentPrinter = printer(VolumeAttachment, {
  columns: [
    NAME,
    column('Attacher', 'spec.attacher', { format: 'name' }),
    column('PV', 'spec.source.persistentVolumeName'),
    column('Node', 'spec.nodeName'),
    boolean('Attached', 'status.attached'),
    AGE,
  ],
  cells: (attachment, now) => [
    attachment.metadata.name,
    attachment.spec.attacher,
    attachment.spec.source?.persistentVolumeName ?? '',
    attachment.spec.nodeName,
    attachment.status?.attached ?? false,
    age(attachment, now),
  ],
})

export const csiNodePrinter = printer(CSINode, {
  columns: [NAME, integer('Drivers', 'Number of CSI drivers on the node.'), AGE],
  cells: (node, now) => [node.metadata.name, (node.spec.drivers ?? []).length, age(node, now)],
})

export const csiDriverPrinter = printer(CSIDriver, {
  columns: [
    NAME,
    boolean('AttachRequired', 'spec.attachRequired'),
    boolean('PodInfoOnMount', 'spec.podInfoOnMount'),
    boolean('StorageCapacity', 'spec.storageCapacity'),
    column('TokenRequests', 'spec.tokenRequests'),
    boolean('RequiresRepublish', 'spec.requiresRepublish'),
    column('Modes', 'spec.volumeLifecycleModes'),
    AGE,
  ],
  cells(driver, now) {
    const { spec } = driver
    return [
      driver.metadata.name,
      spec.attachRequired ?? true,
      spec.podInfoOnMount ?? false,
      spec.storageCapacity ?? false,
      spec.tokenRequests?.map(({ audience }: { audience: string }) => audience).join(',') ?? '<unset>',
      spec.requiresRepublish ?? false,
      (spec.volumeLifecycleModes ?? []).join(',') || '<none>',
      age(driver, now),
    ]
  },
})

export const csiStorageCapacityPrinter = printer(CSIStorageCapacity, {
  columns: [NAME, column('StorageClassName', 'storageClassName'), column('Capacity', 'capacity')],
  cells: (capacity) => [capacity.metadata.name, capacity.storageClassName, capacity.capacity ?? '<unset>'],
})

export const resourceQuotaPrinter = printer(ResourceQuota, {
  columns: [
    NAME,
    column('Request', 'Requests and counts of objects: used and allowed.'),
    column('Limit', 'Limits: used and allowed.'),
    AGE,
  ],
  cells(quota, now) {
    const { hard = {}, used = {} } = quota.status ?? {}
    const lines = (isLimit: boolean) =>
      Object.keys(hard)
        .filter((resource) => resource.startsWith('limits.') === isLimit)
        .toSorted()
        .map((resource) => `${resource}: ${used[resource] ?? '0'}/${hard[resource]}`)
        .join(', ')
    return [quota.metadata.name, lines(false), lines(true), age(quota, now)]
  },
})

export const componentStatusPrinter = printer(ComponentStatus, {
  columns: [
    NAME,
    column('Status', 'Whether the component is healthy.'),
    column('Message', 'What the component says of its health.'),
    column('Error', 'What went wrong when its health was asked for.'),
  ],
  cells({ metadata, conditions }) {
    const healthy = (conditions ?? []).find((condition: { type: string }) => condition.type === 'Healthy')
    const status = healthy === undefined ? 'Unknown' : healthy.status === 'True' ? 'Healthy' : 'Unhealthy'
    return [metadata.name, status, healthy?.message ?? '', healthy?.error ?? '']
  },
})

/** Works on both forms of an event: core/v1 and events.k8s.io/v1, whose old fields have names of their own. */
export const eventPrinter = printer(Event, {
  columns: [
    column('Last Seen', 'lastTimestamp'),
    column('Type', 'type'),
    column('Reason', 'reason'),
    column('Object', 'involvedObject'),
    wide('Subobject', 'involvedObject.fieldPath'),
    wide('Source', 'source'),
    column('Message', 'message'),
    wide('First Seen', 'firstTimestamp'),
    wide('Count', 'count'),
    wide('Name', 'metadata.name', { format: 'name' }),
  ],
  cells(event, now) {
    const about = event.involvedObject ?? event.regarding ?? {}
    const source = event.source ?? event.deprecatedSource ?? {}
    const first = since(event.firstTimestamp ?? event.deprecatedFirstTimestamp ?? event.eventTime, now)
    const lastTime = event.series?.lastObservedTime ?? event.lastTimestamp ?? event.deprecatedLastTimestamp
    const component = source.component || (event.reportingComponent ?? event.reportingController ?? '')
    const instance = source.host || (event.reportingInstance ?? '')
    const kind = (about.kind ?? '').toLowerCase()
    return [
      lastTime ? since(lastTime, now) : first,
      event.type ?? '',
      event.reason ?? '',
      about.name ? `${kind}/${about.name}` : kind,
      about.fieldPath ?? '',
      instance ? `${component}, ${instance}` : component,
      (event.message ?? event.note ?? '').trim(),
      first,
      event.series?.count ?? ((event.count ?? event.deprecatedCount) || 1),
      event.metadata.name,
    ]
  },
})
