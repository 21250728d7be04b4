/** The admission plug-ins that are always on, in upstream's order (`pkg/kubeapiserver/options/plugins.go`). */
import type { Clock } from '#base/clock.ts'
import type { Random } from '#base/random.ts'
import type { Api } from '../api.ts'
import type { AdmissionPlugin } from './admission.ts'
import { certificateApproval, certificateSigning, certificateSubjectRestriction } from './certificates.ts'
import { persistentVolumeClaimResize } from './claim-resize.ts'
import { defaultIngressClass, defaultStorageClass } from './default-classes.ts'
import { defaultTolerations } from './default-tolerations.ts'
import { limitRanger } from './limit-ranger/limit-ranger.ts'
import { namespaceLifecycle } from './namespace-lifecycle.ts'
import { nodeRestriction } from './node-restriction/node-restriction.ts'
import { podPriority } from './pod-priority.ts'
import { nodeDeclaredFeatures, podResize } from './pod-resize.ts'
import { podSecurity } from './pod-security/pod-security.ts'
import { podTopologyLabels } from './pod-topology-labels.ts'
import { runtimeClass } from './runtime-class.ts'
import { serviceAccountAdmission } from './service-account.ts'
import { storageObjectInUseProtection } from './storage-protection.ts'
import { taintNodesByCondition } from './taint-nodes.ts'

/** `api` is asked for other objects while a request is admitted. */
export const defaultAdmissionPlugins = (api: () => Api, clock: Clock, random: Random): readonly AdmissionPlugin[] => [
  namespaceLifecycle(api),
  limitRanger(api),
  serviceAccountAdmission(api, clock, random),
  nodeRestriction(api),
  taintNodesByCondition,
  podSecurity(api),
  podPriority(api),
  defaultTolerations,
  defaultStorageClass(api),
  storageObjectInUseProtection,
  persistentVolumeClaimResize(api),
  runtimeClass(api),
  certificateApproval(api),
  certificateSigning(api),
  certificateSubjectRestriction,
  defaultIngressClass(api),
  podTopologyLabels(api),
  nodeDeclaredFeatures(api),
  podResize(api),
]
