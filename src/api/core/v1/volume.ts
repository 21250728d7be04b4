/**
 * Volumes of a pod and everything that can back one: ConfigMaps, Secrets, projections, CSI and the many storage
 * systems. Sources named PersistentVolumeSource belong to PersistentVolume instead.
 */
import { embedded, f, type Infer, message } from '#api/schema.ts'
import {
  LocalObjectReference,
  ObjectFieldSelector,
  ObjectReference,
  PersistentVolumeClaimSpec,
  ResourceFieldSelector,
  SecretReference,
} from './shared.ts'
import { LabelSelector, ObjectMeta } from '#api/meta/v1.ts'

export const AWSElasticBlockStoreVolumeSource = message(
  'core.v1.AWSElasticBlockStoreVolumeSource',
  'An AWS EBS disk. Deprecated; handled by the ebs.csi.aws.com driver.',
  {
    volumeID: f.string(1, 'Identifier of the disk in AWS.').required(),
    fsType: f.string(2, 'File system to mount, such as ext4 or xfs; default ext4.'),
    partition: f.int32(3, 'Partition to mount; 0 or absent means the whole disk.'),
    readOnly: f.bool(4, 'Whether the disk is mounted read-only; default false.'),
  },
)
export interface AWSElasticBlockStoreVolumeSource extends Infer<typeof AWSElasticBlockStoreVolumeSource> {}

export const AzureDiskVolumeSource = message(
  'core.v1.AzureDiskVolumeSource',
  'An Azure data disk. Deprecated; handled by the disk.csi.azure.com driver.',
  {
    diskName: f.string(1, 'Name of the disk in blob storage.').required(),
    diskURI: f.string(2, 'URI of the disk in Azure.').required(),
    cachingMode: f
      .string(3, 'Host caching of the disk: None, ReadOnly or ReadWrite; default ReadWrite.')
      .pointer()
      .oneOf('None', 'ReadOnly', 'ReadWrite')
      .default('ReadWrite'),
    fsType: f.string(4, 'File system to mount, such as ext4 or ntfs; default ext4.').pointer().default('ext4'),
    readOnly: f.bool(5, 'Whether the disk is mounted read-only; default false.').pointer().default(false),
    kind: f
      .string(6, 'How the disk is stored: Shared, Dedicated or Managed; default Shared.')
      .pointer()
      .oneOf('Dedicated', 'Managed', 'Shared')
      .default('Shared'),
  },
)
export interface AzureDiskVolumeSource extends Infer<typeof AzureDiskVolumeSource> {}

export const AzureFilePersistentVolumeSource = message(
  'core.v1.AzureFilePersistentVolumeSource',
  'An Azure Files share. Deprecated; handled by the file.csi.azure.com driver.',
  {
    secretName: f.string(1, 'Secret with the name and key of the storage account.').required(),
    shareName: f.string(2, 'Name of the Azure share.').required(),
    readOnly: f.bool(3, 'Whether the share is mounted read-only; default false.'),
    secretNamespace: f.string(4, 'Namespace of the secret; default is that of the claim.').pointer(),
  },
)
export interface AzureFilePersistentVolumeSource extends Infer<typeof AzureFilePersistentVolumeSource> {}

export const AzureFileVolumeSource = message(
  'core.v1.AzureFileVolumeSource',
  'An Azure Files share. Deprecated; handled by the file.csi.azure.com driver.',
  {
    secretName: f.string(1, 'Secret with the name and key of the storage account.').required(),
    shareName: f.string(2, 'Name of the Azure share.').required(),
    readOnly: f.bool(3, 'Whether the share is mounted read-only; default false.'),
  },
)
export interface AzureFileVolumeSource extends Infer<typeof AzureFileVolumeSource> {}

export const CSIPersistentVolumeSource = message(
  'core.v1.CSIPersistentVolumeSource',
  'Storage that a CSI driver provides.',
  {
    driver: f.string(1, 'Name of the CSI driver.').required(),
    volumeHandle: f.string(2, 'Identifier of the volume, as returned by the driver on creation.').required(),
    readOnly: f.bool(3, 'Whether the volume is published read-only; default false.'),
    fsType: f.string(4, 'File system to mount, such as ext4 or xfs; default is up to the driver.'),
    volumeAttributes: f.mapOf('string', 5, 'Properties of the volume that are passed to the driver.'),
    controllerPublishSecretRef: f.message(
      SecretReference,
      6,
      'Secret passed to the driver when attaching and detaching.',
    ),
    nodeStageSecretRef: f.message(SecretReference, 7, 'Secret passed to the driver when staging the volume on a node.'),
    nodePublishSecretRef: f.message(
      SecretReference,
      8,
      'Secret passed to the driver when mounting the volume for a pod.',
    ),
    controllerExpandSecretRef: f.message(
      SecretReference,
      9,
      'Secret passed to the driver when growing the volume in the storage system.',
    ),
    nodeExpandSecretRef: f.message(
      SecretReference,
      10,
      'Secret passed to the driver when growing the volume on a node.',
    ),
  },
)
export interface CSIPersistentVolumeSource extends Infer<typeof CSIPersistentVolumeSource> {}

export const CSIVolumeSource = message(
  'core.v1.CSIVolumeSource',
  'A short-lived volume made by a CSI driver for one pod.',
  {
    driver: f.string(1, 'Name of the CSI driver.').required(),
    readOnly: f.bool(2, 'Whether the volume is mounted read-only; default false.').pointer(),
    fsType: f.string(3, 'File system to mount, such as ext4 or xfs; default is up to the driver.').pointer(),
    volumeAttributes: f.mapOf('string', 4, 'Properties passed to the driver; see its documentation.'),
    nodePublishSecretRef: f.message(
      LocalObjectReference,
      5,
      'Secret in the same namespace, passed to the driver when mounting and unmounting.',
    ),
  },
)
export interface CSIVolumeSource extends Infer<typeof CSIVolumeSource> {}

export const CephFSPersistentVolumeSource = message(
  'core.v1.CephFSPersistentVolumeSource',
  'A Ceph file system. Deprecated and no longer supported.',
  {
    monitors: f.list('string', 1, 'Addresses of the Ceph monitors.').required().atomic(),
    path: f.string(2, 'Directory of the file system to mount; default is /.'),
    user: f.string(3, 'Ceph user to connect as; default admin.'),
    secretFile: f.string(4, 'File on the node with the key of the user; default /etc/ceph/user.secret.'),
    secretRef: f.message(SecretReference, 5, 'Secret with the key of the user; takes the place of secretFile.'),
    readOnly: f.bool(6, 'Whether the file system is mounted read-only; default false.'),
  },
)
export interface CephFSPersistentVolumeSource extends Infer<typeof CephFSPersistentVolumeSource> {}

export const CephFSVolumeSource = message(
  'core.v1.CephFSVolumeSource',
  'A Ceph file system. Deprecated and no longer supported.',
  {
    monitors: f.list('string', 1, 'Addresses of the Ceph monitors.').required().atomic(),
    path: f.string(2, 'Directory of the file system to mount; default is /.'),
    user: f.string(3, 'Ceph user to connect as; default admin.'),
    secretFile: f.string(4, 'File on the node with the key of the user; default /etc/ceph/user.secret.'),
    secretRef: f.message(LocalObjectReference, 5, 'Secret with the key of the user; takes the place of secretFile.'),
    readOnly: f.bool(6, 'Whether the file system is mounted read-only; default false.'),
  },
)
export interface CephFSVolumeSource extends Infer<typeof CephFSVolumeSource> {}

export const CinderPersistentVolumeSource = message(
  'core.v1.CinderPersistentVolumeSource',
  'An OpenStack Cinder disk. Deprecated; handled by the cinder.csi.openstack.org driver.',
  {
    volumeID: f.string(1, 'Identifier of the disk in Cinder.').required(),
    fsType: f.string(2, 'File system to mount, such as ext4 or xfs; default ext4.'),
    readOnly: f.bool(3, 'Whether the disk is mounted read-only; default false.'),
    secretRef: f.message(SecretReference, 4, 'Secret with settings for connecting to OpenStack.'),
  },
)
export interface CinderPersistentVolumeSource extends Infer<typeof CinderPersistentVolumeSource> {}

export const CinderVolumeSource = message(
  'core.v1.CinderVolumeSource',
  'An OpenStack Cinder disk. Deprecated; handled by the cinder.csi.openstack.org driver.',
  {
    volumeID: f.string(1, 'Identifier of the disk in Cinder.').required(),
    fsType: f.string(2, 'File system to mount, such as ext4 or xfs; default ext4.'),
    readOnly: f.bool(3, 'Whether the disk is mounted read-only; default false.'),
    secretRef: f.message(LocalObjectReference, 4, 'Secret with settings for connecting to OpenStack.'),
  },
)
export interface CinderVolumeSource extends Infer<typeof CinderVolumeSource> {}

export const ClusterTrustBundleProjection = message(
  'core.v1.ClusterTrustBundleProjection',
  'Writes certificates of cluster trust bundles into a file, in no particular order.',
  {
    name: f.string(1, 'Single bundle to take; not together with signerName.').pointer(),
    signerName: f.string(2, 'Take all bundles of this signer that match the labels; not together with name.').pointer(),
    labelSelector: f.message(
      LabelSelector,
      3,
      'Labels of the bundles to take with signerName; absent matches none, empty matches all.',
    ),
    path: f.string(4, 'File to write, relative to the root of the volume.').required(),
    optional: f.bool(5, 'When true, a missing bundle gives an empty file; default false blocks pod start.').pointer(),
  },
)
export interface ClusterTrustBundleProjection extends Infer<typeof ClusterTrustBundleProjection> {}

export const KeyToPath = message('core.v1.KeyToPath', 'Maps one key to a file in a volume.', {
  key: f.string(1, 'Key whose value is written.').required(),
  path: f.string(2, 'File to write, relative to the root of the volume; must not contain .. parts.').required(),
  mode: f.int32(3, 'Permission bits of the file, 0 to 0777 octal; default is defaultMode of the volume.').pointer(),
})
export interface KeyToPath extends Infer<typeof KeyToPath> {}

export const ConfigMapProjection = message(
  'core.v1.ConfigMapProjection',
  'Writes keys of a ConfigMap as files into a projected volume.',
  {
    items: f.list(KeyToPath, 2, 'Keys to write and their files; default is every key under its own name.').atomic(),
    optional: f.bool(4, 'When true, a missing ConfigMap or key is no error; default false.').pointer(),
    ...embedded(1, {
      name: f.string(1, 'Name of the ConfigMap, in the same namespace.'),
    }),
  },
)
export interface ConfigMapProjection extends Infer<typeof ConfigMapProjection> {}

export const ConfigMapVolumeSource = message(
  'core.v1.ConfigMapVolumeSource',
  'A volume whose files are the keys of a ConfigMap.',
  {
    items: f.list(KeyToPath, 2, 'Keys to write and their files; default is every key under its own name.').atomic(),
    defaultMode: f.int32(3, 'Permission bits of the files, 0 to 0777 octal; default 0644.').pointer().default(0o644),
    optional: f.bool(4, 'When true, a missing ConfigMap or key is no error; default false.').pointer(),
    ...embedded(1, {
      name: f.string(1, 'Name of the ConfigMap, in the same namespace.'),
    }),
  },
)
export interface ConfigMapVolumeSource extends Infer<typeof ConfigMapVolumeSource> {}

export const DownwardAPIVolumeFile = message(
  'core.v1.DownwardAPIVolumeFile',
  'A file with a fact about the pod; exactly one source is set.',
  {
    path: f.string(1, 'File to write, relative to the root of the volume; must not contain .. parts.').required(),
    fieldRef: f.message(ObjectFieldSelector, 2, 'Field of the pod to write, such as its labels or name.'),
    resourceFieldRef: f.message(ResourceFieldSelector, 3, 'Resource limit or request of a container to write.'),
    mode: f.int32(4, 'Permission bits of the file, 0 to 0777 octal; default is defaultMode of the volume.').pointer(),
  },
)
export interface DownwardAPIVolumeFile extends Infer<typeof DownwardAPIVolumeFile> {}

export const DownwardAPIProjection = message(
  'core.v1.DownwardAPIProjection',
  'Writes facts about the pod as files into a projected volume.',
  {
    items: f.list(DownwardAPIVolumeFile, 1, 'Files to write and what goes into them.').atomic(),
  },
)
export interface DownwardAPIProjection extends Infer<typeof DownwardAPIProjection> {}

export const DownwardAPIVolumeSource = message(
  'core.v1.DownwardAPIVolumeSource',
  'A volume whose files tell facts about the pod.',
  {
    items: f.list(DownwardAPIVolumeFile, 1, 'Files to write and what goes into them.').atomic(),
    defaultMode: f.int32(2, 'Permission bits of the files, 0 to 0777 octal; default 0644.').pointer().default(0o644),
  },
)
export interface DownwardAPIVolumeSource extends Infer<typeof DownwardAPIVolumeSource> {}

export const EmptyDirVolumeSource = message(
  'core.v1.EmptyDirVolumeSource',
  'A directory that starts empty and lives as long as the pod.',
  {
    medium: f.string(1, 'Where it is stored: empty for node disk, Memory, or HugePages; default empty.'),
    sizeLimit: f.quantity(2, 'Most storage it may use before the pod is evicted; default no limit.'),
  },
)
export interface EmptyDirVolumeSource extends Infer<typeof EmptyDirVolumeSource> {}

export const PersistentVolumeClaimTemplate = message(
  'core.v1.PersistentVolumeClaimTemplate',
  'Describes the claim made for an ephemeral volume.',
  {
    metadata: f
      .message(ObjectMeta, 1, 'Labels and annotations given to the claim; other metadata is refused.')
      .present(),
    spec: f.message(PersistentVolumeClaimSpec, 2, 'Spec given to the claim, unchanged.').required().present(),
  },
)
export interface PersistentVolumeClaimTemplate extends Infer<typeof PersistentVolumeClaimTemplate> {}

export const EphemeralVolumeSource = message(
  'core.v1.EphemeralVolumeSource',
  'A volume from a claim that is created and deleted with the pod.',
  {
    volumeClaimTemplate: f.message(
      PersistentVolumeClaimTemplate,
      1,
      'Describes the claim, which is named after pod and volume; required; cannot change.',
    ),
  },
)
export interface EphemeralVolumeSource extends Infer<typeof EphemeralVolumeSource> {}

export const FCVolumeSource = message(
  'core.v1.FCVolumeSource',
  'A Fibre Channel disk, found by target and LUN or by WWID.',
  {
    targetWWNs: f.list('string', 1, 'World wide names of the targets; used together with lun.').atomic(),
    lun: f.int32(2, 'Number of the logical unit on the target.').pointer(),
    fsType: f.string(3, 'File system to mount, such as ext4 or xfs; default ext4.'),
    readOnly: f.bool(4, 'Whether the disk is mounted read-only; default false.'),
    wwids: f.list('string', 5, 'World wide identifiers of the disk; instead of targetWWNs and lun.').atomic(),
  },
)
export interface FCVolumeSource extends Infer<typeof FCVolumeSource> {}

export const FlexPersistentVolumeSource = message(
  'core.v1.FlexPersistentVolumeSource',
  'Storage that a FlexVolume plugin provides. Deprecated; use a CSI driver.',
  {
    driver: f.string(1, 'Name of the FlexVolume plugin.').required(),
    fsType: f.string(2, 'File system to mount, such as ext4 or xfs; default is up to the plugin.'),
    secretRef: f.message(SecretReference, 3, 'Secret whose entries are all passed to the plugin.'),
    readOnly: f.bool(4, 'Whether the volume is mounted read-only; default false.'),
    options: f.mapOf('string', 5, 'Extra options for the plugin.'),
  },
)
export interface FlexPersistentVolumeSource extends Infer<typeof FlexPersistentVolumeSource> {}

export const FlexVolumeSource = message(
  'core.v1.FlexVolumeSource',
  'Storage that a FlexVolume plugin provides. Deprecated; use a CSI driver.',
  {
    driver: f.string(1, 'Name of the FlexVolume plugin.').required(),
    fsType: f.string(2, 'File system to mount, such as ext4 or xfs; default is up to the plugin.'),
    secretRef: f.message(LocalObjectReference, 3, 'Secret whose entries are all passed to the plugin.'),
    readOnly: f.bool(4, 'Whether the volume is mounted read-only; default false.'),
    options: f.mapOf('string', 5, 'Extra options for the plugin.'),
  },
)
export interface FlexVolumeSource extends Infer<typeof FlexVolumeSource> {}

export const FlockerVolumeSource = message(
  'core.v1.FlockerVolumeSource',
  'A Flocker dataset. Deprecated and no longer supported.',
  {
    datasetName: f.string(1, 'Name of the dataset. Deprecated; use datasetUUID.'),
    datasetUUID: f.string(2, 'Unique identifier of the dataset in Flocker.'),
  },
)
export interface FlockerVolumeSource extends Infer<typeof FlockerVolumeSource> {}

export const GCEPersistentDiskVolumeSource = message(
  'core.v1.GCEPersistentDiskVolumeSource',
  'A Google Compute Engine disk. Deprecated; handled by the pd.csi.storage.gke.io driver.',
  {
    pdName: f.string(1, 'Name of the disk in Google Compute Engine.').required(),
    fsType: f.string(2, 'File system to mount, such as ext4 or xfs; default ext4.'),
    partition: f.int32(3, 'Partition to mount; 0 or absent means the whole disk.'),
    readOnly: f.bool(4, 'Whether the disk is mounted read-only; default false.'),
  },
)
export interface GCEPersistentDiskVolumeSource extends Infer<typeof GCEPersistentDiskVolumeSource> {}

export const GitRepoVolumeSource = message(
  'core.v1.GitRepoVolumeSource',
  'A clone of a git repository. Deprecated and disabled; use an init container.',
  {
    repository: f.string(1, 'URL of the repository to clone.').required(),
    revision: f.string(2, 'Commit hash to check out; default is the latest.'),
    directory: f.string(3, 'Directory to clone into; a single dot means the volume itself.'),
  },
)
export interface GitRepoVolumeSource extends Infer<typeof GitRepoVolumeSource> {}

export const GlusterfsPersistentVolumeSource = message(
  'core.v1.GlusterfsPersistentVolumeSource',
  'A GlusterFS volume. Deprecated and no longer supported.',
  {
    endpoints: f.string(1, 'Endpoints object that lists the Gluster hosts.').required(),
    path: f.string(2, 'Name of the Gluster volume.').required(),
    readOnly: f.bool(3, 'Whether the volume is mounted read-only; default false.'),
    endpointsNamespace: f.string(4, 'Namespace of the endpoints object; default is that of the claim.').pointer(),
  },
)
export interface GlusterfsPersistentVolumeSource extends Infer<typeof GlusterfsPersistentVolumeSource> {}

export const GlusterfsVolumeSource = message(
  'core.v1.GlusterfsVolumeSource',
  'A GlusterFS volume. Deprecated and no longer supported.',
  {
    endpoints: f.string(1, 'Endpoints object that lists the Gluster hosts.').required(),
    path: f.string(2, 'Name of the Gluster volume.').required(),
    readOnly: f.bool(3, 'Whether the volume is mounted read-only; default false.'),
  },
)
export interface GlusterfsVolumeSource extends Infer<typeof GlusterfsVolumeSource> {}

export const HostPathVolumeSource = message(
  'core.v1.HostPathVolumeSource',
  'A file or directory of the node itself; a security risk for most uses.',
  {
    path: f.string(1, 'Path on the node; symbolic links are followed.').required(),
    type: f
      .string(2, 'What must be there, such as Directory, DirectoryOrCreate, File or Socket; default no check.')
      .pointer()
      .oneOf('', 'BlockDevice', 'CharDevice', 'Directory', 'DirectoryOrCreate', 'File', 'FileOrCreate', 'Socket')
      .default(''),
  },
)
export interface HostPathVolumeSource extends Infer<typeof HostPathVolumeSource> {}

export const ISCSIPersistentVolumeSource = message(
  'core.v1.ISCSIPersistentVolumeSource',
  'A disk of an iSCSI target, mountable for writing by one node only.',
  {
    targetPortal: f.string(1, 'Address of the target, with port unless it is 3260.').required(),
    iqn: f.string(2, 'Qualified name of the iSCSI target.').required(),
    lun: f.int32(3, 'Number of the logical unit on the target.').required(),
    iscsiInterface: f.string(4, 'Initiator interface to use; default is default, which means TCP.').default('default'),
    fsType: f.string(5, 'File system to mount, such as ext4 or xfs; default ext4.'),
    readOnly: f.bool(6, 'Whether the disk is mounted read-only; default false.'),
    portals: f.list('string', 7, 'Further addresses of the target, for multipath use.').atomic(),
    chapAuthDiscovery: f.bool(8, 'Whether discovery uses CHAP authentication; default false.'),
    secretRef: f.message(SecretReference, 10, 'Secret with the CHAP credentials for target and initiator.'),
    chapAuthSession: f.bool(11, 'Whether sessions use CHAP authentication; default false.'),
    initiatorName: f.string(12, 'Own name of the initiator; creates a new interface with it.').pointer(),
  },
)
export interface ISCSIPersistentVolumeSource extends Infer<typeof ISCSIPersistentVolumeSource> {}

export const ISCSIVolumeSource = message(
  'core.v1.ISCSIVolumeSource',
  'A disk of an iSCSI target, mountable for writing by one node only.',
  {
    targetPortal: f.string(1, 'Address of the target, with port unless it is 3260.').required(),
    iqn: f.string(2, 'Qualified name of the iSCSI target.').required(),
    lun: f.int32(3, 'Number of the logical unit on the target.').required(),
    iscsiInterface: f.string(4, 'Initiator interface to use; default is default, which means TCP.').default('default'),
    fsType: f.string(5, 'File system to mount, such as ext4 or xfs; default ext4.'),
    readOnly: f.bool(6, 'Whether the disk is mounted read-only; default false.'),
    portals: f.list('string', 7, 'Further addresses of the target, for multipath use.').atomic(),
    chapAuthDiscovery: f.bool(8, 'Whether discovery uses CHAP authentication; default false.'),
    secretRef: f.message(LocalObjectReference, 10, 'Secret with the CHAP credentials for target and initiator.'),
    chapAuthSession: f.bool(11, 'Whether sessions use CHAP authentication; default false.'),
    initiatorName: f.string(12, 'Own name of the initiator; creates a new interface with it.').pointer(),
  },
)
export interface ISCSIVolumeSource extends Infer<typeof ISCSIVolumeSource> {}

export const ImageVolumeSource = message(
  'core.v1.ImageVolumeSource',
  'A container image or OCI artifact, mounted read-only.',
  {
    reference: f.string(1, 'Image or artifact to mount, written like the image of a container.'),
    pullPolicy: f
      .string(2, 'When to pull: Always, IfNotPresent or Never; default Always for tag latest, else IfNotPresent.')
      .oneOf('Always', 'IfNotPresent', 'Never'),
  },
)
export interface ImageVolumeSource extends Infer<typeof ImageVolumeSource> {}

export const LocalVolumeSource = message(
  'core.v1.LocalVolumeSource',
  'A disk, partition or directory attached to one node.',
  {
    path: f.string(1, 'Path on the node to the device or directory.').required(),
    fsType: f.string(2, 'File system to mount if the path is a block device; default is detected.').pointer(),
  },
)
export interface LocalVolumeSource extends Infer<typeof LocalVolumeSource> {}

export const NFSVolumeSource = message('core.v1.NFSVolumeSource', 'An export of an NFS server.', {
  server: f.string(1, 'Host name or address of the server.').required(),
  path: f.string(2, 'Path that the server exports.').required(),
  readOnly: f.bool(3, 'Whether the export is mounted read-only; default false.'),
})
export interface NFSVolumeSource extends Infer<typeof NFSVolumeSource> {}

export const PersistentVolumeClaimVolumeSource = message(
  'core.v1.PersistentVolumeClaimVolumeSource',
  'The volume behind a claim in the same namespace.',
  {
    claimName: f.string(1, 'Name of the PersistentVolumeClaim to use.').required(),
    readOnly: f.bool(2, 'Whether all mounts of it are read-only; default false.'),
  },
)
export interface PersistentVolumeClaimVolumeSource extends Infer<typeof PersistentVolumeClaimVolumeSource> {}

export const PhotonPersistentDiskVolumeSource = message(
  'core.v1.PhotonPersistentDiskVolumeSource',
  'A Photon Controller disk. Deprecated and no longer supported.',
  {
    pdID: f.string(1, 'Identifier of the disk in Photon Controller.').required(),
    fsType: f.string(2, 'File system to mount, such as ext4 or xfs; default ext4.'),
  },
)
export interface PhotonPersistentDiskVolumeSource extends Infer<typeof PhotonPersistentDiskVolumeSource> {}

export const PodCertificateProjection = message(
  'core.v1.PodCertificateProjection',
  'Writes a private key and a certificate for the pod, renewed by the kubelet.',
  {
    signerName: f.string(1, 'Signer that is asked for the certificate.').required(),
    keyType: f.string(2, 'Key to generate: RSA3072, RSA4096, ECDSAP256, ECDSAP384, ECDSAP521 or ED25519.').required(),
    maxExpirationSeconds: f
      .int32(3, 'Longest lifetime in seconds, 3600 to 7862400; signers may shorten it; default 86400.')
      .pointer(),
    credentialBundlePath: f.string(4, 'File for key and certificate chain together in PEM, relative to the volume.'),
    keyPath: f.string(5, 'File for the private key alone in PEM; prefer credentialBundlePath.'),
    certificateChainPath: f.string(6, 'File for the certificate chain alone in PEM; prefer credentialBundlePath.'),
    userAnnotations: f.mapOf('string', 7, 'Extra data for the signer, copied to the request without being verified.'),
  },
)
export interface PodCertificateProjection extends Infer<typeof PodCertificateProjection> {}

export const PortworxVolumeSource = message(
  'core.v1.PortworxVolumeSource',
  'A Portworx volume. Deprecated; handled by the pxd.portworx.com driver.',
  {
    volumeID: f.string(1, 'Identifier of the volume in Portworx.').required(),
    fsType: f.string(2, 'File system to mount, such as ext4 or xfs; default ext4.'),
    readOnly: f.bool(3, 'Whether the volume is mounted read-only; default false.'),
  },
)
export interface PortworxVolumeSource extends Infer<typeof PortworxVolumeSource> {}

export const SecretProjection = message(
  'core.v1.SecretProjection',
  'Writes keys of a Secret as files into a projected volume.',
  {
    items: f.list(KeyToPath, 2, 'Keys to write and their files; default is every key under its own name.').atomic(),
    optional: f.bool(4, 'When true, a missing Secret or key is no error; default false.').pointer(),
    ...embedded(1, {
      name: f.string(1, 'Name of the Secret, in the same namespace.'),
    }),
  },
)
export interface SecretProjection extends Infer<typeof SecretProjection> {}

export const ServiceAccountTokenProjection = message(
  'core.v1.ServiceAccountTokenProjection',
  'Writes a token of the pod service account into a file, renewed by the kubelet.',
  {
    audience: f.string(1, 'Whom the token is meant for; default is the API server.'),
    expirationSeconds: f.int64(2, 'Lifetime in seconds, at least 600; default 3600.').pointer().default(3600),
    path: f.string(3, 'File to write, relative to the root of the volume.').required(),
  },
)
export interface ServiceAccountTokenProjection extends Infer<typeof ServiceAccountTokenProjection> {}

export const VolumeProjection = message(
  'core.v1.VolumeProjection',
  'One source of a projected volume; exactly one field is set.',
  {
    secret: f.message(SecretProjection, 1, 'Takes files from a Secret.'),
    downwardAPI: f.message(DownwardAPIProjection, 2, 'Takes files with facts about the pod.'),
    configMap: f.message(ConfigMapProjection, 3, 'Takes files from a ConfigMap.'),
    serviceAccountToken: f.message(ServiceAccountTokenProjection, 4, 'Takes a file with a service account token.'),
    clusterTrustBundle: f.message(
      ClusterTrustBundleProjection,
      5,
      'Takes a file with certificates of cluster trust bundles.',
    ),
    podCertificate: f.message(
      PodCertificateProjection,
      6,
      'Takes files with a private key and certificate for the pod.',
    ),
  },
)
export interface VolumeProjection extends Infer<typeof VolumeProjection> {}

export const ProjectedVolumeSource = message(
  'core.v1.ProjectedVolumeSource',
  'A volume that joins files from several sources in one directory.',
  {
    sources: f.list(VolumeProjection, 1, 'Sources to join; their paths must not collide.').atomic(),
    defaultMode: f.int32(2, 'Permission bits of the files, 0 to 0777 octal; default 0644.').pointer().default(0o644),
  },
)
export interface ProjectedVolumeSource extends Infer<typeof ProjectedVolumeSource> {}

export const QuobyteVolumeSource = message(
  'core.v1.QuobyteVolumeSource',
  'A Quobyte volume. Deprecated and no longer supported.',
  {
    registry: f.string(1, 'Quobyte registries as host:port, separated by commas.').required(),
    volume: f.string(2, 'Name of the volume in Quobyte.').required(),
    readOnly: f.bool(3, 'Whether the volume is mounted read-only; default false.'),
    user: f.string(4, 'User to access the volume as; default is the service account user.'),
    group: f.string(5, 'Group to access the volume as; default none.'),
    tenant: f.string(6, 'Quobyte tenant that owns the volume.'),
  },
)
export interface QuobyteVolumeSource extends Infer<typeof QuobyteVolumeSource> {}

export const RBDPersistentVolumeSource = message(
  'core.v1.RBDPersistentVolumeSource',
  'A Ceph block device. Deprecated and no longer supported.',
  {
    monitors: f.list('string', 1, 'Addresses of the Ceph monitors.').required().atomic(),
    image: f.string(2, 'Name of the RBD image.').required(),
    fsType: f.string(3, 'File system to mount, such as ext4 or xfs; default ext4.'),
    pool: f.string(4, 'Ceph pool that holds the image; default rbd.').default('rbd'),
    user: f.string(5, 'Ceph user to connect as; default admin.').default('admin'),
    keyring: f.string(6, 'File on the node with the key ring; default /etc/ceph/keyring.').default('/etc/ceph/keyring'),
    secretRef: f.message(SecretReference, 7, 'Secret with the key of the user; takes the place of keyring.'),
    readOnly: f.bool(8, 'Whether the device is mounted read-only; default false.'),
  },
)
export interface RBDPersistentVolumeSource extends Infer<typeof RBDPersistentVolumeSource> {}

export const RBDVolumeSource = message(
  'core.v1.RBDVolumeSource',
  'A Ceph block device. Deprecated and no longer supported.',
  {
    monitors: f.list('string', 1, 'Addresses of the Ceph monitors.').required().atomic(),
    image: f.string(2, 'Name of the RBD image.').required(),
    fsType: f.string(3, 'File system to mount, such as ext4 or xfs; default ext4.'),
    pool: f.string(4, 'Ceph pool that holds the image; default rbd.').default('rbd'),
    user: f.string(5, 'Ceph user to connect as; default admin.').default('admin'),
    keyring: f.string(6, 'File on the node with the key ring; default /etc/ceph/keyring.').default('/etc/ceph/keyring'),
    secretRef: f.message(LocalObjectReference, 7, 'Secret with the key of the user; takes the place of keyring.'),
    readOnly: f.bool(8, 'Whether the device is mounted read-only; default false.'),
  },
)
export interface RBDVolumeSource extends Infer<typeof RBDVolumeSource> {}

export const ScaleIOPersistentVolumeSource = message(
  'core.v1.ScaleIOPersistentVolumeSource',
  'A ScaleIO volume. Deprecated and no longer supported.',
  {
    gateway: f.string(1, 'Address of the ScaleIO API gateway.').required(),
    system: f.string(2, 'Name of the storage system in ScaleIO.').required(),
    secretRef: f.message(SecretReference, 3, 'Secret with the login for ScaleIO.').required(),
    sslEnabled: f.bool(4, 'Whether the gateway is reached over TLS; default false.'),
    protectionDomain: f.string(5, 'Protection domain that holds the storage.'),
    storagePool: f.string(6, 'Storage pool in the protection domain.'),
    storageMode: f
      .string(7, 'How storage is allocated: ThickProvisioned or ThinProvisioned; default ThinProvisioned.')
      .default('ThinProvisioned'),
    volumeName: f.string(8, 'Name of the existing volume in ScaleIO.'),
    fsType: f.string(9, 'File system to mount, such as ext4 or xfs; default xfs.').default('xfs'),
    readOnly: f.bool(10, 'Whether the volume is mounted read-only; default false.'),
  },
)
export interface ScaleIOPersistentVolumeSource extends Infer<typeof ScaleIOPersistentVolumeSource> {}

export const ScaleIOVolumeSource = message(
  'core.v1.ScaleIOVolumeSource',
  'A ScaleIO volume. Deprecated and no longer supported.',
  {
    gateway: f.string(1, 'Address of the ScaleIO API gateway.').required(),
    system: f.string(2, 'Name of the storage system in ScaleIO.').required(),
    secretRef: f.message(LocalObjectReference, 3, 'Secret with the login for ScaleIO.').required(),
    sslEnabled: f.bool(4, 'Whether the gateway is reached over TLS; default false.'),
    protectionDomain: f.string(5, 'Protection domain that holds the storage.'),
    storagePool: f.string(6, 'Storage pool in the protection domain.'),
    storageMode: f
      .string(7, 'How storage is allocated: ThickProvisioned or ThinProvisioned; default ThinProvisioned.')
      .default('ThinProvisioned'),
    volumeName: f.string(8, 'Name of the existing volume in ScaleIO.'),
    fsType: f.string(9, 'File system to mount, such as ext4 or xfs; default xfs.').default('xfs'),
    readOnly: f.bool(10, 'Whether the volume is mounted read-only; default false.'),
  },
)
export interface ScaleIOVolumeSource extends Infer<typeof ScaleIOVolumeSource> {}

export const SecretVolumeSource = message(
  'core.v1.SecretVolumeSource',
  'A volume whose files are the keys of a Secret, kept in memory.',
  {
    secretName: f.string(1, 'Name of the Secret, in the same namespace.'),
    items: f.list(KeyToPath, 2, 'Keys to write and their files; default is every key under its own name.').atomic(),
    defaultMode: f.int32(3, 'Permission bits of the files, 0 to 0777 octal; default 0644.').pointer().default(0o644),
    optional: f.bool(4, 'When true, a missing Secret or key is no error; default false.').pointer(),
  },
)
export interface SecretVolumeSource extends Infer<typeof SecretVolumeSource> {}

export const StorageOSPersistentVolumeSource = message(
  'core.v1.StorageOSPersistentVolumeSource',
  'A StorageOS volume. Deprecated and no longer supported.',
  {
    volumeName: f.string(1, 'Name of the volume, unique in its StorageOS namespace.'),
    volumeNamespace: f.string(2, 'StorageOS namespace of the volume; default is the namespace of the pod.'),
    fsType: f.string(3, 'File system to mount, such as ext4 or xfs; default ext4.'),
    readOnly: f.bool(4, 'Whether the volume is mounted read-only; default false.'),
    secretRef: f.message(ObjectReference, 5, 'Secret with the login for the StorageOS API.'),
  },
)
export interface StorageOSPersistentVolumeSource extends Infer<typeof StorageOSPersistentVolumeSource> {}

export const StorageOSVolumeSource = message(
  'core.v1.StorageOSVolumeSource',
  'A StorageOS volume. Deprecated and no longer supported.',
  {
    volumeName: f.string(1, 'Name of the volume, unique in its StorageOS namespace.'),
    volumeNamespace: f.string(2, 'StorageOS namespace of the volume; default is the namespace of the pod.'),
    fsType: f.string(3, 'File system to mount, such as ext4 or xfs; default ext4.'),
    readOnly: f.bool(4, 'Whether the volume is mounted read-only; default false.'),
    secretRef: f.message(LocalObjectReference, 5, 'Secret with the login for the StorageOS API.'),
  },
)
export interface StorageOSVolumeSource extends Infer<typeof StorageOSVolumeSource> {}

export const VsphereVirtualDiskVolumeSource = message(
  'core.v1.VsphereVirtualDiskVolumeSource',
  'A vSphere virtual disk. Deprecated; handled by the csi.vsphere.vmware.com driver.',
  {
    volumePath: f.string(1, 'Path of the virtual disk file in vSphere.').required(),
    fsType: f.string(2, 'File system to mount, such as ext4 or ntfs; default ext4.'),
    storagePolicyName: f.string(3, 'Name of the vSphere storage policy of the disk.'),
    storagePolicyID: f.string(4, 'Identifier of the storage policy that goes with the policy name.'),
  },
)
export interface VsphereVirtualDiskVolumeSource extends Infer<typeof VsphereVirtualDiskVolumeSource> {}

export const Volume = message(
  'core.v1.Volume',
  'Storage that containers of a pod can mount; exactly one source is set.',
  {
    name: f.string(1, 'Name by which containers refer to the volume; a DNS label, unique in the pod.').required(),
    ...embedded(2, {
      hostPath: f.message(HostPathVolumeSource, 1, 'File or directory of the node itself.'),
      emptyDir: f.message(
        EmptyDirVolumeSource,
        2,
        'Directory that starts empty and lives as long as the pod; used when no source is set.',
      ),
      gcePersistentDisk: f.message(
        GCEPersistentDiskVolumeSource,
        3,
        'Google Compute Engine disk. Deprecated; handled by its CSI driver.',
      ),
      awsElasticBlockStore: f.message(
        AWSElasticBlockStoreVolumeSource,
        4,
        'AWS EBS disk. Deprecated; handled by its CSI driver.',
      ),
      gitRepo: f.message(GitRepoVolumeSource, 5, 'Clone of a git repository. Deprecated and disabled by default.'),
      secret: f.message(SecretVolumeSource, 6, 'Files from the keys of a Secret.'),
      nfs: f.message(NFSVolumeSource, 7, 'Export of an NFS server.'),
      iscsi: f.message(ISCSIVolumeSource, 8, 'Disk of an iSCSI target.'),
      glusterfs: f.message(GlusterfsVolumeSource, 9, 'GlusterFS volume. Deprecated and no longer supported.'),
      persistentVolumeClaim: f.message(
        PersistentVolumeClaimVolumeSource,
        10,
        'Volume behind a claim in the same namespace.',
      ),
      rbd: f.message(RBDVolumeSource, 11, 'Ceph block device. Deprecated and no longer supported.'),
      flexVolume: f.message(FlexVolumeSource, 12, 'Volume of a FlexVolume plugin. Deprecated; use a CSI driver.'),
      cinder: f.message(CinderVolumeSource, 13, 'OpenStack Cinder disk. Deprecated; handled by its CSI driver.'),
      cephfs: f.message(CephFSVolumeSource, 14, 'Ceph file system. Deprecated and no longer supported.'),
      flocker: f.message(FlockerVolumeSource, 15, 'Flocker dataset. Deprecated and no longer supported.'),
      downwardAPI: f.message(DownwardAPIVolumeSource, 16, 'Files that tell facts about the pod.'),
      fc: f.message(FCVolumeSource, 17, 'Fibre Channel disk attached to the node.'),
      azureFile: f.message(AzureFileVolumeSource, 18, 'Azure Files share. Deprecated; handled by its CSI driver.'),
      configMap: f.message(ConfigMapVolumeSource, 19, 'Files from the keys of a ConfigMap.'),
      vsphereVolume: f.message(
        VsphereVirtualDiskVolumeSource,
        20,
        'vSphere virtual disk. Deprecated; handled by its CSI driver.',
      ),
      quobyte: f.message(QuobyteVolumeSource, 21, 'Quobyte volume. Deprecated and no longer supported.'),
      azureDisk: f.message(AzureDiskVolumeSource, 22, 'Azure data disk. Deprecated; handled by its CSI driver.'),
      photonPersistentDisk: f.message(
        PhotonPersistentDiskVolumeSource,
        23,
        'Photon Controller disk. Deprecated and no longer supported.',
      ),
      portworxVolume: f.message(PortworxVolumeSource, 24, 'Portworx volume. Deprecated; handled by its CSI driver.'),
      scaleIO: f.message(ScaleIOVolumeSource, 25, 'ScaleIO volume. Deprecated and no longer supported.'),
      projected: f.message(
        ProjectedVolumeSource,
        26,
        'Files joined from several sources, such as Secrets, ConfigMaps and tokens.',
      ),
      storageos: f.message(StorageOSVolumeSource, 27, 'StorageOS volume. Deprecated and no longer supported.'),
      csi: f.message(CSIVolumeSource, 28, 'Short-lived volume made by a CSI driver for this pod.'),
      ephemeral: f.message(EphemeralVolumeSource, 29, 'Volume from a claim that is created and deleted with the pod.'),
      image: f.message(ImageVolumeSource, 30, 'Container image or OCI artifact, mounted read-only.'),
    }),
  },
)
export interface Volume extends Infer<typeof Volume> {}
