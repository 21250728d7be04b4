/**
 * Types used by several files of this folder and by other API groups: references, selectors, resource amounts,
 * taints and tolerations. The claim spec is here because volumes embed it.
 */
import { embedded, f, type Infer, message } from '#api/schema.ts'
import { LabelSelector } from '#api/meta/v1.ts'

export const ConfigMapKeySelector = message('core.v1.ConfigMapKeySelector', 'Picks one key of a ConfigMap.', {
  key: f.string(2, 'Key in the ConfigMap whose value is taken.').required(),
  optional: f.bool(3, 'When true, a missing ConfigMap or key is no error; default false.').pointer(),
  ...embedded(1, {
    name: f.string(1, 'Name of the ConfigMap, in the same namespace.'),
  }),
}).atomic()
export interface ConfigMapKeySelector extends Infer<typeof ConfigMapKeySelector> {}

export const FileKeySelector = message('core.v1.FileKeySelector', 'Picks one variable from an env file on a volume.', {
  volumeName: f.string(1, 'Volume of the pod that holds the file; must be an emptyDir.').required(),
  path: f.string(2, 'Path of the file relative to the root of the volume; must not contain .. parts.').required(),
  key: f.string(3, 'Name of the variable in the file whose value is taken.').required(),
  optional: f.bool(4, 'When true, a missing file or key is no error; default false.').pointer().default(false),
}).atomic()
export interface FileKeySelector extends Infer<typeof FileKeySelector> {}

export const LocalObjectReference = message('core.v1.LocalObjectReference', 'Names an object in the same namespace.', {
  name: f.string(1, 'Name of the object referred to.'),
}).atomic()
export interface LocalObjectReference extends Infer<typeof LocalObjectReference> {}

export const NodeSelectorRequirement = message(
  'core.v1.NodeSelectorRequirement',
  'A test on one label or field of a node.',
  {
    key: f.string(1, 'Label key or field name to test.').required(),
    operator: f
      .string(2, 'How values are compared: In, NotIn, Exists, DoesNotExist, Gt or Lt.')
      .required()
      .oneOf('DoesNotExist', 'Exists', 'Gt', 'In', 'Lt', 'NotIn'),
    values: f
      .list('string', 3, 'Values to compare with; none for Exists and DoesNotExist, one integer for Gt and Lt.')
      .atomic(),
  },
)
export interface NodeSelectorRequirement extends Infer<typeof NodeSelectorRequirement> {}

export const NodeSelectorTerm = message(
  'core.v1.NodeSelectorTerm',
  'Tests on a node, all of which must pass; an empty term matches nothing.',
  {
    matchExpressions: f.list(NodeSelectorRequirement, 1, 'Tests on the labels of the node.').atomic(),
    matchFields: f
      .list(NodeSelectorRequirement, 2, 'Tests on fields of the node; only metadata.name is supported.')
      .atomic(),
  },
).atomic()
export interface NodeSelectorTerm extends Infer<typeof NodeSelectorTerm> {}

export const NodeSelector = message('core.v1.NodeSelector', 'Picks nodes that match at least one of its terms.', {
  nodeSelectorTerms: f.list(NodeSelectorTerm, 1, 'Terms to try, joined by OR.').required().atomic(),
}).atomic()
export interface NodeSelector extends Infer<typeof NodeSelector> {}

export const ObjectFieldSelector = message('core.v1.ObjectFieldSelector', 'Picks one field of the pod.', {
  apiVersion: f.string(1, 'API version in which the field path is written; default v1.').default('v1'),
  fieldPath: f.string(2, 'Path of the field, such as metadata.name or status.podIP.').required(),
}).atomic()
export interface ObjectFieldSelector extends Infer<typeof ObjectFieldSelector> {}

export const ObjectReference = message('core.v1.ObjectReference', 'Points to an object, or to a part of one.', {
  kind: f.string(1, 'Kind of the object referred to.'),
  namespace: f.string(2, 'Namespace of the object referred to.'),
  name: f.string(3, 'Name of the object referred to.'),
  uid: f.string(4, 'UID of the object referred to.'),
  apiVersion: f.string(5, 'API version of the object referred to.'),
  resourceVersion: f.string(6, 'Specific version of the object that is meant, if any.'),
  fieldPath: f.string(7, 'Part of the object that is meant, such as spec.containers{web}.'),
}).atomic()
export interface ObjectReference extends Infer<typeof ObjectReference> {}

export const TypedLocalObjectReference = message(
  'core.v1.TypedLocalObjectReference',
  'Names an object of any kind in the same namespace.',
  {
    apiGroup: f.string(1, 'API group of the object; default is the core group.').pointer(),
    kind: f.string(2, 'Kind of the object referred to.').required(),
    name: f.string(3, 'Name of the object referred to.').required(),
  },
).atomic()
export interface TypedLocalObjectReference extends Infer<typeof TypedLocalObjectReference> {}

export const TypedObjectReference = message(
  'core.v1.TypedObjectReference',
  'Names an object of any kind, possibly in another namespace.',
  {
    apiGroup: f.string(1, 'API group of the object; default is the core group.').pointer(),
    kind: f.string(2, 'Kind of the object referred to.').required(),
    name: f.string(3, 'Name of the object referred to.').required(),
    namespace: f.string(4, 'Namespace of the object; default is the same one; others need a ReferenceGrant.').pointer(),
  },
)
export interface TypedObjectReference extends Infer<typeof TypedObjectReference> {}

export const VolumeResourceRequirements = message(
  'core.v1.VolumeResourceRequirements',
  'Least and greatest amount of storage for a claim.',
  {
    limits: f.mapOf('quantity', 1, 'Largest acceptable amount, by resource name; only storage is used.'),
    requests: f.mapOf('quantity', 2, 'Smallest acceptable amount, by resource name; only storage is used.'),
  },
)
export interface VolumeResourceRequirements extends Infer<typeof VolumeResourceRequirements> {}

export const PersistentVolumeClaimSpec = message(
  'core.v1.PersistentVolumeClaimSpec',
  'What storage a claim asks for.',
  {
    accessModes: f
      .list('string', 1, 'Ways to mount it: ReadWriteOnce, ReadOnlyMany, ReadWriteMany or ReadWriteOncePod.')
      .atomic()
      .oneOf('ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'),
    resources: f
      .message(
        VolumeResourceRequirements,
        2,
        'Amount of storage wanted; may be raised later if the class allows expansion.',
      )
      .present(),
    volumeName: f.string(3, 'Persistent volume to bind to; filled in once the claim is bound.'),
    selector: f.message(LabelSelector, 4, 'Labels a volume must have to be considered for binding.'),
    storageClassName: f
      .string(5, 'StorageClass to take from; default is that of the cluster; empty means no class.')
      .pointer(),
    volumeMode: f
      .string(6, 'Whether pods see a directory or a raw device: Filesystem or Block; default Filesystem.')
      .pointer()
      .oneOf('Block', 'Filesystem')
      .default('Filesystem'),
    dataSource: f.message(TypedLocalObjectReference, 7, 'Snapshot or claim whose content fills the new volume.'),
    dataSourceRef: f.message(
      TypedObjectReference,
      8,
      'Object whose content fills the new volume; allows more kinds than dataSource.',
    ),
    volumeAttributesClassName: f
      .string(9, 'VolumeAttributesClass to apply to the volume; may be changed later.')
      .pointer(),
  },
)
export interface PersistentVolumeClaimSpec extends Infer<typeof PersistentVolumeClaimSpec> {}

export const PreferredSchedulingTerm = message(
  'core.v1.PreferredSchedulingTerm',
  'A node preference and how much it counts.',
  {
    weight: f.int32(1, 'Points a matching node gets, 1 to 100.').required(),
    preference: f.message(NodeSelectorTerm, 2, 'Term a node should match to get the points.').required().present(),
  },
)
export interface PreferredSchedulingTerm extends Infer<typeof PreferredSchedulingTerm> {}

export const ResourceClaim = message(
  'core.v1.ResourceClaim',
  'Lets a container use one of the resource claims of its pod.',
  {
    name: f.string(1, 'Name of an entry in resourceClaims of the pod.').required(),
    request: f.string(2, 'Single request of the claim to make available; default is everything.'),
  },
)
export interface ResourceClaim extends Infer<typeof ResourceClaim> {}

export const ResourceFieldSelector = message(
  'core.v1.ResourceFieldSelector',
  'Picks a resource limit or request of a container.',
  {
    containerName: f.string(1, 'Container to read from; required for volumes, optional for environment variables.'),
    resource: f.string(2, 'Amount to read, such as limits.cpu or requests.memory.').required(),
    divisor: f.quantity(3, 'Unit the amount is divided by, rounding up; default 1.'),
  },
).atomic()
export interface ResourceFieldSelector extends Infer<typeof ResourceFieldSelector> {}

export const ResourceRequirements = message(
  'core.v1.ResourceRequirements',
  'Resources a container or pod needs, and the most it may use.',
  {
    limits: f.mapOf('quantity', 1, 'Most that may be used, by resource name such as cpu or memory.'),
    requests: f.mapOf('quantity', 2, 'Amount reserved, by resource name; default is the limit, if there is one.'),
    claims: f
      .list(ResourceClaim, 3, 'Resource claims of the pod that are made available here; cannot change later.')
      .map('name'),
  },
)
export interface ResourceRequirements extends Infer<typeof ResourceRequirements> {}

export const SecretKeySelector = message('core.v1.SecretKeySelector', 'Picks one key of a Secret.', {
  key: f.string(2, 'Key in the Secret whose value is taken.').required(),
  optional: f.bool(3, 'When true, a missing Secret or key is no error; default false.').pointer(),
  ...embedded(1, {
    name: f.string(1, 'Name of the Secret, in the same namespace.'),
  }),
}).atomic()
export interface SecretKeySelector extends Infer<typeof SecretKeySelector> {}

export const SecretReference = message('core.v1.SecretReference', 'Names a Secret in some namespace.', {
  name: f.string(1, 'Name of the Secret, unique in its namespace.'),
  namespace: f.string(2, 'Namespace in which the Secret lives.'),
}).atomic()
export interface SecretReference extends Infer<typeof SecretReference> {}

export const Taint = message('core.v1.Taint', 'A mark on a node that keeps away pods not tolerating it.', {
  key: f.string(1, 'Label key that identifies the taint.').required(),
  value: f.string(2, 'Value that goes with the taint key.'),
  effect: f
    .string(3, 'What happens to other pods: NoSchedule, PreferNoSchedule or NoExecute.')
    .required()
    .oneOf('NoExecute', 'NoSchedule', 'PreferNoSchedule'),
  timeAdded: f.time(4, 'When the taint was put on the node.'),
})
export interface Taint extends Infer<typeof Taint> {}

export const Toleration = message('core.v1.Toleration', 'Lets a pod run on nodes that have a matching taint.', {
  key: f.string(1, 'Taint key to tolerate; empty with operator Exists tolerates every key.'),
  operator: f
    .string(2, 'How the value is compared: Equal, Exists, Lt or Gt; default Equal.')
    .oneOf('Equal', 'Exists', 'Gt', 'Lt'),
  value: f.string(3, 'Taint value to tolerate; must be empty for Exists.'),
  effect: f
    .string(4, 'Taint effect to tolerate: NoSchedule, PreferNoSchedule or NoExecute; empty tolerates all.')
    .oneOf('NoExecute', 'NoSchedule', 'PreferNoSchedule'),
  tolerationSeconds: f
    .int64(5, 'Seconds a NoExecute taint is tolerated before eviction; default forever; zero or less evicts at once.')
    .pointer(),
})
export interface Toleration extends Infer<typeof Toleration> {}

export const TopologySelectorLabelRequirement = message(
  'core.v1.TopologySelectorLabelRequirement',
  'A test on one topology label.',
  {
    key: f.string(1, 'Key of the topology label to test.').required(),
    values: f.list('string', 2, 'Accepted label values; one of them must match.').required().atomic(),
  },
)
export interface TopologySelectorLabelRequirement extends Infer<typeof TopologySelectorLabelRequirement> {}

export const TopologySelectorTerm = message(
  'core.v1.TopologySelectorTerm',
  'Tests on topology labels, all of which must pass.',
  {
    matchLabelExpressions: f
      .list(TopologySelectorLabelRequirement, 1, 'Requirements on labels, joined by AND.')
      .atomic(),
  },
).atomic()
export interface TopologySelectorTerm extends Infer<typeof TopologySelectorTerm> {}
