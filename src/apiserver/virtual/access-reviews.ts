/** May somebody do something: the four access reviews of authorization.k8s.io. Upstream: `pkg/registry/authorization`. */
import {
  LocalSubjectAccessReview,
  SelfSubjectAccessReview,
  SelfSubjectRulesReview,
  SubjectAccessReview,
} from '#api/authorization/v1.ts'
import type { Message } from '#api/schema.ts'
import { badRequest, type FieldError, invalid } from '#machinery/status-error.ts'
import { decodeObject, type VirtualResource } from '../api.ts'
import { invalidValue } from '../registry/object-meta.ts'
import { type Attributes, type Authorizer, SUPERUSERS, type User } from '../user.ts'
import { reviewed } from './identity-reviews.ts'

const API_VERSION = 'authorization.k8s.io/v1'

interface ReviewSpec {
  user?: string
  uid?: string
  groups?: string[]
  extra?: Record<string, string[]>
  resourceAttributes?: Record<
    'namespace' | 'verb' | 'group' | 'version' | 'resource' | 'subresource' | 'name',
    string | undefined
  >
  nonResourceAttributes?: { path?: string; verb?: string }
}

/** Throws Invalid unless exactly one kind of attributes is given. */
function attributesOf(kind: string, user: User, spec: ReviewSpec): Attributes {
  const { resourceAttributes: r, nonResourceAttributes: p } = spec
  const errors: FieldError[] = []
  if (r && p)
    errors.push({
      type: 'Invalid',
      field: 'spec.nonResourceAttributes',
      message: 'Invalid value: cannot be specified in combination with resourceAttributes',
    })
  if (!r && !p)
    errors.push({
      type: 'Invalid',
      field: 'spec.resourceAttributes',
      message: 'Invalid value: exactly one of nonResourceAttributes or resourceAttributes must be specified',
    })
  if (errors.length > 0) throw invalid({ group: 'authorization.k8s.io', kind }, '', errors)
  const nothing = { user, group: '', version: '', resource: '', subresource: '', namespace: '', name: '' }
  if (p) return { ...nothing, verb: p.verb ?? '', path: p.path ?? '' }
  return {
    user,
    verb: r!.verb ?? '',
    group: r!.group ?? '',
    version: r!.version ?? '',
    resource: r!.resource ?? '',
    subresource: r!.subresource ?? '',
    namespace: r!.namespace ?? '',
    name: r!.name ?? '',
  }
}

function accessReview(kind: string, type: Message, authorizer: Authorizer, isSelf: boolean): VirtualResource {
  return {
    async perform(api, caller, request) {
      const review = decodeObject(caller, request, type, request.body)
      await api.admit(caller, request, 'CREATE', type, review)
      const { spec = {} } = review as { spec?: ReviewSpec }
      if (!isSelf && !spec.user && !spec.groups?.length) {
        throw invalid({ group: 'authorization.k8s.io', kind }, '', [
          {
            type: 'Invalid',
            field: 'spec.user',
            message: 'Invalid value: "": at least one of user or group must be specified',
          },
        ])
      }
      if (kind === 'LocalSubjectAccessReview' && spec.resourceAttributes?.namespace !== request.namespace) {
        const found = spec.resourceAttributes?.namespace ?? ''
        throw invalid({ group: 'authorization.k8s.io', kind }, '', [
          invalidValue('spec.resourceAttributes.namespace', found, 'must match metadata.namespace'),
        ])
      }
      const user: User = isSelf
        ? caller.user
        : {
            name: spec.user ?? '',
            groups: spec.groups ?? [],
            ...(spec.uid && { uid: spec.uid }),
            ...(spec.extra && { extra: spec.extra }),
          }
      const decision = authorizer.authorize(attributesOf(kind, user, spec))
      return reviewed(API_VERSION, kind, spec, {
        allowed: decision.allowed,
        ...(decision.reason && { reason: decision.reason }),
      })
    },
  }
}

/** With superusers only, a user's rules are everything or nothing. */
const rulesReview: VirtualResource = {
  async perform(api, caller, request) {
    const review = decodeObject(caller, request, SelfSubjectRulesReview, request.body)
    await api.admit(caller, request, 'CREATE', SelfSubjectRulesReview, review)
    const { spec } = review as { spec?: { namespace?: string } }
    if (!spec?.namespace) throw badRequest('no namespace on request')
    const isSuperuser = caller.user.groups.includes(SUPERUSERS)
    return reviewed(API_VERSION, 'SelfSubjectRulesReview', spec, {
      resourceRules: isSuperuser ? [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }] : [],
      nonResourceRules: isSuperuser ? [{ verbs: ['*'], nonResourceURLs: ['*'] }] : [],
      incomplete: false,
    })
  },
}

export const accessReviews = (authorizer: Authorizer): readonly (readonly [string, VirtualResource])[] => [
  [
    'authorization.k8s.io/subjectaccessreviews',
    accessReview('SubjectAccessReview', SubjectAccessReview, authorizer, false),
  ],
  [
    'authorization.k8s.io/localsubjectaccessreviews',
    accessReview('LocalSubjectAccessReview', LocalSubjectAccessReview, authorizer, false),
  ],
  [
    'authorization.k8s.io/selfsubjectaccessreviews',
    accessReview('SelfSubjectAccessReview', SelfSubjectAccessReview, authorizer, true),
  ],
  ['authorization.k8s.io/selfsubjectrulesreviews', rulesReview],
]
