/**
 * Registration of admission control. Mutating and validating webhooks are configured here, and so are admission
 * policies written in CEL with their bindings. The rule and selector types they share come first.
 */
import { kind } from '#api/kind.ts'
import { embedded, f, type Infer, message } from '#api/schema.ts'
import { Condition, LabelSelector } from '#api/meta/v1.ts'

export const ApplyConfiguration = message(
  'admissionregistration.v1.ApplyConfiguration',
  'Mutation described as a server-side apply configuration that CEL computes.',
  {
    expression: f.string(1, 'CEL expression that returns the object to apply on top of the incoming one.'),
  },
)
export interface ApplyConfiguration extends Infer<typeof ApplyConfiguration> {}

export const AuditAnnotation = message(
  'admissionregistration.v1.AuditAnnotation',
  'Audit annotation that a validating policy adds to a request.',
  {
    key: f.string(1, 'Name of the annotation, unique in its policy; the policy name is put before it.').required(),
    valueExpression: f.string(2, 'CEL expression for the value; a null result leaves the annotation out.').required(),
  },
)
export interface AuditAnnotation extends Infer<typeof AuditAnnotation> {}

export const ExpressionWarning = message(
  'admissionregistration.v1.ExpressionWarning',
  'Problem found while type checking one expression of a policy.',
  {
    fieldRef: f.string(2, 'Path of the policy field that holds the expression.').required(),
    warning: f.string(3, 'Text of the finding, for people to read.').required(),
  },
)
export interface ExpressionWarning extends Infer<typeof ExpressionWarning> {}

export const JSONPatch = message(
  'admissionregistration.v1.JSONPatch',
  'Mutation described as JSON patch operations that CEL computes.',
  {
    expression: f.string(1, 'CEL expression that returns a list of JSONPatch operations.'),
  },
)
export interface JSONPatch extends Infer<typeof JSONPatch> {}

export const MatchCondition = message(
  'admissionregistration.v1.MatchCondition',
  'Extra CEL test that a request must pass before a webhook or policy sees it.',
  {
    name: f.string(1, 'Identifier of the condition, unique in its list.').required(),
    expression: f.string(2, 'CEL expression that returns true when the request should be handled.').required(),
  },
)
export interface MatchCondition extends Infer<typeof MatchCondition> {}

export const RuleWithOperations = message(
  'admissionregistration.v1.RuleWithOperations',
  'Operations and resources that a webhook or policy is interested in.',
  {
    operations: f
      .list('string', 1, 'Any of CREATE, UPDATE, DELETE, CONNECT, or * for all.')
      .atomic()
      .oneOf('*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE'),
    ...embedded(2, {
      apiGroups: f.list('string', 1, 'API groups that match; * stands for all and must then be alone.').atomic(),
      apiVersions: f.list('string', 2, 'API versions that match; * stands for all and must then be alone.').atomic(),
      resources: f.list('string', 3, 'Plural names that match, such as pods, pods/status, */scale or *.').atomic(),
      scope: f
        .string(4, 'Cluster, Namespaced, or * for both; default *.')
        .pointer()
        .oneOf('*', 'Cluster', 'Namespaced')
        .default('*'),
    }),
  },
)
export interface RuleWithOperations extends Infer<typeof RuleWithOperations> {}

export const NamedRuleWithOperations = message(
  'admissionregistration.v1.NamedRuleWithOperations',
  'A rule that can also be narrowed to objects with certain names.',
  {
    resourceNames: f.list('string', 1, 'Object names that match; empty means every name.').atomic(),
    ...embedded(2, RuleWithOperations.fields),
  },
).atomic()
export interface NamedRuleWithOperations extends Infer<typeof NamedRuleWithOperations> {}

export const MatchResources = message(
  'admissionregistration.v1.MatchResources',
  'Which requests a policy or binding applies to.',
  {
    namespaceSelector: f.message(
      LabelSelector,
      1,
      'Labels the namespace of the object must have; empty selects all namespaces.',
    ),
    objectSelector: f.message(
      LabelSelector,
      2,
      'Labels the old or the new object must have; empty selects everything.',
    ),
    resourceRules: f
      .list(NamedRuleWithOperations, 3, 'Operations and resources that match; one matching rule is enough.')
      .atomic(),
    excludeResourceRules: f
      .list(NamedRuleWithOperations, 4, 'Operations and resources that never match, whatever resourceRules says.')
      .atomic(),
    matchPolicy: f
      .string(7, 'Equivalent (default) also matches other versions of a resource; Exact does not.')
      .pointer()
      .oneOf('Equivalent', 'Exact')
      .default('Equivalent'),
  },
).atomic()
export interface MatchResources extends Infer<typeof MatchResources> {}

export const Mutation = message(
  'admissionregistration.v1.Mutation',
  'One change that a mutating policy makes to an object.',
  {
    patchType: f
      .string(2, 'Which of the other fields is used: ApplyConfiguration or JSONPatch.')
      .required()
      .oneOf('ApplyConfiguration', 'JSONPatch'),
    applyConfiguration: f.message(
      ApplyConfiguration,
      3,
      'The change as an apply configuration; needed when patchType is ApplyConfiguration.',
    ),
    jsonPatch: f.message(JSONPatch, 4, 'The change as JSON patch; needed when patchType is JSONPatch.'),
  },
)
export interface Mutation extends Infer<typeof Mutation> {}

export const ParamKind = message(
  'admissionregistration.v1.ParamKind',
  'Kind of the objects that hold the parameters of a policy.',
  {
    apiVersion: f.string(1, 'Group and version of the parameter kind, such as example.com/v1.'),
    kind: f.string(2, 'Name of the parameter kind.'),
  },
).atomic()
export interface ParamKind extends Infer<typeof ParamKind> {}

export const Variable = message(
  'admissionregistration.v1.Variable',
  'Named CEL expression that other expressions of the policy can use.',
  {
    name: f.string(1, 'Identifier of the variable; used in expressions as variables.name.').required(),
    expression: f.string(2, 'CEL expression for its value, evaluated when first used.').required(),
  },
).atomic()
export interface Variable extends Infer<typeof Variable> {}

export const MutatingAdmissionPolicySpec = message(
  'admissionregistration.v1.MutatingAdmissionPolicySpec',
  'Wanted behaviour of a mutating policy.',
  {
    paramKind: f.message(ParamKind, 1, 'Kind of the parameter objects; leave out for a policy without parameters.'),
    matchConstraints: f.message(MatchResources, 2, 'Requests this policy is meant for.'),
    variables: f.list(Variable, 3, 'Variables for later expressions; each may use those listed before it.').atomic(),
    mutations: f.list(Mutation, 4, 'Changes to make, in order; at least one is needed.').atomic(),
    failurePolicy: f
      .string(5, 'What an error in the policy leads to: Fail (default) or Ignore.')
      .pointer()
      .oneOf('Fail', 'Ignore')
      .default('Fail'),
    matchConditions: f
      .list(MatchCondition, 6, 'Further CEL tests that a request must pass, at most 64.')
      .map('name')
      .merge('name'),
    reinvocationPolicy: f
      .string(7, 'Whether the policy may run again after other mutations: Never or IfNeeded.')
      .oneOf('IfNeeded', 'Never'),
  },
)
export interface MutatingAdmissionPolicySpec extends Infer<typeof MutatingAdmissionPolicySpec> {}

export const MutatingAdmissionPolicy = kind(
  'admissionregistration.k8s.io',
  'v1',
  'MutatingAdmissionPolicy',
  'Changes incoming objects with CEL expressions, once it is bound.',
  {
    spec: f.message(MutatingAdmissionPolicySpec, 2, 'Wanted behaviour of the policy.').present(),
  },
)
export interface MutatingAdmissionPolicy extends Infer<typeof MutatingAdmissionPolicy> {}

export const ParamRef = message(
  'admissionregistration.v1.ParamRef',
  'Selects the parameter objects that a binding hands to its policy.',
  {
    name: f.string(1, 'Name of the parameter object; cannot be combined with selector.'),
    namespace: f.string(2, 'Where to look; by default the namespace of the object under review.'),
    selector: f.message(LabelSelector, 3, 'Labels of the parameter objects; cannot be combined with name.'),
    parameterNotFoundAction: f.string(4, 'What to do when nothing is found: Allow or Deny.').pointer(),
  },
).atomic()
export interface ParamRef extends Infer<typeof ParamRef> {}

export const MutatingAdmissionPolicyBindingSpec = message(
  'admissionregistration.v1.MutatingAdmissionPolicyBindingSpec',
  'Wanted behaviour of the binding of a mutating policy.',
  {
    policyName: f.string(1, 'Name of the MutatingAdmissionPolicy to put in force.'),
    paramRef: f.message(ParamRef, 2, 'Parameters to hand to the policy, if it takes any.'),
    matchResources: f.message(
      MatchResources,
      3,
      'Narrows further which requests are affected; by default all that the policy matches.',
    ),
  },
)
export interface MutatingAdmissionPolicyBindingSpec extends Infer<typeof MutatingAdmissionPolicyBindingSpec> {}

export const MutatingAdmissionPolicyBinding = kind(
  'admissionregistration.k8s.io',
  'v1',
  'MutatingAdmissionPolicyBinding',
  'Puts a mutating policy in force, with parameters if it needs them.',
  {
    spec: f.message(MutatingAdmissionPolicyBindingSpec, 2, 'Wanted behaviour of the binding.').present(),
  },
)
export interface MutatingAdmissionPolicyBinding extends Infer<typeof MutatingAdmissionPolicyBinding> {}

export const ServiceReference = message(
  'admissionregistration.v1.ServiceReference',
  'Service that a webhook is reached through.',
  {
    namespace: f.string(1, 'Namespace of the Service.').required(),
    name: f.string(2, 'Name of the Service.').required(),
    path: f.string(3, 'URL path to send requests to.').pointer(),
    port: f.int32(4, 'Port of the Service, from 1 to 65535; default 443.').pointer().default(443),
  },
)
export interface ServiceReference extends Infer<typeof ServiceReference> {}

export const WebhookClientConfig = message(
  'admissionregistration.v1.WebhookClientConfig',
  'How the API server connects to a webhook; set either url or service.',
  {
    service: f.message(ServiceReference, 1, 'Service that runs the webhook inside the cluster.'),
    caBundle: f.bytes(2, 'PEM certificates to verify the webhook with; by default the system roots are trusted.'),
    url: f.string(3, 'HTTPS address of a webhook, without user name, query or fragment.').pointer(),
  },
)
export interface WebhookClientConfig extends Infer<typeof WebhookClientConfig> {}

export const MutatingWebhook = message(
  'admissionregistration.v1.MutatingWebhook',
  'A webhook that may change objects before they are stored.',
  {
    name: f.string(1, 'Fully qualified name of the webhook, such as imagepolicy.example.com.').required(),
    clientConfig: f.message(WebhookClientConfig, 2, 'How to connect to the webhook.').required().present(),
    rules: f
      .list(RuleWithOperations, 3, 'Operations and resources to call it for; one matching rule is enough.')
      .atomic(),
    failurePolicy: f
      .string(4, 'What an unreachable or failing webhook leads to: Fail (default) or Ignore.')
      .pointer()
      .oneOf('Fail', 'Ignore')
      .default('Fail'),
    namespaceSelector: f.message(
      LabelSelector,
      5,
      'Labels the namespace of the object must have; empty selects all namespaces.',
    ),
    sideEffects: f
      .string(6, 'Whether calls have other effects: None or NoneOnDryRun.')
      .required()
      .pointer()
      .oneOf('None', 'NoneOnDryRun', 'Some', 'Unknown'),
    timeoutSeconds: f.int32(7, 'Seconds to wait for an answer, from 1 to 30; default 10.').pointer().default(10),
    admissionReviewVersions: f
      .list('string', 8, 'Versions of AdmissionReview the webhook understands, best first.')
      .required()
      .atomic(),
    matchPolicy: f
      .string(9, 'Equivalent (default) also matches other versions of a resource; Exact does not.')
      .pointer()
      .oneOf('Equivalent', 'Exact')
      .default('Equivalent'),
    reinvocationPolicy: f
      .string(10, 'Whether it may be called again after later changes: Never (default) or IfNeeded.')
      .pointer()
      .oneOf('IfNeeded', 'Never')
      .default('Never'),
    objectSelector: f.message(
      LabelSelector,
      11,
      'Labels the old or the new object must have; empty selects everything.',
    ),
    matchConditions: f
      .list(MatchCondition, 12, 'Further CEL tests that a request must pass, at most 64.')
      .map('name')
      .merge('name'),
  },
)
export interface MutatingWebhook extends Infer<typeof MutatingWebhook> {}

export const MutatingWebhookConfiguration = kind(
  'admissionregistration.k8s.io',
  'v1',
  'MutatingWebhookConfiguration',
  'Registers webhooks that may change incoming objects.',
  {
    webhooks: f.list(MutatingWebhook, 2, 'The webhooks to call, each under its own name.').map('name').merge('name'),
  },
)
export interface MutatingWebhookConfiguration extends Infer<typeof MutatingWebhookConfiguration> {}

export const TypeChecking = message(
  'admissionregistration.v1.TypeChecking',
  'Outcome of type checking the expressions of a policy.',
  {
    expressionWarnings: f.list(ExpressionWarning, 1, 'Findings, one for each expression that looks wrong.').atomic(),
  },
)
export interface TypeChecking extends Infer<typeof TypeChecking> {}

export const Validation = message('admissionregistration.v1.Validation', 'One rule that objects have to satisfy.', {
  expression: f.string(1, 'CEL expression that must return true for the request to be accepted.').required(),
  message: f.string(2, 'Text shown when the rule fails; needed if the expression has line breaks.'),
  reason: f
    .string(3, 'Kind of failure: Unauthorized, Forbidden, Invalid (default) or RequestEntityTooLarge.')
    .pointer(),
  messageExpression: f.string(4, 'CEL expression that returns the text; used in place of message when both are set.'),
})
export interface Validation extends Infer<typeof Validation> {}

export const ValidatingAdmissionPolicySpec = message(
  'admissionregistration.v1.ValidatingAdmissionPolicySpec',
  'Wanted behaviour of a validating policy.',
  {
    paramKind: f.message(ParamKind, 1, 'Kind of the parameter objects; leave out for a policy without parameters.'),
    matchConstraints: f.message(MatchResources, 2, 'Requests this policy is meant for.'),
    validations: f.list(Validation, 3, 'Rules to check; needed unless there are auditAnnotations.').atomic(),
    failurePolicy: f
      .string(4, 'What an error in the policy leads to: Fail (default) or Ignore.')
      .pointer()
      .oneOf('Fail', 'Ignore')
      .default('Fail'),
    auditAnnotations: f
      .list(AuditAnnotation, 5, 'Annotations to add to the audit event; needed unless there are validations.')
      .atomic(),
    matchConditions: f
      .list(MatchCondition, 6, 'Further CEL tests that a request must pass, at most 64.')
      .map('name')
      .merge('name'),
    variables: f
      .list(Variable, 7, 'Variables for later expressions; each may use those listed before it.')
      .map('name')
      .merge('name'),
  },
)
export interface ValidatingAdmissionPolicySpec extends Infer<typeof ValidatingAdmissionPolicySpec> {}

export const ValidatingAdmissionPolicyStatus = message(
  'admissionregistration.v1.ValidatingAdmissionPolicyStatus',
  'Observed state of a validating policy.',
  {
    observedGeneration: f.int64(1, 'Generation of the spec that has last been looked at.'),
    typeChecking: f.message(TypeChecking, 2, 'Results of type checking its expressions.'),
    conditions: f.list(Condition, 3, 'Latest observations about the policy, one per type.').map('type'),
  },
)
export interface ValidatingAdmissionPolicyStatus extends Infer<typeof ValidatingAdmissionPolicyStatus> {}

export const ValidatingAdmissionPolicy = kind(
  'admissionregistration.k8s.io',
  'v1',
  'ValidatingAdmissionPolicy',
  'Accepts or rejects incoming objects with CEL expressions, once it is bound.',
  {
    spec: f.message(ValidatingAdmissionPolicySpec, 2, 'Wanted behaviour of the policy.').present(),
    status: f
      .message(ValidatingAdmissionPolicyStatus, 3, 'Observed state, including warnings from type checking.')
      .present(),
  },
)
export interface ValidatingAdmissionPolicy extends Infer<typeof ValidatingAdmissionPolicy> {}

export const ValidatingAdmissionPolicyBindingSpec = message(
  'admissionregistration.v1.ValidatingAdmissionPolicyBindingSpec',
  'Wanted behaviour of the binding of a validating policy.',
  {
    policyName: f.string(1, 'Name of the ValidatingAdmissionPolicy to put in force.').required(),
    paramRef: f.message(ParamRef, 2, 'Parameters to hand to the policy, if it takes any.'),
    matchResources: f.message(
      MatchResources,
      3,
      'Narrows further which requests are affected; by default all that the policy matches.',
    ),
    validationActions: f
      .list('string', 4, 'What a failed rule leads to: Deny, Warn or Audit; Deny and Warn exclude each other.')
      .required()
      .set()
      .oneOf('Audit', 'Deny', 'Warn'),
  },
)
export interface ValidatingAdmissionPolicyBindingSpec extends Infer<typeof ValidatingAdmissionPolicyBindingSpec> {}

export const ValidatingAdmissionPolicyBinding = kind(
  'admissionregistration.k8s.io',
  'v1',
  'ValidatingAdmissionPolicyBinding',
  'Puts a validating policy in force, with parameters if it needs them.',
  {
    spec: f.message(ValidatingAdmissionPolicyBindingSpec, 2, 'Wanted behaviour of the binding.').required().present(),
  },
)
export interface ValidatingAdmissionPolicyBinding extends Infer<typeof ValidatingAdmissionPolicyBinding> {}

export const ValidatingWebhook = message(
  'admissionregistration.v1.ValidatingWebhook',
  'A webhook that may reject objects but not change them.',
  {
    name: f.string(1, 'Fully qualified name of the webhook, such as imagepolicy.example.com.').required(),
    clientConfig: f.message(WebhookClientConfig, 2, 'How to connect to the webhook.').required().present(),
    rules: f
      .list(RuleWithOperations, 3, 'Operations and resources to call it for; one matching rule is enough.')
      .atomic(),
    failurePolicy: f
      .string(4, 'What an unreachable or failing webhook leads to: Fail (default) or Ignore.')
      .pointer()
      .oneOf('Fail', 'Ignore')
      .default('Fail'),
    namespaceSelector: f.message(
      LabelSelector,
      5,
      'Labels the namespace of the object must have; empty selects all namespaces.',
    ),
    sideEffects: f
      .string(6, 'Whether calls have other effects: None or NoneOnDryRun.')
      .required()
      .pointer()
      .oneOf('None', 'NoneOnDryRun', 'Some', 'Unknown'),
    timeoutSeconds: f.int32(7, 'Seconds to wait for an answer, from 1 to 30; default 10.').pointer().default(10),
    admissionReviewVersions: f
      .list('string', 8, 'Versions of AdmissionReview the webhook understands, best first.')
      .required()
      .atomic(),
    matchPolicy: f
      .string(9, 'Equivalent (default) also matches other versions of a resource; Exact does not.')
      .pointer()
      .oneOf('Equivalent', 'Exact')
      .default('Equivalent'),
    objectSelector: f.message(
      LabelSelector,
      10,
      'Labels the old or the new object must have; empty selects everything.',
    ),
    matchConditions: f
      .list(MatchCondition, 11, 'Further CEL tests that a request must pass, at most 64.')
      .map('name')
      .merge('name'),
  },
)
export interface ValidatingWebhook extends Infer<typeof ValidatingWebhook> {}

export const ValidatingWebhookConfiguration = kind(
  'admissionregistration.k8s.io',
  'v1',
  'ValidatingWebhookConfiguration',
  'Registers webhooks that may reject incoming objects.',
  {
    webhooks: f.list(ValidatingWebhook, 2, 'The webhooks to call, each under its own name.').map('name').merge('name'),
  },
)
export interface ValidatingWebhookConfiguration extends Infer<typeof ValidatingWebhookConfiguration> {}
