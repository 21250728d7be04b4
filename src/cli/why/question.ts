/** From the words of a command to what is asked: resources by any of their names, users with the groups that they have. */
import type { Resource } from '#api/kind.ts'
import { CliError } from '../cli-error.ts'
import type { Question } from './explanation.ts'

export interface Words {
  user: string
  verb: string
  /** `pods`, `deploy`, `deployments.apps`, `pods/log`, or a path such as `/metrics`. */
  resource: string
  name: string | undefined
  /** Default for resources that have one: `default`. */
  namespace: string | undefined
  allNamespaces: boolean
  groups: readonly string[]
}

/** What is known of a resource, built-in or custom. */
export type KnownResource = Pick<Resource, 'group' | 'plural' | 'singular' | 'shortNames' | 'namespaced'>

/** Throws CliError for a resource that is not known. */
export function questionOf(words: Words, resources: readonly KnownResource[]): Question {
  const { verb, name = '' } = words
  const user = { name: words.user, groups: groupsOf(words.user, words.groups) }
  const nothing = { group: '', resource: '', subresource: '', namespace: '' }
  if (words.resource.startsWith('/')) return { user, verb: verb.toLowerCase(), ...nothing, name, path: words.resource }
  const [type = '', subresource = ''] = words.resource.split('/', 2)
  if (type === '*')
    return { user, verb, ...nothing, group: '*', resource: '*', subresource, name, namespace: words.namespace ?? '' }
  const found = resources.find((known) => isCalled(known, type))
  if (!found) {
    const hint = 'name it as kubectl does: pods, deployments.apps, pods/log, or a path such as /metrics'
    throw new CliError('notFound', `there is no resource ${JSON.stringify(type)}`, { hint })
  }
  const namespace = found.namespaced && !words.allNamespaces ? (words.namespace ?? 'default') : ''
  return { user, verb, group: found.group, resource: found.plural, subresource, name, namespace }
}

function isCalled({ plural, singular, shortNames, group }: KnownResource, type: string): boolean {
  const lower = type.toLowerCase()
  return [plural, singular, ...shortNames].some(
    (name) => lower === name || (group !== '' && lower === `${name}.${group}`),
  )
}

/** Those that everybody of that kind has, with those that are given. */
function groupsOf(user: string, given: readonly string[]): string[] {
  const [system, kind, namespace, name] = user.split(':')
  const own: string[] = []
  if (user === 'system:anonymous') return [...new Set([...given, 'system:unauthenticated'])]
  if (system === 'system' && kind === 'serviceaccount' && namespace && name)
    own.push('system:serviceaccounts', `system:serviceaccounts:${namespace}`)
  if (system === 'system' && kind === 'node' && namespace) own.push('system:nodes')
  return [...new Set([...own, ...given, 'system:authenticated'])]
}
