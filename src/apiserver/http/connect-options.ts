/**
 * The parameters of a subresource that is connected to, as the object that admission sees and that connecting obeys.
 * Upstream: `getRequestOptions`, and the conversions of query parameters in apimachinery.
 */
import {
  NodeProxyOptions,
  PodAttachOptions,
  PodExecOptions,
  PodPortForwardOptions,
  PodProxyOptions,
  ServiceProxyOptions,
} from '#api/core/v1/connect-options.ts'
import type { Field, Message } from '#api/schema.ts'
import { badRequest } from '#machinery/status-error.ts'
import type { ResourceRoute } from './route.ts'

export interface ConnectOptionsObject {
  stdin?: boolean
  stdout?: boolean
  stderr?: boolean
  tty?: boolean
  container?: string
  command?: string[]
  ports?: number[]
  path?: string
}

export interface ConnectOptions {
  readonly type: Message
  readonly object: ConnectOptionsObject
}

const types: Readonly<Record<string, Message>> = {
  'pods/exec': PodExecOptions,
  'pods/attach': PodAttachOptions,
  'pods/portforward': PodPortForwardOptions,
  'pods/proxy': PodProxyOptions,
  'services/proxy': ServiceProxyOptions,
  'nodes/proxy': NodeProxyOptions,
}

/** Throws BadRequest. */
export function connectOptions(route: ResourceRoute, query: URLSearchParams): ConnectOptions {
  if (query.has('dryRun')) throw badRequest('dryRun is not supported')
  const type = types[`${route.resource.plural}/${route.subresource}`]!
  const object: Record<string, unknown> = { kind: type.gvk!.kind, apiVersion: type.gvk!.version }
  for (const [name, field] of Object.entries(type.fields)) {
    const values = name === 'path' ? [route.rest && `/${route.rest}`] : query.getAll(name)
    const value = valueOf(field, values)
    if (value !== undefined && name !== 'kind' && name !== 'apiVersion') object[name] = value
  }
  return { type, object }
}

function valueOf(field: Field, values: readonly string[]): unknown {
  const [first] = values
  if (!first && (first === undefined || field.type !== 'bool')) return undefined
  // Whatever does not say no says yes, the empty value too.
  if (field.type === 'bool') return first === '0' || first!.toLowerCase() === 'false' ? undefined : true
  if (field.type === 'int32') return values.flatMap((value) => value.split(',')).map(Number)
  return field.shape === 'list' ? [...values] : first
}
