/** Namespace and the objects that bound what may be used inside one: LimitRange and ResourceQuota. */
import { kind } from '#api/kind.ts'
import { f, type Infer, message } from '#api/schema.ts'

export const LimitRangeItem = message(
  'core.v1.LimitRangeItem',
  'Bounds and defaults for the resources of one type of object.',
  {
    type: f.string(1, 'What the bounds apply to: Pod, Container or PersistentVolumeClaim.').required(),
    max: f.mapOf('quantity', 2, 'Largest permitted amount, by resource name.'),
    min: f.mapOf('quantity', 3, 'Smallest permitted amount, by resource name.'),
    default: f.mapOf('quantity', 4, 'Limit given to containers that set none, by resource name.'),
    defaultRequest: f.mapOf('quantity', 5, 'Request given to containers that set none, by resource name.'),
    maxLimitRequestRatio: f.mapOf(
      'quantity',
      6,
      'Largest allowed quotient of limit divided by request, by resource name.',
    ),
  },
)
export interface LimitRangeItem extends Infer<typeof LimitRangeItem> {}

export const LimitRangeSpec = message(
  'core.v1.LimitRangeSpec',
  'The resource bounds a LimitRange imposes on its namespace.',
  {
    limits: f.list(LimitRangeItem, 1, 'Bounds that new pods, containers and claims must respect.').required().atomic(),
  },
)
export interface LimitRangeSpec extends Infer<typeof LimitRangeSpec> {}

export const LimitRange = kind(
  '',
  'v1',
  'LimitRange',
  'Sets resource bounds and defaults for pods, containers and claims in a namespace.',
  {
    spec: f.message(LimitRangeSpec, 2, 'Bounds and defaults to enforce in the namespace.').present(),
  },
)
export interface LimitRange extends Infer<typeof LimitRange> {}

export const NamespaceSpec = message('core.v1.NamespaceSpec', 'Desired properties of a namespace.', {
  finalizers: f
    .list('string', 1, 'Names that must all be removed before the namespace is gone; normally just kubernetes.')
    .atomic(),
})
export interface NamespaceSpec extends Infer<typeof NamespaceSpec> {}

export const NamespaceCondition = message(
  'core.v1.NamespaceCondition',
  'One observation about a namespace, mostly about its deletion.',
  {
    type: f
      .string(1, 'What is observed, such as NamespaceContentRemaining or NamespaceDeletionContentFailure.')
      .required(),
    status: f.string(2, 'Whether the condition holds: True, False or Unknown.').required(),
    lastTransitionTime: f.time(4, 'When the status of this condition last changed.'),
    reason: f.string(5, 'Short machine-readable cause of the last change, in CamelCase.'),
    message: f.string(6, 'Human-readable details about the last change.'),
  },
)
export interface NamespaceCondition extends Infer<typeof NamespaceCondition> {}

export const NamespaceStatus = message('core.v1.NamespaceStatus', 'Where a namespace is in its life.', {
  phase: f
    .string(1, 'Stage of life: Active, or Terminating while it is being deleted.')
    .oneOf('Active', 'Terminating')
    .default('Active'),
  conditions: f
    .list(NamespaceCondition, 2, 'Latest observations about the namespace, at most one per type.')
    .map('type')
    .merge('type'),
})
export interface NamespaceStatus extends Infer<typeof NamespaceStatus> {}

export const Namespace = kind('', 'v1', 'Namespace', 'A scope for names; deleting it deletes everything inside.', {
  spec: f.message(NamespaceSpec, 2, 'What the namespace should be like.').present(),
  status: f.message(NamespaceStatus, 3, 'What the system reports about the namespace.').present(),
})
export interface Namespace extends Infer<typeof Namespace> {}

export const ScopedResourceSelectorRequirement = message(
  'core.v1.ScopedResourceSelectorRequirement',
  'A test on one quota scope that objects must pass to be counted.',
  {
    scopeName: f
      .string(1, 'Scope to test, such as PriorityClass, BestEffort, Terminating or VolumeAttributesClass.')
      .required()
      .oneOf(
        'BestEffort',
        'CrossNamespacePodAffinity',
        'NotBestEffort',
        'NotTerminating',
        'PriorityClass',
        'Terminating',
        'VolumeAttributesClass',
      ),
    operator: f
      .string(2, 'How values are compared: In, NotIn, Exists or DoesNotExist.')
      .required()
      .oneOf('DoesNotExist', 'Exists', 'In', 'NotIn'),
    values: f.list('string', 3, 'Values to compare with; filled for In and NotIn, empty otherwise.').atomic(),
  },
)
export interface ScopedResourceSelectorRequirement extends Infer<typeof ScopedResourceSelectorRequirement> {}

export const ScopeSelector = message('core.v1.ScopeSelector', 'Tests on quota scopes, all of which must pass.', {
  matchExpressions: f.list(ScopedResourceSelectorRequirement, 1, 'Requirements on scopes, joined by AND.').atomic(),
}).atomic()
export interface ScopeSelector extends Infer<typeof ScopeSelector> {}

export const ResourceQuotaSpec = message(
  'core.v1.ResourceQuotaSpec',
  'Ceilings on total use in a namespace, and what they count.',
  {
    hard: f.mapOf(
      'quantity',
      1,
      'Highest permitted total, by resource name such as requests.cpu or count/deployments.apps.',
    ),
    scopes: f
      .list('string', 2, 'Scopes an object must match, every one, to be counted; default is to count everything.')
      .atomic()
      .oneOf(
        'BestEffort',
        'CrossNamespacePodAffinity',
        'NotBestEffort',
        'NotTerminating',
        'PriorityClass',
        'Terminating',
        'VolumeAttributesClass',
      ),
    scopeSelector: f.message(
      ScopeSelector,
      3,
      'Further scope tests with values; an object must also pass these to be counted.',
    ),
  },
)
export interface ResourceQuotaSpec extends Infer<typeof ResourceQuotaSpec> {}

export const ResourceQuotaStatus = message(
  'core.v1.ResourceQuotaStatus',
  'The ceilings in force and how much of them is used.',
  {
    hard: f.mapOf('quantity', 1, 'Ceilings now in force, by resource name.'),
    used: f.mapOf('quantity', 2, 'Total now in use in the namespace, by resource name.'),
  },
)
export interface ResourceQuotaStatus extends Infer<typeof ResourceQuotaStatus> {}

export const ResourceQuota = kind(
  '',
  'v1',
  'ResourceQuota',
  'Caps the total resource use and object counts of a namespace.',
  {
    spec: f.message(ResourceQuotaSpec, 2, 'Ceilings to enforce on the namespace.').present(),
    status: f.message(ResourceQuotaStatus, 3, 'Ceilings in force and use measured against them.').present(),
  },
)
export interface ResourceQuota extends Infer<typeof ResourceQuota> {}
