/** @@HEAD admissionregistration/v1.ts */
import { kind } from '#api/kind.ts'
import { embedded, f, type Infer, message } from '#api/schema.ts'
import { Condition, LabelSelector } from '#api/meta/v1.ts'

export const ApplyConfiguration = message('admissionregistration.v1.ApplyConfiguration', '', {
  expression: f.string(1, ''),
})
export interface ApplyConfiguration extends Infer<typeof ApplyConfiguration> {}

export const AuditAnnotation = message('admissionregistration.v1.AuditAnnotation', '', {
  key: f.string(1, '').required(),
  valueExpression: f.string(2, '').required(),
})
export interface AuditAnnotation extends Infer<typeof AuditAnnotation> {}

export const ExpressionWarning = message('admissionregistration.v1.ExpressionWarning', '', {
  fieldRef: f.string(2, '').required(),
  warning: f.string(3, '').required(),
})
export interface ExpressionWarning extends Infer<typeof ExpressionWarning> {}

export const JSONPatch = message('admissionregistration.v1.JSONPatch', '', {
  expression: f.string(1, ''),
})
export interface JSONPatch extends Infer<typeof JSONPatch> {}

export const MatchCondition = message('admissionregistration.v1.MatchCondition', '', {
  name: f.string(1, '').required(),
  expression: f.string(2, '').required(),
})
export interface MatchCondition extends Infer<typeof MatchCondition> {}

export const RuleWithOperations = message('admissionregistration.v1.RuleWithOperations', '', {
  operations: f.list('string', 1, '').atomic(),
  ...embedded(2, {
    apiGroups: f.list('string', 1, '').atomic(),
    apiVersions: f.list('string', 2, '').atomic(),
    resources: f.list('string', 3, '').atomic(),
    scope: f.string(4, ''),
  }),
})
export interface RuleWithOperations extends Infer<typeof RuleWithOperations> {}

export const NamedRuleWithOperations = message('admissionregistration.v1.NamedRuleWithOperations', '', {
  resourceNames: f.list('string', 1, '').atomic(),
  ...embedded(2, RuleWithOperations.fields),
})
export interface NamedRuleWithOperations extends Infer<typeof NamedRuleWithOperations> {}

export const MatchResources = message('admissionregistration.v1.MatchResources', '', {
  namespaceSelector: f.message(LabelSelector, 1, ''),
  objectSelector: f.message(LabelSelector, 2, ''),
  resourceRules: f.list(NamedRuleWithOperations, 3, '').atomic(),
  excludeResourceRules: f.list(NamedRuleWithOperations, 4, '').atomic(),
  matchPolicy: f.string(7, ''),
})
export interface MatchResources extends Infer<typeof MatchResources> {}

export const Mutation = message('admissionregistration.v1.Mutation', '', {
  patchType: f.string(2, '').required(),
  applyConfiguration: f.message(ApplyConfiguration, 3, ''),
  jsonPatch: f.message(JSONPatch, 4, ''),
})
export interface Mutation extends Infer<typeof Mutation> {}

export const ParamKind = message('admissionregistration.v1.ParamKind', '', {
  apiVersion: f.string(1, ''),
  kind: f.string(2, ''),
})
export interface ParamKind extends Infer<typeof ParamKind> {}

export const Variable = message('admissionregistration.v1.Variable', '', {
  name: f.string(1, '').required(),
  expression: f.string(2, '').required(),
})
export interface Variable extends Infer<typeof Variable> {}

export const MutatingAdmissionPolicySpec = message('admissionregistration.v1.MutatingAdmissionPolicySpec', '', {
  paramKind: f.message(ParamKind, 1, ''),
  matchConstraints: f.message(MatchResources, 2, ''),
  variables: f.list(Variable, 3, '').atomic(),
  mutations: f.list(Mutation, 4, '').atomic(),
  failurePolicy: f.string(5, ''),
  matchConditions: f.list(MatchCondition, 6, '').map('name').merge('name'),
  reinvocationPolicy: f.string(7, ''),
})
export interface MutatingAdmissionPolicySpec extends Infer<typeof MutatingAdmissionPolicySpec> {}

export const MutatingAdmissionPolicy = kind('admissionregistration.k8s.io', 'v1', 'MutatingAdmissionPolicy', '', {
  spec: f.message(MutatingAdmissionPolicySpec, 2, '').present(),
})
export interface MutatingAdmissionPolicy extends Infer<typeof MutatingAdmissionPolicy> {}

export const ParamRef = message('admissionregistration.v1.ParamRef', '', {
  name: f.string(1, ''),
  namespace: f.string(2, ''),
  selector: f.message(LabelSelector, 3, ''),
  parameterNotFoundAction: f.string(4, ''),
})
export interface ParamRef extends Infer<typeof ParamRef> {}

export const MutatingAdmissionPolicyBindingSpec = message('admissionregistration.v1.MutatingAdmissionPolicyBindingSpec', '', {
  policyName: f.string(1, ''),
  paramRef: f.message(ParamRef, 2, ''),
  matchResources: f.message(MatchResources, 3, ''),
})
export interface MutatingAdmissionPolicyBindingSpec extends Infer<typeof MutatingAdmissionPolicyBindingSpec> {}

export const MutatingAdmissionPolicyBinding = kind('admissionregistration.k8s.io', 'v1', 'MutatingAdmissionPolicyBinding', '', {
  spec: f.message(MutatingAdmissionPolicyBindingSpec, 2, '').present(),
})
export interface MutatingAdmissionPolicyBinding extends Infer<typeof MutatingAdmissionPolicyBinding> {}

export const ServiceReference = message('admissionregistration.v1.ServiceReference', '', {
  namespace: f.string(1, '').required(),
  name: f.string(2, '').required(),
  path: f.string(3, ''),
  port: f.int32(4, ''),
})
export interface ServiceReference extends Infer<typeof ServiceReference> {}

export const WebhookClientConfig = message('admissionregistration.v1.WebhookClientConfig', '', {
  service: f.message(ServiceReference, 1, ''),
  caBundle: f.bytes(2, ''),
  url: f.string(3, ''),
})
export interface WebhookClientConfig extends Infer<typeof WebhookClientConfig> {}

export const MutatingWebhook = message('admissionregistration.v1.MutatingWebhook', '', {
  name: f.string(1, '').required(),
  clientConfig: f.message(WebhookClientConfig, 2, '').required(),
  rules: f.list(RuleWithOperations, 3, '').atomic(),
  failurePolicy: f.string(4, ''),
  namespaceSelector: f.message(LabelSelector, 5, ''),
  sideEffects: f.string(6, '').required(),
  timeoutSeconds: f.int32(7, ''),
  admissionReviewVersions: f.list('string', 8, '').required().atomic(),
  matchPolicy: f.string(9, ''),
  reinvocationPolicy: f.string(10, ''),
  objectSelector: f.message(LabelSelector, 11, ''),
  matchConditions: f.list(MatchCondition, 12, '').map('name').merge('name'),
})
export interface MutatingWebhook extends Infer<typeof MutatingWebhook> {}

export const MutatingWebhookConfiguration = kind('admissionregistration.k8s.io', 'v1', 'MutatingWebhookConfiguration', '', {
  webhooks: f.list(MutatingWebhook, 2, '').map('name').merge('name'),
})
export interface MutatingWebhookConfiguration extends Infer<typeof MutatingWebhookConfiguration> {}

export const TypeChecking = message('admissionregistration.v1.TypeChecking', '', {
  expressionWarnings: f.list(ExpressionWarning, 1, '').atomic(),
})
export interface TypeChecking extends Infer<typeof TypeChecking> {}

export const Validation = message('admissionregistration.v1.Validation', '', {
  expression: f.string(1, '').required(),
  message: f.string(2, ''),
  reason: f.string(3, ''),
  messageExpression: f.string(4, ''),
})
export interface Validation extends Infer<typeof Validation> {}

export const ValidatingAdmissionPolicySpec = message('admissionregistration.v1.ValidatingAdmissionPolicySpec', '', {
  paramKind: f.message(ParamKind, 1, ''),
  matchConstraints: f.message(MatchResources, 2, ''),
  validations: f.list(Validation, 3, '').atomic(),
  failurePolicy: f.string(4, ''),
  auditAnnotations: f.list(AuditAnnotation, 5, '').atomic(),
  matchConditions: f.list(MatchCondition, 6, '').map('name').merge('name'),
  variables: f.list(Variable, 7, '').map('name').merge('name'),
})
export interface ValidatingAdmissionPolicySpec extends Infer<typeof ValidatingAdmissionPolicySpec> {}

export const ValidatingAdmissionPolicyStatus = message('admissionregistration.v1.ValidatingAdmissionPolicyStatus', '', {
  observedGeneration: f.int64(1, ''),
  typeChecking: f.message(TypeChecking, 2, ''),
  conditions: f.list(Condition, 3, '').map('type'),
})
export interface ValidatingAdmissionPolicyStatus extends Infer<typeof ValidatingAdmissionPolicyStatus> {}

export const ValidatingAdmissionPolicy = kind('admissionregistration.k8s.io', 'v1', 'ValidatingAdmissionPolicy', '', {
  spec: f.message(ValidatingAdmissionPolicySpec, 2, '').present(),
  status: f.message(ValidatingAdmissionPolicyStatus, 3, '').present(),
})
export interface ValidatingAdmissionPolicy extends Infer<typeof ValidatingAdmissionPolicy> {}

export const ValidatingAdmissionPolicyBindingSpec = message('admissionregistration.v1.ValidatingAdmissionPolicyBindingSpec', '', {
  policyName: f.string(1, '').required(),
  paramRef: f.message(ParamRef, 2, ''),
  matchResources: f.message(MatchResources, 3, ''),
  validationActions: f.list('string', 4, '').required().set(),
})
export interface ValidatingAdmissionPolicyBindingSpec extends Infer<typeof ValidatingAdmissionPolicyBindingSpec> {}

export const ValidatingAdmissionPolicyBinding = kind('admissionregistration.k8s.io', 'v1', 'ValidatingAdmissionPolicyBinding', '', {
  spec: f.message(ValidatingAdmissionPolicyBindingSpec, 2, '').present(),
})
export interface ValidatingAdmissionPolicyBinding extends Infer<typeof ValidatingAdmissionPolicyBinding> {}

export const ValidatingWebhook = message('admissionregistration.v1.ValidatingWebhook', '', {
  name: f.string(1, '').required(),
  clientConfig: f.message(WebhookClientConfig, 2, '').required(),
  rules: f.list(RuleWithOperations, 3, '').atomic(),
  failurePolicy: f.string(4, ''),
  namespaceSelector: f.message(LabelSelector, 5, ''),
  sideEffects: f.string(6, '').required(),
  timeoutSeconds: f.int32(7, ''),
  admissionReviewVersions: f.list('string', 8, '').required().atomic(),
  matchPolicy: f.string(9, ''),
  objectSelector: f.message(LabelSelector, 10, ''),
  matchConditions: f.list(MatchCondition, 11, '').map('name').merge('name'),
})
export interface ValidatingWebhook extends Infer<typeof ValidatingWebhook> {}

export const ValidatingWebhookConfiguration = kind('admissionregistration.k8s.io', 'v1', 'ValidatingWebhookConfiguration', '', {
  webhooks: f.list(ValidatingWebhook, 2, '').map('name').merge('name'),
})
export interface ValidatingWebhookConfiguration extends Infer<typeof ValidatingWebhookConfiguration> {}
