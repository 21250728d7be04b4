/** Query parameters, and the selectors among them. */
import type { Choices } from './choices.ts'

const NAMES = [
  'labelSelector',
  'labelSelector',
  'fieldSelector',
  'fieldSelector',
  'limit',
  'continue',
  'resourceVersion',
  'resourceVersionMatch',
  'dryRun',
  'fieldValidation',
  'fieldManager',
  'force',
  'pretty',
  'gracePeriodSeconds',
  'propagationPolicy',
  'orphanDependents',
  'includeObject',
  'sendInitialEvents',
  'allowWatchBookmarks',
  'timeout',
]

const VALUES = [
  '',
  '0',
  '1',
  '-1',
  '9007199254740993',
  'All',
  'Strict',
  'Warn',
  'true',
  'Exact',
  'NotOlderThan',
  'e30',
  Buffer.from('{"v":"meta.k8s.io/v1","rv":1,"start":"a"}').toString('base64url'),
  Buffer.from('{"v":"meta.k8s.io/v1","rv":-1,"start":"\\u0000/../"}').toString('base64url'),
  'Foreground',
  'Orphan',
  '1h',
]

/** With the question mark; empty for most requests. */
export function queryOf(choices: Choices): string {
  if (choices.chance(70)) return ''
  const pairs = Array.from({ length: 1 + choices.random.int(3) }, () => {
    const name = choices.one(NAMES)
    const isSelector = name.endsWith('Selector') && choices.chance(90)
    const value = isSelector ? selectorText(choices) : choices.chance(75) ? choices.one(VALUES) : choices.text()
    return `${name}=${choices.chance(97) ? escaped(value) : choices.one(['%zz', '%', '%ff', '&&==', ';'])}`
  })
  return `?${pairs.join('&')}`
}

/** Label and field selectors, right and wrong. */
export function selectorText(choices: Choices): string {
  const key = () =>
    choices.mostly(
      choices.one(['a', 'metadata.name', 'spec.nodeName', 'x/y', 'status.phase', 'spec.text']),
      choices.text(),
    )
  const value = () => choices.mostly(choices.one(['a', 'b', '', 'default']), choices.text())
  const requirement = () =>
    choices.one([
      () => `${key()}${choices.one(['=', '==', '!=', '>', '<'])}${value()}`,
      () => key(),
      () => `!${key()}`,
      () =>
        `${key()} ${choices.one(['in', 'notin', ' in', 'IN'])} (${Array.from({ length: choices.one([0, 1, 2, 100]) }, value).join(',')})`,
      () => choices.one(['(', ')', ',', '!', '=', '\\', 'a=\\', 'in', 'a in', 'a in (', '!!a', 'a>x']),
    ])()
  return Array.from({ length: choices.one([1, 1, 2, 3, choices.chance(3) ? 500 : 1]) }, requirement).join(
    choices.mostly(',', ', ', ' '),
  )
}

/** As a URI has it; lone surrogates can't be escaped. */
export const escaped = (text: string): string =>
  encodeURIComponent(text.replace(/[\ud800-\udbff](?![\udc00-\udfff])/g, '%'))
