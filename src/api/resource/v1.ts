/**
 * Dynamic resource allocation. Drivers publish devices in ResourceSlices, DeviceClasses describe common choices,
 * and ResourceClaims and their templates ask for devices and record what was allocated.
 */
import { kind } from '#api/kind.ts'
import { embedded, f, type Infer, message } from '#api/schema.ts'
import { NodeSelector } from '#api/core/v1/shared.ts'
import { Condition, ObjectMeta } from '#api/meta/v1.ts'

export const NetworkDeviceData = message('resource.v1.NetworkDeviceData', 'Network details of an allocated device.', {
  interfaceName: f.string(1, 'Name of the network interface inside the pod.'),
  ips: f.list('string', 2, 'Addresses of the interface in CIDR notation, such as 192.0.2.5/24.').atomic(),
  hardwareAddress: f.string(3, 'Hardware (MAC) address of the interface.'),
})
export interface NetworkDeviceData extends Infer<typeof NetworkDeviceData> {}

export const AllocatedDeviceStatus = message(
  'resource.v1.AllocatedDeviceStatus',
  'State of an allocated device, as reported by its driver.',
  {
    driver: f.string(1, 'Name of the driver that provides the device.').required(),
    pool: f.string(2, 'Pool that the device is in.').required(),
    device: f.string(3, 'Name of the device within its pool.').required(),
    conditions: f.list(Condition, 4, 'Latest observations about the device, one per type; at most 8.').map('type'),
    data: f.object(5, 'Any further data of the driver, at most 10 KiB.'),
    networkData: f.message(NetworkDeviceData, 6, 'Network details, for network devices.'),
    shareID: f.string(7, 'Which share of the device this is, if it can be allocated several times.').pointer(),
  },
)
export interface AllocatedDeviceStatus extends Infer<typeof AllocatedDeviceStatus> {}

export const OpaqueDeviceConfiguration = message(
  'resource.v1.OpaqueDeviceConfiguration',
  'Settings that only the driver of a device understands.',
  {
    driver: f.string(1, 'Name of the driver that the settings are meant for.').required(),
    parameters: f.object(2, 'The settings as an object, normally with kind and version; at most 10 KiB.').required(),
  },
)
export interface OpaqueDeviceConfiguration extends Infer<typeof OpaqueDeviceConfiguration> {}

export const DeviceAllocationConfiguration = message(
  'resource.v1.DeviceAllocationConfiguration',
  'Settings that go with an allocation, and where they come from.',
  {
    source: f
      .string(1, 'Whether they come from a class or from the claim: FromClass or FromClaim.')
      .required()
      .oneOf('FromClaim', 'FromClass'),
    requests: f.list('string', 2, 'Requests the settings are for; empty means all.').atomic(),
    ...embedded(3, {
      opaque: f.message(OpaqueDeviceConfiguration, 1, 'Settings that only the driver understands.'),
    }),
  },
)
export interface DeviceAllocationConfiguration extends Infer<typeof DeviceAllocationConfiguration> {}

export const DeviceToleration = message(
  'resource.v1.DeviceToleration',
  'Lets devices be used in spite of certain taints.',
  {
    key: f.string(1, 'Taint key that is tolerated; empty with Exists means all keys.'),
    operator: f
      .string(2, 'How value is compared: Equal (default), or Exists for any value.')
      .oneOf('Equal', 'Exists')
      .default('Equal'),
    value: f.string(3, 'Taint value that is tolerated; empty for Exists.'),
    effect: f
      .string(4, 'Taint effect that is tolerated: NoSchedule or NoExecute; empty means all.')
      .oneOf('NoExecute', 'NoSchedule', 'None'),
    tolerationSeconds: f.int64(5, 'Seconds a NoExecute taint is tolerated; if unset, forever.').pointer(),
  },
)
export interface DeviceToleration extends Infer<typeof DeviceToleration> {}

export const DeviceRequestAllocationResult = message(
  'resource.v1.DeviceRequestAllocationResult',
  'A device that was allocated for a request.',
  {
    request: f.string(1, 'Name of the request, with the subrequest after a slash if there is one.').required(),
    driver: f.string(2, 'Name of the driver that provides the device.').required(),
    pool: f.string(3, 'Pool that the device is in.').required(),
    device: f.string(4, 'Name of the device within its pool.').required(),
    adminAccess: f.bool(5, 'Whether the device was allocated for administration, even if used by others.').pointer(),
    tolerations: f.list(DeviceToleration, 6, 'Tolerations that the request had at the time of allocation.').atomic(),
    bindingConditions: f.list('string', 7, 'Device conditions that must be True before the pod is bound.').atomic(),
    bindingFailureConditions: f.list('string', 8, 'Device conditions that mean binding has failed when True.').atomic(),
    shareID: f.string(9, 'Which share of the device was given, if it can be allocated several times.').pointer(),
    consumedCapacity: f.mapOf('quantity', 10, 'Amounts of device capacity that this allocation uses, by name.'),
  },
)
export interface DeviceRequestAllocationResult extends Infer<typeof DeviceRequestAllocationResult> {}

export const DeviceAllocationResult = message(
  'resource.v1.DeviceAllocationResult',
  'The devices that were allocated, with their settings.',
  {
    results: f.list(DeviceRequestAllocationResult, 1, 'All devices that were allocated.').atomic(),
    config: f
      .list(DeviceAllocationConfiguration, 2, 'Settings from classes and the claim, in order of increasing precedence.')
      .atomic(),
  },
)
export interface DeviceAllocationResult extends Infer<typeof DeviceAllocationResult> {}

export const AllocationResult = message(
  'resource.v1.AllocationResult',
  'What was allocated for a claim and where it can be used.',
  {
    devices: f.message(DeviceAllocationResult, 1, 'The devices that were allocated.').present(),
    nodeSelector: f.message(NodeSelector, 3, 'Nodes where the devices can be used; if unset, everywhere.'),
    allocationTimestamp: f.time(5, 'When the allocation was made; not set by every allocator.'),
  },
)
export interface AllocationResult extends Infer<typeof AllocationResult> {}

export const CELDeviceSelector = message('resource.v1.CELDeviceSelector', 'Selects devices with a CEL expression.', {
  expression: f.string(1, 'CEL expression over device that returns true for suitable devices.').required(),
})
export interface CELDeviceSelector extends Infer<typeof CELDeviceSelector> {}

export const CapacityRequestPolicyRange = message(
  'resource.v1.CapacityRequestPolicyRange',
  'Amounts of capacity that may be requested, as a range.',
  {
    min: f.quantity(1, 'Smallest amount; smaller requests are rounded up to it.').required(),
    max: f.quantity(2, 'Largest amount; by default the whole capacity.'),
    step: f.quantity(3, 'Distance between valid amounts, counted from min; requests are rounded up.'),
  },
)
export interface CapacityRequestPolicyRange extends Infer<typeof CapacityRequestPolicyRange> {}

export const CapacityRequestPolicy = message(
  'resource.v1.CapacityRequestPolicy',
  'Rules for requesting part of the capacity of a shared device.',
  {
    default: f.quantity(1, 'Amount that is used when a request names none.'),
    validValues: f
      .list('quantity', 3, 'Amounts that may be requested; others are rounded up, excludes validRange.')
      .atomic(),
    validRange: f.message(
      CapacityRequestPolicyRange,
      4,
      'Range of amounts that may be requested; excludes validValues.',
    ),
  },
)
export interface CapacityRequestPolicy extends Infer<typeof CapacityRequestPolicy> {}

export const CapacityRequirements = message('resource.v1.CapacityRequirements', 'How much capacity a request needs.', {
  requests: f.mapOf('quantity', 1, 'Amount needed of each capacity, by name.'),
})
export interface CapacityRequirements extends Infer<typeof CapacityRequirements> {}

export const Counter = message('resource.v1.Counter', 'An amount that devices can draw on.', {
  value: f.quantity(1, 'Amount that there is or that is used.').required(),
})
export interface Counter extends Infer<typeof Counter> {}

export const CounterSet = message('resource.v1.CounterSet', 'Named group of counters that several devices share.', {
  name: f.string(1, 'Name of the set, unique in its pool.').required(),
  counters: f.mapOf(Counter, 2, 'The counters by name, with what is available of each.').required(),
})
export interface CounterSet extends Infer<typeof CounterSet> {}

export const DeviceAttribute = message(
  'resource.v1.DeviceAttribute',
  'Value of a device attribute; exactly one field is set.',
  {
    int: f.int64(2, 'Value as an integer number.').pointer(),
    bool: f.bool(3, 'Value as true or false.').pointer(),
    string: f.string(4, 'Value as text, at most 64 characters.').pointer(),
    version: f.string(5, 'Value as a semantic version, such as 1.2.3; at most 64 characters.').pointer(),
    ints: f.list('int64', 6, 'Value as a list of integers.').atomic(),
    bools: f.list('bool', 7, 'Value as a list of booleans.').atomic(),
    strings: f.list('string', 8, 'Value as a list of texts, each at most 64 characters.').atomic(),
    versions: f.list('string', 9, 'Value as a list of semantic versions, each at most 64 characters.').atomic(),
  },
)
export interface DeviceAttribute extends Infer<typeof DeviceAttribute> {}

export const DeviceCapacity = message('resource.v1.DeviceCapacity', 'A capacity of a device, such as memory.', {
  value: f.quantity(1, 'How much the device has of it.').required(),
  requestPolicy: f.message(
    CapacityRequestPolicy,
    2,
    'How parts of it can be requested; for devices that allow several allocations.',
  ),
})
export interface DeviceCapacity extends Infer<typeof DeviceCapacity> {}

export const DeviceCounterConsumption = message(
  'resource.v1.DeviceCounterConsumption',
  'What a device takes from a counter set when it is allocated.',
  {
    counterSet: f.string(1, 'Name of the counter set it draws on.').required(),
    counters: f.mapOf(Counter, 2, 'Amount taken from each counter, by name.').required(),
  },
)
export interface DeviceCounterConsumption extends Infer<typeof DeviceCounterConsumption> {}

export const DeviceTaint = message('resource.v1.DeviceTaint', 'Keeps a device from claims that do not tolerate it.', {
  key: f.string(1, 'Name of the taint, a label key.').required(),
  value: f.string(2, 'Value of the taint, a label value.'),
  effect: f
    .string(3, 'NoSchedule bars new use, NoExecute also evicts pods, None only informs.')
    .required()
    .oneOf('NoExecute', 'NoSchedule', 'None'),
  timeAdded: f.time(4, 'When the taint was set; the server fills it in if missing.'),
})
export interface DeviceTaint extends Infer<typeof DeviceTaint> {}

export const NodeAllocatableResourceMapping = message(
  'resource.v1.NodeAllocatableResourceMapping',
  'How a device counts against a resource of its node, such as cpu.',
  {
    capacityKey: f.string(1, 'Capacity of the device that is counted; if unset, the number of devices is.').pointer(),
    allocationMultiplier: f.quantity(2, 'Factor from capacity or device count to the node resource; default 1.'),
  },
)
export interface NodeAllocatableResourceMapping extends Infer<typeof NodeAllocatableResourceMapping> {}

export const Device = message('resource.v1.Device', 'One device that a driver offers.', {
  name: f.string(1, 'Name of the device, unique in its pool; a DNS label.').required(),
  attributes: f.mapOf(DeviceAttribute, 2, 'Properties by name, which selectors can look at.'),
  capacity: f.mapOf(DeviceCapacity, 3, 'Capacities by name, which selectors can look at.'),
  consumesCounters: f
    .list(DeviceCounterConsumption, 4, 'What the device takes from shared counters while it is in use.')
    .atomic(),
  nodeName: f.string(5, 'The only node where the device can be used; needs perDeviceNodeSelection.').pointer(),
  nodeSelector: f.message(NodeSelector, 6, 'Nodes where the device can be used; needs perDeviceNodeSelection.'),
  allNodes: f.bool(7, 'True if all nodes can use the device; needs perDeviceNodeSelection.').pointer(),
  taints: f.list(DeviceTaint, 8, 'Taints set by the driver, at most 16.').atomic(),
  bindsToNode: f.bool(9, 'Whether a claim with this device becomes tied to the chosen node.').pointer(),
  bindingConditions: f
    .list('string', 10, 'Conditions that must be True before a pod with this device is bound.')
    .atomic(),
  bindingFailureConditions: f
    .list('string', 11, 'Conditions that mean binding has failed when True, at most 4.')
    .atomic(),
  allowMultipleAllocations: f
    .bool(12, 'Whether several claims or requests may share the device; default false.')
    .pointer(),
  nodeAllocatableResourceMappings: f.mapOf(
    NodeAllocatableResourceMapping,
    13,
    'Resources of the node that the device uses up, by resource name.',
  ),
})
export interface Device extends Infer<typeof Device> {}

export const DeviceClaimConfiguration = message(
  'resource.v1.DeviceClaimConfiguration',
  'Settings in a claim for the devices of some requests.',
  {
    requests: f.list('string', 1, 'Requests the settings are for; empty means all.').atomic(),
    ...embedded(2, {
      opaque: f.message(OpaqueDeviceConfiguration, 1, 'Settings that only the driver understands.'),
    }),
  },
)
export interface DeviceClaimConfiguration extends Infer<typeof DeviceClaimConfiguration> {}

export const DeviceConstraint = message(
  'resource.v1.DeviceConstraint',
  'Demand on devices of several requests taken together; set one attribute field.',
  {
    requests: f.list('string', 1, 'Requests that are concerned; empty means all.').atomic(),
    matchAttribute: f.string(2, 'Attribute that must have the same value for all the devices.').pointer(),
    distinctAttribute: f.string(3, 'Attribute that must have a different value for each of the devices.').pointer(),
  },
)
export interface DeviceConstraint extends Infer<typeof DeviceConstraint> {}

export const DeviceSelector = message('resource.v1.DeviceSelector', 'A condition that a device has to meet.', {
  cel: f.message(CELDeviceSelector, 1, 'The condition as a CEL expression; must be set.'),
})
export interface DeviceSelector extends Infer<typeof DeviceSelector> {}

export const DeviceSubRequest = message('resource.v1.DeviceSubRequest', 'One of several alternatives for a request.', {
  name: f.string(1, 'Name of the alternative, unique in its request; a DNS label.').required(),
  deviceClassName: f.string(2, 'DeviceClass that the devices have to belong to.').required(),
  selectors: f.list(DeviceSelector, 3, 'Further conditions on the devices; all have to be met.').atomic(),
  allocationMode: f
    .string(4, 'ExactCount (default) takes count devices; All takes every match in a pool.')
    .oneOf('All', 'ExactCount')
    .default('ExactCount'),
  count: f.int64(5, 'Number of devices for ExactCount; default 1.'),
  tolerations: f.list(DeviceToleration, 6, 'Taints that are tolerated on the devices, at most 16.').atomic(),
  capacity: f.message(CapacityRequirements, 7, 'How much capacity each device must provide.'),
})
export interface DeviceSubRequest extends Infer<typeof DeviceSubRequest> {}

export const ExactDeviceRequest = message(
  'resource.v1.ExactDeviceRequest',
  'Request for one or more devices of a class.',
  {
    deviceClassName: f.string(1, 'DeviceClass that the devices have to belong to.').required(),
    selectors: f.list(DeviceSelector, 2, 'Further conditions on the devices; all have to be met.').atomic(),
    allocationMode: f
      .string(3, 'ExactCount (default) takes count devices; All takes every match in a pool.')
      .oneOf('All', 'ExactCount')
      .default('ExactCount'),
    count: f.int64(4, 'Number of devices for ExactCount; default 1.'),
    adminAccess: f.bool(5, 'Asks for access to devices even if in use; limited to privileged namespaces.').pointer(),
    tolerations: f.list(DeviceToleration, 6, 'Taints that are tolerated on the devices, at most 16.').atomic(),
    capacity: f.message(CapacityRequirements, 7, 'How much capacity each device must provide.'),
  },
)
export interface ExactDeviceRequest extends Infer<typeof ExactDeviceRequest> {}

export const DeviceRequest = message(
  'resource.v1.DeviceRequest',
  'Request for devices; set either exactly or firstAvailable.',
  {
    name: f.string(1, 'Name of the request, used by pods and constraints; a DNS label.').required(),
    exactly: f.message(ExactDeviceRequest, 2, 'What is needed, with no alternative.'),
    firstAvailable: f
      .list(DeviceSubRequest, 3, 'Alternatives in order of preference, at most 8; the first possible one is taken.')
      .atomic(),
  },
)
export interface DeviceRequest extends Infer<typeof DeviceRequest> {}

export const DeviceClaim = message('resource.v1.DeviceClaim', 'The devices that a claim asks for.', {
  requests: f.list(DeviceRequest, 1, 'Requests that must all be satisfied, at most 32.').atomic(),
  constraints: f
    .list(DeviceConstraint, 2, 'Demands on devices of several requests taken together, at most 32.')
    .atomic(),
  config: f.list(DeviceClaimConfiguration, 3, 'Settings for the drivers of the devices, at most 32.').atomic(),
})
export interface DeviceClaim extends Infer<typeof DeviceClaim> {}

export const DeviceClassConfiguration = message(
  'resource.v1.DeviceClassConfiguration',
  'Settings for every device that is allocated through a class.',
  {
    ...embedded(1, {
      opaque: f.message(OpaqueDeviceConfiguration, 1, 'Settings that only the driver understands.'),
    }),
  },
)
export interface DeviceClassConfiguration extends Infer<typeof DeviceClassConfiguration> {}

export const DeviceClassSpec = message(
  'resource.v1.DeviceClassSpec',
  'Which devices a class has and how they are set up.',
  {
    selectors: f.list(DeviceSelector, 1, 'Conditions that a device has to meet to be in the class.').atomic(),
    config: f.list(DeviceClassConfiguration, 2, 'Settings that are passed on with each allocation.').atomic(),
    extendedResourceName: f
      .string(4, 'Extended resource, such as example.com/gpu, that pods can request these devices by.')
      .pointer(),
  },
)
export interface DeviceClassSpec extends Infer<typeof DeviceClassSpec> {}

export const DeviceClass = kind(
  'resource.k8s.io',
  'v1',
  'DeviceClass',
  'A kind of device that claims can ask for; cluster-wide.',
  {
    spec: f.message(DeviceClassSpec, 2, 'Which devices are in the class.').required().present(),
  },
)
export interface DeviceClass extends Infer<typeof DeviceClass> {}

export const ResourceClaimSpec = message('resource.v1.ResourceClaimSpec', 'What a claim asks for; cannot be changed.', {
  devices: f.message(DeviceClaim, 1, 'The devices that are needed.').present(),
})
export interface ResourceClaimSpec extends Infer<typeof ResourceClaimSpec> {}

export const ResourceClaimConsumerReference = message(
  'resource.v1.ResourceClaimConsumerReference',
  'An object that may use a claim, usually a pod.',
  {
    apiGroup: f.string(1, 'API group of the object; empty for the core group.'),
    resource: f.string(3, 'Plural name of the resource, such as pods.').required(),
    name: f.string(4, 'Name of the object.').required(),
    uid: f.string(5, 'UID of the object.').required(),
  },
)
export interface ResourceClaimConsumerReference extends Infer<typeof ResourceClaimConsumerReference> {}

export const ResourceClaimStatus = message(
  'resource.v1.ResourceClaimStatus',
  'What was allocated for a claim and who may use it.',
  {
    allocation: f.message(AllocationResult, 1, 'What was allocated; unset until then.'),
    reservedFor: f
      .list(ResourceClaimConsumerReference, 2, 'Objects that may use the claim at present, at most 256.')
      .map('uid')
      .merge('uid'),
    devices: f
      .list(AllocatedDeviceStatus, 4, 'State of the allocated devices, as reported by their drivers.')
      .map('driver', 'device', 'pool', 'shareID'),
  },
)
export interface ResourceClaimStatus extends Infer<typeof ResourceClaimStatus> {}

export const ResourceClaim = kind(
  'resource.k8s.io',
  'v1',
  'ResourceClaim',
  'Asks for devices, which pods can then use.',
  {
    spec: f.message(ResourceClaimSpec, 2, 'The devices that are asked for.').required().present(),
    status: f.message(ResourceClaimStatus, 3, 'What was allocated and who may use it.').present(),
  },
)
export interface ResourceClaim extends Infer<typeof ResourceClaim> {}

export const ResourceClaimTemplateSpec = message(
  'resource.v1.ResourceClaimTemplateSpec',
  'ResourceClaim to create from a template.',
  {
    metadata: f
      .message(ObjectMeta, 1, 'Labels and annotations for the new claims; other fields are not allowed.')
      .present(),
    spec: f.message(ResourceClaimSpec, 2, 'What the new claims ask for.').required().present(),
  },
)
export interface ResourceClaimTemplateSpec extends Infer<typeof ResourceClaimTemplateSpec> {}

export const ResourceClaimTemplate = kind(
  'resource.k8s.io',
  'v1',
  'ResourceClaimTemplate',
  'Template from which a claim is made for each pod that refers to it.',
  {
    spec: f.message(ResourceClaimTemplateSpec, 2, 'The claim to create; cannot be changed.').required().present(),
  },
)
export interface ResourceClaimTemplate extends Infer<typeof ResourceClaimTemplate> {}

export const ResourcePool = message('resource.v1.ResourcePool', 'The pool that a ResourceSlice is a part of.', {
  name: f.string(1, 'Name of the pool; often the name of the node.').required(),
  generation: f.int64(2, 'Version of the pool; slices with an older one are ignored.').required(),
  resourceSliceCount: f.int64(3, 'Number of slices in this generation of the pool; at least 1.').required(),
})
export interface ResourcePool extends Infer<typeof ResourcePool> {}

export const ResourceSliceSpec = message(
  'resource.v1.ResourceSliceSpec',
  'Devices or counters of a pool, and where they can be used.',
  {
    driver: f.string(1, 'Name of the driver that publishes the slice; cannot be changed.').required(),
    pool: f.message(ResourcePool, 2, 'Pool that the slice is a part of.').required().present(),
    nodeName: f.string(3, 'The only node where the devices can be used; cannot be changed.').pointer(),
    nodeSelector: f.message(NodeSelector, 4, 'Nodes where the devices can be used.'),
    allNodes: f.bool(5, 'True if all nodes can use the devices.').pointer(),
    devices: f.list(Device, 6, 'Devices in this slice, at most 128, or 64 if some have taints or counters.').atomic(),
    perDeviceNodeSelection: f.bool(7, 'True if each device says itself which nodes can use it.').pointer(),
    sharedCounters: f.list(CounterSet, 8, 'Counter sets that devices of the same pool draw on, at most 8.').atomic(),
  },
)
export interface ResourceSliceSpec extends Infer<typeof ResourceSliceSpec> {}

export const ResourceSlice = kind(
  'resource.k8s.io',
  'v1',
  'ResourceSlice',
  'Devices that a driver offers, on one node or several.',
  {
    spec: f.message(ResourceSliceSpec, 2, 'The devices and where they can be used.').required().present(),
  },
)
export interface ResourceSlice extends Infer<typeof ResourceSlice> {}
