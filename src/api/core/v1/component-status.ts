/** @@HEAD core/v1/component-status.ts */
import { kind } from '#api/kind.ts'
import { f, type Infer, message } from '#api/schema.ts'

export const ComponentCondition = message('core.v1.ComponentCondition', '', {
  type: f.string(1, '').required(),
  status: f.string(2, '').required(),
  message: f.string(3, ''),
  error: f.string(4, ''),
})
export interface ComponentCondition extends Infer<typeof ComponentCondition> {}

export const ComponentStatus = kind('', 'v1', 'ComponentStatus', '', {
  conditions: f.list(ComponentCondition, 2, '').map('type').merge('type'),
})
export interface ComponentStatus extends Infer<typeof ComponentStatus> {}
