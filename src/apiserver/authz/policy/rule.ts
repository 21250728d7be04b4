/** The short way in which the built-in roles are written down: words in one text, separated by spaces. */
import type { PolicyRule } from '#api/rbac/v1.ts'

const words = (text: string) => text.split(' ')

/** `allow('get list watch', 'pods pods/log')`. Without `groups` it is about the core group; without `names` about all objects. */
export function allow(
  verbs: string,
  resources: string,
  groups: string | readonly string[] = '',
  names?: string,
): PolicyRule {
  return {
    verbs: words(verbs),
    apiGroups: typeof groups === 'string' ? [groups] : [...groups],
    resources: words(resources),
    ...(names && { resourceNames: words(names) }),
  }
}

export const allowUrls = (verbs: string, urls: string): PolicyRule => ({
  verbs: words(verbs),
  nonResourceURLs: words(urls),
})

/** What every component that reports events needs. */
export const recordEvents: PolicyRule = allow('create patch update', 'events', ['', 'events.k8s.io'])
