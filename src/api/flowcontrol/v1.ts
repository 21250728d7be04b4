/** @@HEAD flowcontrol/v1.ts */
import { kind } from '#api/kind.ts'
import { f, type Infer, message } from '#api/schema.ts'

export const ExemptPriorityLevelConfiguration = message('flowcontrol.v1.ExemptPriorityLevelConfiguration', '', {
  nominalConcurrencyShares: f.int32(1, ''),
  lendablePercent: f.int32(2, ''),
})
export interface ExemptPriorityLevelConfiguration extends Infer<typeof ExemptPriorityLevelConfiguration> {}

export const FlowDistinguisherMethod = message('flowcontrol.v1.FlowDistinguisherMethod', '', {
  type: f.string(1, '').required(),
})
export interface FlowDistinguisherMethod extends Infer<typeof FlowDistinguisherMethod> {}

export const NonResourcePolicyRule = message('flowcontrol.v1.NonResourcePolicyRule', '', {
  verbs: f.list('string', 1, '').required().set(),
  nonResourceURLs: f.list('string', 6, '').required().set(),
})
export interface NonResourcePolicyRule extends Infer<typeof NonResourcePolicyRule> {}

export const ResourcePolicyRule = message('flowcontrol.v1.ResourcePolicyRule', '', {
  verbs: f.list('string', 1, '').required().set(),
  apiGroups: f.list('string', 2, '').required().set(),
  resources: f.list('string', 3, '').required().set(),
  clusterScope: f.bool(4, ''),
  namespaces: f.list('string', 5, '').set(),
})
export interface ResourcePolicyRule extends Infer<typeof ResourcePolicyRule> {}

export const GroupSubject = message('flowcontrol.v1.GroupSubject', '', {
  name: f.string(1, '').required(),
})
export interface GroupSubject extends Infer<typeof GroupSubject> {}

export const ServiceAccountSubject = message('flowcontrol.v1.ServiceAccountSubject', '', {
  namespace: f.string(1, '').required(),
  name: f.string(2, '').required(),
})
export interface ServiceAccountSubject extends Infer<typeof ServiceAccountSubject> {}

export const UserSubject = message('flowcontrol.v1.UserSubject', '', {
  name: f.string(1, '').required(),
})
export interface UserSubject extends Infer<typeof UserSubject> {}

export const Subject = message('flowcontrol.v1.Subject', '', {
  kind: f.string(1, '').required(),
  user: f.message(UserSubject, 2, ''),
  group: f.message(GroupSubject, 3, ''),
  serviceAccount: f.message(ServiceAccountSubject, 4, ''),
})
export interface Subject extends Infer<typeof Subject> {}

export const PolicyRulesWithSubjects = message('flowcontrol.v1.PolicyRulesWithSubjects', '', {
  subjects: f.list(Subject, 1, '').required().atomic(),
  resourceRules: f.list(ResourcePolicyRule, 2, '').atomic(),
  nonResourceRules: f.list(NonResourcePolicyRule, 3, '').atomic(),
})
export interface PolicyRulesWithSubjects extends Infer<typeof PolicyRulesWithSubjects> {}

export const PriorityLevelConfigurationReference = message('flowcontrol.v1.PriorityLevelConfigurationReference', '', {
  name: f.string(1, '').required(),
})
export interface PriorityLevelConfigurationReference extends Infer<typeof PriorityLevelConfigurationReference> {}

export const FlowSchemaSpec = message('flowcontrol.v1.FlowSchemaSpec', '', {
  priorityLevelConfiguration: f.message(PriorityLevelConfigurationReference, 1, '').required(),
  matchingPrecedence: f.int32(2, ''),
  distinguisherMethod: f.message(FlowDistinguisherMethod, 3, ''),
  rules: f.list(PolicyRulesWithSubjects, 4, '').atomic(),
})
export interface FlowSchemaSpec extends Infer<typeof FlowSchemaSpec> {}

export const FlowSchemaCondition = message('flowcontrol.v1.FlowSchemaCondition', '', {
  type: f.string(1, ''),
  status: f.string(2, ''),
  lastTransitionTime: f.time(3, ''),
  reason: f.string(4, ''),
  message: f.string(5, ''),
})
export interface FlowSchemaCondition extends Infer<typeof FlowSchemaCondition> {}

export const FlowSchemaStatus = message('flowcontrol.v1.FlowSchemaStatus', '', {
  conditions: f.list(FlowSchemaCondition, 1, '').map('type').merge('type'),
})
export interface FlowSchemaStatus extends Infer<typeof FlowSchemaStatus> {}

export const FlowSchema = kind('flowcontrol.apiserver.k8s.io', 'v1', 'FlowSchema', '', {
  spec: f.message(FlowSchemaSpec, 2, '').present(),
  status: f.message(FlowSchemaStatus, 3, '').present(),
})
export interface FlowSchema extends Infer<typeof FlowSchema> {}

export const QueuingConfiguration = message('flowcontrol.v1.QueuingConfiguration', '', {
  queues: f.int32(1, ''),
  handSize: f.int32(2, ''),
  queueLengthLimit: f.int32(3, ''),
})
export interface QueuingConfiguration extends Infer<typeof QueuingConfiguration> {}

export const LimitResponse = message('flowcontrol.v1.LimitResponse', '', {
  type: f.string(1, '').required(),
  queuing: f.message(QueuingConfiguration, 2, ''),
})
export interface LimitResponse extends Infer<typeof LimitResponse> {}

export const LimitedPriorityLevelConfiguration = message('flowcontrol.v1.LimitedPriorityLevelConfiguration', '', {
  nominalConcurrencyShares: f.int32(1, ''),
  limitResponse: f.message(LimitResponse, 2, ''),
  lendablePercent: f.int32(3, ''),
  borrowingLimitPercent: f.int32(4, ''),
})
export interface LimitedPriorityLevelConfiguration extends Infer<typeof LimitedPriorityLevelConfiguration> {}

export const PriorityLevelConfigurationSpec = message('flowcontrol.v1.PriorityLevelConfigurationSpec', '', {
  type: f.string(1, '').required(),
  limited: f.message(LimitedPriorityLevelConfiguration, 2, ''),
  exempt: f.message(ExemptPriorityLevelConfiguration, 3, ''),
})
export interface PriorityLevelConfigurationSpec extends Infer<typeof PriorityLevelConfigurationSpec> {}

export const PriorityLevelConfigurationCondition = message('flowcontrol.v1.PriorityLevelConfigurationCondition', '', {
  type: f.string(1, ''),
  status: f.string(2, ''),
  lastTransitionTime: f.time(3, ''),
  reason: f.string(4, ''),
  message: f.string(5, ''),
})
export interface PriorityLevelConfigurationCondition extends Infer<typeof PriorityLevelConfigurationCondition> {}

export const PriorityLevelConfigurationStatus = message('flowcontrol.v1.PriorityLevelConfigurationStatus', '', {
  conditions: f.list(PriorityLevelConfigurationCondition, 1, '').map('type').merge('type'),
})
export interface PriorityLevelConfigurationStatus extends Infer<typeof PriorityLevelConfigurationStatus> {}

export const PriorityLevelConfiguration = kind('flowcontrol.apiserver.k8s.io', 'v1', 'PriorityLevelConfiguration', '', {
  spec: f.message(PriorityLevelConfigurationSpec, 2, '').present(),
  status: f.message(PriorityLevelConfigurationStatus, 3, '').present(),
})
export interface PriorityLevelConfiguration extends Infer<typeof PriorityLevelConfiguration> {}
