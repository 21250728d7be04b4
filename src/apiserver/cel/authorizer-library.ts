/**
 * `authorizer` in expressions: `authorizer.group('apps').resource('deployments').namespace('x').check('create').allowed()`
 * (upstream: `apiserver/pkg/cel/library.Authz`).
 */
import type { Library } from '#cel/library.ts'
import type { Opaque } from '#cel/values.ts'
import type { Attributes, Authorizer, User } from '../user.ts'

export function authorizerLibrary(): Library {
  throw new Error('not there yet')
}

/** The value of the variable `authorizer`, asking on behalf of `user`. */
export function authorizerValue(_user: User, _authorizer: Authorizer): Opaque {
  throw new Error('not there yet')
}

/** The value of the variable `authorizer.requestResource`: checks are about what the request is about. */
export function requestResourceValue(
  _user: User,
  _authorizer: Authorizer,
  _request: Pick<Attributes, 'group' | 'resource' | 'subresource' | 'namespace' | 'name'>,
): Opaque {
  throw new Error('not there yet')
}
