/** An explanation in plain words. */
import type { PolicyRule, Subject } from '#api/rbac/v1.ts'
import type { Explanation, Held, NearMiss, Question } from './explanation.ts'

/** What the API server itself says to the question. */
export interface Verdict {
  readonly allowed: boolean
  readonly reason?: string | undefined
}

export function explanationText(question: Question, explanation: Explanation, verdict: Verdict): string {
  const { allowedBy, nearest, broken, wouldAllow, bindings } = explanation
  const lines: string[] = []
  const what = deed(question)
  if (verdict.allowed) {
    lines.push(`yes: ${question.user.name} may ${what}`)
    for (const held of allowedBy) lines.push(`  ${grantText(held)}`, `    ${ruleText(held.rule)}`)
    if (allowedBy.length === 0) lines.push(`  ${withoutRoles(question, verdict)}`)
    return text(lines)
  }
  lines.push(`no: ${question.user.name} may not ${what}`)
  if (verdict.reason) lines.push(...verdict.reason.split('\n').map((line) => `  the API server says: ${line}`))
  if (bindings === 0) lines.push('  no role is bound to this user or any of its groups')
  else if (nearest.length === 0) lines.push(`  none of the ${bindings} bindings for it is about that`)
  else lines.push('what comes nearest:')
  for (const miss of nearest)
    lines.push(`  ${grantText(miss)}`, `    ${ruleText(miss.rule)}`, `    but ${missText(miss, question)}`)
  for (const { binding, role } of broken) lines.push(`  ${binding} refers to ${role}, which does not exist`)
  if (wouldAllow.length > 0) {
    lines.push('roles that would allow it, if one of them were bound:')
    for (const { kind, name } of wouldAllow) lines.push(`  ${kind} ${name}`)
    lines.push('for example:', `  ${commandFor(question, wouldAllow[0]!)}`)
  } else lines.push('no role that would allow it exists')
  return text(lines)
}

/** Names are others' to choose: what a terminal would obey is shown instead. */
const text = (lines: readonly string[]) => lines.map((line) => `${line.replace(/[\p{Cc}\p{Cf}]/gu, codeOf)}\n`).join('')

const codeOf = (char: string) => `\\u${char.codePointAt(0)!.toString(16).padStart(4, '0')}`

function withoutRoles({ user }: Question, { reason }: Verdict): string {
  if (user.groups.includes('system:masters')) return 'members of system:masters may do everything, without any role'
  if (user.groups.includes('system:nodes')) return 'nodes may do so for what their own pods need'
  return reason || 'not by a role that can be read'
}

function deed({ verb, group, resource, subresource, name, namespace, path }: Question): string {
  if (path !== undefined) return `${verb} ${path}`
  const type = `${resource}${subresource && `/${subresource}`}${group && `.${group}`}`
  return `${verb} ${type}${name && ` ${JSON.stringify(name)}`} ${namespace ? `in namespace ${namespace}` : 'cluster-wide'}`
}

const grantText = ({ binding, role, subject }: Held) => `${binding} gives ${role} to ${subjectText(subject)}`

const subjectText = ({ kind, namespace, name }: Subject) => `${kind} ${namespace ? `${namespace}/` : ''}${name}`

function ruleText({
  verbs,
  apiGroups = [],
  resources = [],
  resourceNames = [],
  nonResourceURLs = [],
}: PolicyRule): string {
  const groups = apiGroups.filter((group) => group !== '')
  const of = groups.length > 0 ? ` of ${groups.join(', ')}` : ''
  const named = resourceNames.length > 0 ? ` named ${resourceNames.join(', ')}` : ''
  return `allows: ${verbs.join(', ')} on ${[...resources, ...nonResourceURLs].join(', ')}${of}${named}`
}

function missText({ lacks, namespace, rule }: NearMiss, question: Question): string {
  const texts = {
    namespace: `only in namespace ${namespace}`,
    verb: `not ${question.verb}`,
    name: question.name === '' ? 'not all of them' : `not ${JSON.stringify(question.name)}`,
  }
  const how = lacks.map((what) => texts[what]).join(', and ')
  return rule.resourceNames?.length && lacks.includes('name') ? `${how}: names are given` : how
}

function commandFor({ user, namespace, path }: Question, { kind, name }: Explanation['wouldAllow'][number]): string {
  const [, isAccount, accountNamespace, accountName] = user.name.split(':')
  const whom =
    isAccount === 'serviceaccount' && user.name.startsWith('system:')
      ? `--serviceaccount=${accountNamespace}:${accountName}`
      : `--user=${user.name}`
  const label = `${accountName ?? user.name}-${name}`.replace(/[^a-z0-9.-]+/gi, '-').toLowerCase()
  const words =
    namespace === '' || path !== undefined
      ? ['clusterrolebinding', label, `--clusterrole=${name}`, whom]
      : ['rolebinding', label, `--${kind.toLowerCase()}=${name}`, whom, '-n', namespace]
  return ['kubectl', 'create', ...words].map(shellWord).join(' ')
}

/** As a shell takes for one word, whatever is in it. */
const shellWord = (word: string) => (/^[\w.,:=@/-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)
