/**
 * ComponentStatus, the old health report on control plane parts such as etcd and the scheduler. It is deprecated
 * and kept for older clients.
 */
import { kind } from '#api/kind.ts'
import { f, type Infer, message } from '#api/schema.ts'

export const ComponentCondition = message(
  'core.v1.ComponentCondition',
  'One health finding about a control plane component.',
  {
    type: f.string(1, 'What is judged; the only known value is Healthy.').required(),
    status: f.string(2, 'Outcome of the check: True, False or Unknown.').required(),
    message: f.string(3, 'Human-readable result of the check.'),
    error: f.string(4, 'Error text when the check itself went wrong.'),
  },
)
export interface ComponentCondition extends Infer<typeof ComponentCondition> {}

export const ComponentStatus = kind(
  '',
  'v1',
  'ComponentStatus',
  'Health of one control plane component. Deprecated; use the health endpoints instead.',
  {
    conditions: f
      .list(ComponentCondition, 2, 'Health findings for this component, at most one per type.')
      .map('type')
      .merge('type'),
  },
)
export interface ComponentStatus extends Infer<typeof ComponentStatus> {}
