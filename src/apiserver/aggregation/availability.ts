/**
 * Whether an APIService can be used, as its condition `Available` says. What can be told from the API is decided here;
 * whether the extension server answers has to be tried. Upstream:
 * `kube-aggregator/pkg/controllers/status/{local,remote}`.
 */
import type { APIService, APIServiceCondition } from '#api/apiregistration/v1.ts'
import type { Service } from '#api/core/v1/service.ts'
import type { EndpointSlice } from '#api/discovery/v1.ts'
import { groupPath } from '../group-path.ts'

export type Finding = Pick<APIServiceCondition, 'status' | 'reason' | 'message'>

const unavailable = (reason: string, message: string): Finding => ({ status: 'False', reason, message })

export const LOCAL: Finding = {
  status: 'True',
  reason: 'Local',
  message: 'Local APIServices are always available',
}
export const PASSED: Finding = { status: 'True', reason: 'Passed', message: 'all checks passed' }
export const discoveryFailed = (why: string): Finding => unavailable('FailedDiscoveryCheck', why)

/** What is behind an APIService, as the API has it. */
export interface Backing {
  readonly service: Service | undefined
  readonly slices: readonly EndpointSlice[]
}

/** undefined: the extension server is to be asked. */
export function findingOf({ spec }: APIService, { service, slices }: Backing): Finding | undefined {
  if (!spec.service) return LOCAL
  const { namespace = '', name = '', port = 443 } = spec.service
  const called = `service/${name} in ${JSON.stringify(namespace)}`
  if (!service) return unavailable('ServiceNotFound', `${called} is not present`)
  if (service.spec.type !== 'ClusterIP') return undefined
  const servicePort = service.spec.ports?.find((candidate) => candidate.port === port)
  if (!servicePort) return unavailable('ServicePortError', `${called} is not listening on port ${port}`)
  if (slices.length === 0) return unavailable('EndpointsNotFound', `cannot find endpointslices for ${called}`)
  const portName = servicePort.name ?? ''
  if (slices.some((slice) => isReady(slice, portName))) return undefined
  const why = `endpointslices for ${called} have no addresses with port name ${JSON.stringify(portName)}`
  return unavailable('MissingEndpoints', why)
}

const isReady = ({ endpoints, ports }: EndpointSlice, portName: string): boolean =>
  endpoints?.some(({ conditions }) => conditions?.ready !== false) === true &&
  ports?.some(({ name = '', port }) => name === portName && port !== undefined) === true

/** The conditions with this finding among them; undefined where they say so already. `now` as the API writes times. */
export function conditionsWith(
  { status }: APIService,
  finding: Finding,
  now: string,
): readonly APIServiceCondition[] | undefined {
  const conditions = status.conditions ?? []
  const before = conditions.find(({ type }) => type === 'Available')
  const isSame = before?.status === finding.status && before.reason === finding.reason
  if (isSame && before.message === finding.message) return undefined
  const since = before?.status === finding.status ? before.lastTransitionTime : now
  const after: APIServiceCondition = { type: 'Available', ...finding, ...(since && { lastTransitionTime: since }) }
  return before ? conditions.map((condition) => (condition === before ? after : condition)) : [...conditions, after]
}

/** The path that every server of this group version has to answer. */
export function probePath({ spec }: APIService): string {
  const { group = '', version = '' } = spec
  return `/${groupPath({ group, version })}`
}
