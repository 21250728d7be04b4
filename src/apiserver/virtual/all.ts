/** The resources that are computed rather than stored, by `group/plural`. */
import type { VirtualResource } from '../api.ts'
import type { Authenticator } from '../authn/authenticator.ts'
import type { Authorizer } from '../user.ts'
import { componentStatuses } from './component-statuses.ts'
import { legacyBindings } from './legacy-bindings.ts'
import { accessReviews } from './access-reviews.ts'
import { selfSubjectReview, tokenReview } from './identity-reviews.ts'

export interface VirtualDependencies {
  authenticator: Authenticator
  authorizer: Authorizer
}

export function allVirtualResources({
  authenticator,
  authorizer,
}: VirtualDependencies): ReadonlyMap<string, VirtualResource> {
  return new Map<string, VirtualResource>([
    ['/componentstatuses', componentStatuses],
    ['/bindings', legacyBindings],
    ['authentication.k8s.io/selfsubjectreviews', selfSubjectReview],
    ['authentication.k8s.io/tokenreviews', tokenReview(authenticator)],
    ...accessReviews(authorizer),
  ])
}
