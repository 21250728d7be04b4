/**
 * Questions about permissions: the SubjectAccessReview family and SelfSubjectRulesReview, with the attributes they
 * ask about and the answers. None of these objects is stored.
 */
import { kind } from '#api/kind.ts'
import { f, type Infer, message } from '#api/schema.ts'
import { FieldSelectorRequirement, LabelSelectorRequirement } from '#api/meta/v1.ts'

export const FieldSelectorAttributes = message(
  'authorization.v1.FieldSelectorAttributes',
  'Field selector that limits the access being asked about.',
  {
    rawSelector: f.string(1, 'Selector as a query parameter would hold it; excludes requirements.'),
    requirements: f
      .list(FieldSelectorRequirement, 2, 'Selector in parsed form; all requirements apply together.')
      .atomic(),
  },
)
export interface FieldSelectorAttributes extends Infer<typeof FieldSelectorAttributes> {}

export const LabelSelectorAttributes = message(
  'authorization.v1.LabelSelectorAttributes',
  'Label selector that limits the access being asked about.',
  {
    rawSelector: f.string(1, 'Selector as a query parameter would hold it; excludes requirements.'),
    requirements: f
      .list(LabelSelectorRequirement, 2, 'Selector in parsed form; all requirements apply together.')
      .atomic(),
  },
)
export interface LabelSelectorAttributes extends Infer<typeof LabelSelectorAttributes> {}

export const NonResourceAttributes = message(
  'authorization.v1.NonResourceAttributes',
  'Access to a URL that is not an API resource.',
  {
    path: f.string(1, 'URL path of the request, such as /healthz.'),
    verb: f.string(2, 'HTTP verb in lower case, such as get.'),
  },
)
export interface NonResourceAttributes extends Infer<typeof NonResourceAttributes> {}

export const ResourceAttributes = message('authorization.v1.ResourceAttributes', 'Access to an API resource.', {
  namespace: f.string(1, 'Namespace of the access; empty means all namespaces or a cluster resource.'),
  verb: f.string(2, 'API verb such as get, list, watch, create, update, patch or delete; * means all.'),
  group: f.string(3, 'API group of the resource; * means all.'),
  version: f.string(4, 'API version of the resource; * means all.'),
  resource: f.string(5, 'Plural name of the resource; * means all.'),
  subresource: f.string(6, 'Subresource, such as status; empty means the resource itself.'),
  name: f.string(7, 'Name of the object for get or delete; empty means all.'),
  fieldSelector: f.message(FieldSelectorAttributes, 8, 'Field selector that the request is limited by.'),
  labelSelector: f.message(LabelSelectorAttributes, 9, 'Label selector that the request is limited by.'),
})
export interface ResourceAttributes extends Infer<typeof ResourceAttributes> {}

export const SubjectAccessReviewSpec = message(
  'authorization.v1.SubjectAccessReviewSpec',
  'Who wants to do what; exactly one kind of attributes must be set.',
  {
    resourceAttributes: f.message(ResourceAttributes, 1, 'Access to an API resource that is asked about.'),
    nonResourceAttributes: f.message(NonResourceAttributes, 2, 'Access to another URL that is asked about.'),
    user: f.string(3, 'Name of the user in question; may be empty if groups are given.'),
    groups: f.list('string', 4, 'Groups of the user in question.').atomic(),
    extra: f.mapOfLists('string', 5, 'Further details about the user, as lists of values by key.'),
    uid: f.string(6, 'UID of the user in question.'),
  },
)
export interface SubjectAccessReviewSpec extends Infer<typeof SubjectAccessReviewSpec> {}

export const SubjectAccessReviewStatus = message(
  'authorization.v1.SubjectAccessReviewStatus',
  'Verdict on the access that was asked about.',
  {
    allowed: f.bool(1, 'Whether the action would be permitted.').required(),
    reason: f.string(2, 'Why it was permitted or refused, if known.'),
    evaluationError: f.string(3, 'Errors met on the way; a verdict can exist in spite of them.'),
    denied: f.bool(4, 'Whether an authorizer refused outright, rather than having no opinion.'),
  },
)
export interface SubjectAccessReviewStatus extends Infer<typeof SubjectAccessReviewStatus> {}

export const LocalSubjectAccessReview = kind(
  'authorization.k8s.io',
  'v1',
  'LocalSubjectAccessReview',
  'Asks whether a user may do something within one namespace.',
  {
    spec: f
      .message(SubjectAccessReviewSpec, 2, 'Who wants to do what; its namespace must be that of this object.')
      .required()
      .present(),
    status: f.message(SubjectAccessReviewStatus, 3, 'Verdict, filled in by the server.').present(),
  },
)
export interface LocalSubjectAccessReview extends Infer<typeof LocalSubjectAccessReview> {}

export const NonResourceRule = message('authorization.v1.NonResourceRule', 'Verbs that are allowed on certain URLs.', {
  verbs: f.list('string', 1, 'HTTP verbs in lower case; * means all.').required().atomic(),
  nonResourceURLs: f.list('string', 2, 'URL paths; * is allowed as the whole or as the last step.').atomic(),
})
export interface NonResourceRule extends Infer<typeof NonResourceRule> {}

export const ResourceRule = message('authorization.v1.ResourceRule', 'Verbs that are allowed on certain resources.', {
  verbs: f.list('string', 1, 'API verbs, such as get or create; * means all.').required().atomic(),
  apiGroups: f.list('string', 2, 'API groups the rule covers; * means all.').atomic(),
  resources: f.list('string', 3, 'Plural names the rule covers; * means all, */scale the scale of all.').atomic(),
  resourceNames: f.list('string', 4, 'Object names the rule is limited to; empty means every name.').atomic(),
})
export interface ResourceRule extends Infer<typeof ResourceRule> {}

export const SelfSubjectAccessReviewSpec = message(
  'authorization.v1.SelfSubjectAccessReviewSpec',
  'What the caller wants to do; exactly one field must be set.',
  {
    resourceAttributes: f.message(ResourceAttributes, 1, 'Access to an API resource that is asked about.'),
    nonResourceAttributes: f.message(NonResourceAttributes, 2, 'Access to another URL that is asked about.'),
  },
)
export interface SelfSubjectAccessReviewSpec extends Infer<typeof SelfSubjectAccessReviewSpec> {}

export const SelfSubjectAccessReview = kind(
  'authorization.k8s.io',
  'v1',
  'SelfSubjectAccessReview',
  'Asks whether the caller may do something.',
  {
    spec: f.message(SelfSubjectAccessReviewSpec, 2, 'What the caller wants to do.').required().present(),
    status: f.message(SubjectAccessReviewStatus, 3, 'Verdict, filled in by the server.').present(),
  },
)
export interface SelfSubjectAccessReview extends Infer<typeof SelfSubjectAccessReview> {}

export const SelfSubjectRulesReviewSpec = message(
  'authorization.v1.SelfSubjectRulesReviewSpec',
  'Scope of a SelfSubjectRulesReview.',
  {
    namespace: f.string(1, 'Namespace to list permissions for; must be given.'),
  },
)
export interface SelfSubjectRulesReviewSpec extends Infer<typeof SelfSubjectRulesReviewSpec> {}

export const SubjectRulesReviewStatus = message(
  'authorization.v1.SubjectRulesReviewStatus',
  'What a user is allowed to do, as far as it can be listed.',
  {
    resourceRules: f.list(ResourceRule, 1, 'Permissions on API resources, in no particular order.').required().atomic(),
    nonResourceRules: f
      .list(NonResourceRule, 2, 'Permissions on other URLs, in no particular order.')
      .required()
      .atomic(),
    incomplete: f.bool(3, 'Whether rules may be missing, because not every authorizer can list them.').required(),
    evaluationError: f.string(4, 'Errors that kept some rules from being found.'),
  },
)
export interface SubjectRulesReviewStatus extends Infer<typeof SubjectRulesReviewStatus> {}

export const SelfSubjectRulesReview = kind(
  'authorization.k8s.io',
  'v1',
  'SelfSubjectRulesReview',
  'Asks what the caller may do in a namespace; meant for user interfaces.',
  {
    spec: f.message(SelfSubjectRulesReviewSpec, 2, 'Namespace that is asked about.').required().present(),
    status: f.message(SubjectRulesReviewStatus, 3, 'Permissions found, filled in by the server.').present(),
  },
)
export interface SelfSubjectRulesReview extends Infer<typeof SelfSubjectRulesReview> {}

export const SubjectAccessReview = kind(
  'authorization.k8s.io',
  'v1',
  'SubjectAccessReview',
  'Asks whether a user or group may do something.',
  {
    spec: f.message(SubjectAccessReviewSpec, 2, 'Who wants to do what.').required().present(),
    status: f.message(SubjectAccessReviewStatus, 3, 'Verdict, filled in by the server.').present(),
  },
)
export interface SubjectAccessReview extends Infer<typeof SubjectAccessReview> {}
