/** PriorityClass, which gives pods their scheduling priority by name. */
import { kind } from '#api/kind.ts'
import { f, type Infer } from '#api/schema.ts'

export const PriorityClass = kind(
  'scheduling.k8s.io',
  'v1',
  'PriorityClass',
  'Names a priority that pods can be given.',
  {
    value: f.int32(2, 'The priority; higher is more important, at most 1000000000 unless built in.').present(),
    globalDefault: f.bool(3, 'Whether pods without a class get this one; only one class should be marked.'),
    description: f.string(4, 'When to use this class, for people to read.'),
    preemptionPolicy: f
      .string(5, 'Whether pods may displace less important ones: PreemptLowerPriority (default) or Never.')
      .pointer()
      .oneOf('Never', 'PreemptLowerPriority')
      .default('PreemptLowerPriority'),
  },
)
export interface PriorityClass extends Infer<typeof PriorityClass> {}
