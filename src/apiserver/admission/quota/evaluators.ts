/** Which evaluator measures which resource. Upstream: `pkg/quota/v1/evaluator/core/registry.go`. */
import { type Resource, resourceKey } from '#api/kind.ts'
import {
  configMaps,
  persistentVolumeClaims,
  pods,
  replicationControllers,
  resourceClaims,
  resourceQuotas,
  secrets,
  services,
} from '#api/resources.ts'
import type { Amounts } from './amounts.ts'
import { deviceClaimEvaluator, serviceEvaluator, volumeClaimEvaluator } from './other-usage.ts'
import { podEvaluator } from './pod-usage.ts'
import { countedBy, countEvaluator, type Evaluator, type UsageContext } from './usage.ts'

/** Those that are more than counted, or have a name of their own. */
const special: readonly (readonly [Resource, Evaluator])[] = [
  [pods, podEvaluator],
  [services, serviceEvaluator],
  [persistentVolumeClaims, volumeClaimEvaluator],
  [resourceClaims, deviceClaimEvaluator],
  ...[configMaps, replicationControllers, resourceQuotas, secrets].map(
    (resource: Resource) => [resource, countEvaluator(resource, resource.plural)] as const,
  ),
]

type Counted = Pick<Resource, 'group' | 'plural'>
const byKey = new Map(special.map(([resource, evaluator]) => [resourceKey(resource), evaluator]))

/** Events come and go by themselves; the others are never stored. */
const isIgnored = ({ group, plural }: Counted) =>
  plural === 'events' ||
  group === 'authentication.k8s.io' ||
  group === 'authorization.k8s.io' ||
  resourceKey({ group, plural }) === '/bindings'

/** Undefined for what no quota counts. */
export function evaluatorOf(resource: Counted): Evaluator | undefined {
  if (isIgnored(resource)) return undefined
  return byKey.get(resourceKey(resource)) ?? countEvaluator(resource)
}

/** The resources that bounds are about. */
export function boundedBy(hard: Amounts, context: UsageContext): Counted[] {
  const names = [...hard.keys()]
  const found: Counted[] = special
    .filter(([, evaluator]) => names.some((name) => evaluator.bounds(name, context)))
    .map(([resource]) => resource)
  for (const name of names) {
    const counted = countedBy(name)
    if (counted && !byKey.has(resourceKey(counted)) && !isIgnored(counted)) found.push(counted)
  }
  return found
}
