/** @@HEAD core/v1/namespace.ts */
import { kind } from '#api/kind.ts'
import { f, type Infer, message } from '#api/schema.ts'

export const LimitRangeItem = message('core.v1.LimitRangeItem', '', {
  type: f.string(1, '').required(),
  max: f.mapOf('quantity', 2, ''),
  min: f.mapOf('quantity', 3, ''),
  default: f.mapOf('quantity', 4, ''),
  defaultRequest: f.mapOf('quantity', 5, ''),
  maxLimitRequestRatio: f.mapOf('quantity', 6, ''),
})
export interface LimitRangeItem extends Infer<typeof LimitRangeItem> {}

export const LimitRangeSpec = message('core.v1.LimitRangeSpec', '', {
  limits: f.list(LimitRangeItem, 1, '').required().atomic(),
})
export interface LimitRangeSpec extends Infer<typeof LimitRangeSpec> {}

export const LimitRange = kind('', 'v1', 'LimitRange', '', {
  spec: f.message(LimitRangeSpec, 2, '').present(),
})
export interface LimitRange extends Infer<typeof LimitRange> {}

export const NamespaceSpec = message('core.v1.NamespaceSpec', '', {
  finalizers: f.list('string', 1, '').atomic(),
})
export interface NamespaceSpec extends Infer<typeof NamespaceSpec> {}

export const NamespaceCondition = message('core.v1.NamespaceCondition', '', {
  type: f.string(1, '').required(),
  status: f.string(2, '').required(),
  lastTransitionTime: f.time(4, ''),
  reason: f.string(5, ''),
  message: f.string(6, ''),
})
export interface NamespaceCondition extends Infer<typeof NamespaceCondition> {}

export const NamespaceStatus = message('core.v1.NamespaceStatus', '', {
  phase: f.string(1, ''),
  conditions: f.list(NamespaceCondition, 2, '').map('type').merge('type'),
})
export interface NamespaceStatus extends Infer<typeof NamespaceStatus> {}

export const Namespace = kind('', 'v1', 'Namespace', '', {
  spec: f.message(NamespaceSpec, 2, '').present(),
  status: f.message(NamespaceStatus, 3, '').present(),
})
export interface Namespace extends Infer<typeof Namespace> {}

export const ScopedResourceSelectorRequirement = message('core.v1.ScopedResourceSelectorRequirement', '', {
  scopeName: f.string(1, '').required(),
  operator: f.string(2, '').required(),
  values: f.list('string', 3, '').atomic(),
})
export interface ScopedResourceSelectorRequirement extends Infer<typeof ScopedResourceSelectorRequirement> {}

export const ScopeSelector = message('core.v1.ScopeSelector', '', {
  matchExpressions: f.list(ScopedResourceSelectorRequirement, 1, '').atomic(),
})
export interface ScopeSelector extends Infer<typeof ScopeSelector> {}

export const ResourceQuotaSpec = message('core.v1.ResourceQuotaSpec', '', {
  hard: f.mapOf('quantity', 1, ''),
  scopes: f.list('string', 2, '').atomic(),
  scopeSelector: f.message(ScopeSelector, 3, ''),
})
export interface ResourceQuotaSpec extends Infer<typeof ResourceQuotaSpec> {}

export const ResourceQuotaStatus = message('core.v1.ResourceQuotaStatus', '', {
  hard: f.mapOf('quantity', 1, ''),
  used: f.mapOf('quantity', 2, ''),
})
export interface ResourceQuotaStatus extends Infer<typeof ResourceQuotaStatus> {}

export const ResourceQuota = kind('', 'v1', 'ResourceQuota', '', {
  spec: f.message(ResourceQuotaSpec, 2, '').present(),
  status: f.message(ResourceQuotaStatus, 3, '').present(),
})
export interface ResourceQuota extends Infer<typeof ResourceQuota> {}
