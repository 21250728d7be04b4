/** @@HEAD node/v1.ts */
import { kind } from '#api/kind.ts'
import { f, type Infer, message } from '#api/schema.ts'
import { Toleration } from '#api/core/v1/shared.ts'

export const Overhead = message('node.v1.Overhead', '', {
  podFixed: f.mapOf('quantity', 1, ''),
})
export interface Overhead extends Infer<typeof Overhead> {}

export const Scheduling = message('node.v1.Scheduling', '', {
  nodeSelector: f.mapOf('string', 1, '').atomic(),
  tolerations: f.list(Toleration, 2, '').atomic(),
})
export interface Scheduling extends Infer<typeof Scheduling> {}

export const RuntimeClass = kind('node.k8s.io', 'v1', 'RuntimeClass', '', {
  handler: f.string(2, '').required(),
  overhead: f.message(Overhead, 3, ''),
  scheduling: f.message(Scheduling, 4, ''),
})
export interface RuntimeClass extends Infer<typeof RuntimeClass> {}
