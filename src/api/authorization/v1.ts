/** @@HEAD authorization/v1.ts */
import { kind } from '#api/kind.ts'
import { f, type Infer, message } from '#api/schema.ts'
import { FieldSelectorRequirement, LabelSelectorRequirement } from '#api/meta/v1.ts'

export const FieldSelectorAttributes = message('authorization.v1.FieldSelectorAttributes', '', {
  rawSelector: f.string(1, ''),
  requirements: f.list(FieldSelectorRequirement, 2, '').atomic(),
})
export interface FieldSelectorAttributes extends Infer<typeof FieldSelectorAttributes> {}

export const LabelSelectorAttributes = message('authorization.v1.LabelSelectorAttributes', '', {
  rawSelector: f.string(1, ''),
  requirements: f.list(LabelSelectorRequirement, 2, '').atomic(),
})
export interface LabelSelectorAttributes extends Infer<typeof LabelSelectorAttributes> {}

export const NonResourceAttributes = message('authorization.v1.NonResourceAttributes', '', {
  path: f.string(1, ''),
  verb: f.string(2, ''),
})
export interface NonResourceAttributes extends Infer<typeof NonResourceAttributes> {}

export const ResourceAttributes = message('authorization.v1.ResourceAttributes', '', {
  namespace: f.string(1, ''),
  verb: f.string(2, ''),
  group: f.string(3, ''),
  version: f.string(4, ''),
  resource: f.string(5, ''),
  subresource: f.string(6, ''),
  name: f.string(7, ''),
  fieldSelector: f.message(FieldSelectorAttributes, 8, ''),
  labelSelector: f.message(LabelSelectorAttributes, 9, ''),
})
export interface ResourceAttributes extends Infer<typeof ResourceAttributes> {}

export const SubjectAccessReviewSpec = message('authorization.v1.SubjectAccessReviewSpec', '', {
  resourceAttributes: f.message(ResourceAttributes, 1, ''),
  nonResourceAttributes: f.message(NonResourceAttributes, 2, ''),
  user: f.string(3, ''),
  groups: f.list('string', 4, '').atomic(),
  extra: f.mapOfLists('string', 5, ''),
  uid: f.string(6, ''),
})
export interface SubjectAccessReviewSpec extends Infer<typeof SubjectAccessReviewSpec> {}

export const SubjectAccessReviewStatus = message('authorization.v1.SubjectAccessReviewStatus', '', {
  allowed: f.bool(1, '').required(),
  reason: f.string(2, ''),
  evaluationError: f.string(3, ''),
  denied: f.bool(4, ''),
})
export interface SubjectAccessReviewStatus extends Infer<typeof SubjectAccessReviewStatus> {}

export const LocalSubjectAccessReview = kind('authorization.k8s.io', 'v1', 'LocalSubjectAccessReview', '', {
  spec: f.message(SubjectAccessReviewSpec, 2, '').present(),
  status: f.message(SubjectAccessReviewStatus, 3, '').present(),
})
export interface LocalSubjectAccessReview extends Infer<typeof LocalSubjectAccessReview> {}

export const NonResourceRule = message('authorization.v1.NonResourceRule', '', {
  verbs: f.list('string', 1, '').required().atomic(),
  nonResourceURLs: f.list('string', 2, '').atomic(),
})
export interface NonResourceRule extends Infer<typeof NonResourceRule> {}

export const ResourceRule = message('authorization.v1.ResourceRule', '', {
  verbs: f.list('string', 1, '').required().atomic(),
  apiGroups: f.list('string', 2, '').atomic(),
  resources: f.list('string', 3, '').atomic(),
  resourceNames: f.list('string', 4, '').atomic(),
})
export interface ResourceRule extends Infer<typeof ResourceRule> {}

export const SelfSubjectAccessReviewSpec = message('authorization.v1.SelfSubjectAccessReviewSpec', '', {
  resourceAttributes: f.message(ResourceAttributes, 1, ''),
  nonResourceAttributes: f.message(NonResourceAttributes, 2, ''),
})
export interface SelfSubjectAccessReviewSpec extends Infer<typeof SelfSubjectAccessReviewSpec> {}

export const SelfSubjectAccessReview = kind('authorization.k8s.io', 'v1', 'SelfSubjectAccessReview', '', {
  spec: f.message(SelfSubjectAccessReviewSpec, 2, '').present(),
  status: f.message(SubjectAccessReviewStatus, 3, '').present(),
})
export interface SelfSubjectAccessReview extends Infer<typeof SelfSubjectAccessReview> {}

export const SelfSubjectRulesReviewSpec = message('authorization.v1.SelfSubjectRulesReviewSpec', '', {
  namespace: f.string(1, ''),
})
export interface SelfSubjectRulesReviewSpec extends Infer<typeof SelfSubjectRulesReviewSpec> {}

export const SubjectRulesReviewStatus = message('authorization.v1.SubjectRulesReviewStatus', '', {
  resourceRules: f.list(ResourceRule, 1, '').required().atomic(),
  nonResourceRules: f.list(NonResourceRule, 2, '').required().atomic(),
  incomplete: f.bool(3, '').required(),
  evaluationError: f.string(4, ''),
})
export interface SubjectRulesReviewStatus extends Infer<typeof SubjectRulesReviewStatus> {}

export const SelfSubjectRulesReview = kind('authorization.k8s.io', 'v1', 'SelfSubjectRulesReview', '', {
  spec: f.message(SelfSubjectRulesReviewSpec, 2, '').present(),
  status: f.message(SubjectRulesReviewStatus, 3, '').present(),
})
export interface SelfSubjectRulesReview extends Infer<typeof SelfSubjectRulesReview> {}

export const SubjectAccessReview = kind('authorization.k8s.io', 'v1', 'SubjectAccessReview', '', {
  spec: f.message(SubjectAccessReviewSpec, 2, '').present(),
  status: f.message(SubjectAccessReviewStatus, 3, '').present(),
})
export interface SubjectAccessReview extends Infer<typeof SubjectAccessReview> {}
