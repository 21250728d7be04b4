/**
 * API priority and fairness. FlowSchema sorts requests into flows; PriorityLevelConfiguration says how much of the
 * server each priority level gets and how requests queue.
 */
import { kind } from '#api/kind.ts'
import { f, type Infer, message } from '#api/schema.ts'

export const ExemptPriorityLevelConfiguration = message(
  'flowcontrol.v1.ExemptPriorityLevelConfiguration',
  'Settings of a priority level whose requests never wait.',
  {
    nominalConcurrencyShares: f
      .int32(1, 'Weight of this level when sharing out concurrency; default 0.')
      .pointer()
      .default(0),
    lendablePercent: f
      .int32(2, 'Percentage of its concurrency that others may borrow, 0 to 100; default 0.')
      .pointer()
      .default(0),
  },
)
export interface ExemptPriorityLevelConfiguration extends Infer<typeof ExemptPriorityLevelConfiguration> {}

export const FlowDistinguisherMethod = message(
  'flowcontrol.v1.FlowDistinguisherMethod',
  'How requests of one schema are split into flows.',
  {
    type: f.string(1, 'ByUser makes a flow per user, ByNamespace one per namespace.').required(),
  },
)
export interface FlowDistinguisherMethod extends Infer<typeof FlowDistinguisherMethod> {}

export const NonResourcePolicyRule = message(
  'flowcontrol.v1.NonResourcePolicyRule',
  'Matches requests to URLs that are not API resources.',
  {
    verbs: f.list('string', 1, 'HTTP verbs in lower case; * matches all and must then be alone.').required().set(),
    nonResourceURLs: f.list('string', 6, 'URL paths such as /healthz or /metrics/*; * matches all.').required().set(),
  },
)
export interface NonResourcePolicyRule extends Infer<typeof NonResourcePolicyRule> {}

export const ResourcePolicyRule = message('flowcontrol.v1.ResourcePolicyRule', 'Matches requests to API resources.', {
  verbs: f.list('string', 1, 'API verbs; * matches all and must then be alone.').required().set(),
  apiGroups: f.list('string', 2, 'API groups; * matches all and must then be alone.').required().set(),
  resources: f
    .list('string', 3, 'Plural names, with subresource if wanted, such as nodes/status; * matches all.')
    .required()
    .set(),
  clusterScope: f.bool(4, 'Whether requests without a namespace match; default false.'),
  namespaces: f.list('string', 5, 'Namespaces that match; * matches all but not requests without a namespace.').set(),
})
export interface ResourcePolicyRule extends Infer<typeof ResourcePolicyRule> {}

export const GroupSubject = message('flowcontrol.v1.GroupSubject', 'A group that requests come from.', {
  name: f.string(1, 'Name of the group; * matches all groups.').required(),
})
export interface GroupSubject extends Infer<typeof GroupSubject> {}

export const ServiceAccountSubject = message(
  'flowcontrol.v1.ServiceAccountSubject',
  'A service account that requests come from.',
  {
    namespace: f.string(1, 'Namespace of the service account.').required(),
    name: f.string(2, 'Name of the service account; * matches all in the namespace.').required(),
  },
)
export interface ServiceAccountSubject extends Infer<typeof ServiceAccountSubject> {}

export const UserSubject = message('flowcontrol.v1.UserSubject', 'A user that requests come from.', {
  name: f.string(1, 'Name of the user; * matches all users.').required(),
})
export interface UserSubject extends Infer<typeof UserSubject> {}

export const Subject = message(
  'flowcontrol.v1.Subject',
  'Who a request comes from; set the field that belongs to kind.',
  {
    kind: f.string(1, 'Which field is used: User, Group or ServiceAccount.').required(),
    user: f.message(UserSubject, 2, 'Matches requests of a user.'),
    group: f.message(GroupSubject, 3, 'Matches requests of members of a group.'),
    serviceAccount: f.message(ServiceAccountSubject, 4, 'Matches requests of a service account.'),
  },
)
export interface Subject extends Infer<typeof Subject> {}

export const PolicyRulesWithSubjects = message(
  'flowcontrol.v1.PolicyRulesWithSubjects',
  'Matches requests that one of the subjects makes and one of the rules covers.',
  {
    subjects: f.list(Subject, 1, 'Who requests may come from; at least one is needed.').required().atomic(),
    resourceRules: f.list(ResourcePolicyRule, 2, 'Requests to API resources that match.').atomic(),
    nonResourceRules: f.list(NonResourcePolicyRule, 3, 'Requests to other URLs that match.').atomic(),
  },
)
export interface PolicyRulesWithSubjects extends Infer<typeof PolicyRulesWithSubjects> {}

export const PriorityLevelConfigurationReference = message(
  'flowcontrol.v1.PriorityLevelConfigurationReference',
  'Points to a priority level.',
  {
    name: f.string(1, 'Name of the PriorityLevelConfiguration.').required(),
  },
)
export interface PriorityLevelConfigurationReference extends Infer<typeof PriorityLevelConfigurationReference> {}

export const FlowSchemaSpec = message(
  'flowcontrol.v1.FlowSchemaSpec',
  'Which requests a FlowSchema takes and where it sends them.',
  {
    priorityLevelConfiguration: f
      .message(PriorityLevelConfigurationReference, 1, 'Priority level that handles the requests.')
      .required()
      .present(),
    matchingPrecedence: f
      .int32(2, 'Schemas with lower numbers are tried first, 1 to 10000; default 1000.')
      .present()
      .default(1000),
    distinguisherMethod: f.message(
      FlowDistinguisherMethod,
      3,
      'How requests are split into flows; if unset, all are one flow.',
    ),
    rules: f
      .list(PolicyRulesWithSubjects, 4, 'Requests that match; one rule is enough, none matches nothing.')
      .atomic(),
  },
)
export interface FlowSchemaSpec extends Infer<typeof FlowSchemaSpec> {}

export const FlowSchemaCondition = message(
  'flowcontrol.v1.FlowSchemaCondition',
  'One observed aspect of the state of a FlowSchema.',
  {
    type: f.string(1, 'Name of the condition, such as Dangling.'),
    status: f.string(2, 'True, False or Unknown.'),
    lastTransitionTime: f.time(3, 'When status last changed its value.'),
    reason: f.string(4, 'Short machine-readable cause of the last change.'),
    message: f.string(5, 'Details of the last change, meant for people.'),
  },
)
export interface FlowSchemaCondition extends Infer<typeof FlowSchemaCondition> {}

export const FlowSchemaStatus = message('flowcontrol.v1.FlowSchemaStatus', 'Observed state of a FlowSchema.', {
  conditions: f
    .list(FlowSchemaCondition, 1, 'Latest observations about the schema, one per type.')
    .map('type')
    .merge('type'),
})
export interface FlowSchemaStatus extends Infer<typeof FlowSchemaStatus> {}

export const FlowSchema = kind(
  'flowcontrol.apiserver.k8s.io',
  'v1',
  'FlowSchema',
  'Sorts matching requests into flows and assigns them a priority level.',
  {
    spec: f.message(FlowSchemaSpec, 2, 'Which requests are taken and where they go.').present(),
    status: f.message(FlowSchemaStatus, 3, 'Observed state of the schema.').present(),
  },
)
export interface FlowSchema extends Infer<typeof FlowSchema> {}

export const QueuingConfiguration = message(
  'flowcontrol.v1.QueuingConfiguration',
  'How requests of a priority level wait.',
  {
    queues: f.int32(1, 'Number of queues; default 64, while 1 turns shuffle sharding off.').present().default(64),
    handSize: f
      .int32(2, 'Queues that are considered for each flow, at most the number of queues; default 8.')
      .present()
      .default(8),
    queueLengthLimit: f
      .int32(3, 'Requests that may wait in one queue before others are rejected; default 50.')
      .present()
      .default(50),
  },
)
export interface QueuingConfiguration extends Infer<typeof QueuingConfiguration> {}

export const LimitResponse = message(
  'flowcontrol.v1.LimitResponse',
  'What happens to requests that cannot run at once.',
  {
    type: f.string(1, 'Queue lets them wait; Reject answers with status 429.').required(),
    queuing: f.message(QueuingConfiguration, 2, 'How they wait; only used when type is Queue.'),
  },
)
export interface LimitResponse extends Infer<typeof LimitResponse> {}

export const LimitedPriorityLevelConfiguration = message(
  'flowcontrol.v1.LimitedPriorityLevelConfiguration',
  'Settings of a priority level with limited concurrency.',
  {
    nominalConcurrencyShares: f
      .int32(1, 'Weight of this level when sharing out concurrency; default 30.')
      .pointer()
      .default(30),
    limitResponse: f.message(LimitResponse, 2, 'What happens to requests that cannot run at once.').present(),
    lendablePercent: f
      .int32(3, 'Percentage of its concurrency that others may borrow, 0 to 100; default 0.')
      .pointer()
      .default(0),
    borrowingLimitPercent: f
      .int32(4, 'Percentage of its own concurrency it may borrow in addition; default no limit.')
      .pointer(),
  },
)
export interface LimitedPriorityLevelConfiguration extends Infer<typeof LimitedPriorityLevelConfiguration> {}

export const PriorityLevelConfigurationSpec = message(
  'flowcontrol.v1.PriorityLevelConfigurationSpec',
  'Wanted behaviour of a priority level.',
  {
    type: f.string(1, 'Limited applies the limits in limited; Exempt lets requests run at once.').required(),
    limited: f.message(LimitedPriorityLevelConfiguration, 2, 'Settings used when type is Limited.'),
    exempt: f.message(ExemptPriorityLevelConfiguration, 3, 'Settings used when type is Exempt.'),
  },
)
export interface PriorityLevelConfigurationSpec extends Infer<typeof PriorityLevelConfigurationSpec> {}

export const PriorityLevelConfigurationCondition = message(
  'flowcontrol.v1.PriorityLevelConfigurationCondition',
  'One observed aspect of the state of a priority level.',
  {
    type: f.string(1, 'Name of the condition.'),
    status: f.string(2, 'True, False or Unknown.'),
    lastTransitionTime: f.time(3, 'When status last changed its value.'),
    reason: f.string(4, 'Short machine-readable cause of the last change.'),
    message: f.string(5, 'Details of the last change, meant for people.'),
  },
)
export interface PriorityLevelConfigurationCondition extends Infer<typeof PriorityLevelConfigurationCondition> {}

export const PriorityLevelConfigurationStatus = message(
  'flowcontrol.v1.PriorityLevelConfigurationStatus',
  'Observed state of a priority level.',
  {
    conditions: f
      .list(PriorityLevelConfigurationCondition, 1, 'Latest observations about the level, one per type.')
      .map('type')
      .merge('type'),
  },
)
export interface PriorityLevelConfigurationStatus extends Infer<typeof PriorityLevelConfigurationStatus> {}

export const PriorityLevelConfiguration = kind(
  'flowcontrol.apiserver.k8s.io',
  'v1',
  'PriorityLevelConfiguration',
  'A priority level for requests to the API server, with its share of concurrency.',
  {
    spec: f.message(PriorityLevelConfigurationSpec, 2, 'Wanted behaviour of the level.').present(),
    status: f.message(PriorityLevelConfigurationStatus, 3, 'Observed state of the level.').present(),
  },
)
export interface PriorityLevelConfiguration extends Infer<typeof PriorityLevelConfiguration> {}
