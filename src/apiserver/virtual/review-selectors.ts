/**
 * The selectors of an access review, which come as text or as requirements. A requirement that can't be understood is left
 * out, which makes the question broader and the answer safe. Upstream: `pkg/registry/authorization/util`.
 */
import type { ResourceAttributes } from '#api/authorization/v1.ts'
import type { FieldSelectorRequirement, LabelSelectorRequirement } from '#api/meta/v1.ts'
import { type FieldRequirement, parseFieldSelector } from '#machinery/fields.ts'
import { type LabelOperator, type LabelRequirement, requirement, SelectorError } from '#machinery/labels.ts'
import { labelKeyErrors, labelValueErrors } from '#machinery/labels-validation.ts'
import { parseLabelSelector } from '#machinery/selector-syntax.ts'
import { type FieldError, MAX_FIELD_ERRORS } from '#machinery/status-error.ts'
import { invalidValue } from '../registry/object-meta.ts'

type Requirement = FieldSelectorRequirement | LabelSelectorRequirement

/** Operators that are not known are let through: newer clients may know them. */
export function selectorErrors({ fieldSelector, labelSelector }: ResourceAttributes): FieldError[] {
  const errors: FieldError[] = []
  for (const [name, selector] of [
    ['fieldSelector', fieldSelector],
    ['labelSelector', labelSelector],
  ] as const) {
    if (!selector) continue
    const at = `spec.resourceAttributes.${name}`
    const { rawSelector, requirements = [] } = selector
    if (rawSelector && requirements.length > 0)
      errors.push(invalidValue(`${at}.rawSelector`, rawSelector, 'may not specified at the same time as requirements'))
    if (!rawSelector && requirements.length === 0)
      errors.push(required(`${at}.requirements`, `when ${at} is specified, requirements or rawSelector is required`))
    for (const [i, item] of requirements.entries()) {
      if (errors.length >= MAX_FIELD_ERRORS) break
      for (const error of requirementErrors(item, `${at}.requirements[${i}]`, name === 'labelSelector'))
        errors.push(error)
    }
  }
  return errors
}

const required = (field: string, why: string): FieldError => ({
  type: 'Required',
  field,
  message: `Required value: ${why}`,
})

function requirementErrors({ key, operator, values = [] }: Requirement, at: string, isLabel: boolean): FieldError[] {
  const errors: FieldError[] = []
  if (!isLabel && !key) errors.push(required(`${at}.key`, 'must be specified'))
  if ((operator === 'In' || operator === 'NotIn') && values.length === 0)
    errors.push(required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'"))
  if ((operator === 'Exists' || operator === 'DoesNotExist') && values.length > 0) {
    const message = "Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
    errors.push({ type: 'Forbidden', field: `${at}.values`, message })
  }
  if (!isLabel) return errors
  for (const why of labelKeyErrors(key)) errors.push(invalidValue(`${at}.key`, key, why))
  for (const [i, value] of values.entries())
    for (const why of labelValueErrors(value)) errors.push(invalidValue(`${at}.values[${i}]`, value, why))
  return errors
}

/** The selectors as authorisers get them, and what had to be left out. */
export function reviewedSelectors({ fieldSelector, labelSelector }: ResourceAttributes) {
  const fields = understood(fieldSelector, (text) => parseFieldSelector(text).requirements, fieldRequirement)
  const labels = understood(labelSelector, (text) => parseLabelSelector(text).requirements, labelRequirement)
  const problems: string[] = []
  for (const [name, { left, found }] of Object.entries({ fieldSelector: fields, labelSelector: labels })) {
    const partly = found ? 'partially ignored' : 'ignored'
    if (left > 0) problems.push(`spec.resourceAttributes.${name} ${partly} due to parse error`)
  }
  return { fieldSelector: fields.found, labelSelector: labels.found, problems }
}

function understood<R, Q extends Requirement>(
  selector: { rawSelector?: string; requirements?: readonly Q[] } | undefined,
  parse: (text: string) => readonly R[],
  convert: (item: Q) => R | undefined,
): { found: readonly R[] | undefined; left: number } {
  if (selector?.requirements?.length) {
    const found = selector.requirements.map(convert).filter((item) => item !== undefined)
    return { found: found.length > 0 ? found : undefined, left: selector.requirements.length - found.length }
  }
  if (!selector?.rawSelector) return { found: undefined, left: 0 }
  const found = unlessMalformed(() => parse(selector.rawSelector!))
  return { found: found?.length ? found : undefined, left: found ? 0 : 1 }
}

function unlessMalformed<T>(parse: () => T): T | undefined {
  try {
    return parse()
  } catch (err) {
    if (err instanceof SelectorError) return undefined
    throw err
  }
}

function fieldRequirement({ key, operator, values = [] }: FieldSelectorRequirement): FieldRequirement | undefined {
  if (values.length !== 1 || (operator !== 'In' && operator !== 'NotIn')) return undefined
  return { field: key, operator: operator === 'In' ? '=' : '!=', value: values[0]! }
}

const labelOperators: ReadonlyMap<string, LabelOperator> = new Map([
  ['In', 'in'],
  ['NotIn', 'notin'],
  ['Exists', 'exists'],
  ['DoesNotExist', '!'],
])

function labelRequirement({ key, operator, values = [] }: LabelSelectorRequirement): LabelRequirement | undefined {
  const known = labelOperators.get(operator)
  return known && unlessMalformed(() => requirement(key, known, values))
}
