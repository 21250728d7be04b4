/** @@HEAD core/v1/persistent-volume.ts */
import { kind } from '#api/kind.ts'
import { embedded, f, type Infer, message } from '#api/schema.ts'
import { NodeSelector, ObjectReference, PersistentVolumeClaimSpec } from './shared.ts'
import { AWSElasticBlockStoreVolumeSource, AzureDiskVolumeSource, AzureFilePersistentVolumeSource, CSIPersistentVolumeSource, CephFSPersistentVolumeSource, CinderPersistentVolumeSource, FCVolumeSource, FlexPersistentVolumeSource, FlockerVolumeSource, GCEPersistentDiskVolumeSource, GlusterfsPersistentVolumeSource, HostPathVolumeSource, ISCSIPersistentVolumeSource, LocalVolumeSource, NFSVolumeSource, PhotonPersistentDiskVolumeSource, PortworxVolumeSource, QuobyteVolumeSource, RBDPersistentVolumeSource, ScaleIOPersistentVolumeSource, StorageOSPersistentVolumeSource, VsphereVirtualDiskVolumeSource } from './volume.ts'

export const ModifyVolumeStatus = message('core.v1.ModifyVolumeStatus', '', {
  targetVolumeAttributesClassName: f.string(1, ''),
  status: f.string(2, '').required(),
})
export interface ModifyVolumeStatus extends Infer<typeof ModifyVolumeStatus> {}

export const VolumeNodeAffinity = message('core.v1.VolumeNodeAffinity', '', {
  required: f.message(NodeSelector, 1, ''),
})
export interface VolumeNodeAffinity extends Infer<typeof VolumeNodeAffinity> {}

export const PersistentVolumeSpec = message('core.v1.PersistentVolumeSpec', '', {
  capacity: f.mapOf('quantity', 1, ''),
  accessModes: f.list('string', 3, '').atomic(),
  claimRef: f.message(ObjectReference, 4, '').granular(),
  persistentVolumeReclaimPolicy: f.string(5, ''),
  storageClassName: f.string(6, ''),
  mountOptions: f.list('string', 7, '').atomic(),
  volumeMode: f.string(8, ''),
  nodeAffinity: f.message(VolumeNodeAffinity, 9, ''),
  volumeAttributesClassName: f.string(10, ''),
  ...embedded(2, {
    gcePersistentDisk: f.message(GCEPersistentDiskVolumeSource, 1, ''),
    awsElasticBlockStore: f.message(AWSElasticBlockStoreVolumeSource, 2, ''),
    hostPath: f.message(HostPathVolumeSource, 3, ''),
    glusterfs: f.message(GlusterfsPersistentVolumeSource, 4, ''),
    nfs: f.message(NFSVolumeSource, 5, ''),
    rbd: f.message(RBDPersistentVolumeSource, 6, ''),
    iscsi: f.message(ISCSIPersistentVolumeSource, 7, ''),
    cinder: f.message(CinderPersistentVolumeSource, 8, ''),
    cephfs: f.message(CephFSPersistentVolumeSource, 9, ''),
    fc: f.message(FCVolumeSource, 10, ''),
    flocker: f.message(FlockerVolumeSource, 11, ''),
    flexVolume: f.message(FlexPersistentVolumeSource, 12, ''),
    azureFile: f.message(AzureFilePersistentVolumeSource, 13, ''),
    vsphereVolume: f.message(VsphereVirtualDiskVolumeSource, 14, ''),
    quobyte: f.message(QuobyteVolumeSource, 15, ''),
    azureDisk: f.message(AzureDiskVolumeSource, 16, ''),
    photonPersistentDisk: f.message(PhotonPersistentDiskVolumeSource, 17, ''),
    portworxVolume: f.message(PortworxVolumeSource, 18, ''),
    scaleIO: f.message(ScaleIOPersistentVolumeSource, 19, ''),
    local: f.message(LocalVolumeSource, 20, ''),
    storageos: f.message(StorageOSPersistentVolumeSource, 21, ''),
    csi: f.message(CSIPersistentVolumeSource, 22, ''),
  }),
})
export interface PersistentVolumeSpec extends Infer<typeof PersistentVolumeSpec> {}

export const PersistentVolumeStatus = message('core.v1.PersistentVolumeStatus', '', {
  phase: f.string(1, ''),
  message: f.string(2, ''),
  reason: f.string(3, ''),
  lastPhaseTransitionTime: f.time(4, ''),
})
export interface PersistentVolumeStatus extends Infer<typeof PersistentVolumeStatus> {}

export const PersistentVolume = kind('', 'v1', 'PersistentVolume', '', {
  spec: f.message(PersistentVolumeSpec, 2, '').present(),
  status: f.message(PersistentVolumeStatus, 3, '').present(),
})
export interface PersistentVolume extends Infer<typeof PersistentVolume> {}

export const PersistentVolumeClaimCondition = message('core.v1.PersistentVolumeClaimCondition', '', {
  type: f.string(1, '').required(),
  status: f.string(2, '').required(),
  lastProbeTime: f.time(3, ''),
  lastTransitionTime: f.time(4, ''),
  reason: f.string(5, ''),
  message: f.string(6, ''),
})
export interface PersistentVolumeClaimCondition extends Infer<typeof PersistentVolumeClaimCondition> {}

export const PersistentVolumeClaimStatus = message('core.v1.PersistentVolumeClaimStatus', '', {
  phase: f.string(1, ''),
  accessModes: f.list('string', 2, '').atomic(),
  capacity: f.mapOf('quantity', 3, ''),
  conditions: f.list(PersistentVolumeClaimCondition, 4, '').map('type').merge('type'),
  allocatedResources: f.mapOf('quantity', 5, ''),
  allocatedResourceStatuses: f.mapOf('string', 7, '').granular(),
  currentVolumeAttributesClassName: f.string(8, ''),
  modifyVolumeStatus: f.message(ModifyVolumeStatus, 9, ''),
})
export interface PersistentVolumeClaimStatus extends Infer<typeof PersistentVolumeClaimStatus> {}

export const PersistentVolumeClaim = kind('', 'v1', 'PersistentVolumeClaim', '', {
  spec: f.message(PersistentVolumeClaimSpec, 2, '').present(),
  status: f.message(PersistentVolumeClaimStatus, 3, '').present(),
})
export interface PersistentVolumeClaim extends Infer<typeof PersistentVolumeClaim> {}
