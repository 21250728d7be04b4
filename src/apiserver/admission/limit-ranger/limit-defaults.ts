/** What containers that ask for nothing get, noted in an annotation. Upstream: `PodMutateLimitFunc`. */
import type { Container } from '#api/core/v1/container.ts'
import type { LimitRangeItem } from '#api/core/v1/namespace.ts'
import type { Pod } from '#api/core/v1/pod.ts'

const ANNOTATION = 'kubernetes.io/limit-ranger'

type Amounts = Record<string, string>

/** Changes the pod. */
export function applyDefaults(pod: Pod, limits: readonly LimitRangeItem[]) {
  const requests: Amounts = {}
  const maxima: Amounts = {}
  for (const limit of limits) {
    if (limit.type !== 'Container') continue
    Object.assign(requests, limit.defaultRequest)
    Object.assign(maxima, limit.default)
  }
  const notes: string[] = []
  const complete = (container: Container, what: string) => {
    const resources = (container.resources ??= {})
    const note = (which: 'requests' | 'limits', defaults: Amounts) => {
      const missing = Object.keys(defaults).filter((name) => resources[which]?.[name] === undefined)
      if (missing.length === 0) return
      const added = Object.fromEntries(missing.map((name) => [name, defaults[name]!]))
      resources[which] = { ...resources[which], ...added }
      notes.push(`${missing.toSorted().join(', ')} ${which.slice(0, -1)} for ${what} ${container.name}`)
    }
    note('requests', requests)
    note('limits', maxima)
  }
  for (const container of pod.spec.containers) complete(container, 'container')
  for (const container of pod.spec.initContainers ?? []) complete(container, 'init container')
  if (notes.length === 0) return
  pod.metadata.annotations = {
    ...pod.metadata.annotations,
    [ANNOTATION]: `LimitRanger plugin set: ${notes.join('; ')}`,
  }
}
