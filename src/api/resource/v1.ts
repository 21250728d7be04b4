/** @@HEAD resource/v1.ts */
import { kind } from '#api/kind.ts'
import { embedded, f, type Infer, message } from '#api/schema.ts'
import { NodeSelector } from '#api/core/v1/shared.ts'
import { Condition, ObjectMeta } from '#api/meta/v1.ts'

export const NetworkDeviceData = message('resource.v1.NetworkDeviceData', '', {
  interfaceName: f.string(1, ''),
  ips: f.list('string', 2, '').atomic(),
  hardwareAddress: f.string(3, ''),
})
export interface NetworkDeviceData extends Infer<typeof NetworkDeviceData> {}

export const AllocatedDeviceStatus = message('resource.v1.AllocatedDeviceStatus', '', {
  driver: f.string(1, '').required(),
  pool: f.string(2, '').required(),
  device: f.string(3, '').required(),
  conditions: f.list(Condition, 4, '').map('type'),
  data: f.object(5, ''),
  networkData: f.message(NetworkDeviceData, 6, ''),
  shareID: f.string(7, ''),
})
export interface AllocatedDeviceStatus extends Infer<typeof AllocatedDeviceStatus> {}

export const OpaqueDeviceConfiguration = message('resource.v1.OpaqueDeviceConfiguration', '', {
  driver: f.string(1, '').required(),
  parameters: f.object(2, '').required(),
})
export interface OpaqueDeviceConfiguration extends Infer<typeof OpaqueDeviceConfiguration> {}

export const DeviceAllocationConfiguration = message('resource.v1.DeviceAllocationConfiguration', '', {
  source: f.string(1, '').required(),
  requests: f.list('string', 2, '').atomic(),
  ...embedded(3, {
    opaque: f.message(OpaqueDeviceConfiguration, 1, ''),
  }),
})
export interface DeviceAllocationConfiguration extends Infer<typeof DeviceAllocationConfiguration> {}

export const DeviceToleration = message('resource.v1.DeviceToleration', '', {
  key: f.string(1, ''),
  operator: f.string(2, ''),
  value: f.string(3, ''),
  effect: f.string(4, ''),
  tolerationSeconds: f.int64(5, ''),
})
export interface DeviceToleration extends Infer<typeof DeviceToleration> {}

export const DeviceRequestAllocationResult = message('resource.v1.DeviceRequestAllocationResult', '', {
  request: f.string(1, '').required(),
  driver: f.string(2, '').required(),
  pool: f.string(3, '').required(),
  device: f.string(4, '').required(),
  adminAccess: f.bool(5, ''),
  tolerations: f.list(DeviceToleration, 6, '').atomic(),
  bindingConditions: f.list('string', 7, '').atomic(),
  bindingFailureConditions: f.list('string', 8, '').atomic(),
  shareID: f.string(9, ''),
  consumedCapacity: f.mapOf('quantity', 10, ''),
})
export interface DeviceRequestAllocationResult extends Infer<typeof DeviceRequestAllocationResult> {}

export const DeviceAllocationResult = message('resource.v1.DeviceAllocationResult', '', {
  results: f.list(DeviceRequestAllocationResult, 1, '').atomic(),
  config: f.list(DeviceAllocationConfiguration, 2, '').atomic(),
})
export interface DeviceAllocationResult extends Infer<typeof DeviceAllocationResult> {}

export const AllocationResult = message('resource.v1.AllocationResult', '', {
  devices: f.message(DeviceAllocationResult, 1, ''),
  nodeSelector: f.message(NodeSelector, 3, ''),
  allocationTimestamp: f.time(5, ''),
})
export interface AllocationResult extends Infer<typeof AllocationResult> {}

export const CELDeviceSelector = message('resource.v1.CELDeviceSelector', '', {
  expression: f.string(1, '').required(),
})
export interface CELDeviceSelector extends Infer<typeof CELDeviceSelector> {}

export const CapacityRequestPolicyRange = message('resource.v1.CapacityRequestPolicyRange', '', {
  min: f.quantity(1, '').required(),
  max: f.quantity(2, ''),
  step: f.quantity(3, ''),
})
export interface CapacityRequestPolicyRange extends Infer<typeof CapacityRequestPolicyRange> {}

export const CapacityRequestPolicy = message('resource.v1.CapacityRequestPolicy', '', {
  default: f.quantity(1, ''),
  validValues: f.list('quantity', 3, '').atomic(),
  validRange: f.message(CapacityRequestPolicyRange, 4, ''),
})
export interface CapacityRequestPolicy extends Infer<typeof CapacityRequestPolicy> {}

export const CapacityRequirements = message('resource.v1.CapacityRequirements', '', {
  requests: f.mapOf('quantity', 1, ''),
})
export interface CapacityRequirements extends Infer<typeof CapacityRequirements> {}

export const Counter = message('resource.v1.Counter', '', {
  value: f.quantity(1, '').required(),
})
export interface Counter extends Infer<typeof Counter> {}

export const CounterSet = message('resource.v1.CounterSet', '', {
  name: f.string(1, '').required(),
  counters: f.mapOf(Counter, 2, '').required(),
})
export interface CounterSet extends Infer<typeof CounterSet> {}

export const DeviceAttribute = message('resource.v1.DeviceAttribute', '', {
  int: f.int64(2, ''),
  bool: f.bool(3, ''),
  string: f.string(4, ''),
  version: f.string(5, ''),
  ints: f.list('int64', 6, '').atomic(),
  bools: f.list('bool', 7, '').atomic(),
  strings: f.list('string', 8, '').atomic(),
  versions: f.list('string', 9, '').atomic(),
})
export interface DeviceAttribute extends Infer<typeof DeviceAttribute> {}

export const DeviceCapacity = message('resource.v1.DeviceCapacity', '', {
  value: f.quantity(1, '').required(),
  requestPolicy: f.message(CapacityRequestPolicy, 2, ''),
})
export interface DeviceCapacity extends Infer<typeof DeviceCapacity> {}

export const DeviceCounterConsumption = message('resource.v1.DeviceCounterConsumption', '', {
  counterSet: f.string(1, '').required(),
  counters: f.mapOf(Counter, 2, '').required(),
})
export interface DeviceCounterConsumption extends Infer<typeof DeviceCounterConsumption> {}

export const DeviceTaint = message('resource.v1.DeviceTaint', '', {
  key: f.string(1, '').required(),
  value: f.string(2, ''),
  effect: f.string(3, '').required(),
  timeAdded: f.time(4, ''),
})
export interface DeviceTaint extends Infer<typeof DeviceTaint> {}

export const NodeAllocatableResourceMapping = message('resource.v1.NodeAllocatableResourceMapping', '', {
  capacityKey: f.string(1, ''),
  allocationMultiplier: f.quantity(2, ''),
})
export interface NodeAllocatableResourceMapping extends Infer<typeof NodeAllocatableResourceMapping> {}

export const Device = message('resource.v1.Device', '', {
  name: f.string(1, '').required(),
  attributes: f.mapOf(DeviceAttribute, 2, ''),
  capacity: f.mapOf(DeviceCapacity, 3, ''),
  consumesCounters: f.list(DeviceCounterConsumption, 4, '').atomic(),
  nodeName: f.string(5, ''),
  nodeSelector: f.message(NodeSelector, 6, ''),
  allNodes: f.bool(7, ''),
  taints: f.list(DeviceTaint, 8, '').atomic(),
  bindsToNode: f.bool(9, ''),
  bindingConditions: f.list('string', 10, '').atomic(),
  bindingFailureConditions: f.list('string', 11, '').atomic(),
  allowMultipleAllocations: f.bool(12, ''),
  nodeAllocatableResourceMappings: f.mapOf(NodeAllocatableResourceMapping, 13, ''),
})
export interface Device extends Infer<typeof Device> {}

export const DeviceClaimConfiguration = message('resource.v1.DeviceClaimConfiguration', '', {
  requests: f.list('string', 1, '').atomic(),
  ...embedded(2, {
    opaque: f.message(OpaqueDeviceConfiguration, 1, ''),
  }),
})
export interface DeviceClaimConfiguration extends Infer<typeof DeviceClaimConfiguration> {}

export const DeviceConstraint = message('resource.v1.DeviceConstraint', '', {
  requests: f.list('string', 1, '').atomic(),
  matchAttribute: f.string(2, ''),
  distinctAttribute: f.string(3, ''),
})
export interface DeviceConstraint extends Infer<typeof DeviceConstraint> {}

export const DeviceSelector = message('resource.v1.DeviceSelector', '', {
  cel: f.message(CELDeviceSelector, 1, ''),
})
export interface DeviceSelector extends Infer<typeof DeviceSelector> {}

export const DeviceSubRequest = message('resource.v1.DeviceSubRequest', '', {
  name: f.string(1, '').required(),
  deviceClassName: f.string(2, '').required(),
  selectors: f.list(DeviceSelector, 3, '').atomic(),
  allocationMode: f.string(4, ''),
  count: f.int64(5, ''),
  tolerations: f.list(DeviceToleration, 6, '').atomic(),
  capacity: f.message(CapacityRequirements, 7, ''),
})
export interface DeviceSubRequest extends Infer<typeof DeviceSubRequest> {}

export const ExactDeviceRequest = message('resource.v1.ExactDeviceRequest', '', {
  deviceClassName: f.string(1, '').required(),
  selectors: f.list(DeviceSelector, 2, '').atomic(),
  allocationMode: f.string(3, ''),
  count: f.int64(4, ''),
  adminAccess: f.bool(5, ''),
  tolerations: f.list(DeviceToleration, 6, '').atomic(),
  capacity: f.message(CapacityRequirements, 7, ''),
})
export interface ExactDeviceRequest extends Infer<typeof ExactDeviceRequest> {}

export const DeviceRequest = message('resource.v1.DeviceRequest', '', {
  name: f.string(1, '').required(),
  exactly: f.message(ExactDeviceRequest, 2, ''),
  firstAvailable: f.list(DeviceSubRequest, 3, '').atomic(),
})
export interface DeviceRequest extends Infer<typeof DeviceRequest> {}

export const DeviceClaim = message('resource.v1.DeviceClaim', '', {
  requests: f.list(DeviceRequest, 1, '').atomic(),
  constraints: f.list(DeviceConstraint, 2, '').atomic(),
  config: f.list(DeviceClaimConfiguration, 3, '').atomic(),
})
export interface DeviceClaim extends Infer<typeof DeviceClaim> {}

export const DeviceClassConfiguration = message('resource.v1.DeviceClassConfiguration', '', {
  ...embedded(1, {
    opaque: f.message(OpaqueDeviceConfiguration, 1, ''),
  }),
})
export interface DeviceClassConfiguration extends Infer<typeof DeviceClassConfiguration> {}

export const DeviceClassSpec = message('resource.v1.DeviceClassSpec', '', {
  selectors: f.list(DeviceSelector, 1, '').atomic(),
  config: f.list(DeviceClassConfiguration, 2, '').atomic(),
  extendedResourceName: f.string(4, ''),
})
export interface DeviceClassSpec extends Infer<typeof DeviceClassSpec> {}

export const DeviceClass = kind('resource.k8s.io', 'v1', 'DeviceClass', '', {
  spec: f.message(DeviceClassSpec, 2, '').present(),
})
export interface DeviceClass extends Infer<typeof DeviceClass> {}

export const ResourceClaimSpec = message('resource.v1.ResourceClaimSpec', '', {
  devices: f.message(DeviceClaim, 1, ''),
})
export interface ResourceClaimSpec extends Infer<typeof ResourceClaimSpec> {}

export const ResourceClaimConsumerReference = message('resource.v1.ResourceClaimConsumerReference', '', {
  apiGroup: f.string(1, ''),
  resource: f.string(3, '').required(),
  name: f.string(4, '').required(),
  uid: f.string(5, '').required(),
})
export interface ResourceClaimConsumerReference extends Infer<typeof ResourceClaimConsumerReference> {}

export const ResourceClaimStatus = message('resource.v1.ResourceClaimStatus', '', {
  allocation: f.message(AllocationResult, 1, ''),
  reservedFor: f.list(ResourceClaimConsumerReference, 2, '').map('uid').merge('uid'),
  devices: f.list(AllocatedDeviceStatus, 4, '').map('driver', 'device', 'pool', 'shareID'),
})
export interface ResourceClaimStatus extends Infer<typeof ResourceClaimStatus> {}

export const ResourceClaim = kind('resource.k8s.io', 'v1', 'ResourceClaim', '', {
  spec: f.message(ResourceClaimSpec, 2, '').present(),
  status: f.message(ResourceClaimStatus, 3, '').present(),
})
export interface ResourceClaim extends Infer<typeof ResourceClaim> {}

export const ResourceClaimTemplateSpec = message('resource.v1.ResourceClaimTemplateSpec', '', {
  metadata: f.message(ObjectMeta, 1, ''),
  spec: f.message(ResourceClaimSpec, 2, '').required(),
})
export interface ResourceClaimTemplateSpec extends Infer<typeof ResourceClaimTemplateSpec> {}

export const ResourceClaimTemplate = kind('resource.k8s.io', 'v1', 'ResourceClaimTemplate', '', {
  spec: f.message(ResourceClaimTemplateSpec, 2, '').present(),
})
export interface ResourceClaimTemplate extends Infer<typeof ResourceClaimTemplate> {}

export const ResourcePool = message('resource.v1.ResourcePool', '', {
  name: f.string(1, '').required(),
  generation: f.int64(2, '').required(),
  resourceSliceCount: f.int64(3, '').required(),
})
export interface ResourcePool extends Infer<typeof ResourcePool> {}

export const ResourceSliceSpec = message('resource.v1.ResourceSliceSpec', '', {
  driver: f.string(1, '').required(),
  pool: f.message(ResourcePool, 2, '').required(),
  nodeName: f.string(3, ''),
  nodeSelector: f.message(NodeSelector, 4, ''),
  allNodes: f.bool(5, ''),
  devices: f.list(Device, 6, '').atomic(),
  perDeviceNodeSelection: f.bool(7, ''),
  sharedCounters: f.list(CounterSet, 8, '').atomic(),
})
export interface ResourceSliceSpec extends Infer<typeof ResourceSliceSpec> {}

export const ResourceSlice = kind('resource.k8s.io', 'v1', 'ResourceSlice', '', {
  spec: f.message(ResourceSliceSpec, 2, '').present(),
})
export interface ResourceSlice extends Infer<typeof ResourceSlice> {}
