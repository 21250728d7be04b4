/**
 * Types that all API groups share: object and list metadata, label selectors, conditions, Status and
 * DeleteOptions. The discovery documents are here too.
 */
import { embedded, f, type Infer, message } from '#api/schema.ts'

export const GroupVersionForDiscovery = message(
  'meta.v1.GroupVersionForDiscovery',
  'One version of an API group, as discovery lists it.',
  {
    groupVersion: f.string(1, 'Group and version together, such as apps/v1.').required(),
    version: f.string(2, 'Version alone, such as v1.').required(),
  },
)
export interface GroupVersionForDiscovery extends Infer<typeof GroupVersionForDiscovery> {}

export const ServerAddressByClientCIDR = message(
  'meta.v1.ServerAddressByClientCIDR',
  'Address of the server for clients from a certain network.',
  {
    clientCIDR: f.string(1, 'Network of the clients, in CIDR notation.').required(),
    serverAddress: f.string(2, 'Host name or IP of the server, with a port if needed.').required(),
  },
)
export interface ServerAddressByClientCIDR extends Infer<typeof ServerAddressByClientCIDR> {}

export const APIGroup = message('meta.v1.APIGroup', 'An API group and its versions, as discovery lists it.', {
  name: f.string(1, 'Name of the group; empty for the core group.').required(),
  versions: f.list(GroupVersionForDiscovery, 2, 'Versions of the group that are served.').required().atomic(),
  preferredVersion: f.message(GroupVersionForDiscovery, 3, 'Version that the server suggests to use.').present(),
  serverAddressByClientCIDRs: f
    .list(ServerAddressByClientCIDR, 4, 'Server addresses by network of the client; the first match is used.')
    .atomic(),
})
export interface APIGroup extends Infer<typeof APIGroup> {}

export const APIGroupList = message('meta.v1.APIGroupList', 'All API groups that the server has.', {
  groups: f.list(APIGroup, 1, 'The groups, each with its versions.').required().atomic(),
})
export interface APIGroupList extends Infer<typeof APIGroupList> {}

export const APIResource = message('meta.v1.APIResource', 'One resource of an API group, as discovery lists it.', {
  name: f.string(1, 'Plural name, as used in URLs; subresources look like pods/status.').required(),
  namespaced: f.bool(2, 'Whether its objects live in namespaces.').required(),
  kind: f.string(3, 'Kind of its objects, such as Deployment.').required(),
  // In protobuf a message of its own, `Verbs`.
  ...embedded(4, {
    verbs: f.list('string', 1, 'What can be done with it, such as get, list, watch, create or delete.').required(),
  }),
  shortNames: f.list('string', 5, 'Abbreviations that kubectl accepts.').atomic(),
  singularName: f.string(6, 'Singular name; if empty, clients derive it from the kind.').required(),
  categories: f.list('string', 7, 'Groups of resources it belongs to, such as all.').atomic(),
  group: f.string(8, 'Group of its kind, when it differs from that of the list.'),
  version: f.string(9, 'Version of its kind, when it differs from that of the list.'),
  storageVersionHash: f.string(10, 'Opaque hash that changes with the version objects are stored in.'),
})
export interface APIResource extends Infer<typeof APIResource> {}

export const APIResourceList = message('meta.v1.APIResourceList', 'Resources of one group and version.', {
  groupVersion: f.string(1, 'Group and version that the resources belong to.').required(),
  resources: f.list(APIResource, 2, 'The resources and subresources that are served.').required().atomic(),
})
export interface APIResourceList extends Infer<typeof APIResourceList> {}

export const APIVersions = message('meta.v1.APIVersions', 'Versions of the core group, served at /api.', {
  versions: f.list('string', 1, 'Versions that are served, such as v1.').required().atomic(),
  serverAddressByClientCIDRs: f
    .list(ServerAddressByClientCIDR, 2, 'Server addresses by network of the client; the first match is used.')
    .required()
    .atomic(),
})
export interface APIVersions extends Infer<typeof APIVersions> {}

export const Condition = message('meta.v1.Condition', 'One observed aspect of the state of an object.', {
  type: f.string(1, 'Name of the condition, in CamelCase or with a domain as prefix.').required(),
  status: f.string(2, 'True, False or Unknown.').required(),
  observedGeneration: f.int64(3, 'Generation of the object that the condition was derived from.'),
  lastTransitionTime: f.time(4, 'When status last changed its value.').required(),
  reason: f.string(5, 'Short machine-readable cause of the last change, in CamelCase; never empty.').required(),
  message: f.string(6, 'Details of the last change, meant for people; may be empty.').required(),
})
export interface Condition extends Infer<typeof Condition> {}

export const Preconditions = message(
  'meta.v1.Preconditions',
  'What must be true of an object for an operation to go ahead.',
  {
    uid: f.string(1, 'UID that the object must have.').pointer(),
    resourceVersion: f.string(2, 'Resource version that the object must have.').pointer(),
  },
)
export interface Preconditions extends Infer<typeof Preconditions> {}

export const DeleteOptions = message('meta.v1.DeleteOptions', 'How an object is to be deleted.', {
  gracePeriodSeconds: f.int64(1, 'Seconds the object gets to end in order; 0 means immediately.').pointer(),
  preconditions: f.message(Preconditions, 2, 'Demands on the object; if one is not met, the answer is 409.'),
  orphanDependents: f.bool(3, 'Deprecated, use propagationPolicy; true leaves dependents behind.').pointer(),
  propagationPolicy: f.string(4, 'What happens to dependents: Orphan, Background or Foreground.').pointer(),
  dryRun: f
    .list('string', 5, 'All tries the request out without storing anything; no other value is accepted.')
    .atomic(),
  ignoreStoreReadErrorWithClusterBreakingPotential: f
    .bool(6, 'Deletes an object that cannot be read from storage, skipping finalizers; dangerous.')
    .pointer(),
  apiVersion: f.string(0, 'Group and version of these options, such as v1.'),
  kind: f.string(0, 'Kind of these options, normally DeleteOptions.'),
})
export interface DeleteOptions extends Infer<typeof DeleteOptions> {}

export const FieldSelectorRequirement = message(
  'meta.v1.FieldSelectorRequirement',
  'One condition on a field, as part of a field selector.',
  {
    key: f.string(1, 'Path of the field, such as metadata.name.').required(),
    operator: f.string(2, 'In, NotIn, Exists or DoesNotExist.').required(),
    values: f.list('string', 3, 'Values to compare with; empty for Exists and DoesNotExist.').atomic(),
  },
)
export interface FieldSelectorRequirement extends Infer<typeof FieldSelectorRequirement> {}

export const GroupResource = message('meta.v1.GroupResource', 'A resource, without a particular version.', {
  group: f.string(1, 'API group of the resource.').required(),
  resource: f.string(2, 'Plural name of the resource.').required(),
})
export interface GroupResource extends Infer<typeof GroupResource> {}

export const LabelSelectorRequirement = message(
  'meta.v1.LabelSelectorRequirement',
  'One condition on a label, as part of a label selector.',
  {
    key: f.string(1, 'Label that the condition looks at.').required(),
    operator: f.string(2, 'In, NotIn, Exists or DoesNotExist.').required(),
    values: f.list('string', 3, 'Values to compare with; empty for Exists and DoesNotExist.').atomic(),
  },
)
export interface LabelSelectorRequirement extends Infer<typeof LabelSelectorRequirement> {}

export const LabelSelector = message(
  'meta.v1.LabelSelector',
  'Selects objects by labels; an empty selector matches all of them.',
  {
    matchLabels: f.mapOf('string', 1, 'Labels that must be there with exactly these values.'),
    matchExpressions: f.list(LabelSelectorRequirement, 2, 'Further conditions on labels; all have to be met.').atomic(),
  },
).atomic()
export interface LabelSelector extends Infer<typeof LabelSelector> {}

export const ShardInfo = message('meta.v1.ShardInfo', 'Tells that a list holds only one shard of the objects.', {
  selector: f.string(1, 'Shard selector that the request was made with.').required(),
})
export interface ShardInfo extends Infer<typeof ShardInfo> {}

export const ListMeta = message('meta.v1.ListMeta', 'Metadata of a list rather than of one object.', {
  selfLink: f.string(1, 'Deprecated and no longer filled in by the server.'),
  resourceVersion: f.string(2, 'Opaque version of the list, from which a watch can start.'),
  continue: f.string(3, 'Token for the next page; empty at the end of the list.'),
  remainingItemCount: f.int64(4, 'Number of objects after this page; not set for lists with selectors.').pointer(),
  shardInfo: f.message(ShardInfo, 5, 'Set when the list holds only one shard of the objects.'),
})
export interface ListMeta extends Infer<typeof ListMeta> {}

export const ManagedFieldsEntry = message(
  'meta.v1.ManagedFieldsEntry',
  'Fields of an object that one manager has set.',
  {
    manager: f.string(1, 'Name of the manager, such as a user agent or kubectl.'),
    operation: f.string(2, 'How the fields were set: Apply or Update.'),
    apiVersion: f.string(3, 'API version in which the fields are named.'),
    time: f.time(4, 'When this entry was last changed.'),
    fieldsType: f.string(6, 'Format of the field set; always FieldsV1.'),
    fieldsV1: f.object(7, 'The set of fields, as nested objects.'),
    subresource: f.string(8, 'Subresource used to set them; empty for the object itself.'),
  },
)
export interface ManagedFieldsEntry extends Infer<typeof ManagedFieldsEntry> {}

export const OwnerReference = message(
  'meta.v1.OwnerReference',
  'Object that another one belongs to and is deleted with.',
  {
    kind: f.string(1, 'Kind of the owner.').required(),
    name: f.string(3, 'Name of the owner, in the same namespace or cluster-wide.').required(),
    uid: f.string(4, 'UID of the owner.').required(),
    apiVersion: f.string(5, 'API version of the owner, such as apps/v1.').required(),
    controller: f.bool(6, 'Whether the owner manages this object; at most one owner may.').pointer(),
    blockOwnerDeletion: f
      .bool(7, 'Whether foreground deletion of the owner waits for this object; default false.')
      .pointer(),
  },
).atomic()
export interface OwnerReference extends Infer<typeof OwnerReference> {}

export const ObjectMeta = message('meta.v1.ObjectMeta', 'Metadata that every stored object has.', {
  name: f.string(1, 'Name of the object, unique for its kind in the namespace; cannot be changed.'),
  generateName: f.string(2, 'Prefix for a generated name; used when name is empty.'),
  namespace: f.string(3, 'Namespace of the object; empty for cluster-wide kinds, cannot be changed.'),
  selfLink: f.string(4, 'Deprecated and no longer filled in by the server.'),
  uid: f.string(5, 'Unique identifier across time, given by the server on creation.'),
  resourceVersion: f.string(6, 'Opaque version of the stored object, used for watches and to detect conflicts.'),
  generation: f.int64(7, 'Counter that the server raises whenever the wanted state changes.'),
  creationTimestamp: f.time(8, 'CreationTimestamp is a timestamp of when the object was created; set by the server.'),
  deletionTimestamp: f.time(9, 'When the object will be gone; set by the server once deletion is requested.'),
  deletionGracePeriodSeconds: f
    .int64(10, 'Seconds the object has to end in order; set with deletionTimestamp.')
    .pointer(),
  labels: f.mapOf('string', 11, 'Short key-value pairs by which objects can be selected.'),
  annotations: f.mapOf('string', 12, 'Key-value pairs with further data for tools; cannot be used to select.'),
  ownerReferences: f
    .list(OwnerReference, 13, 'Objects this one belongs to; it is deleted when all of them are gone.')
    .map('uid')
    .merge('uid'),
  finalizers: f.list('string', 14, 'Names that must all be removed before the object is really deleted.').set().merge(),
  managedFields: f.list(ManagedFieldsEntry, 17, 'Which manager has set which fields; kept by the server.').atomic(),
})
export interface ObjectMeta extends Infer<typeof ObjectMeta> {}

export const StatusCause = message('meta.v1.StatusCause', 'One of the reasons why a request failed.', {
  reason: f.string(1, 'Machine-readable cause, such as FieldValueInvalid.'),
  message: f.string(2, 'Explanation of the cause, meant for people.'),
  field: f.string(3, 'Path of the field to blame, such as spec.containers[0].name.'),
})
export interface StatusCause extends Infer<typeof StatusCause> {}

export const StatusDetails = message('meta.v1.StatusDetails', 'Machine-readable details of a failed request.', {
  name: f.string(1, 'Name of the object concerned, if there is one.'),
  group: f.string(2, 'API group of the object concerned.'),
  kind: f.string(3, 'Kind or resource name of the object concerned.'),
  causes: f.list(StatusCause, 4, 'Single reasons for the failure, such as invalid fields.').atomic(),
  retryAfterSeconds: f.int32(5, 'Seconds to wait before trying again.'),
  uid: f.string(6, 'UID of the object concerned, if there is one.'),
})
export interface StatusDetails extends Infer<typeof StatusDetails> {}

export const Status = message('meta.v1.Status', 'Answer of the server that carries a result instead of an object.', {
  metadata: f.message(ListMeta, 1, 'Metadata as of a list; usually empty.').present(),
  status: f.string(2, 'Outcome: Success or Failure, nothing else.'),
  message: f.string(3, 'What happened, meant for people.'),
  reason: f.string(4, 'Machine-readable cause of a failure, such as NotFound or Conflict.'),
  details: f.message(StatusDetails, 5, 'More about the failure; depends on the reason.'),
  code: f.int32(6, 'HTTP status code of the answer.'),
})
export interface Status extends Infer<typeof Status> {}
