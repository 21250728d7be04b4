/** @@HEAD storage/v1.ts */
import { kind } from '#api/kind.ts'
import { f, type Infer, message } from '#api/schema.ts'
import { PersistentVolumeSpec } from '#api/core/v1/persistent-volume.ts'
import { TopologySelectorTerm } from '#api/core/v1/shared.ts'
import { LabelSelector } from '#api/meta/v1.ts'

export const TokenRequest = message('storage.v1.TokenRequest', '', {
  audience: f.string(1, '').required(),
  expirationSeconds: f.int64(2, ''),
})
export interface TokenRequest extends Infer<typeof TokenRequest> {}

export const CSIDriverSpec = message('storage.v1.CSIDriverSpec', '', {
  attachRequired: f.bool(1, ''),
  podInfoOnMount: f.bool(2, ''),
  volumeLifecycleModes: f.list('string', 3, '').set(),
  storageCapacity: f.bool(4, ''),
  fsGroupPolicy: f.string(5, ''),
  tokenRequests: f.list(TokenRequest, 6, '').atomic(),
  requiresRepublish: f.bool(7, ''),
  seLinuxMount: f.bool(8, ''),
  nodeAllocatableUpdatePeriodSeconds: f.int64(9, ''),
  serviceAccountTokenInSecrets: f.bool(10, ''),
  preventPodSchedulingIfMissing: f.bool(11, ''),
})
export interface CSIDriverSpec extends Infer<typeof CSIDriverSpec> {}

export const CSIDriver = kind('storage.k8s.io', 'v1', 'CSIDriver', '', {
  spec: f.message(CSIDriverSpec, 2, '').present(),
})
export interface CSIDriver extends Infer<typeof CSIDriver> {}

export const VolumeNodeResources = message('storage.v1.VolumeNodeResources', '', {
  count: f.int32(1, ''),
})
export interface VolumeNodeResources extends Infer<typeof VolumeNodeResources> {}

export const CSINodeDriver = message('storage.v1.CSINodeDriver', '', {
  name: f.string(1, '').required(),
  nodeID: f.string(2, '').required(),
  topologyKeys: f.list('string', 3, '').atomic(),
  allocatable: f.message(VolumeNodeResources, 4, ''),
})
export interface CSINodeDriver extends Infer<typeof CSINodeDriver> {}

export const CSINodeSpec = message('storage.v1.CSINodeSpec', '', {
  drivers: f.list(CSINodeDriver, 1, '').required().map('name').merge('name'),
})
export interface CSINodeSpec extends Infer<typeof CSINodeSpec> {}

export const CSINode = kind('storage.k8s.io', 'v1', 'CSINode', '', {
  spec: f.message(CSINodeSpec, 2, '').present(),
})
export interface CSINode extends Infer<typeof CSINode> {}

export const CSIStorageCapacity = kind('storage.k8s.io', 'v1', 'CSIStorageCapacity', '', {
  nodeTopology: f.message(LabelSelector, 2, ''),
  storageClassName: f.string(3, '').required(),
  capacity: f.quantity(4, ''),
  maximumVolumeSize: f.quantity(5, ''),
})
export interface CSIStorageCapacity extends Infer<typeof CSIStorageCapacity> {}

export const StorageClass = kind('storage.k8s.io', 'v1', 'StorageClass', '', {
  provisioner: f.string(2, '').required(),
  parameters: f.mapOf('string', 3, ''),
  reclaimPolicy: f.string(4, ''),
  mountOptions: f.list('string', 5, '').atomic(),
  allowVolumeExpansion: f.bool(6, ''),
  volumeBindingMode: f.string(7, ''),
  allowedTopologies: f.list(TopologySelectorTerm, 8, '').atomic(),
})
export interface StorageClass extends Infer<typeof StorageClass> {}

export const VolumeAttachmentSource = message('storage.v1.VolumeAttachmentSource', '', {
  persistentVolumeName: f.string(1, ''),
  inlineVolumeSpec: f.message(PersistentVolumeSpec, 2, ''),
})
export interface VolumeAttachmentSource extends Infer<typeof VolumeAttachmentSource> {}

export const VolumeAttachmentSpec = message('storage.v1.VolumeAttachmentSpec', '', {
  attacher: f.string(1, '').required(),
  source: f.message(VolumeAttachmentSource, 2, '').required(),
  nodeName: f.string(3, '').required(),
})
export interface VolumeAttachmentSpec extends Infer<typeof VolumeAttachmentSpec> {}

export const VolumeError = message('storage.v1.VolumeError', '', {
  time: f.time(1, ''),
  message: f.string(2, ''),
  errorCode: f.int32(3, ''),
})
export interface VolumeError extends Infer<typeof VolumeError> {}

export const VolumeAttachmentStatus = message('storage.v1.VolumeAttachmentStatus', '', {
  attached: f.bool(1, '').required(),
  attachmentMetadata: f.mapOf('string', 2, ''),
  attachError: f.message(VolumeError, 3, ''),
  detachError: f.message(VolumeError, 4, ''),
})
export interface VolumeAttachmentStatus extends Infer<typeof VolumeAttachmentStatus> {}

export const VolumeAttachment = kind('storage.k8s.io', 'v1', 'VolumeAttachment', '', {
  spec: f.message(VolumeAttachmentSpec, 2, '').present(),
  status: f.message(VolumeAttachmentStatus, 3, '').present(),
})
export interface VolumeAttachment extends Infer<typeof VolumeAttachment> {}

export const VolumeAttributesClass = kind('storage.k8s.io', 'v1', 'VolumeAttributesClass', '', {
  driverName: f.string(2, '').required(),
  parameters: f.mapOf('string', 3, ''),
})
export interface VolumeAttributesClass extends Infer<typeof VolumeAttributesClass> {}
