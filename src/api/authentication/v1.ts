/**
 * Checking and issuing of credentials: TokenReview, TokenRequest and SelfSubjectReview. UserInfo describes an
 * authenticated user. None of these objects is stored.
 */
import { kind } from '#api/kind.ts'
import { f, type Infer, message } from '#api/schema.ts'

export const BoundObjectReference = message(
  'authentication.v1.BoundObjectReference',
  'Object that a token depends on; the token dies with it.',
  {
    kind: f.string(1, 'Kind of the object: Pod, Secret or Node.'),
    apiVersion: f.string(2, 'API version of the object.'),
    name: f.string(3, 'Name of the object.'),
    uid: f.string(4, 'UID of the object.'),
  },
)
export interface BoundObjectReference extends Infer<typeof BoundObjectReference> {}

export const UserInfo = message('authentication.v1.UserInfo', 'What is known about an authenticated user.', {
  username: f.string(1, 'Name that identifies the user among all active users.'),
  uid: f.string(2, 'Identifier that stays unique even if a name is used again later.'),
  groups: f.list('string', 3, 'Names of the groups the user is in.').atomic(),
  extra: f.mapOfLists('string', 4, 'Further details from the authenticator, as lists of values by key.'),
})
export interface UserInfo extends Infer<typeof UserInfo> {}

export const SelfSubjectReviewStatus = message(
  'authentication.v1.SelfSubjectReviewStatus',
  'Answer to a SelfSubjectReview.',
  {
    userInfo: f.message(UserInfo, 1, 'The user that sent the request.').present(),
  },
)
export interface SelfSubjectReviewStatus extends Infer<typeof SelfSubjectReviewStatus> {}

export const SelfSubjectReview = kind(
  'authentication.k8s.io',
  'v1',
  'SelfSubjectReview',
  'Asks the server which user it takes the caller for.',
  {
    status: f
      .message(SelfSubjectReviewStatus, 2, 'Filled in by the server with the attributes of the caller.')
      .present(),
  },
)
export interface SelfSubjectReview extends Infer<typeof SelfSubjectReview> {}

export const TokenRequestSpec = message('authentication.v1.TokenRequestSpec', 'What kind of token is asked for.', {
  audiences: f.list('string', 1, 'Who the token is meant for; defaults to the API server.').atomic(),
  boundObjectRef: f.message(BoundObjectReference, 3, 'Object whose deletion should make the token invalid.'),
  expirationSeconds: f
    .int64(4, 'Wanted lifetime in seconds, at least 600; default 3600, the answer may differ.')
    .pointer()
    .default(3600),
})
export interface TokenRequestSpec extends Infer<typeof TokenRequestSpec> {}

export const TokenRequestStatus = message('authentication.v1.TokenRequestStatus', 'The token that was issued.', {
  token: f.string(1, 'The token itself, a signed JWT.').present(),
  expirationTimestamp: f.time(2, 'When the token stops being valid.'),
})
export interface TokenRequestStatus extends Infer<typeof TokenRequestStatus> {}

export const TokenRequest = kind(
  'authentication.k8s.io',
  'v1',
  'TokenRequest',
  'Asks for a token of a service account.',
  {
    spec: f.message(TokenRequestSpec, 2, 'What kind of token is asked for.').present(),
    status: f.message(TokenRequestStatus, 3, 'The token, filled in by the server.').present(),
  },
)
export interface TokenRequest extends Infer<typeof TokenRequest> {}

export const TokenReviewSpec = message('authentication.v1.TokenReviewSpec', 'The token to be checked.', {
  token: f.string(1, 'Bearer token to check; it is opaque here.').required(),
  audiences: f.list('string', 2, 'Audiences the asker identifies as; defaults to those of the API server.').atomic(),
})
export interface TokenReviewSpec extends Infer<typeof TokenReviewSpec> {}

export const TokenReviewStatus = message('authentication.v1.TokenReviewStatus', 'Result of checking a token.', {
  authenticated: f.bool(1, 'Whether the token belongs to a known user.'),
  user: f.message(UserInfo, 2, 'The user the token belongs to.').present(),
  error: f.string(3, 'Why the token could not be checked.'),
  audiences: f.list('string', 4, 'Audiences that both the token and the request name.').atomic(),
})
export interface TokenReviewStatus extends Infer<typeof TokenReviewStatus> {}

export const TokenReview = kind(
  'authentication.k8s.io',
  'v1',
  'TokenReview',
  'Asks whether a token is valid and to whom it belongs.',
  {
    spec: f.message(TokenReviewSpec, 2, 'The token to be checked.').required().present(),
    status: f.message(TokenReviewStatus, 3, 'Result, filled in by the server.').present(),
  },
)
export interface TokenReview extends Infer<typeof TokenReview> {}
