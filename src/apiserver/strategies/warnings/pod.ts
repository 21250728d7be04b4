/**
 * What somebody who creates a pod or a template of pods is told about it, though it is accepted. Upstream:
 * `pkg/api/pod/warnings.go`.
 */
import type { Path } from '../validation/check.ts'
import { ipWarnings } from '../validation/ip.ts'
import { containersOf } from '../validation/pod-spec.ts'
import { isFractional, labelDeprecation, nodeTermWarnings } from './shared-warnings.ts'
import { claimSpecWarnings } from './claims.ts'
import { overlapWarnings } from './overlaps.ts'

type Spec = Record<string, any>
type Metadata = { annotations?: Record<string, string> }
type Say = (at: Path, what: string) => void

const deprecatedAnnotations: Readonly<Record<string, string>> = {
  'scheduler.alpha.kubernetes.io/critical-pod': 'non-functional in v1.16+; use the "priorityClassName" field instead',
  'security.alpha.kubernetes.io/sysctls': 'non-functional in v1.11+; use the "sysctls" field instead',
  'security.alpha.kubernetes.io/unsafe-sysctls': 'non-functional in v1.11+; use the "sysctls" field instead',
}
const SECCOMP_POD = 'seccomp.security.alpha.kubernetes.io/pod'
const SECCOMP_CONTAINER = 'container.seccomp.security.alpha.kubernetes.io/'
const APPARMOR = 'container.apparmor.security.beta.kubernetes.io/'
const USE_SECCOMP = 'non-functional in v1.27+; use the "seccompProfile" field instead'
const USE_APPARMOR = 'deprecated since v1.30; use the "appArmorProfile" field instead'

const deprecatedVolumes: Readonly<Record<string, string>> = {
  photonPersistentDisk: 'deprecated in v1.11, non-functional in v1.16+',
  gitRepo: 'deprecated in v1.11, and disabled by default in v1.33+',
  scaleIO: 'deprecated in v1.16, non-functional in v1.22+',
  flocker: 'deprecated in v1.22, non-functional in v1.25+',
  storageos: 'deprecated in v1.22, non-functional in v1.25+',
  quobyte: 'deprecated in v1.22, non-functional in v1.25+',
  glusterfs: 'deprecated in v1.25, non-functional in v1.26+',
  cephfs: 'deprecated in v1.28, non-functional in v1.31+',
  rbd: 'deprecated in v1.28, non-functional in v1.31+',
}

const NO_SELECTOR = 'a null labelSelector results in matching no pod'
const FRACTIONAL_RESOURCES = ['memory', 'ephemeral-storage']
const REQUIRED = 'requiredDuringSchedulingIgnoredDuringExecution'
const PREFERRED = 'preferredDuringSchedulingIgnoredDuringExecution'

/** `at` is where the spec and the metadata are; pods themselves are at the root. */
export function podWarnings(spec: Spec, metadata: Metadata, at: Path, isTemplate: boolean): string[] {
  const warnings: string[] = []
  const say: Say = (place, what) => warnings.push(`${place}: ${what}`)
  const specAt = at.at('spec')
  const annotations = metadata.annotations ?? {}
  warnPlacement(spec, specAt, say, warnings)
  for (const key in deprecatedAnnotations) {
    if (key in annotations) say(at.at('metadata', 'annotations').key(key), deprecatedAnnotations[key]!)
  }
  warnVolumes(spec, specAt, say, warnings)
  warnPullSecrets(spec, specAt.at('imagePullSecrets'), say)
  warnFractions({ limits: spec.overhead }, specAt, say, 'overhead')
  if (!spec.securityContext?.seccompProfile && SECCOMP_POD in annotations) {
    say(at.at('metadata', 'annotations').key(SECCOMP_POD), USE_SECCOMP)
  }
  containersOf(
    spec,
    specAt,
  )((container, place) => {
    warnProfiles(container, annotations, isTemplate && !spec.securityContext?.appArmorProfile, at, say)
    warnFractions(container.resources ?? {}, place.at('resources'), say)
    warnVariables(container.env ?? [], place.at('env'), say)
  })
  warnPorts(spec, specAt, say)
  if (spec.terminationGracePeriodSeconds < 0) {
    const what = 'must be >= 0; negative values are invalid and will be treated as 1'
    say(specAt.at('terminationGracePeriodSeconds'), what)
  }
  warnAddresses(spec, specAt, warnings)
  return warnings
}

function warnPlacement(spec: Spec, at: Path, say: Say, warnings: string[]) {
  for (const key in spec.nodeSelector) {
    const deprecation = labelDeprecation(key)
    if (deprecation) say(at.at('nodeSelector').key(key), deprecation)
  }
  const { nodeAffinity, podAffinity, podAntiAffinity } = spec.affinity ?? {}
  const affinityAt = at.at('affinity')
  const nodesAt = affinityAt.at('nodeAffinity')
  ;(nodeAffinity?.[REQUIRED]?.nodeSelectorTerms ?? []).forEach((term: Spec, i: number) => {
    for (const text of nodeTermWarnings(term, false, nodesAt.at(REQUIRED, 'nodeSelectorTerms').index(i)))
      warnings.push(text)
  })
  ;(nodeAffinity?.[PREFERRED] ?? []).forEach(({ preference = {} }: Spec, i: number) => {
    for (const text of nodeTermWarnings(preference, true, nodesAt.at(PREFERRED).index(i).at('preference')))
      warnings.push(text)
  })
  for (const [kind, affinity] of Object.entries<Spec>({ podAffinity, podAntiAffinity })) {
    const kindAt = affinityAt.at(kind)
    ;(affinity?.[REQUIRED] ?? []).forEach((term: Spec, i: number) => {
      if (!term.labelSelector) say(kindAt.at(REQUIRED).index(i).at('labelSelector'), NO_SELECTOR)
    })
    ;(affinity?.[PREFERRED] ?? []).forEach(({ podAffinityTerm = {} }: Spec, i: number) => {
      if (podAffinityTerm.labelSelector) return
      say(kindAt.at(PREFERRED).index(i).at('podAffinityTerm', 'labelSelector'), NO_SELECTOR)
    })
  }
  ;(spec.topologySpreadConstraints ?? []).forEach(({ topologyKey, labelSelector }: Spec, i: number) => {
    const place = at.at('topologySpreadConstraints').index(i)
    const deprecation = labelDeprecation(topologyKey)
    if (deprecation) say(place.at('topologyKey'), `${topologyKey} is ${deprecation}`)
    if (!labelSelector) say(place.at('labelSelector'), NO_SELECTOR)
  })
}

function warnVolumes(spec: Spec, at: Path, say: Say, warnings: string[]) {
  ;(spec.volumes ?? []).forEach((volume: Spec, i: number) => {
    const place = at.at('volumes').index(i)
    for (const kind in deprecatedVolumes) if (volume[kind]) say(place.at(kind), deprecatedVolumes[kind]!)
    const template = volume.ephemeral?.volumeClaimTemplate
    if (template) {
      for (const text of claimSpecWarnings(template.spec, place.at('ephemeral', 'volumeClaimTemplate', 'spec')))
        warnings.push(text)
    }
  })
  for (const text of overlapWarnings(spec.volumes ?? [])) warnings.push(text)
}

function warnPullSecrets(spec: Spec, at: Path, say: Say) {
  const secrets: { name?: string }[] = spec.imagePullSecrets ?? []
  const names = new Set<string>()
  secrets.forEach(({ name = '' }, i) => {
    if (names.has(name)) say(at.index(i).at('name'), `duplicate name ${JSON.stringify(name)}`)
    names.add(name)
  })
  secrets.forEach(({ name = '' }, i) => {
    if (name === '') say(at.index(i).at('name'), 'invalid empty name ""')
  })
}

function warnFractions(sizes: Spec, at: Path, say: Say, only?: string) {
  for (const resource of FRACTIONAL_RESOURCES) {
    for (const list of only ? ['limits'] : ['limits', 'requests']) {
      const amount: string | undefined = sizes[list]?.[resource]
      if (amount === undefined || !isFractional(amount)) continue
      const what = `fractional byte value ${JSON.stringify(amount)} is invalid, must be an integer`
      say(at.at(only ?? list).key(resource), what)
    }
  }
}

function warnProfiles(container: Spec, annotations: Record<string, string>, appArmor: boolean, at: Path, say: Say) {
  const annotationsAt = at.at('metadata', 'annotations')
  const [seccompKey, appArmorKey] = [SECCOMP_CONTAINER + container.name, APPARMOR + container.name]
  if (!container.securityContext?.seccompProfile && seccompKey in annotations) {
    say(annotationsAt.key(seccompKey), USE_SECCOMP)
  }
  if (appArmor && !container.securityContext?.appArmorProfile && appArmorKey in annotations) {
    say(annotationsAt.key(appArmorKey), USE_APPARMOR)
  }
}

/** A name may be used again to build on its earlier value. */
function warnVariables(env: readonly Spec[], at: Path, say: Say) {
  const names = new Set<string>()
  env.forEach(({ name, value = '', valueFrom }, i) => {
    const reference = `$(${name})`
    const hides = valueFrom || value === reference || !value.includes(reference)
    if (names.has(name) && hides) {
      say(at.index(i), `hides previous definition of ${JSON.stringify(name)}, which may be dropped when using apply`)
    }
    names.add(name)
  })
}

interface Port {
  at: Path
  hostIP: string
  hostPort: number
}

function warnPorts(spec: Spec, at: Path, say: Say) {
  const seen = new Map<string, Port[]>()
  const names = new Map<string, Path>()
  const sameNames: [Path, string][] = []
  containersOf(
    spec,
    at,
  )((container, containerAt) => {
    ;(container.ports ?? []).forEach((declared: Spec, i: number) => {
      const { name, containerPort, protocol, hostIP = '', hostPort = 0 } = declared
      const port: Port = { at: containerAt.at('ports').index(i), hostIP, hostPort }
      if (hostIP && !hostPort) {
        const shown = `{Name:${name ?? ''} HostPort:0 ContainerPort:${containerPort} Protocol:${protocol} HostIP:${hostIP}}`
        say(port.at, `hostIP set without hostPort: ${shown}`)
      }
      const key = `${containerPort}/${protocol}`
      const others = seen.get(key) ?? []
      for (const other of others) {
        const relation = relationOf(port, other)
        if (relation) say(port.at, `${relation} port definition with ${other.at}`)
      }
      seen.set(key, [...others, port])
      const first = names.get(name)
      if (name && first) {
        const what = `duplicate port name ${JSON.stringify(name)} with ${first}, services and probes that select ports by name will use ${first}`
        sameNames.push([port.at, what])
      } else if (name) names.set(name, port.at)
    })
  })
  for (const [place, what] of sameNames) say(place, what)
}

function relationOf(port: Port, other: Port): string | undefined {
  if (port.hostIP === other.hostIP && port.hostPort === other.hostPort) return 'duplicate'
  if (port.hostPort === 0 || other.hostPort === 0) return 'overlapping'
  const isOneOpen = (port.hostIP === '') !== (other.hostIP === '')
  return port.hostPort === other.hostPort && isOneOpen ? 'dangerously ambiguous' : undefined
}

function warnAddresses(spec: Spec, at: Path, warnings: string[]) {
  ;(spec.dnsConfig?.nameservers ?? []).forEach((ip: string, i: number) => {
    for (const text of ipWarnings(String(at.at('dnsConfig', 'nameservers').index(i)), ip)) warnings.push(text)
  })
  ;(spec.hostAliases ?? []).forEach(({ ip = '' }: Spec, i: number) => {
    for (const text of ipWarnings(String(at.at('hostAliases').index(i).at('ip')), ip)) warnings.push(text)
  })
}
