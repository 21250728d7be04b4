/**
 * The profiles put together: which checks a level has in a version of the policy, and what they say of a pod. Upstream:
 * `policy.NewEvaluator` and `AggregateCheckResults`.
 */
import { baselineChecks } from './baseline-checks.ts'
import type { Checkable, CheckVersion, PodCheck, VersionedCheck, Violation } from './pod-check.ts'
import type { Level, LevelVersion } from './policy.ts'
import { restrictedChecks } from './restricted-checks.ts'

/** Beyond this nothing changes. */
const NEWEST = Math.max(...[...baselineChecks, ...restrictedChecks].flatMap(({ versions }) => versions.at(-1)!.since))

/** What of `pod` a policy does not allow; empty for a pod that is fine. */
export function violationsOf({ level, version }: LevelVersion, pod: Checkable): Violation[] {
  if (level === 'privileged') return []
  const minor = version === 'latest' ? NEWEST : Math.min(version, NEWEST)
  return profiles[level][minor]!.flatMap((check) => check(pod) ?? [])
}

const inForce = (checks: readonly VersionedCheck[], minor: number): (CheckVersion & { id: string })[] =>
  checks.flatMap(({ id, versions }) => {
    const version = versions.findLast(({ since }) => since <= minor)
    return version ? { ...version, id } : []
  })

function checksOf(level: Exclude<Level, 'privileged'>, minor: number): PodCheck[] {
  const baseline = inForce(baselineChecks, minor)
  if (level === 'baseline') return baseline.map(({ check }) => check)
  const restricted = inForce(restrictedChecks, minor)
  const overridden = new Set(restricted.flatMap(({ overrides }) => overrides ?? []))
  return [...baseline.filter(({ id }) => !overridden.has(id)), ...restricted].map(({ check }) => check)
}

const everyVersion = (level: Exclude<Level, 'privileged'>) =>
  Array.from({ length: NEWEST + 1 }, (_, minor) => checksOf(level, minor))

const profiles = { baseline: everyVersion('baseline'), restricted: everyVersion('restricted') }

/** `host namespaces (hostPID=true), privileged (container "a" must not ...)` */
export const detailsOf = (violations: readonly Violation[]): string =>
  violations.map(({ reason, detail }) => (detail ? `${reason} (${detail})` : reason)).join(', ')

/** The same without what is particular to one pod. */
export const reasonsOf = (violations: readonly Violation[]): string => violations.map(({ reason }) => reason).join(', ')
