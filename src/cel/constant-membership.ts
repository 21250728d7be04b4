/** `x in [1, 2, 3]`: a look-up instead of a search, and free. Equal numbers of different types count as the same. */
import { EvaluationError } from './errors.ts'
import type { Evaluate } from './frame.ts'
import { doubleToInt, doubleToUint } from './int64.ts'
import { Double, Uint } from './values.ts'
import type { List, Value } from './values.ts'

type Handle = string | number | bigint | boolean | undefined

const doubleHandle = (value: number | bigint): string => `d${Number(value)}`

/** undefined for what is in no such list. */
function handleOf(value: Value): Handle {
  switch (typeof value) {
    case 'string':
      return `s${value}`
    case 'object':
      if (value instanceof Uint) return `u${value.value}`
      return value instanceof Double && !Number.isNaN(value.value) ? doubleHandle(value.value) : undefined
    default:
      return value
  }
}

/** What is equal to `value`, in every type of number that has it. */
function handlesOf(value: Value): Handle[] {
  const handles = [handleOf(value)]
  if (typeof value === 'number' || typeof value === 'bigint') {
    handles.push(doubleHandle(value))
    if (value >= 0) handles.push(`u${value}`)
  } else if (value instanceof Uint) {
    handles.push(doubleHandle(value.value))
    if (value.value <= 9223372036854775807n) handles.push(value.value)
  } else if (value instanceof Double) {
    const [int, uint] = [doubleToInt(value.value), doubleToUint(value.value)]
    if (int !== undefined && Number(int) === value.value) handles.push(int)
    if (uint !== undefined && Number(uint) === value.value) handles.push(`u${uint}`)
  }
  return handles
}

/** Whether every element is a number, a string or a boolean. */
export function isPrimitive(list: List): boolean {
  for (let i = 0; i < list.size; i++) {
    const element = list.at(i)
    const scalar = typeof element !== 'object' || element instanceof Uint || element instanceof Double
    if (!scalar) return false
  }
  return true
}

/** All elements of `list` are primitive. */
export function constantMembership(element: Evaluate, list: List): Evaluate {
  const members = new Set<Handle>()
  for (let i = 0; i < list.size; i++) for (const handle of handlesOf(list.at(i) as Value)) members.add(handle)
  members.delete(undefined)
  return (frame) => {
    const value = element(frame)
    if (value instanceof EvaluationError) return value
    return members.has(handleOf(value))
  }
}
