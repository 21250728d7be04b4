/** The subresources that have behaviour, by `group/plural/subresource`; `*` stands for every resource. Others answer 501. */
import { pods } from '#api/resources.ts'
import { type SubresourceHandler } from '../api.ts'
import { resourceKey } from '#api/kind.ts'
import { binding } from './binding.ts'
import { eviction } from './eviction.ts'
import { fieldsOnly } from './fields-only.ts'
import { namespaceFinalize } from './namespace-finalize.ts'
import { scaleHandlers } from './scale.ts'
import { serviceAccountToken } from './service-account-token.ts'
import type { ServiceAccountTokens } from '../authn/service-account-tokens.ts'

export interface SubresourceDependencies {
  tokens: ServiceAccountTokens
}

export function allSubresources({ tokens }: SubresourceDependencies): ReadonlyMap<string, SubresourceHandler> {
  return new Map<string, SubresourceHandler>([
    ['*/status', fieldsOnly()],
    ['/pods/ephemeralcontainers', fieldsOnly(['spec', 'ephemeralContainers'])],
    // Which fields are sizes is known to the strategy of pods.
    ['/pods/resize', fieldsOnly()],
    [
      'certificates.k8s.io/certificatesigningrequests/approval',
      fieldsOnly(['status', 'conditions'], { changesMetadata: true }),
    ],
    [`${resourceKey(pods)}/binding`, binding],
    [`${resourceKey(pods)}/eviction`, eviction],
    ['/namespaces/finalize', namespaceFinalize],
    ['/serviceaccounts/token', serviceAccountToken(tokens)],
    ...scaleHandlers,
  ])
}
