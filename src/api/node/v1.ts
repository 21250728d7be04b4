/**
 * RuntimeClass, which selects the container runtime of a pod. Its overhead and scheduling settings are here as
 * well.
 */
import { kind } from '#api/kind.ts'
import { f, type Infer, message } from '#api/schema.ts'
import { Toleration } from '#api/core/v1/shared.ts'

export const Overhead = message('node.v1.Overhead', 'Resources that a runtime needs besides those of the containers.', {
  podFixed: f.mapOf('quantity', 1, 'Amounts added for each pod, by resource name.'),
})
export interface Overhead extends Infer<typeof Overhead> {}

export const Scheduling = message('node.v1.Scheduling', 'Limits pods of a RuntimeClass to nodes that support it.', {
  nodeSelector: f.mapOf('string', 1, 'Labels a node must have; combined with the nodeSelector of the pod.').atomic(),
  tolerations: f.list(Toleration, 2, 'Tolerations that are added to those of the pod.').atomic(),
})
export interface Scheduling extends Infer<typeof Scheduling> {}

export const RuntimeClass = kind(
  'node.k8s.io',
  'v1',
  'RuntimeClass',
  'A container runtime setup that pods can choose by name.',
  {
    handler: f.string(2, 'Name of the setup in the container runtime of the nodes; cannot be changed.').required(),
    overhead: f.message(Overhead, 3, 'Extra resources each pod needs with this runtime.'),
    scheduling: f.message(Scheduling, 4, 'Which nodes support this class; if unset, every node is assumed to.'),
  },
)
export interface RuntimeClass extends Infer<typeof RuntimeClass> {}
