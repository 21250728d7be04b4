/** Who am I, and whose token is this. Upstream: `pkg/registry/authentication`. */
import { SelfSubjectReview, TokenReview } from '#api/authentication/v1.ts'
import type { KubeObject } from '#api/kind.ts'
import type { ObjectMeta } from '#api/meta/v1.ts'
import { badRequest, isStatus } from '#machinery/status-error.ts'
import { type VirtualResource } from '../api.ts'
import { type Answer } from '../answer.ts'
import { decodeObject } from '../decode-object.ts'
import type { Authenticator } from '../authn/authenticator.ts'
import { timestamp } from '../registry/object-meta.ts'
import type { User } from '../user.ts'

/** The answer to a review: the object that was sent with its status filled in. */
export const reviewed = (
  apiVersion: string,
  kind: string,
  metadata: ObjectMeta | undefined,
  spec: unknown,
  status: unknown,
): Answer => ({
  type: 'object',
  code: 201,
  object: {
    kind,
    apiVersion,
    metadata: metadata ?? {},
    ...(spec !== undefined && { spec }),
    status,
  } as unknown as KubeObject,
})

const userInfo = ({ name, uid, groups, extra }: User) => ({
  username: name,
  ...(uid && { uid }),
  ...(groups.length > 0 && { groups }),
  ...(extra && Object.keys(extra).length > 0 && { extra }),
})

export const selfSubjectReview: VirtualResource = {
  async perform(api, caller, request) {
    const review = decodeObject(caller, request, SelfSubjectReview, request.body)
    await api.admit(caller, request, 'CREATE', SelfSubjectReview, review)
    const metadata = { creationTimestamp: timestamp(api.now()) }
    const status = { userInfo: userInfo(caller.user) }
    return reviewed('authentication.k8s.io/v1', 'SelfSubjectReview', metadata, undefined, status)
  },
}

export function tokenReview(authenticator: Authenticator): VirtualResource {
  return {
    async perform(api, caller, request) {
      const draft = decodeObject(caller, request, TokenReview, request.body)
      const review = draft as unknown as TokenReview
      await api.admit(caller, request, 'CREATE', TokenReview, draft, () => {
        if (!review.spec.token) throw badRequest('token is required for TokenReview in authentication')
      })
      const { token = '', audiences: asked = [] } = review.spec
      const answer = (status: unknown) =>
        reviewed('authentication.k8s.io/v1', 'TokenReview', review.metadata, review.spec, status)
      try {
        const { user, audiences } = await authenticator.reviewToken(token, asked)
        return answer({ authenticated: true, user: userInfo(user), audiences })
      } catch (err) {
        if (!isStatus(err, 'Unauthorized')) throw err
        return answer({ user: {}, error: 'invalid bearer token' })
      }
    },
  }
}
