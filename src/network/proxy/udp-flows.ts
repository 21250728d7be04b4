/**
 * UDP has no connections, so the kernel keeps sending a flow to where its first packet went, even when that endpoint is
 * gone or when the service had none. Which tracked flows to cut after a change; pure. Upstream: kube-proxy's conntrack package.
 */
import type { PortRule } from './service-plan.ts'

/** Arguments of `conntrack -D`. */
export type FlowSelector = readonly string[]

export function planFlowCleanup(
  before: readonly PortRule[],
  after: readonly PortRule[],
  nodeIps: readonly string[],
): FlowSelector[] {
  const afterById = new Map(after.map((rule) => [ruleKey(rule), rule]))
  const beforeIds = new Map(before.map((rule) => [ruleKey(rule), rule]))
  const selectors: FlowSelector[] = []
  for (const rule of before) {
    if (rule.protocol !== 'udp') continue
    const now = afterById.get(ruleKey(rule))
    const alive = backendsOf(now)
    const gone = [
      ...new Set([...backendsOf(rule)].filter((b) => !alive.has(b)).map((b) => b.slice(0, b.lastIndexOf(' ')))),
    ]
    for (const [ip, port] of entrances(rule, nodeIps)) {
      for (const backend of gone)
        selectors.push(['-p', 'udp', '--orig-dst', ip, '--dport', String(port), '--dst-nat', backend])
    }
  }
  for (const rule of after) {
    if (rule.protocol !== 'udp' || backendsOf(rule).size === 0) continue
    const then = beforeIds.get(ruleKey(rule))
    if (then && backendsOf(then).size > 0) continue
    // Clients that were rejected so far may have left untranslated flows behind.
    for (const [ip, port] of entrances(rule, nodeIps))
      selectors.push(['-p', 'udp', '--orig-dst', ip, '--dport', String(port)])
  }
  return selectors
}

const ruleKey = (rule: PortRule) => `${rule.family} ${rule.id}`

const backendsOf = (rule: PortRule | undefined) =>
  new Set(
    rule
      ? [rule.internal, rule.external, rule.externalFromInside].flatMap((t) =>
          t.backends.map((b) => `${b.ip} ${b.port}`),
        )
      : [],
  )

function entrances(rule: PortRule, nodeIps: readonly string[]): [string, number][] {
  const out: [string, number][] = []
  for (const ip of [...rule.clusterIps, ...rule.externalIps, ...rule.loadBalancerIps]) out.push([ip, rule.port])
  if (rule.nodePort !== undefined) {
    for (const ip of nodeIps) if (ip.includes(':') === (rule.family === 6)) out.push([ip, rule.nodePort])
  }
  return out
}
