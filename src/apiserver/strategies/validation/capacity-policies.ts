/**
 * How parts of a device's capacity may be asked for: amounts from a list or from a range, with one that is used where a
 * request names none. Upstream: `validateRequestPolicy` of `pkg/apis/resource/validation`.
 */
import { Quantity } from '#machinery/quantity.ts'
import type { Path, Problems } from './check.ts'

const MAX_VALUES = 10

interface Policy {
  default?: string
  validValues?: readonly string[]
  validRange?: Range
}

interface Range {
  min?: string
  max?: string
  step?: string
}

const BOTH = 'exactly one policy can be specified, cannot specify "validValues" and "validRange" at the same time'

/** `capacity` is what there is to be had. */
export function capacityRequestPolicy(policy: Policy, capacity: string, at: Path, to: Problems) {
  const { default: preset, validValues: values = [], validRange: range } = policy
  const field = values.length > 0 ? 'validValues' : range ? 'validRange' : undefined
  if (!field) return
  if (values.length > 0 && range) to.forbidden(at, BOTH)
  else if (preset === undefined) to.required(at.at('default'), `required when ${field} is defined`)
  else if (range) checkRange(range, preset, capacity, at.at(field), to)
  else checkValues(values, preset, capacity, at.at(field), to)
}

function checkValues(values: readonly string[], preset: string, capacity: string, at: Path, to: Problems) {
  const amounts = values.map((value) => Quantity.parse(value))
  for (let i = 1; i < amounts.length; i++) {
    if (amounts[i - 1]!.cmp(amounts[i]!) > 0)
      to.invalid(at.index(i), values[i], 'values must be sorted in ascending order')
  }
  let hasPreset = false
  if (values.length > MAX_VALUES) to.tooMany(at, values.length, MAX_VALUES)
  else {
    const most = Quantity.parse(capacity)
    const wanted = Quantity.parse(preset)
    amounts.forEach((amount, i) => {
      if (amount.cmp(most) > 0) to.invalid(at.index(i), values[i], `option is larger than capacity value: ${capacity}`)
      if (amount.cmp(wanted) === 0) hasPreset = true
    })
    const seen = new Set<bigint>()
    amounts.forEach((amount, i) => {
      const whole = amount.exactValue()
      if (seen.has(whole)) to.duplicate(at.index(i), String(whole))
      seen.add(whole)
    })
  }
  if (!hasPreset) to.invalid(at, preset, 'default value is not valid according to the requestPolicy')
}

function checkRange({ min, max, step }: Range, preset: string, capacity: string, at: Path, to: Problems) {
  if (min === undefined) return to.required(at.at('min'), 'required when validRange is defined')
  const [least, most, wanted] = [min, capacity, preset].map((text) => Quantity.parse(text)) as [
    Quantity,
    Quantity,
    Quantity,
  ]
  const refuse = (field: keyof Range, value: string, why: string) => to.invalid(at.at(field), value, why)
  if (least.cmp(most) > 0) refuse('min', min, `min is larger than capacity value: ${capacity}`)
  if (wanted.cmp(least) < 0) refuse('min', preset, `default is less than min: ${min}`)
  if (max !== undefined) {
    const largest = Quantity.parse(max)
    if (least.cmp(largest) > 0) refuse('max', min, `min is larger than max: ${max}`)
    if (largest.cmp(most) > 0) refuse('max', max, `max is larger than capacity value: ${capacity}`)
    if (wanted.cmp(largest) > 0) refuse('max', preset, `default is more than max: ${max}`)
  }
  if (step === undefined) return
  const width = Quantity.parse(step)
  const afterOne = least.add(width)
  if (afterOne.cmp(most) > 0) {
    refuse('step', step, `one step ${String(afterOne)} is larger than capacity value: ${capacity}`)
  }
  for (const value of max === undefined ? [preset] : [preset, max]) {
    const distance = Quantity.parse(value).exactValue() - least.exactValue()
    // A step of nothing fits nowhere but at the beginning.
    const isOnStep = width.isZero ? distance === 0n : distance % width.exactValue() === 0n
    if (!isOnStep) refuse('step', value, `value is not a multiple of a given step (${step}) from (${min})`)
  }
}
