/**
 * The warnings of every kind that has some, by `group/plural`: what a client is told of an object that it has written and
 * that was accepted. Upstream: `WarningsOnCreate` and `WarningsOnUpdate` of the strategies.
 */
import { dnsLabel } from '#machinery/names.ts'
import type { Stored, Strategy } from '../../registry/strategy.ts'
import { type Path, ROOT, SPEC } from '../validation/check.ts'
import { cidrWarnings, ipWarnings } from '../validation/ip.ts'
import { claimSpecWarnings } from './claims.ts'
import { labelDeprecation, nodeTermWarnings } from './shared-warnings.ts'
import { podWarnings } from './pod.ts'

type Warnings = NonNullable<Strategy['warnings']>
type Spec = Record<string, any>

const ANNOTATIONS = ROOT.at('metadata', 'annotations')

function nameWarning({ metadata: { name } }: Stored, where: string): string[] {
  const whys = dnsLabel(name)
  if (whys.length === 0) return []
  const advice = 'which can result in surprising behavior; a DNS label is recommended'
  return [`metadata.name: this is used in ${where}, ${advice}: [${whys.join(' ')}]`]
}

const POD_NAMES = 'Pod names and hostnames'

const templateWarnings = ({ template }: Spec, at: Path): string[] =>
  template ? podWarnings(template.spec ?? {}, template.metadata ?? {}, at.at('template'), true) : []

/** New objects are told everything, changed ones only what changed templates are about. */
const ofWorkload =
  (isNamed: boolean, more: (object: Stored) => string[] = () => []): Warnings =>
  (object, old) => {
    const isNew = old === undefined
    const hasChanged = isNew || object.metadata.generation !== old.metadata.generation
    return [
      ...(isNew && isNamed ? nameWarning(object, POD_NAMES) : []),
      ...(hasChanged ? templateWarnings(object.spec, SPEC) : []),
      ...more(object),
    ]
  }

function statefulSetWarnings({ spec }: Stored): string[] {
  const claims: Spec[] = spec.volumeClaimTemplates ?? []
  return [
    ...claims.flatMap((claim, i) => claimSpecWarnings(claim.spec, SPEC.at('volumeClaimTemplates').index(i))),
    ...(spec.revisionHistoryLimit < 0
      ? ['spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended']
      : []),
  ]
}

const MANY_COMPLETIONS = 100_000
const MANY_PARALLEL = 10_000

function jobSpecWarnings(spec: Spec, at: Path): string[] {
  const { completionMode, completions = 0, parallelism = 0 } = spec
  const isHuge = completionMode === 'Indexed' && completions > MANY_COMPLETIONS && parallelism > MANY_PARALLEL
  const warning =
    'In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail'
  return [...(isHuge ? [`${at}: ${warning}`] : []), ...templateWarnings(spec, at)]
}

const ofJob =
  (specOf: (object: Stored) => Spec, at: Path): Warnings =>
  (object, old) => {
    if (old && object.metadata.generation === old.metadata.generation) return []
    return [...(old ? [] : nameWarning(object, POD_NAMES)), ...jobSpecWarnings(specOf(object), at)]
  }

const HINTS = 'service.kubernetes.io/topology-aware-hints'
const MODE = 'service.kubernetes.io/topology-mode'

const serviceWarnings: Warnings = ({ metadata, spec }) => {
  const { clusterIPs = [], externalIPs = [], loadBalancerIP, loadBalancerSourceRanges = [] } = spec
  const isHeadless = clusterIPs[0] === 'None'
  const isExternal = spec.type === 'ExternalName'
  const when = (condition: unknown, ...warnings: string[]) => (condition ? warnings : [])
  return [
    ...when(
      metadata.annotations?.[HINTS] !== undefined,
      `annotation ${HINTS} is deprecated, please use ${MODE} instead`,
    ),
    ...(isHeadless ? [] : clusterIPs.flatMap((ip: string, i: number) => ipWarnings(`spec.clusterIPs[${i}]`, ip))),
    ...when(isHeadless && loadBalancerIP, 'spec.loadBalancerIP is ignored for headless services'),
    ...when(isHeadless && externalIPs.length, 'spec.externalIPs is ignored for headless services'),
    ...when(isHeadless && spec.sessionAffinity !== 'None', 'spec.SessionAffinity is ignored for headless services'),
    ...externalIPs.flatMap((ip: string, i: number) => ipWarnings(`spec.externalIPs[${i}]`, ip)),
    ...when(
      externalIPs.length > 0 && !isHeadless && !isExternal,
      'spec.externalIPs is deprecated and may no longer be implemented in some clusters',
    ),
    ...(loadBalancerIP ? ipWarnings('spec.loadBalancerIP', loadBalancerIP) : []),
    ...loadBalancerSourceRanges.flatMap((cidr: string, i: number) =>
      cidrWarnings(`spec.loadBalancerSourceRanges[${i}]`, cidr),
    ),
    ...when(isExternal && externalIPs.length, 'spec.externalIPs is ignored when spec.type is "ExternalName"'),
    ...when(!isExternal && spec.externalName, 'spec.externalName is ignored when spec.type is not "ExternalName"'),
    ...when(
      spec.trafficDistribution === 'PreferClose',
      'spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"',
    ),
  ]
}

const CLASS_ANNOTATION = 'volume.beta.kubernetes.io/storage-class'
const deprecatedOnVolumes: Readonly<Record<string, string>> = {
  [CLASS_ANNOTATION]: 'deprecated since v1.8; use "storageClassName" attribute instead',
  'volume.beta.kubernetes.io/mount-options': 'deprecated since v1.31; use "mountOptions" attribute instead',
}
const deprecatedSources: Readonly<Record<string, string>> = {
  cephfs: 'deprecated in v1.28, non-functional in v1.31+',
  photonPersistentDisk: 'deprecated in v1.11, non-functional in v1.16+',
  scaleIO: 'deprecated in v1.16, non-functional in v1.22+',
  storageos: 'deprecated in v1.22, non-functional in v1.25+',
  glusterfs: 'deprecated in v1.25, non-functional in v1.26+',
  rbd: 'deprecated in v1.28, non-functional in v1.31+',
}

const present = (
  map: Record<string, unknown> | undefined,
  messages: Readonly<Record<string, string>>,
  at: (key: string) => Path,
) => Object.keys(messages).flatMap((key) => (map?.[key] === undefined ? [] : [`${at(key)}: ${messages[key]}`]))

const volumeWarnings: Warnings = ({ metadata, spec }) => {
  const terms: Spec[] = spec.nodeAffinity?.required?.nodeSelectorTerms ?? []
  const termsAt = SPEC.at('nodeAffinity', 'required', 'nodeSelectorTerms')
  return [
    ...present(metadata.annotations, deprecatedOnVolumes, (key) => ANNOTATIONS.key(key)),
    ...(spec.persistentVolumeReclaimPolicy === 'Recycle'
      ? [
          'spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.',
        ]
      : []),
    ...terms.flatMap((term, i) => nodeTermWarnings(term, false, termsAt.index(i))),
    ...present(spec, deprecatedSources, (key) => SPEC.at(key)),
  ]
}

const claimWarnings: Warnings = ({ metadata, spec }) => {
  const isOld = metadata.annotations?.[CLASS_ANNOTATION] !== undefined
  const deprecation = 'deprecated since v1.8; use "storageClassName" attribute instead'
  return [...(isOld ? [`${ANNOTATIONS.key(CLASS_ANNOTATION)}: ${deprecation}`] : []), ...claimSpecWarnings(spec, SPEC)]
}

const nodeWarnings: Warnings = ({ spec }) => [
  ...(spec.configSource ? ['spec.configSource: the feature is removed'] : []),
  ...(spec.externalID ? ['spec.externalID: this field is deprecated, and is unused by Kubernetes'] : []),
  ...(spec.podCIDRs ?? []).flatMap((cidr: string, i: number) => cidrWarnings(`spec.podCIDRs[${i}]`, cidr)),
]

const endpointsWarnings: Warnings = ({ subsets = [] }) =>
  subsets.flatMap((subset: Spec, i: number) =>
    ['addresses', 'notReadyAddresses'].flatMap((list) =>
      (subset[list] ?? []).flatMap(({ ip = '' }: Spec, j: number) => ipWarnings(`subsets[${i}].${list}[${j}].ip`, ip)),
    ),
  )

const MANAGED_BY = 'endpointslice.kubernetes.io/managed-by'
const managers = ['endpointslice-controller.k8s.io', 'endpointslicemirroring-controller.k8s.io']

const sliceWarnings: Warnings = ({ metadata, addressType, endpoints = [] }) => {
  if (addressType === 'FQDN') return ['spec.addressType: FQDN endpoints are deprecated']
  if (managers.includes(metadata.labels?.[MANAGED_BY] ?? '')) return []
  return endpoints.flatMap(({ addresses = [] }: { addresses?: string[] }, i: number) =>
    addresses.flatMap((ip, j) => ipWarnings(`endpoints[${i}].addresses[${j}]`, ip)),
  )
}

const INGRESS_CLASS = 'kubernetes.io/ingress.class'

const ingressWarnings: Warnings = ({ metadata, spec }, old) =>
  old === undefined && metadata.annotations?.[INGRESS_CLASS] !== undefined && spec.ingressClassName === undefined
    ? [`annotation "${INGRESS_CLASS}" is deprecated, please use 'spec.ingressClassName' instead`]
    : []

const storageClassWarnings: Warnings = ({ allowedTopologies = [] }) =>
  allowedTopologies.flatMap(({ matchLabelExpressions = [] }: Spec, i: number) =>
    matchLabelExpressions.flatMap(({ key }: Spec, j: number) => {
      const deprecation = labelDeprecation(key)
      return deprecation ? [`allowedTopologies[${i}].matchLabelExpressions[${j}].key: ${deprecation}`] : []
    }),
  )

const policyWarnings: Warnings = ({ spec }) =>
  ['ingress', 'egress'].flatMap((direction) =>
    (spec[direction] ?? []).flatMap((rule: Spec, i: number) => {
      const side = direction === 'ingress' ? 'from' : 'to'
      return (rule[side] ?? []).flatMap(({ ipBlock }: Spec, j: number) => {
        if (!ipBlock) return []
        const at = SPEC.at(direction).index(i).at(side).index(j).at('ipBlock')
        const except: string[] = ipBlock.except ?? []
        return [
          ...cidrWarnings(String(at.at('cidr')), ipBlock.cidr),
          ...except.flatMap((cidr, k) => cidrWarnings(String(at.at('except').index(k)), cidr)),
        ]
      })
    }),
  )

const runtimeClassWarnings: Warnings = ({ scheduling }) =>
  Object.keys(scheduling?.nodeSelector ?? {}).flatMap((key) => {
    const deprecation = labelDeprecation(key)
    return deprecation ? [`scheduling.nodeSelector: ${deprecation}`] : []
  })

const warnings: Readonly<Record<string, Warnings>> = {
  '/endpoints': endpointsWarnings,
  '/nodes': nodeWarnings,
  '/persistentvolumeclaims': claimWarnings,
  '/persistentvolumes': volumeWarnings,
  '/pods': (pod, old) =>
    old === undefined
      ? [...nameWarning(pod, "the Pod's hostname"), ...podWarnings(pod.spec, pod.metadata, ROOT, false)]
      : [],
  '/podtemplates': (object, old) =>
    object.metadata.generation === old?.metadata.generation ? [] : templateWarnings(object, ROOT),
  '/replicationcontrollers': ofWorkload(true),
  '/services': serviceWarnings,
  'apps/daemonsets': ofWorkload(false),
  'apps/deployments': ofWorkload(true),
  'apps/replicasets': ofWorkload(true),
  'apps/statefulsets': ofWorkload(false, statefulSetWarnings),
  'batch/cronjobs': ofJob(({ spec }) => spec.jobTemplate.spec, SPEC.at('jobTemplate', 'spec')),
  'batch/jobs': ofJob(({ spec }) => spec as Spec, SPEC),
  'discovery.k8s.io/endpointslices': sliceWarnings,
  'networking.k8s.io/ingresses': ingressWarnings,
  'networking.k8s.io/networkpolicies': policyWarnings,
  'node.k8s.io/runtimeclasses': runtimeClassWarnings,
  'storage.k8s.io/storageclasses': storageClassWarnings,
}

export const warningsOf = (key: string): Pick<Strategy, 'warnings'> =>
  warnings[key] ? { warnings: warnings[key] } : {}
