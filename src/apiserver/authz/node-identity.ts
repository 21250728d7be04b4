/** Which node a user is: `system:node:<name>` in the group `system:nodes`. Upstream: `pkg/auth/nodeidentifier`. */
import type { User } from '../user.ts'

export const ALL_NODES = 'system:nodes'
const PREFIX = 'system:node:'

/** The node's name, which may be empty for a user that is some node or other; undefined for everybody else. */
export function nodeNameOf({ name, groups }: User): string | undefined {
  return name.startsWith(PREFIX) && groups.includes(ALL_NODES) ? name.slice(PREFIX.length) : undefined
}
