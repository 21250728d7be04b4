/** @@HEAD core/v1/shared.ts */
import { embedded, f, type Infer, message } from '#api/schema.ts'
import { LabelSelector } from '#api/meta/v1.ts'

export const ConfigMapKeySelector = message('core.v1.ConfigMapKeySelector', '', {
  key: f.string(2, '').required(),
  optional: f.bool(3, ''),
  ...embedded(1, {
    name: f.string(1, ''),
  }),
})
export interface ConfigMapKeySelector extends Infer<typeof ConfigMapKeySelector> {}

export const FileKeySelector = message('core.v1.FileKeySelector', '', {
  volumeName: f.string(1, '').required(),
  path: f.string(2, '').required(),
  key: f.string(3, '').required(),
  optional: f.bool(4, ''),
})
export interface FileKeySelector extends Infer<typeof FileKeySelector> {}

export const LocalObjectReference = message('core.v1.LocalObjectReference', '', {
  name: f.string(1, ''),
})
export interface LocalObjectReference extends Infer<typeof LocalObjectReference> {}

export const NodeSelectorRequirement = message('core.v1.NodeSelectorRequirement', '', {
  key: f.string(1, '').required(),
  operator: f.string(2, '').required(),
  values: f.list('string', 3, '').atomic(),
})
export interface NodeSelectorRequirement extends Infer<typeof NodeSelectorRequirement> {}

export const NodeSelectorTerm = message('core.v1.NodeSelectorTerm', '', {
  matchExpressions: f.list(NodeSelectorRequirement, 1, '').atomic(),
  matchFields: f.list(NodeSelectorRequirement, 2, '').atomic(),
})
export interface NodeSelectorTerm extends Infer<typeof NodeSelectorTerm> {}

export const NodeSelector = message('core.v1.NodeSelector', '', {
  nodeSelectorTerms: f.list(NodeSelectorTerm, 1, '').required().atomic(),
})
export interface NodeSelector extends Infer<typeof NodeSelector> {}

export const ObjectFieldSelector = message('core.v1.ObjectFieldSelector', '', {
  apiVersion: f.string(1, ''),
  fieldPath: f.string(2, '').required(),
})
export interface ObjectFieldSelector extends Infer<typeof ObjectFieldSelector> {}

export const ObjectReference = message('core.v1.ObjectReference', '', {
  kind: f.string(1, ''),
  namespace: f.string(2, ''),
  name: f.string(3, ''),
  uid: f.string(4, ''),
  apiVersion: f.string(5, ''),
  resourceVersion: f.string(6, ''),
  fieldPath: f.string(7, ''),
})
export interface ObjectReference extends Infer<typeof ObjectReference> {}

export const TypedLocalObjectReference = message('core.v1.TypedLocalObjectReference', '', {
  apiGroup: f.string(1, ''),
  kind: f.string(2, '').required(),
  name: f.string(3, '').required(),
})
export interface TypedLocalObjectReference extends Infer<typeof TypedLocalObjectReference> {}

export const TypedObjectReference = message('core.v1.TypedObjectReference', '', {
  apiGroup: f.string(1, ''),
  kind: f.string(2, '').required(),
  name: f.string(3, '').required(),
  namespace: f.string(4, ''),
})
export interface TypedObjectReference extends Infer<typeof TypedObjectReference> {}

export const VolumeResourceRequirements = message('core.v1.VolumeResourceRequirements', '', {
  limits: f.mapOf('quantity', 1, ''),
  requests: f.mapOf('quantity', 2, ''),
})
export interface VolumeResourceRequirements extends Infer<typeof VolumeResourceRequirements> {}

export const PersistentVolumeClaimSpec = message('core.v1.PersistentVolumeClaimSpec', '', {
  accessModes: f.list('string', 1, '').atomic(),
  resources: f.message(VolumeResourceRequirements, 2, ''),
  volumeName: f.string(3, ''),
  selector: f.message(LabelSelector, 4, ''),
  storageClassName: f.string(5, ''),
  volumeMode: f.string(6, ''),
  dataSource: f.message(TypedLocalObjectReference, 7, ''),
  dataSourceRef: f.message(TypedObjectReference, 8, ''),
  volumeAttributesClassName: f.string(9, ''),
})
export interface PersistentVolumeClaimSpec extends Infer<typeof PersistentVolumeClaimSpec> {}

export const PreferredSchedulingTerm = message('core.v1.PreferredSchedulingTerm', '', {
  weight: f.int32(1, '').required(),
  preference: f.message(NodeSelectorTerm, 2, '').required(),
})
export interface PreferredSchedulingTerm extends Infer<typeof PreferredSchedulingTerm> {}

export const ResourceClaim = message('core.v1.ResourceClaim', '', {
  name: f.string(1, '').required(),
  request: f.string(2, ''),
})
export interface ResourceClaim extends Infer<typeof ResourceClaim> {}

export const ResourceFieldSelector = message('core.v1.ResourceFieldSelector', '', {
  containerName: f.string(1, ''),
  resource: f.string(2, '').required(),
  divisor: f.quantity(3, ''),
})
export interface ResourceFieldSelector extends Infer<typeof ResourceFieldSelector> {}

export const ResourceRequirements = message('core.v1.ResourceRequirements', '', {
  limits: f.mapOf('quantity', 1, ''),
  requests: f.mapOf('quantity', 2, ''),
  claims: f.list(ResourceClaim, 3, '').map('name'),
})
export interface ResourceRequirements extends Infer<typeof ResourceRequirements> {}

export const SecretKeySelector = message('core.v1.SecretKeySelector', '', {
  key: f.string(2, '').required(),
  optional: f.bool(3, ''),
  ...embedded(1, {
    name: f.string(1, ''),
  }),
})
export interface SecretKeySelector extends Infer<typeof SecretKeySelector> {}

export const SecretReference = message('core.v1.SecretReference', '', {
  name: f.string(1, ''),
  namespace: f.string(2, ''),
})
export interface SecretReference extends Infer<typeof SecretReference> {}

export const Taint = message('core.v1.Taint', '', {
  key: f.string(1, '').required(),
  value: f.string(2, ''),
  effect: f.string(3, '').required(),
  timeAdded: f.time(4, ''),
})
export interface Taint extends Infer<typeof Taint> {}

export const Toleration = message('core.v1.Toleration', '', {
  key: f.string(1, ''),
  operator: f.string(2, ''),
  value: f.string(3, ''),
  effect: f.string(4, ''),
  tolerationSeconds: f.int64(5, ''),
})
export interface Toleration extends Infer<typeof Toleration> {}

export const TopologySelectorLabelRequirement = message('core.v1.TopologySelectorLabelRequirement', '', {
  key: f.string(1, '').required(),
  values: f.list('string', 2, '').required().atomic(),
})
export interface TopologySelectorLabelRequirement extends Infer<typeof TopologySelectorLabelRequirement> {}

export const TopologySelectorTerm = message('core.v1.TopologySelectorTerm', '', {
  matchLabelExpressions: f.list(TopologySelectorLabelRequirement, 1, '').atomic(),
})
export interface TopologySelectorTerm extends Infer<typeof TopologySelectorTerm> {}
