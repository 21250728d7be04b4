/**
 * How the rules of a kind are written down, and how they become `validate` and `validateUpdate` of its Strategy. What was
 * valid when it was stored is not judged again by an update that leaves it alone: rules get stricter, objects stay.
 */
import { jsonEqual } from '#base/equal.ts'
import type { FieldError } from '#machinery/status-error.ts'
import { immutableValue } from '../../registry/object-meta.ts'
import type { Stored, Strategy } from '../../registry/strategy.ts'
import { type Check, type ExpressionCompiler, type Problems, problemsOf, ROOT } from './check.ts'

export type Comparison = (object: Stored, old: Stored, to: Problems) => void

export interface Rules {
  /** What every version of the object has to fulfil. */
  valid?: Check
  /** What only a new object has to fulfil. */
  create?: (object: Stored, to: Problems) => void
  /** What every update that changes the object has to fulfil, judged by what it changes. */
  changed?: Comparison
  /** What an update of the object may not change. */
  update?: Comparison
  /** Updates of subresources; those that are not here are not judged. */
  subresources?: Readonly<Record<string, Comparison>>
}

export function validateBy(
  { valid, create, changed, update, subresources }: Rules,
  expressions?: ExpressionCompiler,
): Required<Pick<Strategy, 'validate' | 'validateUpdate'>> {
  return {
    validate(object) {
      return problemsOf((to) => {
        valid?.(object, ROOT, to)
        create?.(object, to)
      }, expressions)
    },
    validateUpdate(object, old, { subresource }): FieldError[] {
      return problemsOf((to) => {
        if (subresource === '') {
          if ((valid || changed) && !isContentUnchanged(object, old)) {
            valid?.(object, ROOT, to)
            changed?.(object, old, to)
          }
          update?.(object, old, to)
        } else subresources?.[subresource]?.(object, old, to)
      }, expressions)
    },
  }
}

const ASIDE = new Set(['metadata', 'status', 'kind', 'apiVersion'])

function isContentUnchanged(object: Stored, old: Stored): boolean {
  const keys = new Set([...Object.keys(object), ...Object.keys(old)])
  for (const key of keys) if (!ASIDE.has(key) && !jsonEqual(object[key], old[key])) return false
  return true
}

const valueAt = (object: Stored, path: string) => path.split('.').reduce((at: any, key) => at?.[key], object)

/** Fields, dotted, that stay what they are. */
export const immutable =
  (...paths: string[]): Comparison =>
  (object, old, to) => {
    for (const path of paths) {
      const now = valueAt(object, path)
      if (!jsonEqual(now, valueAt(old, path))) to.add([immutableValue(path, now ?? null)])
    }
  }

export const comparisons =
  (...list: Comparison[]): Comparison =>
  (object, old, to) => {
    for (const one of list) one(object, old, to)
  }
