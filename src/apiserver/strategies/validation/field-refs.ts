/** References from a pod to its own fields and resources, in variables and volumes. */
import { own } from '#base/own.ts'
import { qualifiedName } from '#machinery/names.ts'
import type { Check } from './check.ts'

const volumeFields = ['metadata.annotations', 'metadata.labels', 'metadata.name', 'metadata.namespace', 'metadata.uid']
const envFields = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
]
/** Everything that the downward API can name at all. */
const knownFields = new Set([
  ...volumeFields,
  ...envFields,
  'spec.restartPolicy',
  'spec.schedulerName',
  'status.phase',
  'spec.host',
])

const SUBSCRIPTED = /^(.*)\['([^']*)'\]$/

function refusal(
  apiVersion: string,
  fieldPath: string,
  path: string,
  subscript: string | undefined,
): string | undefined {
  if (apiVersion !== 'v1') return `unsupported pod version: ${apiVersion}`
  if (subscript === undefined) return knownFields.has(path) ? undefined : `field label not supported: ${fieldPath}`
  const takesKeys = path === 'metadata.annotations' || path === 'metadata.labels'
  return takesKeys ? undefined : `field label does not support subscript: ${fieldPath}`
}

function fieldRef(accepted: readonly string[]): Check {
  return ({ apiVersion, fieldPath }: { apiVersion?: string; fieldPath?: string }, at, to) => {
    if (!apiVersion) return to.required(at.at('apiVersion'))
    if (!fieldPath) return to.required(at.at('fieldPath'))
    const [, path = fieldPath, subscript] = SUBSCRIPTED.exec(fieldPath) ?? []
    const why = refusal(apiVersion, fieldPath, path, subscript)
    if (why) return to.invalid(at.at('fieldPath'), fieldPath, `error converting fieldPath: ${why}`)
    if (subscript === undefined) {
      if (!accepted.includes(path)) to.unsupported(at.at('fieldPath'), path, accepted)
      return
    }
    const key = path === 'metadata.annotations' ? subscript.toLowerCase() : subscript
    to.each(at, key, qualifiedName(key))
  }
}
export const volumeFieldRef = fieldRef(volumeFields)
export const envFieldRef = fieldRef(envFields)

const resources = ['limits', 'requests'].flatMap((kind) =>
  ['cpu', 'ephemeral-storage', 'memory'].map((resource) => `${kind}.${resource}`),
)
const BYTES = ['1', '1k', '1M', '1G', '1T', '1P', '1E', '1Ki', '1Mi', '1Gi', '1Ti', '1Pi', '1Ei']
const CPU = ['1m', '1']
const isHugePages = (resource: string) => /^(limits|requests)\.hugepages-/.test(resource)

/** By the last part of the resource: the divisors that make sense, and what they are called. */
const divisors: Readonly<Record<string, readonly [readonly string[], string]>> = {
  cpu: [CPU, 'cpu'],
  memory: [BYTES, 'memory'],
  'ephemeral-storage': [BYTES, 'local ephemeral storage'],
}

export const resourceFieldRef =
  (inVolume: boolean): Check =>
  (
    { containerName, resource = '', divisor }: { containerName?: string; resource?: string; divisor?: string },
    at,
    to,
  ) => {
    if (inVolume && !containerName) to.required(at.at('containerName'))
    else if (!resource) to.required(at.at('resource'))
    else if (!resources.includes(resource) && !isHugePages(resource))
      to.unsupported(at.at('resource'), resource, resources)
    if (divisor === undefined || divisor === '0') return
    const kind = resource.slice(resource.indexOf('.') + 1)
    const [accepted, name] = isHugePages(resource) ? ([BYTES, 'hugepages'] as const) : (own(divisors, kind) ?? [])
    if (accepted && !accepted.includes(divisor)) {
      const values = accepted === CPU ? '1m and 1' : accepted.join(', ')
      to.invalid(at.at('divisor'), resource, `only divisor's values ${values} are supported with the ${name} resource`)
    }
  }
