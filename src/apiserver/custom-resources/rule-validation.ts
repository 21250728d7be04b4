/** Rules of schemas (`x-kubernetes-validations`). */
import type { FieldError } from '#machinery/status-error.ts'
import type { Correlation } from './correlation.ts'

export interface RuleFindings {
  errors: FieldError[]
  /** What is wrong, but was so before. */
  warnings: string[]
}

export interface RuleValidator {
  /** `old` is undefined for a new object; `correlation` is of both. */
  validate(object: unknown, old: unknown, correlation: Correlation | undefined): RuleFindings
}
