/** What a pod's status may become. Upstream: `ValidatePodStatusUpdate`. */
import { dnsLabel, dnsSubdomain, qualifiedName } from '#machinery/names.ts'
import { immutableValue } from '../../registry/object-meta.ts'
import type { Stored } from '../../registry/strategy.ts'
import { type Path, type Problems, STATUS } from './check.ts'
import { legacyIpErrors, parseAddress } from './ip.ts'

type Status = Record<string, any>
type Container = Record<string, any>

const SYSTEM_CONDITIONS = ['PodScheduled', 'Ready', 'Initialized']
const NOT_AN_INTEGER = 'must be a non-negative integer'

export function checkPodStatus(pod: Stored, old: Stored, to: Problems) {
  const [status, was]: Status[] = [pod.status ?? {}, old.status ?? {}]
  checkConditions(status!.conditions ?? [], STATUS.at('conditions'), to)
  checkNominatedNode(status!.nominatedNodeName, was!.nominatedNodeName, old.spec.nodeName, to)
  if (status!.observedGeneration < 0) {
    to.invalid(STATUS.at('observedGeneration'), status!.observedGeneration, NOT_AN_INTEGER)
  }
  if (status!.qosClass !== was!.qosClass) to.add([immutableValue('status.qosClass', status!.qosClass ?? '')])
  checkRestarts(status!, was!, old.spec as Status, to)
  checkClaims(status!, pod.spec as Status, to)
  checkIps(status!.podIPs ?? [], was!.podIPs ?? [], STATUS.at('podIPs'), to)
  checkHostIps(status!, was!, to)
}

function checkConditions(conditions: readonly Record<string, any>[], at: Path, to: Problems) {
  conditions.forEach(({ type = '', observedGeneration = 0 }, i) => {
    const place = at.index(i)
    if (observedGeneration < 0) to.invalid(place.at('observedGeneration'), observedGeneration, NOT_AN_INTEGER)
    if (!SYSTEM_CONDITIONS.includes(type)) to.each(place.at('Type'), type, qualifiedName(type))
  })
}

function checkNominatedNode(name: string | undefined, was: string | undefined, nodeName: string, to: Problems) {
  if (!name || name === was) return
  const at = STATUS.at('nominatedNodeName')
  to.each(at, name, dnsSubdomain(name))
  if (nodeName) to.forbidden(at, 'may not be set on pods that are already bound to a node')
}

/** A container that ended stays ended, unless it may be restarted. */
function checkRestarts(status: Status, was: Status, spec: Status, to: Problems) {
  const all: Container[] = [...(spec.initContainers ?? []), ...(spec.containers ?? [])]
  const restartsAll = all.some(({ restartPolicyRules = [] }) =>
    restartPolicyRules.some(({ action }: { action: string }) => action === 'RestartAllContainers'),
  )
  const lists = [
    ['containerStatuses', spec.containers ?? [], restartsAll],
    ['initContainerStatuses', spec.initContainers ?? [], restartsAll],
    ['ephemeralContainerStatuses', [], false],
  ] as const
  for (const [list, containers, isFree] of lists) {
    if (isFree) continue
    const now = firstByName(status[list] ?? [])
    const known = firstByName(containers)
    ;(was[list] ?? []).forEach((before: Container, i: number) => {
      const ended = before.state?.terminated
      const after = now.get(before.name)
      if (!ended || !after || after.state?.terminated) return
      const container = known.get(before.name)
      if (container && mayRestart(container, spec.restartPolicy, ended.exitCode ?? 0)) return
      to.forbidden(STATUS.at(list).index(i).at('state'), 'may not be transitioned to non-terminated state')
    })
  }
}

function firstByName(list: readonly Container[]): ReadonlyMap<unknown, Container> {
  const found = new Map<unknown, Container>()
  for (const one of list) if (!found.has(one.name)) found.set(one.name, one)
  return found
}

function mayRestart(container: Container, podPolicy: string, exitCode: number): boolean {
  if (container.restartPolicy !== undefined) {
    const matches = ({ exitCodes }: Record<string, any>) => {
      const isListed = exitCodes?.values?.includes(exitCode) ?? false
      return exitCodes?.operator === 'In' ? isListed : exitCodes?.operator === 'NotIn' && !isListed
    }
    if ((container.restartPolicyRules ?? []).some(matches)) return true
  }
  const policy: string = container.restartPolicy ?? podPolicy
  return policy === 'OnFailure' ? exitCode !== 0 : policy !== 'Never'
}

function checkClaims(status: Status, spec: Status, to: Problems) {
  const claims = new Set((spec.resourceClaims ?? []).map(({ name }: { name: string }) => name))
  const at = STATUS.at('resourceClaimStatuses')
  const seen = new Set<string>()
  ;(status.resourceClaimStatuses ?? []).forEach(({ name, resourceClaimName }: Record<string, string>, i: number) => {
    const place = at.index(i)
    if (!claims.has(name)) {
      to.invalid(place.at('name'), name, 'must match the name of an entry in `spec.resourceClaims`')
    }
    if (seen.has(name!)) to.duplicate(place.at('name'), name)
    seen.add(name!)
    if (resourceClaimName !== undefined) {
      to.each(place.at('resourceClaimName'), resourceClaimName, dnsSubdomain(resourceClaimName))
    }
  })
  for (const { requestName } of status.extendedResourceClaimStatus?.requestMappings ?? []) {
    to.each(STATUS.at('extendedResourceClaimStatus', 'requestName'), requestName, dnsLabel(requestName))
  }
}

/** At most one address of each family; those that were there before may stay as they were. */
function checkIps(ips: readonly { ip?: string }[], was: readonly { ip?: string }[], at: Path, to: Problems) {
  const before = new Set(was.map(({ ip }) => ip))
  ips.forEach(({ ip = '' }, i) => {
    if (!before.has(ip)) to.each(at.index(i), ip, legacyIpErrors(ip))
  })
  const families = new Set(ips.map(({ ip = '' }) => parseAddress(ip)?.version))
  if (ips.length > 1 && families.size < ips.length) {
    to.invalid(at, ips, 'may specify no more than one IP for each IP family')
  }
}

function checkHostIps(status: Status, was: Status, to: Problems) {
  const ips: { ip?: string }[] = status.hostIPs ?? []
  const at = STATUS.at('hostIPs')
  if (ips.length === 0) return
  if (ips[0]!.ip !== status.hostIP) to.invalid(at.index(0).at('ip'), ips[0]!.ip, 'must be equal to `hostIP`')
  checkIps(ips, was.hostIPs ?? [], at, to)
}
