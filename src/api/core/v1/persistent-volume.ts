/**
 * PersistentVolume, a piece of storage in the cluster, and PersistentVolumeClaim, the request for one. The spec of
 * a claim lives in shared.ts, because pods embed it too.
 */
import { kind } from '#api/kind.ts'
import { embedded, f, type Infer, message } from '#api/schema.ts'
import { NodeSelector, ObjectReference, PersistentVolumeClaimSpec } from './shared.ts'
import {
  AWSElasticBlockStoreVolumeSource,
  AzureDiskVolumeSource,
  AzureFilePersistentVolumeSource,
  CSIPersistentVolumeSource,
  CephFSPersistentVolumeSource,
  CinderPersistentVolumeSource,
  FCVolumeSource,
  FlexPersistentVolumeSource,
  FlockerVolumeSource,
  GCEPersistentDiskVolumeSource,
  GlusterfsPersistentVolumeSource,
  HostPathVolumeSource,
  ISCSIPersistentVolumeSource,
  LocalVolumeSource,
  NFSVolumeSource,
  PhotonPersistentDiskVolumeSource,
  PortworxVolumeSource,
  QuobyteVolumeSource,
  RBDPersistentVolumeSource,
  ScaleIOPersistentVolumeSource,
  StorageOSPersistentVolumeSource,
  VsphereVirtualDiskVolumeSource,
} from './volume.ts'

export const ModifyVolumeStatus = message(
  'core.v1.ModifyVolumeStatus',
  'Progress of a change to another VolumeAttributesClass.',
  {
    targetVolumeAttributesClassName: f.string(1, 'VolumeAttributesClass that the volume is being changed to.'),
    status: f
      .string(2, 'How the change stands: Pending, InProgress or Infeasible.')
      .required()
      .oneOf('InProgress', 'Infeasible', 'Pending'),
  },
)
export interface ModifyVolumeStatus extends Infer<typeof ModifyVolumeStatus> {}

export const VolumeNodeAffinity = message('core.v1.VolumeNodeAffinity', 'From which nodes a volume can be reached.', {
  required: f.message(NodeSelector, 1, 'Nodes that can reach the volume; pods using it run only there.'),
})
export interface VolumeNodeAffinity extends Infer<typeof VolumeNodeAffinity> {}

export const PersistentVolumeSpec = message(
  'core.v1.PersistentVolumeSpec',
  'What a persistent volume is, who may use it, and where it is stored.',
  {
    capacity: f.mapOf('quantity', 1, 'Size of the volume, under the resource name storage.'),
    accessModes: f
      .list('string', 3, 'Ways to mount it: ReadWriteOnce, ReadOnlyMany, ReadWriteMany or ReadWriteOncePod.')
      .atomic()
      .oneOf('ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'),
    claimRef: f.message(ObjectReference, 4, 'Claim that this volume is bound to, or reserved for.').granular(),
    persistentVolumeReclaimPolicy: f
      .string(5, 'What happens after release: Retain, Delete or Recycle; default Retain when created by hand.')
      .oneOf('Delete', 'Recycle', 'Retain'),
    storageClassName: f.string(6, 'StorageClass of this volume; empty means it has none.'),
    mountOptions: f.list('string', 7, 'Mount options such as ro or soft; not checked beforehand.').atomic(),
    volumeMode: f
      .string(8, 'Whether pods see a directory or a raw device: Filesystem or Block; default Filesystem.')
      .pointer()
      .oneOf('Block', 'Filesystem'),
    nodeAffinity: f.message(VolumeNodeAffinity, 9, 'From which nodes the volume can be reached; default is all.'),
    volumeAttributesClassName: f
      .string(10, 'VolumeAttributesClass applied to this volume; empty means none.')
      .pointer(),
    ...embedded(2, {
      gcePersistentDisk: f.message(
        GCEPersistentDiskVolumeSource,
        1,
        'Volume is a Google Compute Engine disk. Deprecated; handled by its CSI driver.',
      ),
      awsElasticBlockStore: f.message(
        AWSElasticBlockStoreVolumeSource,
        2,
        'Volume is an AWS EBS disk. Deprecated; handled by its CSI driver.',
      ),
      hostPath: f.message(
        HostPathVolumeSource,
        3,
        'Volume is a directory on the node; for tests on a single node only.',
      ),
      glusterfs: f.message(
        GlusterfsPersistentVolumeSource,
        4,
        'Volume is a GlusterFS volume. Deprecated and no longer supported.',
      ),
      nfs: f.message(NFSVolumeSource, 5, 'Volume is an export of an NFS server.'),
      rbd: f.message(
        RBDPersistentVolumeSource,
        6,
        'Volume is a Ceph block device. Deprecated and no longer supported.',
      ),
      iscsi: f.message(ISCSIPersistentVolumeSource, 7, 'Volume is a disk of an iSCSI target.'),
      cinder: f.message(
        CinderPersistentVolumeSource,
        8,
        'Volume is an OpenStack Cinder disk. Deprecated; handled by its CSI driver.',
      ),
      cephfs: f.message(
        CephFSPersistentVolumeSource,
        9,
        'Volume is a Ceph file system. Deprecated and no longer supported.',
      ),
      fc: f.message(FCVolumeSource, 10, 'Volume is a Fibre Channel disk.'),
      flocker: f.message(FlockerVolumeSource, 11, 'Volume is a Flocker dataset. Deprecated and no longer supported.'),
      flexVolume: f.message(
        FlexPersistentVolumeSource,
        12,
        'Volume is provided by a FlexVolume plugin. Deprecated; use a CSI driver.',
      ),
      azureFile: f.message(
        AzureFilePersistentVolumeSource,
        13,
        'Volume is an Azure Files share. Deprecated; handled by its CSI driver.',
      ),
      vsphereVolume: f.message(
        VsphereVirtualDiskVolumeSource,
        14,
        'Volume is a vSphere virtual disk. Deprecated; handled by its CSI driver.',
      ),
      quobyte: f.message(QuobyteVolumeSource, 15, 'Volume is a Quobyte volume. Deprecated and no longer supported.'),
      azureDisk: f.message(
        AzureDiskVolumeSource,
        16,
        'Volume is an Azure data disk. Deprecated; handled by its CSI driver.',
      ),
      photonPersistentDisk: f.message(
        PhotonPersistentDiskVolumeSource,
        17,
        'Volume is a Photon Controller disk. Deprecated and no longer supported.',
      ),
      portworxVolume: f.message(
        PortworxVolumeSource,
        18,
        'Volume is a Portworx volume. Deprecated; handled by its CSI driver.',
      ),
      scaleIO: f.message(
        ScaleIOPersistentVolumeSource,
        19,
        'Volume is a ScaleIO volume. Deprecated and no longer supported.',
      ),
      local: f.message(LocalVolumeSource, 20, 'Volume is a disk, partition or directory attached to one node.'),
      storageos: f.message(
        StorageOSPersistentVolumeSource,
        21,
        'Volume is a StorageOS volume. Deprecated and no longer supported.',
      ),
      csi: f.message(CSIPersistentVolumeSource, 22, 'Volume is provided by a CSI driver.'),
    }),
  },
)
export interface PersistentVolumeSpec extends Infer<typeof PersistentVolumeSpec> {}

export const PersistentVolumeStatus = message(
  'core.v1.PersistentVolumeStatus',
  'Where a persistent volume is in its life.',
  {
    phase: f
      .string(1, 'Stage of life: Pending, Available, Bound, Released or Failed.')
      .oneOf('Available', 'Bound', 'Failed', 'Pending', 'Released')
      .default('Pending'),
    message: f.string(2, 'Human-readable explanation of the current phase.'),
    reason: f.string(3, 'Short CamelCase cause of a failure.'),
    lastPhaseTransitionTime: f.time(4, 'When the volume last moved to another phase.'),
  },
)
export interface PersistentVolumeStatus extends Infer<typeof PersistentVolumeStatus> {}

export const PersistentVolume = kind(
  '',
  'v1',
  'PersistentVolume',
  'A piece of storage in the cluster that outlives the pods using it.',
  {
    spec: f.message(PersistentVolumeSpec, 2, 'What the volume is and how it may be used.').present(),
    status: f.message(PersistentVolumeStatus, 3, 'What the system reports about the volume.').present(),
  },
)
export interface PersistentVolume extends Infer<typeof PersistentVolume> {}

export const PersistentVolumeClaimCondition = message(
  'core.v1.PersistentVolumeClaimCondition',
  'One observation about a claim, mostly about resizing or modification.',
  {
    type: f.string(1, 'What is observed, such as Resizing, FileSystemResizePending or ModifyingVolume.').required(),
    status: f.string(2, 'Whether the condition holds: True, False or Unknown.').required(),
    lastProbeTime: f.time(3, 'When the condition was last checked.'),
    lastTransitionTime: f.time(4, 'When the status of this condition last changed.'),
    reason: f.string(5, 'Short machine-readable cause of the last change, in CamelCase.'),
    message: f.string(6, 'Human-readable details about the last change.'),
  },
)
export interface PersistentVolumeClaimCondition extends Infer<typeof PersistentVolumeClaimCondition> {}

export const PersistentVolumeClaimStatus = message(
  'core.v1.PersistentVolumeClaimStatus',
  'What a claim has been given, and any change under way.',
  {
    phase: f
      .string(1, 'Whether the claim has its volume: Pending, Bound or Lost.')
      .oneOf('Bound', 'Lost', 'Pending')
      .default('Pending'),
    accessModes: f
      .list('string', 2, 'Access modes of the volume behind the claim.')
      .atomic()
      .oneOf('ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'),
    capacity: f.mapOf('quantity', 3, 'Actual size of the volume behind the claim, under the resource name storage.'),
    conditions: f
      .list(PersistentVolumeClaimCondition, 4, 'Latest observations about the claim, at most one per type.')
      .map('type')
      .merge('type'),
    allocatedResources: f.mapOf(
      'quantity',
      5,
      'Size being grown to, by resource name; the larger counts against quota.',
    ),
    allocatedResourceStatuses: f
      .mapOf(
        'string',
        7,
        'Progress of resizing by resource name, such as ControllerResizeInProgress or NodeResizePending.',
      )
      .granular()
      .oneOf(
        'ControllerResizeInProgress',
        'ControllerResizeInfeasible',
        'NodeResizeInProgress',
        'NodeResizeInfeasible',
        'NodeResizePending',
      ),
    currentVolumeAttributesClassName: f
      .string(8, 'VolumeAttributesClass the volume has now; absent when it has none.')
      .pointer(),
    modifyVolumeStatus: f.message(
      ModifyVolumeStatus,
      9,
      'Change of VolumeAttributesClass under way; absent when there is none.',
    ),
  },
)
export interface PersistentVolumeClaimStatus extends Infer<typeof PersistentVolumeClaimStatus> {}

export const PersistentVolumeClaim = kind(
  '',
  'v1',
  'PersistentVolumeClaim',
  'A request for storage, which binds to a persistent volume.',
  {
    spec: f.message(PersistentVolumeClaimSpec, 2, 'What storage is asked for.').present(),
    status: f.message(PersistentVolumeClaimStatus, 3, 'What has been given, and any change under way.').present(),
  },
)
export interface PersistentVolumeClaim extends Infer<typeof PersistentVolumeClaim> {}
