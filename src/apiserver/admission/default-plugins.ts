/** The admission plug-ins that are always on, in upstream's order. */
import type { Clock } from '#base/clock.ts'
import type { Api } from '../api.ts'
import type { AdmissionPlugin } from './admission.ts'
import { defaultTolerations } from './default-tolerations.ts'
import { namespaceLifecycle } from './namespace-lifecycle.ts'
import { podPriority } from './pod-priority.ts'
import { serviceAccountAdmission } from './service-account.ts'

/** `api` is asked for other objects while a request is admitted. */
export const defaultAdmissionPlugins = (api: () => Api, clock: Clock): readonly AdmissionPlugin[] => [
  namespaceLifecycle(api),
  serviceAccountAdmission(api, clock),
  podPriority(api),
  defaultTolerations,
]
