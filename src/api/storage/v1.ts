/**
 * Storage classes and what CSI needs: CSIDriver, CSINode, CSIStorageCapacity, VolumeAttachment and
 * VolumeAttributesClass. The volumes themselves are in core/v1.
 */
import { kind } from '#api/kind.ts'
import { f, type Infer, message } from '#api/schema.ts'
import { PersistentVolumeSpec } from '#api/core/v1/persistent-volume.ts'
import { TopologySelectorTerm } from '#api/core/v1/shared.ts'
import { LabelSelector } from '#api/meta/v1.ts'

export const TokenRequest = message(
  'storage.v1.TokenRequest',
  'A service account token that a CSI driver wants to get.',
  {
    audience: f.string(1, 'Who the token is meant for; empty means the API server.').required(),
    expirationSeconds: f.int64(2, 'Lifetime of the token in seconds, at least 600; default 3600.').pointer(),
  },
)
export interface TokenRequest extends Infer<typeof TokenRequest> {}

export const CSIDriverSpec = message('storage.v1.CSIDriverSpec', 'What a CSI driver can do and what it expects.', {
  attachRequired: f
    .bool(1, 'Whether volumes must be attached before they are mounted; default true.')
    .pointer()
    .default(true),
  podInfoOnMount: f
    .bool(2, 'Whether the driver is told about the pod when mounting; default false.')
    .pointer()
    .default(false),
  volumeLifecycleModes: f
    .list('string', 3, 'Kinds of volume that it supports: Persistent (default) and Ephemeral.')
    .set(),
  storageCapacity: f
    .bool(4, 'Whether pods are scheduled by the capacity the driver publishes; default false.')
    .pointer()
    .default(false),
  fsGroupPolicy: f
    .string(5, 'Whether volume ownership follows fsGroup: ReadWriteOnceWithFSType (default), File or None.')
    .pointer()
    .default('ReadWriteOnceWithFSType'),
  tokenRequests: f
    .list(TokenRequest, 6, 'Tokens of the service account of the pod that the driver wants when mounting.')
    .atomic(),
  requiresRepublish: f
    .bool(7, 'Whether to call NodePublishVolume repeatedly to refresh a mounted volume; default false.')
    .pointer()
    .default(false),
  seLinuxMount: f
    .bool(8, 'Whether the driver can mount with an SELinux context option; default false.')
    .pointer()
    .default(false),
  nodeAllocatableUpdatePeriodSeconds: f
    .int64(9, 'Seconds between updates of volume limits in CSINode, at least 10; default none.')
    .pointer(),
  serviceAccountTokenInSecrets: f
    .bool(10, 'True passes tokens as secrets rather than in the volume context; needs tokenRequests.')
    .pointer(),
  preventPodSchedulingIfMissing: f
    .bool(11, 'True keeps pods that need the driver off nodes without it; default false.')
    .pointer(),
})
export interface CSIDriverSpec extends Infer<typeof CSIDriverSpec> {}

export const CSIDriver = kind(
  'storage.k8s.io',
  'v1',
  'CSIDriver',
  'Describes a CSI driver in the cluster; named as the driver is.',
  {
    spec: f.message(CSIDriverSpec, 2, 'What the driver can do and expects.').required().present(),
  },
)
export interface CSIDriver extends Infer<typeof CSIDriver> {}

export const VolumeNodeResources = message('storage.v1.VolumeNodeResources', 'How many volumes a node can take.', {
  count: f.int32(1, 'Largest number of volumes of the driver on the node; if unset, no limit.').pointer(),
})
export interface VolumeNodeResources extends Infer<typeof VolumeNodeResources> {}

export const CSINodeDriver = message('storage.v1.CSINodeDriver', 'A CSI driver that is installed on a node.', {
  name: f.string(1, 'Name of the driver, as in its CSIDriver object.').required(),
  nodeID: f.string(2, 'Name of the node from the point of view of the driver.').required(),
  topologyKeys: f.list('string', 3, 'Node labels by which the driver tells where volumes can be reached.').atomic(),
  allocatable: f.message(VolumeNodeResources, 4, 'How many volumes of the driver the node can take.'),
})
export interface CSINodeDriver extends Infer<typeof CSINodeDriver> {}

export const CSINodeSpec = message('storage.v1.CSINodeSpec', 'CSI drivers of a node.', {
  drivers: f.list(CSINodeDriver, 1, 'Drivers that are installed on the node.').required().map('name').merge('name'),
})
export interface CSINodeSpec extends Infer<typeof CSINodeSpec> {}

export const CSINode = kind(
  'storage.k8s.io',
  'v1',
  'CSINode',
  'CSI drivers that are installed on a node; named as the node is.',
  {
    spec: f.message(CSINodeSpec, 2, 'The drivers and their details.').required().present(),
  },
)
export interface CSINode extends Infer<typeof CSINode> {}

export const CSIStorageCapacity = kind(
  'storage.k8s.io',
  'v1',
  'CSIStorageCapacity',
  'Storage that is available for a class in one part of the cluster.',
  {
    nodeTopology: f.message(LabelSelector, 2, 'Nodes that can reach the storage; if unset, none can.'),
    storageClassName: f.string(3, 'StorageClass that the figures are for; cannot be changed.').required(),
    capacity: f.quantity(4, 'Space that is available, as last reported; if unset, unknown.'),
    maximumVolumeSize: f.quantity(5, 'Largest volume that can be created; if unset, unknown.'),
  },
)
export interface CSIStorageCapacity extends Infer<typeof CSIStorageCapacity> {}

export const StorageClass = kind(
  'storage.k8s.io',
  'v1',
  'StorageClass',
  'A kind of storage that volumes can be created from on demand.',
  {
    provisioner: f.string(2, 'Name of the driver that creates the volumes; cannot be changed.').required(),
    parameters: f.mapOf('string', 3, 'Settings for the provisioner, whose meaning it defines; cannot be changed.'),
    reclaimPolicy: f
      .string(4, 'What happens to released volumes: Delete (default) or Retain.')
      .pointer()
      .oneOf('Delete', 'Recycle', 'Retain')
      .default('Delete'),
    mountOptions: f.list('string', 5, 'Mount options for the volumes; they are not checked beforehand.').atomic(),
    allowVolumeExpansion: f.bool(6, 'Whether volumes can be made larger by changing their claims.').pointer(),
    volumeBindingMode: f
      .string(7, 'Immediate (default), or WaitForFirstConsumer to bind once a pod needs the volume.')
      .pointer()
      .oneOf('Immediate', 'WaitForFirstConsumer')
      .default('Immediate'),
    allowedTopologies: f.list(TopologySelectorTerm, 8, 'Where volumes may be created; empty means anywhere.').atomic(),
  },
)
export interface StorageClass extends Infer<typeof StorageClass> {}

export const VolumeAttachmentSource = message(
  'storage.v1.VolumeAttachmentSource',
  'Volume to attach; exactly one field is set.',
  {
    persistentVolumeName: f.string(1, 'Name of the PersistentVolume to attach.').pointer(),
    inlineVolumeSpec: f.message(
      PersistentVolumeSpec,
      2,
      'Volume of a pod in translated form; only used for CSI migration.',
    ),
  },
)
export interface VolumeAttachmentSource extends Infer<typeof VolumeAttachmentSource> {}

export const VolumeAttachmentSpec = message(
  'storage.v1.VolumeAttachmentSpec',
  'What is to be attached where, and by whom; cannot be changed.',
  {
    attacher: f.string(1, 'Name of the driver that has to attach the volume.').required(),
    source: f.message(VolumeAttachmentSource, 2, 'Volume that is to be attached.').required().present(),
    nodeName: f.string(3, 'Node that the volume is to be attached to.').required(),
  },
)
export interface VolumeAttachmentSpec extends Infer<typeof VolumeAttachmentSpec> {}

export const VolumeError = message('storage.v1.VolumeError', 'Problem met while attaching or detaching a volume.', {
  time: f.time(1, 'When the problem was met.'),
  message: f.string(2, 'Description of the problem; should not hold secrets.'),
  errorCode: f.int32(3, 'gRPC error code from the CSI driver, if there is one.').pointer(),
})
export interface VolumeError extends Infer<typeof VolumeError> {}

export const VolumeAttachmentStatus = message('storage.v1.VolumeAttachmentStatus', 'Whether a volume is attached.', {
  attached: f.bool(1, 'Whether the volume is attached now; written by the attacher.').required(),
  attachmentMetadata: f.mapOf('string', 2, 'Details from attaching that are needed to mount the volume.'),
  attachError: f.message(VolumeError, 3, 'Last problem met while attaching.'),
  detachError: f.message(VolumeError, 4, 'Last problem met while detaching.'),
})
export interface VolumeAttachmentStatus extends Infer<typeof VolumeAttachmentStatus> {}

export const VolumeAttachment = kind(
  'storage.k8s.io',
  'v1',
  'VolumeAttachment',
  'Asks to attach a volume to a node, or to detach it when deleted.',
  {
    spec: f.message(VolumeAttachmentSpec, 2, 'What is to be attached where.').required().present(),
    status: f.message(VolumeAttachmentStatus, 3, 'Whether it is attached; written by the attacher.').present(),
  },
)
export interface VolumeAttachment extends Infer<typeof VolumeAttachment> {}

export const VolumeAttributesClass = kind(
  'storage.k8s.io',
  'v1',
  'VolumeAttributesClass',
  'Changeable volume settings, such as performance, that claims choose by name.',
  {
    driverName: f.string(2, 'Name of the CSI driver the settings are for; cannot be changed.').required(),
    parameters: f.mapOf('string', 3, 'Settings for the driver, at least one; cannot be changed.'),
  },
)
export interface VolumeAttributesClass extends Infer<typeof VolumeAttributesClass> {}
