/** @@HEAD scheduling/v1.ts */
import { kind } from '#api/kind.ts'
import { f, type Infer } from '#api/schema.ts'

export const PriorityClass = kind('scheduling.k8s.io', 'v1', 'PriorityClass', '', {
  value: f.int32(2, ''),
  globalDefault: f.bool(3, ''),
  description: f.string(4, ''),
  preemptionPolicy: f.string(5, ''),
})
export interface PriorityClass extends Infer<typeof PriorityClass> {}
