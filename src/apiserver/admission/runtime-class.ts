/**
 * A pod's runtime class says what running it costs beside its containers, and which nodes can. Upstream:
 * `plugin/pkg/admission/runtimeclass`.
 */
import type { Pod } from '#api/core/v1/pod.ts'
import type { Toleration } from '#api/core/v1/shared.ts'
import type { RuntimeClass } from '#api/node/v1.ts'
import { pods, runtimeClasses } from '#api/resources.ts'
import { jsonEqual } from '#base/equal.ts'
import { Quantity } from '#machinery/quantity.ts'
import type { Api } from '../api.ts'
import type { Stored } from '../registry/strategy.ts'
import type { AdmissionPlugin, AdmissionRequest } from './admission.ts'
import { cachedObject } from './lookup.ts'
import { refused } from './refusal.ts'

type Amounts = Record<string, string>

const OVERHEAD_DIFFERS = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead"
const OVERHEAD_WITHOUT_CLASS = 'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead'

export function runtimeClass(api: () => Api): AdmissionPlugin {
  const classOf = (request: AdmissionRequest, object: Stored): RuntimeClass | undefined => {
    const { runtimeClassName } = (object as unknown as Pod).spec
    if (runtimeClassName === undefined) return undefined
    const found = cachedObject(api(), runtimeClasses, undefined, runtimeClassName)
    if (found) return found
    throw refused(request, object, `pod rejected: RuntimeClass ${JSON.stringify(runtimeClassName)} not found`)
  }
  return {
    name: 'RuntimeClass',
    admit(request, object) {
      if (!isConcerned(request)) return
      const { spec } = object as unknown as Pod
      const { overhead, scheduling } = classOf(request, object) ?? {}
      if (overhead) {
        const isSet = Object.keys(spec.overhead ?? {}).length > 0
        if (isSet && !sameAmounts(overhead.podFixed, spec.overhead)) throw refused(request, object, OVERHEAD_DIFFERS)
        if (overhead.podFixed) spec.overhead = { ...overhead.podFixed }
      }
      if (!scheduling) return
      for (const [label, value] of Object.entries(scheduling.nodeSelector ?? {})) {
        const own = spec.nodeSelector?.[label]
        if (own !== undefined && own !== value) {
          const why = `conflict: runtimeClass.scheduling.nodeSelector[${label}] = ${value}; pod.spec.nodeSelector[${label}] = ${own}`
          throw refused(request, object, why)
        }
        spec.nodeSelector = { ...spec.nodeSelector, [label]: value }
      }
      const tolerations = mergeTolerations(spec.tolerations ?? [], scheduling.tolerations ?? [])
      if (tolerations.length > 0) spec.tolerations = tolerations
    },
    validate(request, object) {
      if (!object || !isConcerned(request)) return
      const { spec } = object as unknown as Pod
      const { overhead } = classOf(request, object) ?? {}
      if (overhead) {
        if (!sameAmounts(overhead.podFixed, spec.overhead)) throw refused(request, object, OVERHEAD_DIFFERS)
      } else if (spec.overhead) throw refused(request, object, OVERHEAD_WITHOUT_CLASS)
    },
  }
}

const isConcerned = ({ resource, subresource, operation }: AdmissionRequest) =>
  resource === pods && subresource === '' && operation === 'CREATE'

function sameAmounts(a: Amounts = {}, b: Amounts = {}): boolean {
  const names = Object.keys(a)
  if (names.length !== Object.keys(b).length) return false
  return names.every((name) => b[name] !== undefined && Quantity.parse(a[name]!).equals(Quantity.parse(b[name])))
}

/** Each is compared with each other one; of more than anybody writes only equal ones are found. */
const MAX_COMPARED = 1000

/** Both lists as one, without those that another one covers. Upstream: `pkg/util/tolerations`. */
function mergeTolerations(first: readonly Toleration[], second: readonly Toleration[]): Toleration[] {
  const all = [...first, ...second]
  if (all.length > MAX_COMPARED) return [...new Map(all.map((one) => [JSON.stringify(one), one])).values()]
  const merged: Toleration[] = []
  all.forEach((toleration, i) => {
    if (merged.some((other) => covers(other, toleration))) return
    // Of equal ones the first stays.
    if (all.slice(i + 1).some((other) => !jsonEqual(other, toleration) && covers(other, toleration))) return
    merged.push({ ...toleration })
  })
  return merged
}

/** Whether `wide` tolerates whatever `narrow` does. */
function covers(wide: Toleration, narrow: Toleration): boolean {
  if (jsonEqual(wide, narrow)) return true
  const isAnyKey = !wide.key && wide.operator === 'Exists'
  if ((wide.key ?? '') !== (narrow.key ?? '') && !isAnyKey) return false
  if (wide.effect && wide.effect !== narrow.effect) return false
  if (wide.effect === 'NoExecute' && wide.tolerationSeconds !== undefined) {
    if (narrow.tolerationSeconds === undefined || narrow.tolerationSeconds > wide.tolerationSeconds) return false
  }
  if (wide.operator === 'Exists') return true
  return (wide.operator ?? 'Equal') === 'Equal' && narrow.operator === 'Equal' && wide.value === narrow.value
}
