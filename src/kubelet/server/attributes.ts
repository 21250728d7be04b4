/**
 * What a request to the kubelet's server means as a request to the API: a verb on one or two subresources of its node,
 * of which either is enough. Pure. Upstream: `nodeAuthorizerAttributesGetter` of `kubelet/server/auth.go`.
 */
import { own } from '#base/own.ts'

export interface NodeAttributes {
  verb: string
  /** Of the node; asked about in this order. */
  subresources: readonly string[]
}

const verbs: Readonly<Record<string, string>> = {
  POST: 'create',
  GET: 'get',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
}

/** By the first part of the path; everything else is `proxy` alone. */
const subresources: Readonly<Record<string, readonly string[]>> = {
  pods: ['pods', 'proxy'],
  runningpods: ['pods', 'proxy'],
  healthz: ['healthz', 'proxy'],
  configz: ['configz', 'proxy'],
  stats: ['stats'],
  metrics: ['metrics'],
  logs: ['log'],
  checkpoint: ['checkpoint'],
  statusz: ['statusz'],
  flagz: ['configz'],
}

/** `route` is the first part of the path. */
export function attributesOf(method: string, route: string): NodeAttributes {
  const known = own(subresources, route) ?? ['proxy']
  return { verb: verbs[method] ?? '', subresources: known }
}
