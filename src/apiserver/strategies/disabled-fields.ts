/**
 * Fields of features that v1.36 has switched off unless somebody asks for them: they are left out of what is written, as if
 * nobody had sent them. Upstream: `dropDisabledFields` of `pkg/api/pod` and of other kinds.
 */
import type { Draft, Strategy } from '../registry/strategy.ts'

/** Of a pod's spec: its group for scheduling, signals that stop containers, volumes of trust bundles and pod certificates. */
export function dropFromPodSpec(spec: Record<string, any> | undefined) {
  if (!spec) return
  delete spec.schedulingGroup
  for (const list of ['containers', 'initContainers', 'ephemeralContainers']) {
    for (const container of spec[list] ?? [])
      if (container.lifecycle?.stopSignal !== undefined) dropStopSignal(container)
  }
  for (const { projected } of spec.volumes ?? []) {
    for (const source of projected?.sources ?? []) {
      delete source.clusterTrustBundle
      delete source.podCertificate
    }
  }
}

function dropStopSignal(container: Record<string, any>) {
  const { stopSignal: _signal, ...lifecycle } = container.lifecycle
  if (Object.keys(lifecycle).length > 0) container.lifecycle = lifecycle
  else delete container.lifecycle
}

/** The strategy of a kind whose objects hold things that `drop` takes fields from. */
export function dropping(drop: (object: Draft) => void, strategy: Strategy): Strategy {
  return {
    ...strategy,
    prepareForCreate(object, context) {
      drop(object)
      strategy.prepareForCreate?.(object, context)
    },
    prepareForUpdate(object, old, context) {
      if (context.subresource === '') drop(object)
      strategy.prepareForUpdate?.(object, old, context)
    },
  }
}

/** Strategies of what makes pods from `spec.template`. */
export const droppingFromTemplate = (strategy: Strategy): Strategy =>
  dropping(({ spec }) => dropFromPodSpec(spec?.template?.spec), strategy)
