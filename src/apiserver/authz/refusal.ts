/** How a request that is not allowed is answered. Upstream: `apiserver/pkg/endpoints/handlers/responsewriters`. */
import { forbidden, StatusError } from '#machinery/status-error.ts'
import { type Attributes, type Authorizer, refusalText } from '../user.ts'

export function forbiddenBy(attributes: Attributes, reason: string): StatusError {
  const { group, resource, name, path } = attributes
  const text = refusalText(attributes, reason)
  if (path !== undefined || resource === '') return new StatusError('Forbidden', `forbidden: ${text}`, { details: {} })
  return forbidden({ group, plural: resource }, name, text)
}

/** Throws Forbidden unless it is allowed. */
export function requireAllowed(authorizer: Authorizer, attributes: Attributes): void {
  const { allowed, reason } = authorizer.authorize(attributes)
  if (!allowed) throw forbiddenBy(attributes, reason)
}
