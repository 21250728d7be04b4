/**
 * Which fields Go's encoder writes although nothing is set. Who owns which fields is worked out from what Go would write,
 * so that a condition's `lastProbeTime` has an owner before it has a value. Nearly always a Message says it: structs and
 * required fields are written. The tables are what it does not say.
 */
import type { Field, Message, ScalarName } from '#api/schema.ts'

/** By type: optional fields that are written as null (times that are no pointers, lists that are not omitted). */
const writtenAsNull: Readonly<Record<string, readonly string[]>> = {
  'apiextensions.v1.CustomResourceDefinitionCondition': ['lastTransitionTime'],
  'apiextensions.v1.CustomResourceDefinitionStatus': ['conditions', 'storedVersions'],
  'apiregistration.v1.APIServiceCondition': ['lastTransitionTime'],
  'apps.v1.DaemonSetCondition': ['lastTransitionTime'],
  'apps.v1.DeploymentCondition': ['lastUpdateTime', 'lastTransitionTime'],
  'apps.v1.ReplicaSetCondition': ['lastTransitionTime'],
  'apps.v1.StatefulSetCondition': ['lastTransitionTime'],
  'autoscaling.v2.HorizontalPodAutoscalerCondition': ['lastTransitionTime'],
  'autoscaling.v2.HorizontalPodAutoscalerStatus': ['currentMetrics'],
  'batch.v1.JobCondition': ['lastProbeTime', 'lastTransitionTime'],
  'certificates.v1.CertificateSigningRequestCondition': ['lastUpdateTime', 'lastTransitionTime'],
  'core.v1.AzureFilePersistentVolumeSource': ['secretNamespace'],
  'core.v1.ContainerImage': ['names'],
  'core.v1.ContainerStateRunning': ['startedAt'],
  'core.v1.ContainerStateTerminated': ['startedAt', 'finishedAt'],
  'core.v1.Event': ['firstTimestamp', 'lastTimestamp', 'eventTime'],
  'core.v1.EventSeries': ['lastObservedTime'],
  'core.v1.GRPCAction': ['service'],
  'core.v1.NamespaceCondition': ['lastTransitionTime'],
  'core.v1.NodeCondition': ['lastHeartbeatTime', 'lastTransitionTime'],
  'core.v1.PersistentVolumeClaimCondition': ['lastProbeTime', 'lastTransitionTime'],
  'core.v1.PodCondition': ['lastProbeTime', 'lastTransitionTime'],
  'core.v1.ProjectedVolumeSource': ['sources'],
  'core.v1.ReplicationControllerCondition': ['lastTransitionTime'],
  'core.v1.TypedLocalObjectReference': ['apiGroup'],
  'core.v1.TypedObjectReference': ['apiGroup'],
  'discovery.v1.EndpointSlice': ['endpoints', 'ports'],
  'events.v1.Event': ['deprecatedFirstTimestamp', 'deprecatedLastTimestamp'],
  'flowcontrol.v1.FlowSchemaCondition': ['lastTransitionTime'],
  'flowcontrol.v1.LimitedPriorityLevelConfiguration': ['nominalConcurrencyShares'],
  'flowcontrol.v1.PriorityLevelConfigurationCondition': ['lastTransitionTime'],
  'flowcontrol.v1.ResourcePolicyRule': ['namespaces'],
  'networking.v1.IngressClassParametersReference': ['scope'],
  'rbac.v1.ClusterRole': ['rules'],
  'rbac.v1.Role': ['rules'],
  'resource.v1.AllocatedDeviceStatus': ['conditions'],
  'resource.v1.CapacityRequestPolicy': ['default'],
  'resource.v1.DeviceClaim': ['requests'],
  'storage.v1.CSINodeDriver': ['topologyKeys'],
  'storage.v1.VolumeError': ['time'],
}

/** By type: required fields that are left out when empty. */
const omitted: Readonly<Record<string, readonly string[]>> = {
  'admissionregistration.v1.ValidatingAdmissionPolicyBindingSpec': ['policyName', 'validationActions'],
  'authentication.v1.TokenReviewSpec': ['token'],
  'core.v1.ContainerRestartRule': ['action'],
  'core.v1.ContainerRestartRuleOnExitCodes': ['operator'],
  'core.v1.ImageVolumeStatus': ['imageRef'],
  'core.v1.PodCertificateProjection': ['signerName', 'keyType'],
  'networking.v1.IPAddressSpec': ['parentRef'],
  'networking.v1.ParentReference': ['resource', 'name'],
  'resource.v1.CapacityRequestPolicyRange': ['min'],
  'resource.v1.CounterSet': ['counters'],
  'resource.v1.DeviceCounterConsumption': ['counters'],
}

const zeros: Partial<Record<ScalarName, unknown>> = {
  string: '',
  int32: 0,
  int64: 0,
  double: 0,
  bool: false,
  quantity: '0',
  intOrString: 0,
}

/** What Go writes for each such field of a value on which nothing is set; undefined where there is none. */
export function zerosOf(type: Message): Readonly<Record<string, unknown>> | undefined {
  const found = Object.entries(type.fields).flatMap(([name, field]) => {
    const zero = zeroOf(type, name, field)
    return zero === undefined ? [] : [[name, zero] as const]
  })
  return found.length > 0 ? Object.fromEntries(found) : undefined
}

/** What Go writes for the field when it is not set; undefined where it writes nothing. */
export function zeroOf(type: Message, name: string, field: Field): unknown {
  if (type.gvk && (name === 'apiVersion' || name === 'kind')) return undefined
  if (writtenAsNull[type.name]?.includes(name)) return null
  if (omitted[type.name]?.includes(name) || !(field.isRequired || field.isPresent)) return undefined
  if (field.shape !== 'one' || field.isPointer) return null
  if (typeof field.type !== 'string') return field.isPresent ? {} : null
  return zeros[field.type] ?? null
}
