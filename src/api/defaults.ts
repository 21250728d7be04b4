/**
 * Defaults that depend on other fields; constant ones stand with their field as `.default(...)`. Each function completes
 * one freshly decoded message in place, after its parts; parts that are complete already may be shared, so that nothing is
 * to be written there that makes no difference. Upstream: the `SetDefaults_*` functions of
 * `pkg/apis/<group>/<version>/defaults.go`.
 */
import { MatchResources, MutatingWebhook, ValidatingWebhook } from './admissionregistration/v1.ts'
import { CustomResourceDefinition } from './apiextensions/v1.ts'
import { DaemonSetUpdateStrategy, DeploymentStrategy, StatefulSetSpec, StatefulSetUpdateStrategy } from './apps/v1.ts'
import { HorizontalPodAutoscaler, HorizontalPodAutoscalerBehavior } from './autoscaling/v2.ts'
import { Job } from './batch/v1.ts'
import { coreDefaults } from './core/v1/defaults.ts'
import type { Defaulter, Draft } from './defaulter.ts'
import { NetworkPolicy } from './networking/v1.ts'
import { Subject } from './rbac/v1.ts'
import { Device, DeviceSubRequest, ExactDeviceRequest } from './resource/v1.ts'
import type { Message } from './schema.ts'
import { CSIDriverSpec } from './storage/v1.ts'

const MAX_INT32 = 0x7fff_ffff

const rollByDefault =
  (limits: Draft): Defaulter =>
  (strategy) => {
    if (strategy.type === 'RollingUpdate') strategy.rollingUpdate = { ...limits, ...strategy.rollingUpdate }
  }

function completeStatefulSetStrategy(strategy: Draft) {
  if (!strategy.type) {
    strategy.type = 'RollingUpdate'
    strategy.rollingUpdate ??= {}
  }
  if (strategy.type === 'RollingUpdate' && strategy.rollingUpdate) strategy.rollingUpdate.partition ??= 0
}

const KEEP_CLAIMS = { whenDeleted: 'Retain', whenScaled: 'Retain' }

function completeJob({ metadata, spec }: Draft) {
  if (spec.parallelism === undefined) spec.completions ??= 1
  spec.parallelism ??= 1
  spec.backoffLimit ??= spec.backoffLimitPerIndex === undefined ? 6 : MAX_INT32
  spec.completionMode ??= 'NonIndexed'
  spec.suspend ??= false
  spec.podReplacementPolicy ??= spec.podFailurePolicy ? 'Failed' : 'TerminatingOrFailed'
  spec.manualSelector ??= false
  // The very same, by which the strategy knows that nobody has given the job labels of its own.
  if (spec.template.metadata.labels) metadata.labels ??= spec.template.metadata.labels
}

function completeWebhook(webhook: Draft) {
  webhook.namespaceSelector ??= {}
  webhook.objectSelector ??= {}
}

const SCALE_UP = {
  stabilizationWindowSeconds: 0,
  selectPolicy: 'Max',
  policies: [
    { type: 'Pods', value: 4, periodSeconds: 15 },
    { type: 'Percent', value: 100, periodSeconds: 15 },
  ],
}
const SCALE_DOWN = { selectPolicy: 'Max', policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }] }

function completeScaling(behavior: Draft) {
  behavior.scaleUp = { ...structuredClone(SCALE_UP), ...behavior.scaleUp }
  behavior.scaleDown = { ...structuredClone(SCALE_DOWN), ...behavior.scaleDown }
}

function completeAutoscaler({ spec }: Draft) {
  spec.metrics ??= [
    { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } },
  ]
}

function completeDefinition({ spec, status }: Draft) {
  const { names } = spec
  if (names.kind) {
    names.singular ??= names.kind.toLowerCase()
    names.listKind ??= `${names.kind}List`
  }
  spec.conversion ??= { strategy: 'None' }
  if ((status.storedVersions ?? []).length > 0) return
  const stored = (spec.versions as Draft[] | undefined)?.find((version) => version.storage)
  if (stored) status.storedVersions = [stored.name]
}

function countOneDevice(request: Draft) {
  if (request.allocationMode === 'ExactCount') request.count ||= 1
}

function completeDevice(device: Draft) {
  for (const mapping of Object.values<Draft>(device.nodeAllocatableResourceMappings ?? {})) {
    mapping.allocationMultiplier ??= '1'
  }
}

const RBAC_GROUP = 'rbac.authorization.k8s.io'

const table: readonly (readonly [Message, Defaulter])[] = [
  ...coreDefaults,
  [CSIDriverSpec, (spec) => void (spec.volumeLifecycleModes ??= ['Persistent'])],
  [CustomResourceDefinition, completeDefinition],
  [DaemonSetUpdateStrategy, rollByDefault({ maxUnavailable: 1, maxSurge: 0 })],
  [DeploymentStrategy, rollByDefault({ maxUnavailable: '25%', maxSurge: '25%' })],
  [Device, completeDevice],
  [DeviceSubRequest, countOneDevice],
  [ExactDeviceRequest, countOneDevice],
  [HorizontalPodAutoscaler, completeAutoscaler],
  [HorizontalPodAutoscalerBehavior, completeScaling],
  [Job, completeJob],
  [MatchResources, completeWebhook],
  [MutatingWebhook, completeWebhook],
  [NetworkPolicy, ({ spec }) => void (spec.policyTypes ??= spec.egress ? ['Ingress', 'Egress'] : ['Ingress'])],
  [StatefulSetSpec, (spec) => void (spec.persistentVolumeClaimRetentionPolicy ??= { ...KEEP_CLAIMS })],
  [StatefulSetUpdateStrategy, completeStatefulSetStrategy],
  [Subject, (subject) => void (['User', 'Group'].includes(subject.kind) && (subject.apiGroup ||= RBAC_GROUP))],
  [ValidatingWebhook, completeWebhook],
]

function compose(entries: readonly (readonly [Message, Defaulter])[]): ReadonlyMap<Message, Defaulter> {
  const out = new Map<Message, Defaulter>()
  for (const [type, run] of entries) {
    const before = out.get(type)
    out.set(type, before ? (draft) => (before(draft), run(draft)) : run)
  }
  return out
}

/** By Message; called by `decode` once the message's parts and constant defaults are there. */
export const defaulters: ReadonlyMap<Message, Defaulter> = compose(table)
