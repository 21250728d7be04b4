/**
 * What is told to somebody who makes a namespace stricter: which of the pods that are there already would not be let in
 * any more. They stay. Upstream: `EvaluatePodsInNamespace`.
 */
import type { Pod } from '#api/core/v1/pod.ts'
import { controllerOf } from '#machinery/owner.ts'
import { type LevelVersion, policyText } from './policy.ts'
import { reasonsOf, violationsOf } from './profiles.ts'

/** More are not looked at. */
const MAX_PODS = 3000

/** Pods with the same violations share a line. */
export function namespaceWarnings(namespace: string, policy: LevelVersion, pods: readonly Pod[]): string[] {
  const looked = oneOfEachFirst(pods).slice(0, MAX_PODS)
  const namesByReason = new Map<string, string[]>()
  for (const pod of looked) {
    const reasons = reasonsOf(violationsOf(policy, pod))
    if (reasons === '') continue
    const names = namesByReason.get(reasons)
    if (names) names.push(pod.metadata.name)
    else namesByReason.set(reasons, [pod.metadata.name])
  }
  const warnings = []
  if (looked.length < pods.length) {
    const counts = `${looked.length} of ${pods.length}`
    warnings.push(`new PodSecurity enforce level only checked against the first ${counts} existing pods`)
  }
  if (namesByReason.size === 0) return warnings
  const about = `existing pods in namespace ${JSON.stringify(namespace)}`
  warnings.push(`${about} violate the new PodSecurity enforce level "${policyText(policy)}"`)
  const lines = [...namesByReason].map(([reasons, names]) => `${podsText(names)}: ${reasons}`)
  return [...warnings, ...lines.toSorted()]
}

function podsText(names: readonly string[]): string {
  const [first] = names.toSorted()
  if (names.length === 1) return first!
  return names.length === 2 ? `${first} (and 1 other pod)` : `${first} (and ${names.length - 1} other pods)`
}

/** The first pod of each controller comes before all further ones, which are most likely the same. */
function oneOfEachFirst(pods: readonly Pod[]): Pod[] {
  const seen = new Set<string>()
  const [first, further]: [Pod[], Pod[]] = [[], []]
  for (const pod of pods) {
    const controller = controllerOf(pod.metadata)?.uid
    if (controller !== undefined && seen.has(controller)) further.push(pod)
    else first.push(pod)
    if (controller !== undefined) seen.add(controller)
  }
  return [...first, ...further]
}
