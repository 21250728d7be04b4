/**
 * The terms of a pod about the company of other pods, with their selectors compiled (upstream: `framework.AffinityTerm`).
 * A term is about pods in the namespaces it names, in those its namespace selector matches, or, where it has neither, in
 * the pod's own.
 */
import type { Pod, PodAffinityTerm } from '#api/core/v1/pod.ts'
import { type Labels, LabelSelector, type LabelSelectorObject, selectorFromObject } from '#machinery/labels.ts'

export interface AffinityTerm {
  readonly topologyKey: string
  readonly namespaces: ReadonlySet<string>
  readonly namespaceSelector: LabelSelector
  readonly selector: LabelSelector
}

export interface WeightedAffinityTerm extends AffinityTerm {
  readonly weight: number
}

export interface PodAffinityTerms {
  readonly required: readonly AffinityTerm[]
  readonly requiredAnti: readonly AffinityTerm[]
  readonly preferred: readonly WeightedAffinityTerm[]
  readonly preferredAnti: readonly WeightedAffinityTerm[]
}

export function podAffinityTerms(pod: Pod): PodAffinityTerms {
  const { podAffinity, podAntiAffinity } = pod.spec.affinity ?? {}
  const compile = (term: PodAffinityTerm) => compileTerm(pod, term)
  const weigh = (w: { weight: number; podAffinityTerm: PodAffinityTerm }) => ({
    ...compile(w.podAffinityTerm),
    weight: w.weight,
  })
  return {
    required: (podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []).map(compile),
    requiredAnti: (podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []).map(compile),
    preferred: (podAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(weigh),
    preferredAnti: (podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(weigh),
  }
}

function compileTerm(pod: Pod, term: PodAffinityTerm): AffinityTerm {
  const isOwn = !term.namespaces?.length && !term.namespaceSelector
  return {
    topologyKey: term.topologyKey,
    namespaces: new Set(isOwn ? [pod.metadata.namespace ?? ''] : term.namespaces),
    namespaceSelector: compileSelector(term.namespaceSelector),
    selector: compileSelector(term.labelSelector),
  }
}

/** An invalid selector, which the API server refuses to store, selects nothing. */
export function compileSelector(selector: LabelSelectorObject | undefined): LabelSelector {
  try {
    return selectorFromObject(selector)
  } catch {
    return LabelSelector.nothing
  }
}

/** Whether the term is about a pod with these labels in a namespace with those labels. */
export function termMatches(
  term: AffinityTerm,
  namespace: string,
  labels: Labels | undefined,
  namespaceLabels: Labels | undefined,
): boolean {
  if (!term.namespaces.has(namespace) && !term.namespaceSelector.matches(namespaceLabels ?? {})) return false
  return term.selector.matches(labels ?? {})
}
