/**
 * Values of a pod's own fields and of its containers' resources, for environment variables and volumes. Pure. Throws Error
 * with upstream's wording for a path that isn't supported. Upstream: `pkg/fieldpath` and `pkg/api/v1/resource`.
 */
import { own } from '#base/own.ts'
import type { Container } from '#api/core/v1/container.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import type { ResourceFieldSelector } from '#api/core/v1/shared.ts'
import { Quantity } from '#machinery/quantity.ts'
import type { Amounts } from './resource-amounts.ts'

export interface NodeFacts {
  /** Primary first. */
  hostIps: readonly string[]
  podIps: readonly string[]
  /** What a container without a limit may use. */
  allocatable: Amounts
}

/** Paths that only exist at run time; `metadata.*` is read from the object. */
const runtimeFields: Readonly<Record<string, (pod: Pod, facts: NodeFacts) => string>> = {
  'spec.nodeName': (pod) => pod.spec.nodeName ?? '',
  'spec.serviceAccountName': (pod) => pod.spec.serviceAccountName ?? '',
  'status.hostIP': (_, facts) => facts.hostIps[0] ?? '',
  'status.hostIPs': (_, facts) => facts.hostIps.join(','),
  'status.podIP': (_, facts) => facts.podIps[0] ?? '',
  'status.podIPs': (_, facts) => facts.podIps.join(','),
}

export function fieldValue(pod: Pod, fieldPath: string, facts: NodeFacts): string {
  return runtimeFields[fieldPath]?.(pod, facts) ?? metadataValue(pod, fieldPath)
}

/** The fields that a volume may show: those that may change while it is mounted. */
export function metadataValue(pod: Pod, fieldPath: string): string {
  const { annotations = {}, labels = {}, name, namespace = '', uid } = pod.metadata
  const subscript = /^(.+)\['(.*)'\]$/.exec(fieldPath)
  if (subscript) {
    const [, path, key] = subscript as unknown as [string, string, string]
    if (path === 'metadata.annotations') return own(annotations, key) ?? ''
    if (path === 'metadata.labels') return own(labels, key) ?? ''
    throw new Error(`fieldPath "${fieldPath}" does not support subscript`)
  }
  switch (fieldPath) {
    case 'metadata.annotations':
      return formatMap(annotations)
    case 'metadata.labels':
      return formatMap(labels)
    case 'metadata.name':
      return name
    case 'metadata.namespace':
      return namespace
    case 'metadata.uid':
      return uid
    default:
      throw new Error(`unsupported fieldPath: ${fieldPath}`)
  }
}

/** Sorted `key="value"` lines with the values quoted as Go does. */
function formatMap(map: Readonly<Record<string, string>>): string {
  return Object.keys(map)
    .sort()
    .map((key) => `${key}=${quote(map[key]!)}`)
    .join('\n')
}

/** Go's strconv.Quote: JSON's escapes, but `\x07`-like ones for control characters without a letter. */
function quote(text: string): string {
  const letters: Record<string, string> = {
    '\x07': '\\a',
    '\b': '\\b',
    '\f': '\\f',
    '\n': '\\n',
    '\r': '\\r',
    '\t': '\\t',
    '\v': '\\v',
  }
  const escaped = text.replace(/["\\]|[\x00-\x1f\x7f]/g, (c) => {
    if (c === '"' || c === '\\') return `\\${c}`
    return letters[c] ?? `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`
  })
  return `"${escaped}"`
}

/** `container` is the one that asks; the selector may name another. Rounded up to the divisor. */
export function resourceValue(
  pod: Pod,
  container: Container | undefined,
  selector: ResourceFieldSelector,
  allocatable: Amounts,
): string {
  const { containerName, resource } = selector
  const target = containerName
    ? [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].find((c) => c.name === containerName)
    : container
  if (!target) throw new Error(`container ${containerName ?? ''} not found`)
  const [, kind, name] = /^(limits|requests)\.(.+)$/.exec(resource) ?? []
  const isKnown = name && (['cpu', 'memory', 'ephemeral-storage'].includes(name) || name.startsWith('hugepages-'))
  if (!kind || !isKnown) throw new Error(`unsupported container resource : ${resource}`)
  let amount = parse(target.resources?.[kind as 'limits' | 'requests']?.[name])
  if (kind === 'limits' && amount.isZero && !name.startsWith('hugepages-')) amount = parse(allocatable[name])
  const divisor = parse(selector.divisor)
  const [value, unit] =
    name === 'cpu'
      ? [amount.milliValue(), divisor.isZero ? 1000 : divisor.milliValue()]
      : [amount.value(), divisor.isZero ? 1 : divisor.value()]
  return String(Math.ceil(value / unit))
}

const parse = (text: string | undefined) => (text === undefined ? Quantity.of(0) : Quantity.parse(String(text)))
