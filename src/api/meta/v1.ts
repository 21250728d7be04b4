/** @@HEAD meta/v1.ts */
import { f, type Infer, message } from '#api/schema.ts'

export const GroupVersionForDiscovery = message('meta.v1.GroupVersionForDiscovery', '', {
  groupVersion: f.string(1, '').required(),
  version: f.string(2, '').required(),
})
export interface GroupVersionForDiscovery extends Infer<typeof GroupVersionForDiscovery> {}

export const ServerAddressByClientCIDR = message('meta.v1.ServerAddressByClientCIDR', '', {
  clientCIDR: f.string(1, '').required(),
  serverAddress: f.string(2, '').required(),
})
export interface ServerAddressByClientCIDR extends Infer<typeof ServerAddressByClientCIDR> {}

export const APIGroup = message('meta.v1.APIGroup', '', {
  name: f.string(1, '').required(),
  versions: f.list(GroupVersionForDiscovery, 2, '').required().atomic(),
  preferredVersion: f.message(GroupVersionForDiscovery, 3, ''),
  serverAddressByClientCIDRs: f.list(ServerAddressByClientCIDR, 4, '').atomic(),
})
export interface APIGroup extends Infer<typeof APIGroup> {}

export const APIGroupList = message('meta.v1.APIGroupList', '', {
  groups: f.list(APIGroup, 1, '').required().atomic(),
})
export interface APIGroupList extends Infer<typeof APIGroupList> {}

export const APIResource = message('meta.v1.APIResource', '', {
  name: f.string(1, '').required(),
  namespaced: f.bool(2, '').required(),
  kind: f.string(3, '').required(),
  verbs: f.list('string', 4, '').required(),
  shortNames: f.list('string', 5, '').atomic(),
  singularName: f.string(6, '').required(),
  categories: f.list('string', 7, '').atomic(),
  group: f.string(8, ''),
  version: f.string(9, ''),
  storageVersionHash: f.string(10, ''),
})
export interface APIResource extends Infer<typeof APIResource> {}

export const APIResourceList = message('meta.v1.APIResourceList', '', {
  groupVersion: f.string(1, '').required(),
  resources: f.list(APIResource, 2, '').required().atomic(),
})
export interface APIResourceList extends Infer<typeof APIResourceList> {}

export const APIVersions = message('meta.v1.APIVersions', '', {
  versions: f.list('string', 1, '').required().atomic(),
  serverAddressByClientCIDRs: f.list(ServerAddressByClientCIDR, 2, '').required().atomic(),
})
export interface APIVersions extends Infer<typeof APIVersions> {}

export const Condition = message('meta.v1.Condition', '', {
  type: f.string(1, '').required(),
  status: f.string(2, '').required(),
  observedGeneration: f.int64(3, ''),
  lastTransitionTime: f.time(4, '').required(),
  reason: f.string(5, '').required(),
  message: f.string(6, '').required(),
})
export interface Condition extends Infer<typeof Condition> {}

export const Preconditions = message('meta.v1.Preconditions', '', {
  uid: f.string(1, ''),
  resourceVersion: f.string(2, ''),
})
export interface Preconditions extends Infer<typeof Preconditions> {}

export const DeleteOptions = message('meta.v1.DeleteOptions', '', {
  gracePeriodSeconds: f.int64(1, ''),
  preconditions: f.message(Preconditions, 2, ''),
  orphanDependents: f.bool(3, ''),
  propagationPolicy: f.string(4, ''),
  dryRun: f.list('string', 5, '').atomic(),
  ignoreStoreReadErrorWithClusterBreakingPotential: f.bool(6, ''),
  apiVersion: f.string(0, ''),
  kind: f.string(0, ''),
})
export interface DeleteOptions extends Infer<typeof DeleteOptions> {}

export const FieldSelectorRequirement = message('meta.v1.FieldSelectorRequirement', '', {
  key: f.string(1, '').required(),
  operator: f.string(2, '').required(),
  values: f.list('string', 3, '').atomic(),
})
export interface FieldSelectorRequirement extends Infer<typeof FieldSelectorRequirement> {}

export const GroupResource = message('meta.v1.GroupResource', '', {
  group: f.string(1, '').required(),
  resource: f.string(2, '').required(),
})
export interface GroupResource extends Infer<typeof GroupResource> {}

export const LabelSelectorRequirement = message('meta.v1.LabelSelectorRequirement', '', {
  key: f.string(1, '').required(),
  operator: f.string(2, '').required(),
  values: f.list('string', 3, '').atomic(),
})
export interface LabelSelectorRequirement extends Infer<typeof LabelSelectorRequirement> {}

export const LabelSelector = message('meta.v1.LabelSelector', '', {
  matchLabels: f.mapOf('string', 1, ''),
  matchExpressions: f.list(LabelSelectorRequirement, 2, '').atomic(),
})
export interface LabelSelector extends Infer<typeof LabelSelector> {}

export const ShardInfo = message('meta.v1.ShardInfo', '', {
  selector: f.string(1, '').required(),
})
export interface ShardInfo extends Infer<typeof ShardInfo> {}

export const ListMeta = message('meta.v1.ListMeta', '', {
  selfLink: f.string(1, ''),
  resourceVersion: f.string(2, ''),
  continue: f.string(3, ''),
  remainingItemCount: f.int64(4, ''),
  shardInfo: f.message(ShardInfo, 5, ''),
})
export interface ListMeta extends Infer<typeof ListMeta> {}

export const ManagedFieldsEntry = message('meta.v1.ManagedFieldsEntry', '', {
  manager: f.string(1, ''),
  operation: f.string(2, ''),
  apiVersion: f.string(3, ''),
  time: f.time(4, ''),
  fieldsType: f.string(6, ''),
  fieldsV1: f.object(7, ''),
  subresource: f.string(8, ''),
})
export interface ManagedFieldsEntry extends Infer<typeof ManagedFieldsEntry> {}

export const OwnerReference = message('meta.v1.OwnerReference', '', {
  kind: f.string(1, '').required(),
  name: f.string(3, '').required(),
  uid: f.string(4, '').required(),
  apiVersion: f.string(5, '').required(),
  controller: f.bool(6, ''),
  blockOwnerDeletion: f.bool(7, ''),
})
export interface OwnerReference extends Infer<typeof OwnerReference> {}

export const ObjectMeta = message('meta.v1.ObjectMeta', '', {
  name: f.string(1, ''),
  generateName: f.string(2, ''),
  namespace: f.string(3, ''),
  selfLink: f.string(4, ''),
  uid: f.string(5, ''),
  resourceVersion: f.string(6, ''),
  generation: f.int64(7, ''),
  creationTimestamp: f.time(8, ''),
  deletionTimestamp: f.time(9, ''),
  deletionGracePeriodSeconds: f.int64(10, ''),
  labels: f.mapOf('string', 11, ''),
  annotations: f.mapOf('string', 12, ''),
  ownerReferences: f.list(OwnerReference, 13, '').map('uid').merge('uid'),
  finalizers: f.list('string', 14, '').set().merge(),
  managedFields: f.list(ManagedFieldsEntry, 17, '').atomic(),
})
export interface ObjectMeta extends Infer<typeof ObjectMeta> {}

export const StatusCause = message('meta.v1.StatusCause', '', {
  reason: f.string(1, ''),
  message: f.string(2, ''),
  field: f.string(3, ''),
})
export interface StatusCause extends Infer<typeof StatusCause> {}

export const StatusDetails = message('meta.v1.StatusDetails', '', {
  name: f.string(1, ''),
  group: f.string(2, ''),
  kind: f.string(3, ''),
  causes: f.list(StatusCause, 4, '').atomic(),
  retryAfterSeconds: f.int32(5, ''),
  uid: f.string(6, ''),
})
export interface StatusDetails extends Infer<typeof StatusDetails> {}

export const Status = message('meta.v1.Status', '', {
  metadata: f.message(ListMeta, 1, ''),
  status: f.string(2, ''),
  message: f.string(3, ''),
  reason: f.string(4, ''),
  details: f.message(StatusDetails, 5, ''),
  code: f.int32(6, ''),
})
export interface Status extends Infer<typeof Status> {}
