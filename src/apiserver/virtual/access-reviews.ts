/** May somebody do something: the four access reviews of authorization.k8s.io. Upstream: `pkg/registry/authorization`. */
import {
  LocalSubjectAccessReview,
  type ResourceAttributes,
  SelfSubjectAccessReview,
  SelfSubjectRulesReview,
  SubjectAccessReview,
  type SubjectAccessReviewSpec,
} from '#api/authorization/v1.ts'
import type { ObjectMeta } from '#api/meta/v1.ts'
import type { Message } from '#api/schema.ts'
import { badRequest, type FieldError, invalid } from '#machinery/status-error.ts'
import { type VirtualResource } from '../api.ts'
import { decodeObject } from '../decode-object.ts'
import { aggregated } from '../authz/rbac-authorizer.ts'
import { invalidValue } from '../registry/object-meta.ts'
import type { Attributes, Authorizer, User } from '../user.ts'
import { reviewed } from './identity-reviews.ts'
import { reviewedSelectors, selectorErrors } from './review-selectors.ts'

const API_VERSION = 'authorization.k8s.io/v1'

/** Who is asked about, and where the review may be made. */
interface ReviewKind {
  readonly name: string
  readonly type: Message
  readonly isSelf?: boolean
  readonly isLocal?: boolean
}

const reviewKinds: Readonly<Record<string, ReviewKind>> = {
  subjectaccessreviews: { name: 'SubjectAccessReview', type: SubjectAccessReview },
  localsubjectaccessreviews: { name: 'LocalSubjectAccessReview', type: LocalSubjectAccessReview, isLocal: true },
  selfsubjectaccessreviews: { name: 'SelfSubjectAccessReview', type: SelfSubjectAccessReview, isSelf: true },
}

interface Review {
  metadata?: ObjectMeta
  spec: SubjectAccessReviewSpec
}

function problemsOf({ metadata, spec }: Review, { isSelf, isLocal }: ReviewKind): FieldError[] {
  const { resourceAttributes: resource, nonResourceAttributes: path } = spec
  const errors: FieldError[] = []
  const refuse = (field: string, value: string, why: string) =>
    errors.push({ type: 'Invalid', field, message: `Invalid value: ${value}: ${why}` })
  const pathText = JSON.stringify({ Path: path?.path ?? '', Verb: path?.verb ?? '' })
  if (resource && path)
    refuse('spec.nonResourceAttributes', pathText, 'cannot be specified in combination with resourceAttributes')
  if (!resource && !path)
    refuse(
      'spec.resourceAttributes',
      'null',
      'exactly one of nonResourceAttributes or resourceAttributes must be specified',
    )
  if (!isSelf && !spec.user && !spec.groups?.length)
    errors.push(invalidValue('spec.user', '', 'at least one of user or group must be specified'))
  if (resource) for (const error of selectorErrors(resource)) errors.push(error)
  const { managedFields: _, namespace, ...rest } = metadata ?? {}
  const stray = isLocal || namespace === undefined ? rest : { ...rest, namespace }
  if (Object.keys(stray).length > 0)
    refuse('metadata', JSON.stringify(metadata), isLocal ? 'must be empty except for namespace' : 'must be empty')
  if (!isLocal) return errors
  if (resource && (resource.namespace ?? '') !== (namespace ?? ''))
    errors.push(
      invalidValue('spec.resourceAttributes.namespace', resource.namespace ?? '', 'must match metadata.namespace'),
    )
  if (path) refuse('spec.nonResourceAttributes', pathText, 'disallowed on this kind of request')
  return errors
}

/** The attributes to ask about, and which of the selectors could not be understood. */
function attributesOf(user: User, spec: SubjectAccessReviewSpec): { attributes: Attributes; problems: string[] } {
  const nothing = { user, group: '', version: '', resource: '', subresource: '', namespace: '', name: '' }
  const { resourceAttributes, nonResourceAttributes: path } = spec
  if (path) return { attributes: { ...nothing, verb: path.verb ?? '', path: path.path ?? '' }, problems: [] }
  const resource: ResourceAttributes = resourceAttributes!
  const { fieldSelector, labelSelector, problems } = reviewedSelectors(resource)
  const attributes: Attributes = {
    user,
    verb: resource.verb ?? '',
    group: resource.group ?? '',
    version: resource.version || '*',
    resource: resource.resource ?? '',
    subresource: resource.subresource ?? '',
    namespace: resource.namespace ?? '',
    name: resource.name ?? '',
    fieldSelector,
    labelSelector,
  }
  return { attributes, problems }
}

function accessReview(kind: ReviewKind, authorizer: Authorizer): VirtualResource {
  return {
    async perform(api, caller, request) {
      const draft = decodeObject(caller, request, kind.type, request.body)
      const review = draft as unknown as Review
      await api.admit(caller, request, 'CREATE', kind.type, draft, () => {
        if (kind.isLocal && request.namespace && !review.metadata?.namespace)
          review.metadata = { ...review.metadata, namespace: request.namespace }
        const errors = problemsOf(review, kind)
        // Its kind is not known where upstream says this.
        if (errors.length > 0) throw invalid({ group: 'authorization.k8s.io', kind: '' }, '', errors)
        if (kind.isLocal && review.metadata?.namespace !== request.namespace)
          throw badRequest(`spec.resourceAttributes.namespace must match namespace: ${request.namespace}`)
      })
      const { metadata, spec } = review
      const user: User = kind.isSelf
        ? caller.user
        : {
            name: spec.user ?? '',
            groups: spec.groups ?? [],
            ...(spec.uid && { uid: spec.uid }),
            extra: spec.extra ?? {},
          }
      const { attributes, problems } = attributesOf(user, spec)
      const { allowed, reason } = authorizer.authorize(attributes)
      return reviewed(API_VERSION, kind.name, metadata, spec, {
        allowed,
        ...(reason && { reason }),
        ...(problems.length > 0 && { evaluationError: problems.join('; ') }),
      })
    },
  }
}

const rulesReview = (authorizer: Authorizer): VirtualResource => ({
  async perform(api, caller, request) {
    const review = decodeObject(caller, request, SelfSubjectRulesReview, request.body)
    const asked = () => (review as { spec?: { namespace?: string } }).spec?.namespace
    await api.admit(caller, request, 'CREATE', SelfSubjectRulesReview, review, () => {
      if (!asked()) throw badRequest('no namespace on request')
    })
    const namespace = asked()!
    const { errors, resourceRules, nonResourceRules, incomplete } = authorizer.rulesFor(caller.user, namespace)
    const evaluationError = errors.length > 0 && { evaluationError: aggregated(errors) }
    const status = { resourceRules, nonResourceRules, incomplete, ...evaluationError }
    // The answer does not repeat the question.
    return reviewed(API_VERSION, 'SelfSubjectRulesReview', {}, {}, status)
  },
})

export const accessReviews = (authorizer: Authorizer): readonly (readonly [string, VirtualResource])[] => [
  ...Object.entries(reviewKinds).map(
    ([plural, kind]) => [`authorization.k8s.io/${plural}`, accessReview(kind, authorizer)] as const,
  ),
  ['authorization.k8s.io/selfsubjectrulesreviews', rulesReview(authorizer)],
]
