/**
 * What pods and the templates of pods have in common. Upstream: `ValidatePodSpec`, `ValidatePodTemplateSpec` and what they
 * call.
 */
import { containersTotal, isHugePages, type SizedPodSpec } from '#api/core/v1/pod-resources.ts'
import { dnsLabel, dnsSubdomain, qualifiedName } from '#machinery/names.ts'
import { Quantity } from '#machinery/quantity.ts'
import { validateAnnotations } from '../../registry/object-meta.ts'
import {
  type Check,
  each,
  evenEmpty,
  fields,
  first,
  must,
  named,
  oneOf,
  type Path,
  positive,
  positiveIfSet,
  type Problems,
  range,
  required,
  strictlyNamed,
} from './check.ts'
import {
  checkContainers,
  checkEphemeralContainers,
  checkInitContainers,
  type Container,
  type PodContext,
} from './container.ts'
import { dnsSubdomainWithUnderscore } from './formats.ts'
import { legacyIpErrors } from './ip.ts'
import { checkPodAnnotations, checkProfilesAgree } from './pod-annotations.ts'
import { containerRequirements, podRequirements } from './resources.ts'
import { checkHostProcess, checkOS, podSecurity, type Visit } from './security.ts'
import { affinity, labels, labelSelector, matchLabelKeys, tolerations } from './selectors.ts'
import { checkVolumes } from './volumes.ts'

export type PodSpec = Record<string, any> & { containers: Container[] }

/** All containers in the order in which upstream visits them. */
export const containersOf =
  (spec: Record<string, any>, at: Path): Visit =>
  (visit) => {
    for (const list of ['initContainers', 'containers', 'ephemeralContainers']) {
      ;(spec[list] ?? []).forEach((one: Container, i: number) => visit(one, at.at(list).index(i)))
    }
  }

/** The pod's name and annotations, where the spec is that of a pod rather than of a template. */
export interface PodIdentity {
  name: string
  annotations: Readonly<Record<string, string>>
}

export const MIRROR_ANNOTATION = 'kubernetes.io/config.mirror'

const claimSource = fields({
  resourceClaimName: strictlyNamed(dnsSubdomain),
  resourceClaimTemplateName: strictlyNamed(dnsSubdomain),
})

function checkResourceClaims(
  claims: readonly Record<string, any>[],
  pod: PodIdentity | undefined,
  at: Path,
  to: Problems,
) {
  const seen = new Set<string>()
  claims.forEach((claim, i) => {
    const place = at.index(i)
    const { name = '', resourceClaimName: own, resourceClaimTemplateName: template } = claim
    if (!name) to.required(place.at('name'))
    else if (seen.has(name)) to.duplicate(place.at('name'), name)
    else to.each(place.at('name'), name, dnsLabel(name))
    seen.add(name)
    if (own !== undefined && template !== undefined) {
      to.invalid(place, claim, 'at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified')
    }
    if (own === undefined && template === undefined) {
      to.invalid(place, claim, 'must specify one of: `resourceClaimName`, `resourceClaimTemplateName`')
    }
    claimSource(claim, place, to)
  })
  if (claims.length > 0 && pod?.annotations[MIRROR_ANNOTATION] !== undefined) {
    to.forbidden(at, 'static pods do not support resource claims')
  }
}

const exceeds = (a: string, b: string) => Quantity.parse(a).cmp(Quantity.parse(b)) > 0

/** The pod's own resources: containers together may not ask for more, none may be limited to more. */
function checkPodResources(spec: PodSpec, claimNames: ReadonlySet<string>, at: Path, to: Problems) {
  const { resources } = spec
  if (!resources) return
  if (spec.os?.name === 'windows') return to.forbidden(at, 'may not be set for a windows pod')
  if (resources.claims) to.forbidden(at.at('claims'), 'claims may not be set for Resources at pod-level')
  podRequirements(claimNames)(resources, at, to)
  const sized = spec as Record<string, any> as SizedPodSpec
  const [requested, limited] = [containersTotal(sized, 'requests'), containersTotal(sized, 'limits')]
  for (const [name, total] of Object.entries(requested)) {
    const own = resources.requests?.[name]
    if (own === undefined || !exceeds(total, own)) continue
    to.invalid(
      at.at('requests').key(name),
      own,
      `must be greater than or equal to aggregate container requests of ${total}`,
    )
  }
  for (const [name, total] of Object.entries(limited)) {
    const own = resources.limits?.[name]
    if (own === undefined || !isHugePages(name) || !exceeds(total, own)) continue
    to.invalid(
      at.at('limits').key(name),
      own,
      `must be greater than or equal to aggregate container limits of ${total}`,
    )
  }
  ;(spec.containers ?? []).forEach((container, i) => {
    for (const [name, limit] of Object.entries<string>(container.resources?.limits ?? {})) {
      const own = resources.limits?.[name]
      if (own === undefined || !exceeds(limit, own)) continue
      const place = at.at('containers').index(i).key(name).at('limits')
      to.invalid(place, limit, `must be less than or equal to pod limits of ${own}`)
    }
  })
}

/** On the node's network a container listens on the node's port; templates may leave it open. */
function checkHostNetworkPorts(spec: PodSpec, isPod: boolean, at: Path, to: Problems) {
  if (!spec.hostNetwork) return
  ;(spec.containers ?? []).forEach((container, i) => {
    ;(container.ports ?? []).forEach(({ hostPort = 0, containerPort }: Record<string, number>, j: number) => {
      if ((!isPod && hostPort === 0) || hostPort === containerPort) return
      const place = at.at('containers').index(i).at('ports').index(j).at('hostPort')
      to.invalid(place, hostPort, 'must match `containerPort` when `hostNetwork` is true')
    })
  })
}

const MAX_NAMESERVERS = 3
const MAX_SEARCHES = 32
const MAX_SEARCH_CHARACTERS = 2048

function checkDns({ dnsPolicy, dnsConfig }: PodSpec, at: Path, to: Problems) {
  const nameservers: string[] = dnsConfig?.nameservers ?? []
  const searches: string[] = dnsConfig?.searches ?? []
  if (dnsPolicy === 'None') {
    if (!dnsConfig) return to.required(at, 'must provide `dnsConfig` when `dnsPolicy` is None')
    if (nameservers.length === 0) {
      return to.required(at.at('nameservers'), 'must provide at least one DNS nameserver when `dnsPolicy` is None')
    }
  }
  if (!dnsConfig) return
  if (nameservers.length > MAX_NAMESERVERS) {
    to.invalid(at.at('nameservers'), nameservers, `must not have more than ${MAX_NAMESERVERS} nameservers`)
  }
  nameservers.forEach((server, i) => to.each(at.at('nameservers').index(i), server, legacyIpErrors(server)))
  if (searches.length > MAX_SEARCHES) {
    to.invalid(at.at('searches'), searches, `must not have more than ${MAX_SEARCHES} search paths`)
  }
  if (searches.join(' ').length > MAX_SEARCH_CHARACTERS) {
    const why = `must not have more than ${MAX_SEARCH_CHARACTERS} characters (including spaces) in the search list`
    to.invalid(at.at('searches'), searches, why)
  }
  searches.forEach((search, i) => {
    const name = search.replace(/\.$/, '')
    if (search !== '.') to.each(at.at('searches').index(i), name, dnsSubdomainWithUnderscore(name))
  })
  ;(dnsConfig.options ?? []).forEach(({ name }: { name?: string }, i: number) => {
    if (!name) to.required(at.at('options').index(i), 'must not be empty')
  })
}

const schedulingGates: Check = (gates: readonly { name?: string }[], at, to) => {
  const seen = new Set<string>()
  gates.forEach(({ name = '' }, i) => {
    to.each(at.index(i), name, qualifiedName(name))
    if (seen.has(name)) to.duplicate(at.index(i), name)
    seen.add(name)
  })
}

const nodeInclusion = oneOf('Honor', 'Ignore')
const spreadFields = fields({ nodeAffinityPolicy: nodeInclusion, nodeTaintsPolicy: nodeInclusion })
const spreadSelector = fields({ labelSelector })

const spreadPair = ({ topologyKey, whenUnsatisfiable = '' }: Record<string, any>) =>
  JSON.stringify([topologyKey, whenUnsatisfiable])

const topologySpread: Check = (constraints: readonly Record<string, any>[], at, to) => {
  // The last of each pair; those before it are told of.
  const last = new Map(constraints.map((constraint, i) => [spreadPair(constraint), i]))
  constraints.forEach((constraint, i) => {
    const place = at.index(i)
    const { maxSkew, topologyKey, whenUnsatisfiable = '', minDomains } = constraint
    positive(maxSkew, place.at('maxSkew'), to)
    if (!topologyKey) to.required(place.at('topologyKey'), 'can not be empty')
    oneOf('DoNotSchedule', 'ScheduleAnyway')(whenUnsatisfiable, place.at('whenUnsatisfiable'), to)
    if (last.get(spreadPair(constraint))! > i)
      to.duplicate(place.at('{topologyKey, whenUnsatisfiable}'), `{${topologyKey}, ${whenUnsatisfiable}}`)
    if (minDomains !== undefined) {
      positiveIfSet(minDomains, place.at('minDomains'), to)
      if (whenUnsatisfiable !== 'DoNotSchedule') {
        const why = `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${whenUnsatisfiable}`
        to.invalid(place.at('minDomains'), minDomains, why)
      }
    }
    spreadFields(constraint, place, to)
    matchLabelKeys(constraint, place, to)
    spreadSelector(constraint, place, to)
  })
}

/** With users of its own, a pod can't have other namespaces of the host. */
function checkHostUsers(spec: PodSpec, at: Path, to: Problems) {
  if (spec.hostUsers !== false) return
  const why = 'when `hostUsers` is false'
  if (spec.hostNetwork) to.forbidden(at.at('hostNetwork'), why)
  if (spec.hostPID) to.forbidden(at.at('HostPID'), why)
  if (spec.hostIPC) to.forbidden(at.at('HostIPC'), why)
  containersOf(
    spec,
    at,
  )((container, place) => {
    if (container.volumeDevices) to.forbidden(place.at('volumeDevices'), why)
  })
}

const MAX_HOSTNAME = 64

function checkHostnameOverride(spec: PodSpec, at: Path, to: Problems) {
  const name: string | undefined = spec.hostnameOverride
  if (name === undefined) return
  if (spec.setHostnameAsFQDN) to.forbidden(at, 'may not be specified when setHostnameAsFQDN is true')
  if (spec.hostNetwork) to.forbidden(at, 'may not be specified when hostNetwork is true')
  if (name.length > MAX_HOSTNAME) to.tooLong(at, MAX_HOSTNAME)
  to.each(at, name, dnsSubdomain(name))
}

/** Variables from files need a volume that containers of the pod can write. */
function checkFileVariables(spec: PodSpec, at: Path, to: Problems) {
  const volumes = new Map<string, Record<string, any>>((spec.volumes ?? []).map((volume: any) => [volume.name, volume]))
  containersOf(
    spec,
    at,
  )((container, place) => {
    ;(container.env ?? []).forEach((variable: Record<string, any>, i: number) => {
      const name: string | undefined = variable.valueFrom?.fileKeyRef?.volumeName
      if (variable.valueFrom?.fileKeyRef === undefined) return
      const nameAt = place.at('env').index(i).at('valueFrom', 'fileKeyRef', 'volumeName')
      const volume = volumes.get(name ?? '')
      if (!volume) to.notFound(nameAt, name ?? '')
      else if (!volume.emptyDir) to.invalid(nameAt, name, 'referenced volume must be of type emptyDir')
    })
  })
}

const ip = evenEmpty((value: string, at, to) => to.each(at, value, legacyIpErrors(value)))
const MAX_INT32 = 0x7fff_ffff

const beforeNetwork = fields({
  restartPolicy: first(required, oneOf('Always', 'OnFailure', 'Never')),
  dnsPolicy: first(required, oneOf('ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None')),
  nodeSelector: labels,
})
const placement = fields({ affinity })
const gates = fields({
  readinessGates: each(fields({ conditionType: evenEmpty(strictlyNamed(qualifiedName)) })),
  schedulingGates,
  topologySpreadConstraints: topologySpread,
})
const plainFields = fields({
  serviceAccountName: named(dnsSubdomain),
  nodeName: named(dnsSubdomain),
  activeDeadlineSeconds: range(1, MAX_INT32),
  hostname: named(dnsLabel),
  subdomain: named(dnsLabel),
  tolerations,
  hostAliases: each(fields({ ip, hostnames: each(strictlyNamed(dnsSubdomain)) })),
  priorityClassName: named(dnsSubdomain),
  runtimeClassName: strictlyNamed(dnsSubdomain),
  preemptionPolicy: oneOf('PreemptLowerPriority', 'Never'),
  overhead: (amounts, at, to) => containerRequirements(new Set())({ limits: amounts }, at, to),
})
const gracePeriod = fields({ terminationGracePeriodSeconds: must() })

export function checkPodSpec(spec: PodSpec, pod: PodIdentity | undefined, at: Path, to: Problems) {
  gracePeriod(spec, at, to)
  const claims: Record<string, any>[] = spec.resourceClaims ?? []
  const context: PodContext = {
    volumes: checkVolumes(spec.volumes ?? [], pod?.name ?? '', pod !== undefined, at.at('volumes'), to),
    claimNames: new Set(claims.map(({ name }) => name).filter(Boolean)),
    restartPolicy: spec.restartPolicy,
    hostUsers: spec.hostUsers !== false,
    gracePeriodSeconds: spec.terminationGracePeriodSeconds,
  }
  const { containers = [], initContainers = [], ephemeralContainers = [] } = spec
  checkResourceClaims(claims, pod, at.at('resourceClaims'), to)
  checkContainers(containers, context, at.at('containers'), to)
  checkInitContainers(initContainers, containers, context, at.at('initContainers'), to)
  const others = [...containers, ...initContainers]
  checkEphemeralContainers(ephemeralContainers, others, context, at.at('ephemeralContainers'), to)
  checkPodResources(spec, context.claimNames, at.at('resources'), to)
  checkHostNetworkPorts(spec, pod !== undefined, at, to)
  beforeNetwork(spec, at, to)
  podSecurity(spec, at, to)
  placement(spec, at, to)
  checkDns(spec, at.at('dnsConfig'), to)
  gates(spec, at, to)
  checkHostProcess(spec, at, to, containersOf(spec, at))
  checkHostUsers(spec, at, to)
  checkHostnameOverride(spec, at.at('hostnameOverride'), to)
  plainFields(spec, at, to)
  checkOS(spec, at, to, containersOf(spec, at))
  checkFileVariables(spec, at, to)
}

export interface PodTemplate {
  metadata?: { labels?: Record<string, string>; annotations?: Record<string, string> }
  spec: PodSpec
}

export function checkPodTemplate(template: PodTemplate, at: Path, to: Problems) {
  const { spec, metadata = {} } = template
  const { annotations = {} } = metadata
  if (metadata.labels) labels(metadata.labels, at.at('labels'), to)
  to.add(validateAnnotations(annotations, String(at.at('annotations'))))
  checkPodAnnotations(annotations, spec, at.at('annotations'), to)
  checkPodSpec(spec, undefined, at.at('spec'), to)
  checkProfilesAgree(annotations, spec, at.at('spec'), to)
  if (spec.ephemeralContainers) {
    to.forbidden(at.at('spec', 'ephemeralContainers'), 'ephemeral containers not allowed in pod template')
  }
}
