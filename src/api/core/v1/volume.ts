/** @@HEAD core/v1/volume.ts */
import { embedded, f, type Infer, message } from '#api/schema.ts'
import { LocalObjectReference, ObjectFieldSelector, ObjectReference, PersistentVolumeClaimSpec, ResourceFieldSelector, SecretReference } from './shared.ts'
import { LabelSelector, ObjectMeta } from '#api/meta/v1.ts'

export const AWSElasticBlockStoreVolumeSource = message('core.v1.AWSElasticBlockStoreVolumeSource', '', {
  volumeID: f.string(1, '').required(),
  fsType: f.string(2, ''),
  partition: f.int32(3, ''),
  readOnly: f.bool(4, ''),
})
export interface AWSElasticBlockStoreVolumeSource extends Infer<typeof AWSElasticBlockStoreVolumeSource> {}

export const AzureDiskVolumeSource = message('core.v1.AzureDiskVolumeSource', '', {
  diskName: f.string(1, '').required(),
  diskURI: f.string(2, '').required(),
  cachingMode: f.string(3, ''),
  fsType: f.string(4, ''),
  readOnly: f.bool(5, ''),
  kind: f.string(6, ''),
})
export interface AzureDiskVolumeSource extends Infer<typeof AzureDiskVolumeSource> {}

export const AzureFilePersistentVolumeSource = message('core.v1.AzureFilePersistentVolumeSource', '', {
  secretName: f.string(1, '').required(),
  shareName: f.string(2, '').required(),
  readOnly: f.bool(3, ''),
  secretNamespace: f.string(4, ''),
})
export interface AzureFilePersistentVolumeSource extends Infer<typeof AzureFilePersistentVolumeSource> {}

export const AzureFileVolumeSource = message('core.v1.AzureFileVolumeSource', '', {
  secretName: f.string(1, '').required(),
  shareName: f.string(2, '').required(),
  readOnly: f.bool(3, ''),
})
export interface AzureFileVolumeSource extends Infer<typeof AzureFileVolumeSource> {}

export const CSIPersistentVolumeSource = message('core.v1.CSIPersistentVolumeSource', '', {
  driver: f.string(1, '').required(),
  volumeHandle: f.string(2, '').required(),
  readOnly: f.bool(3, ''),
  fsType: f.string(4, ''),
  volumeAttributes: f.mapOf('string', 5, ''),
  controllerPublishSecretRef: f.message(SecretReference, 6, ''),
  nodeStageSecretRef: f.message(SecretReference, 7, ''),
  nodePublishSecretRef: f.message(SecretReference, 8, ''),
  controllerExpandSecretRef: f.message(SecretReference, 9, ''),
  nodeExpandSecretRef: f.message(SecretReference, 10, ''),
})
export interface CSIPersistentVolumeSource extends Infer<typeof CSIPersistentVolumeSource> {}

export const CSIVolumeSource = message('core.v1.CSIVolumeSource', '', {
  driver: f.string(1, '').required(),
  readOnly: f.bool(2, ''),
  fsType: f.string(3, ''),
  volumeAttributes: f.mapOf('string', 4, ''),
  nodePublishSecretRef: f.message(LocalObjectReference, 5, ''),
})
export interface CSIVolumeSource extends Infer<typeof CSIVolumeSource> {}

export const CephFSPersistentVolumeSource = message('core.v1.CephFSPersistentVolumeSource', '', {
  monitors: f.list('string', 1, '').required().atomic(),
  path: f.string(2, ''),
  user: f.string(3, ''),
  secretFile: f.string(4, ''),
  secretRef: f.message(SecretReference, 5, ''),
  readOnly: f.bool(6, ''),
})
export interface CephFSPersistentVolumeSource extends Infer<typeof CephFSPersistentVolumeSource> {}

export const CephFSVolumeSource = message('core.v1.CephFSVolumeSource', '', {
  monitors: f.list('string', 1, '').required().atomic(),
  path: f.string(2, ''),
  user: f.string(3, ''),
  secretFile: f.string(4, ''),
  secretRef: f.message(LocalObjectReference, 5, ''),
  readOnly: f.bool(6, ''),
})
export interface CephFSVolumeSource extends Infer<typeof CephFSVolumeSource> {}

export const CinderPersistentVolumeSource = message('core.v1.CinderPersistentVolumeSource', '', {
  volumeID: f.string(1, '').required(),
  fsType: f.string(2, ''),
  readOnly: f.bool(3, ''),
  secretRef: f.message(SecretReference, 4, ''),
})
export interface CinderPersistentVolumeSource extends Infer<typeof CinderPersistentVolumeSource> {}

export const CinderVolumeSource = message('core.v1.CinderVolumeSource', '', {
  volumeID: f.string(1, '').required(),
  fsType: f.string(2, ''),
  readOnly: f.bool(3, ''),
  secretRef: f.message(LocalObjectReference, 4, ''),
})
export interface CinderVolumeSource extends Infer<typeof CinderVolumeSource> {}

export const ClusterTrustBundleProjection = message('core.v1.ClusterTrustBundleProjection', '', {
  name: f.string(1, ''),
  signerName: f.string(2, ''),
  labelSelector: f.message(LabelSelector, 3, ''),
  path: f.string(4, '').required(),
  optional: f.bool(5, ''),
})
export interface ClusterTrustBundleProjection extends Infer<typeof ClusterTrustBundleProjection> {}

export const KeyToPath = message('core.v1.KeyToPath', '', {
  key: f.string(1, '').required(),
  path: f.string(2, '').required(),
  mode: f.int32(3, ''),
})
export interface KeyToPath extends Infer<typeof KeyToPath> {}

export const ConfigMapProjection = message('core.v1.ConfigMapProjection', '', {
  items: f.list(KeyToPath, 2, '').atomic(),
  optional: f.bool(4, ''),
  ...embedded(1, {
    name: f.string(1, ''),
  }),
})
export interface ConfigMapProjection extends Infer<typeof ConfigMapProjection> {}

export const ConfigMapVolumeSource = message('core.v1.ConfigMapVolumeSource', '', {
  items: f.list(KeyToPath, 2, '').atomic(),
  defaultMode: f.int32(3, ''),
  optional: f.bool(4, ''),
  ...embedded(1, {
    name: f.string(1, ''),
  }),
})
export interface ConfigMapVolumeSource extends Infer<typeof ConfigMapVolumeSource> {}

export const DownwardAPIVolumeFile = message('core.v1.DownwardAPIVolumeFile', '', {
  path: f.string(1, '').required(),
  fieldRef: f.message(ObjectFieldSelector, 2, ''),
  resourceFieldRef: f.message(ResourceFieldSelector, 3, ''),
  mode: f.int32(4, ''),
})
export interface DownwardAPIVolumeFile extends Infer<typeof DownwardAPIVolumeFile> {}

export const DownwardAPIProjection = message('core.v1.DownwardAPIProjection', '', {
  items: f.list(DownwardAPIVolumeFile, 1, '').atomic(),
})
export interface DownwardAPIProjection extends Infer<typeof DownwardAPIProjection> {}

export const DownwardAPIVolumeSource = message('core.v1.DownwardAPIVolumeSource', '', {
  items: f.list(DownwardAPIVolumeFile, 1, '').atomic(),
  defaultMode: f.int32(2, ''),
})
export interface DownwardAPIVolumeSource extends Infer<typeof DownwardAPIVolumeSource> {}

export const EmptyDirVolumeSource = message('core.v1.EmptyDirVolumeSource', '', {
  medium: f.string(1, ''),
  sizeLimit: f.quantity(2, ''),
})
export interface EmptyDirVolumeSource extends Infer<typeof EmptyDirVolumeSource> {}

export const PersistentVolumeClaimTemplate = message('core.v1.PersistentVolumeClaimTemplate', '', {
  metadata: f.message(ObjectMeta, 1, ''),
  spec: f.message(PersistentVolumeClaimSpec, 2, '').required(),
})
export interface PersistentVolumeClaimTemplate extends Infer<typeof PersistentVolumeClaimTemplate> {}

export const EphemeralVolumeSource = message('core.v1.EphemeralVolumeSource', '', {
  volumeClaimTemplate: f.message(PersistentVolumeClaimTemplate, 1, ''),
})
export interface EphemeralVolumeSource extends Infer<typeof EphemeralVolumeSource> {}

export const FCVolumeSource = message('core.v1.FCVolumeSource', '', {
  targetWWNs: f.list('string', 1, '').atomic(),
  lun: f.int32(2, ''),
  fsType: f.string(3, ''),
  readOnly: f.bool(4, ''),
  wwids: f.list('string', 5, '').atomic(),
})
export interface FCVolumeSource extends Infer<typeof FCVolumeSource> {}

export const FlexPersistentVolumeSource = message('core.v1.FlexPersistentVolumeSource', '', {
  driver: f.string(1, '').required(),
  fsType: f.string(2, ''),
  secretRef: f.message(SecretReference, 3, ''),
  readOnly: f.bool(4, ''),
  options: f.mapOf('string', 5, ''),
})
export interface FlexPersistentVolumeSource extends Infer<typeof FlexPersistentVolumeSource> {}

export const FlexVolumeSource = message('core.v1.FlexVolumeSource', '', {
  driver: f.string(1, '').required(),
  fsType: f.string(2, ''),
  secretRef: f.message(LocalObjectReference, 3, ''),
  readOnly: f.bool(4, ''),
  options: f.mapOf('string', 5, ''),
})
export interface FlexVolumeSource extends Infer<typeof FlexVolumeSource> {}

export const FlockerVolumeSource = message('core.v1.FlockerVolumeSource', '', {
  datasetName: f.string(1, ''),
  datasetUUID: f.string(2, ''),
})
export interface FlockerVolumeSource extends Infer<typeof FlockerVolumeSource> {}

export const GCEPersistentDiskVolumeSource = message('core.v1.GCEPersistentDiskVolumeSource', '', {
  pdName: f.string(1, '').required(),
  fsType: f.string(2, ''),
  partition: f.int32(3, ''),
  readOnly: f.bool(4, ''),
})
export interface GCEPersistentDiskVolumeSource extends Infer<typeof GCEPersistentDiskVolumeSource> {}

export const GitRepoVolumeSource = message('core.v1.GitRepoVolumeSource', '', {
  repository: f.string(1, '').required(),
  revision: f.string(2, ''),
  directory: f.string(3, ''),
})
export interface GitRepoVolumeSource extends Infer<typeof GitRepoVolumeSource> {}

export const GlusterfsPersistentVolumeSource = message('core.v1.GlusterfsPersistentVolumeSource', '', {
  endpoints: f.string(1, '').required(),
  path: f.string(2, '').required(),
  readOnly: f.bool(3, ''),
  endpointsNamespace: f.string(4, ''),
})
export interface GlusterfsPersistentVolumeSource extends Infer<typeof GlusterfsPersistentVolumeSource> {}

export const GlusterfsVolumeSource = message('core.v1.GlusterfsVolumeSource', '', {
  endpoints: f.string(1, '').required(),
  path: f.string(2, '').required(),
  readOnly: f.bool(3, ''),
})
export interface GlusterfsVolumeSource extends Infer<typeof GlusterfsVolumeSource> {}

export const HostPathVolumeSource = message('core.v1.HostPathVolumeSource', '', {
  path: f.string(1, '').required(),
  type: f.string(2, ''),
})
export interface HostPathVolumeSource extends Infer<typeof HostPathVolumeSource> {}

export const ISCSIPersistentVolumeSource = message('core.v1.ISCSIPersistentVolumeSource', '', {
  targetPortal: f.string(1, '').required(),
  iqn: f.string(2, '').required(),
  lun: f.int32(3, '').required(),
  iscsiInterface: f.string(4, ''),
  fsType: f.string(5, ''),
  readOnly: f.bool(6, ''),
  portals: f.list('string', 7, '').atomic(),
  chapAuthDiscovery: f.bool(8, ''),
  secretRef: f.message(SecretReference, 10, ''),
  chapAuthSession: f.bool(11, ''),
  initiatorName: f.string(12, ''),
})
export interface ISCSIPersistentVolumeSource extends Infer<typeof ISCSIPersistentVolumeSource> {}

export const ISCSIVolumeSource = message('core.v1.ISCSIVolumeSource', '', {
  targetPortal: f.string(1, '').required(),
  iqn: f.string(2, '').required(),
  lun: f.int32(3, '').required(),
  iscsiInterface: f.string(4, ''),
  fsType: f.string(5, ''),
  readOnly: f.bool(6, ''),
  portals: f.list('string', 7, '').atomic(),
  chapAuthDiscovery: f.bool(8, ''),
  secretRef: f.message(LocalObjectReference, 10, ''),
  chapAuthSession: f.bool(11, ''),
  initiatorName: f.string(12, ''),
})
export interface ISCSIVolumeSource extends Infer<typeof ISCSIVolumeSource> {}

export const ImageVolumeSource = message('core.v1.ImageVolumeSource', '', {
  reference: f.string(1, ''),
  pullPolicy: f.string(2, ''),
})
export interface ImageVolumeSource extends Infer<typeof ImageVolumeSource> {}

export const LocalVolumeSource = message('core.v1.LocalVolumeSource', '', {
  path: f.string(1, '').required(),
  fsType: f.string(2, ''),
})
export interface LocalVolumeSource extends Infer<typeof LocalVolumeSource> {}

export const NFSVolumeSource = message('core.v1.NFSVolumeSource', '', {
  server: f.string(1, '').required(),
  path: f.string(2, '').required(),
  readOnly: f.bool(3, ''),
})
export interface NFSVolumeSource extends Infer<typeof NFSVolumeSource> {}

export const PersistentVolumeClaimVolumeSource = message('core.v1.PersistentVolumeClaimVolumeSource', '', {
  claimName: f.string(1, '').required(),
  readOnly: f.bool(2, ''),
})
export interface PersistentVolumeClaimVolumeSource extends Infer<typeof PersistentVolumeClaimVolumeSource> {}

export const PhotonPersistentDiskVolumeSource = message('core.v1.PhotonPersistentDiskVolumeSource', '', {
  pdID: f.string(1, '').required(),
  fsType: f.string(2, ''),
})
export interface PhotonPersistentDiskVolumeSource extends Infer<typeof PhotonPersistentDiskVolumeSource> {}

export const PodCertificateProjection = message('core.v1.PodCertificateProjection', '', {
  signerName: f.string(1, '').required(),
  keyType: f.string(2, '').required(),
  maxExpirationSeconds: f.int32(3, ''),
  credentialBundlePath: f.string(4, ''),
  keyPath: f.string(5, ''),
  certificateChainPath: f.string(6, ''),
  userAnnotations: f.mapOf('string', 7, ''),
})
export interface PodCertificateProjection extends Infer<typeof PodCertificateProjection> {}

export const PortworxVolumeSource = message('core.v1.PortworxVolumeSource', '', {
  volumeID: f.string(1, '').required(),
  fsType: f.string(2, ''),
  readOnly: f.bool(3, ''),
})
export interface PortworxVolumeSource extends Infer<typeof PortworxVolumeSource> {}

export const SecretProjection = message('core.v1.SecretProjection', '', {
  items: f.list(KeyToPath, 2, '').atomic(),
  optional: f.bool(4, ''),
  ...embedded(1, {
    name: f.string(1, ''),
  }),
})
export interface SecretProjection extends Infer<typeof SecretProjection> {}

export const ServiceAccountTokenProjection = message('core.v1.ServiceAccountTokenProjection', '', {
  audience: f.string(1, ''),
  expirationSeconds: f.int64(2, ''),
  path: f.string(3, '').required(),
})
export interface ServiceAccountTokenProjection extends Infer<typeof ServiceAccountTokenProjection> {}

export const VolumeProjection = message('core.v1.VolumeProjection', '', {
  secret: f.message(SecretProjection, 1, ''),
  downwardAPI: f.message(DownwardAPIProjection, 2, ''),
  configMap: f.message(ConfigMapProjection, 3, ''),
  serviceAccountToken: f.message(ServiceAccountTokenProjection, 4, ''),
  clusterTrustBundle: f.message(ClusterTrustBundleProjection, 5, ''),
  podCertificate: f.message(PodCertificateProjection, 6, ''),
})
export interface VolumeProjection extends Infer<typeof VolumeProjection> {}

export const ProjectedVolumeSource = message('core.v1.ProjectedVolumeSource', '', {
  sources: f.list(VolumeProjection, 1, '').atomic(),
  defaultMode: f.int32(2, ''),
})
export interface ProjectedVolumeSource extends Infer<typeof ProjectedVolumeSource> {}

export const QuobyteVolumeSource = message('core.v1.QuobyteVolumeSource', '', {
  registry: f.string(1, '').required(),
  volume: f.string(2, '').required(),
  readOnly: f.bool(3, ''),
  user: f.string(4, ''),
  group: f.string(5, ''),
  tenant: f.string(6, ''),
})
export interface QuobyteVolumeSource extends Infer<typeof QuobyteVolumeSource> {}

export const RBDPersistentVolumeSource = message('core.v1.RBDPersistentVolumeSource', '', {
  monitors: f.list('string', 1, '').required().atomic(),
  image: f.string(2, '').required(),
  fsType: f.string(3, ''),
  pool: f.string(4, ''),
  user: f.string(5, ''),
  keyring: f.string(6, ''),
  secretRef: f.message(SecretReference, 7, ''),
  readOnly: f.bool(8, ''),
})
export interface RBDPersistentVolumeSource extends Infer<typeof RBDPersistentVolumeSource> {}

export const RBDVolumeSource = message('core.v1.RBDVolumeSource', '', {
  monitors: f.list('string', 1, '').required().atomic(),
  image: f.string(2, '').required(),
  fsType: f.string(3, ''),
  pool: f.string(4, ''),
  user: f.string(5, ''),
  keyring: f.string(6, ''),
  secretRef: f.message(LocalObjectReference, 7, ''),
  readOnly: f.bool(8, ''),
})
export interface RBDVolumeSource extends Infer<typeof RBDVolumeSource> {}

export const ScaleIOPersistentVolumeSource = message('core.v1.ScaleIOPersistentVolumeSource', '', {
  gateway: f.string(1, '').required(),
  system: f.string(2, '').required(),
  secretRef: f.message(SecretReference, 3, '').required(),
  sslEnabled: f.bool(4, ''),
  protectionDomain: f.string(5, ''),
  storagePool: f.string(6, ''),
  storageMode: f.string(7, ''),
  volumeName: f.string(8, ''),
  fsType: f.string(9, ''),
  readOnly: f.bool(10, ''),
})
export interface ScaleIOPersistentVolumeSource extends Infer<typeof ScaleIOPersistentVolumeSource> {}

export const ScaleIOVolumeSource = message('core.v1.ScaleIOVolumeSource', '', {
  gateway: f.string(1, '').required(),
  system: f.string(2, '').required(),
  secretRef: f.message(LocalObjectReference, 3, '').required(),
  sslEnabled: f.bool(4, ''),
  protectionDomain: f.string(5, ''),
  storagePool: f.string(6, ''),
  storageMode: f.string(7, ''),
  volumeName: f.string(8, ''),
  fsType: f.string(9, ''),
  readOnly: f.bool(10, ''),
})
export interface ScaleIOVolumeSource extends Infer<typeof ScaleIOVolumeSource> {}

export const SecretVolumeSource = message('core.v1.SecretVolumeSource', '', {
  secretName: f.string(1, ''),
  items: f.list(KeyToPath, 2, '').atomic(),
  defaultMode: f.int32(3, ''),
  optional: f.bool(4, ''),
})
export interface SecretVolumeSource extends Infer<typeof SecretVolumeSource> {}

export const StorageOSPersistentVolumeSource = message('core.v1.StorageOSPersistentVolumeSource', '', {
  volumeName: f.string(1, ''),
  volumeNamespace: f.string(2, ''),
  fsType: f.string(3, ''),
  readOnly: f.bool(4, ''),
  secretRef: f.message(ObjectReference, 5, ''),
})
export interface StorageOSPersistentVolumeSource extends Infer<typeof StorageOSPersistentVolumeSource> {}

export const StorageOSVolumeSource = message('core.v1.StorageOSVolumeSource', '', {
  volumeName: f.string(1, ''),
  volumeNamespace: f.string(2, ''),
  fsType: f.string(3, ''),
  readOnly: f.bool(4, ''),
  secretRef: f.message(LocalObjectReference, 5, ''),
})
export interface StorageOSVolumeSource extends Infer<typeof StorageOSVolumeSource> {}

export const VsphereVirtualDiskVolumeSource = message('core.v1.VsphereVirtualDiskVolumeSource', '', {
  volumePath: f.string(1, '').required(),
  fsType: f.string(2, ''),
  storagePolicyName: f.string(3, ''),
  storagePolicyID: f.string(4, ''),
})
export interface VsphereVirtualDiskVolumeSource extends Infer<typeof VsphereVirtualDiskVolumeSource> {}

export const Volume = message('core.v1.Volume', '', {
  name: f.string(1, '').required(),
  ...embedded(2, {
    hostPath: f.message(HostPathVolumeSource, 1, ''),
    emptyDir: f.message(EmptyDirVolumeSource, 2, ''),
    gcePersistentDisk: f.message(GCEPersistentDiskVolumeSource, 3, ''),
    awsElasticBlockStore: f.message(AWSElasticBlockStoreVolumeSource, 4, ''),
    gitRepo: f.message(GitRepoVolumeSource, 5, ''),
    secret: f.message(SecretVolumeSource, 6, ''),
    nfs: f.message(NFSVolumeSource, 7, ''),
    iscsi: f.message(ISCSIVolumeSource, 8, ''),
    glusterfs: f.message(GlusterfsVolumeSource, 9, ''),
    persistentVolumeClaim: f.message(PersistentVolumeClaimVolumeSource, 10, ''),
    rbd: f.message(RBDVolumeSource, 11, ''),
    flexVolume: f.message(FlexVolumeSource, 12, ''),
    cinder: f.message(CinderVolumeSource, 13, ''),
    cephfs: f.message(CephFSVolumeSource, 14, ''),
    flocker: f.message(FlockerVolumeSource, 15, ''),
    downwardAPI: f.message(DownwardAPIVolumeSource, 16, ''),
    fc: f.message(FCVolumeSource, 17, ''),
    azureFile: f.message(AzureFileVolumeSource, 18, ''),
    configMap: f.message(ConfigMapVolumeSource, 19, ''),
    vsphereVolume: f.message(VsphereVirtualDiskVolumeSource, 20, ''),
    quobyte: f.message(QuobyteVolumeSource, 21, ''),
    azureDisk: f.message(AzureDiskVolumeSource, 22, ''),
    photonPersistentDisk: f.message(PhotonPersistentDiskVolumeSource, 23, ''),
    portworxVolume: f.message(PortworxVolumeSource, 24, ''),
    scaleIO: f.message(ScaleIOVolumeSource, 25, ''),
    projected: f.message(ProjectedVolumeSource, 26, ''),
    storageos: f.message(StorageOSVolumeSource, 27, ''),
    csi: f.message(CSIVolumeSource, 28, ''),
    ephemeral: f.message(EphemeralVolumeSource, 29, ''),
    image: f.message(ImageVolumeSource, 30, ''),
  }),
})
export interface Volume extends Infer<typeof Volume> {}
