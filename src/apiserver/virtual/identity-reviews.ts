/** Who am I, and whose token is this. Upstream: `pkg/registry/authentication`. */
import { SelfSubjectReview, TokenReview } from '#api/authentication/v1.ts'
import type { KubeObject } from '#api/kind.ts'
import { badRequest } from '#machinery/status-error.ts'
import { type Answer, decodeObject, type VirtualResource } from '../api.ts'
import type { Authenticator } from '../authn/authenticator.ts'
import type { User } from '../user.ts'

/** The answer to a review: the object that was sent with its status filled in. */
export const reviewed = (apiVersion: string, kind: string, spec: unknown, status: unknown): Answer => ({
  type: 'object',
  code: 201,
  object: {
    kind,
    apiVersion,
    metadata: { creationTimestamp: null },
    ...(spec !== undefined && { spec }),
    status,
  } as unknown as KubeObject,
})

const userInfo = ({ name, uid, groups, extra }: User) => ({
  username: name,
  ...(uid && { uid }),
  groups,
  ...(extra && { extra }),
})

export const selfSubjectReview: VirtualResource = {
  async perform(api, caller, request) {
    const review = decodeObject(caller, request, SelfSubjectReview, request.body)
    await api.admit(caller, request, 'CREATE', SelfSubjectReview, review)
    return reviewed('authentication.k8s.io/v1', 'SelfSubjectReview', undefined, { userInfo: userInfo(caller.user) })
  },
}

export function tokenReview(authenticator: Authenticator): VirtualResource {
  return {
    async perform(api, caller, request) {
      const draft = decodeObject(caller, request, TokenReview, request.body)
      await api.admit(caller, request, 'CREATE', TokenReview, draft)
      const review = draft as unknown as TokenReview
      const token = review.spec.token
      if (!token) throw badRequest('token is required for TokenReview in authentication')
      const answer = (status: unknown) => reviewed('authentication.k8s.io/v1', 'TokenReview', review.spec, status)
      try {
        const { user, audiences } = await authenticator.reviewToken(token, review.spec.audiences ?? [])
        return answer({ authenticated: true, user: userInfo(user), audiences })
      } catch {
        return answer({ user: {}, error: 'invalid bearer token' })
      }
    },
  }
}
