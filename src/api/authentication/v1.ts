/** @@HEAD authentication/v1.ts */
import { kind } from '#api/kind.ts'
import { f, type Infer, message } from '#api/schema.ts'

export const BoundObjectReference = message('authentication.v1.BoundObjectReference', '', {
  kind: f.string(1, ''),
  apiVersion: f.string(2, ''),
  name: f.string(3, ''),
  uid: f.string(4, ''),
})
export interface BoundObjectReference extends Infer<typeof BoundObjectReference> {}

export const UserInfo = message('authentication.v1.UserInfo', '', {
  username: f.string(1, ''),
  uid: f.string(2, ''),
  groups: f.list('string', 3, '').atomic(),
  extra: f.mapOfLists('string', 4, ''),
})
export interface UserInfo extends Infer<typeof UserInfo> {}

export const SelfSubjectReviewStatus = message('authentication.v1.SelfSubjectReviewStatus', '', {
  userInfo: f.message(UserInfo, 1, ''),
})
export interface SelfSubjectReviewStatus extends Infer<typeof SelfSubjectReviewStatus> {}

export const SelfSubjectReview = kind('authentication.k8s.io', 'v1', 'SelfSubjectReview', '', {
  status: f.message(SelfSubjectReviewStatus, 2, '').present(),
})
export interface SelfSubjectReview extends Infer<typeof SelfSubjectReview> {}

export const TokenRequestSpec = message('authentication.v1.TokenRequestSpec', '', {
  audiences: f.list('string', 1, '').atomic(),
  boundObjectRef: f.message(BoundObjectReference, 3, ''),
  expirationSeconds: f.int64(4, ''),
})
export interface TokenRequestSpec extends Infer<typeof TokenRequestSpec> {}

export const TokenRequestStatus = message('authentication.v1.TokenRequestStatus', '', {
  token: f.string(1, ''),
  expirationTimestamp: f.time(2, ''),
})
export interface TokenRequestStatus extends Infer<typeof TokenRequestStatus> {}

export const TokenRequest = kind('authentication.k8s.io', 'v1', 'TokenRequest', '', {
  spec: f.message(TokenRequestSpec, 2, '').present(),
  status: f.message(TokenRequestStatus, 3, '').present(),
})
export interface TokenRequest extends Infer<typeof TokenRequest> {}

export const TokenReviewSpec = message('authentication.v1.TokenReviewSpec', '', {
  token: f.string(1, '').required(),
  audiences: f.list('string', 2, '').atomic(),
})
export interface TokenReviewSpec extends Infer<typeof TokenReviewSpec> {}

export const TokenReviewStatus = message('authentication.v1.TokenReviewStatus', '', {
  authenticated: f.bool(1, ''),
  user: f.message(UserInfo, 2, ''),
  error: f.string(3, ''),
  audiences: f.list('string', 4, '').atomic(),
})
export interface TokenReviewStatus extends Infer<typeof TokenReviewStatus> {}

export const TokenReview = kind('authentication.k8s.io', 'v1', 'TokenReview', '', {
  spec: f.message(TokenReviewSpec, 2, '').present(),
  status: f.message(TokenReviewStatus, 3, '').present(),
})
export interface TokenReview extends Infer<typeof TokenReview> {}
