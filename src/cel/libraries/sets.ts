/** Lists as sets: `sets.contains(a, b)` and others (cel-go: `ext.Sets`). */
import { equal } from '../equality.ts'
import { EvaluationError } from '../errors.ts'
import { declareFunction, overload } from '../library.ts'
import type { Library } from '../library.ts'
import { elementsOf } from '../lists.ts'
import { BOOL, listOf, typeParameter } from '../types.ts'
import type { List, Result, Value } from '../values.ts'

const LIST = listOf(typeParameter('T'))

const has = (elements: readonly Value[], element: Value): boolean =>
  elements.some((other) => equal(element, other) === true)

/** `test` of the elements of both. */
const onElements =
  (test: (a: readonly Value[], b: readonly Value[]) => boolean) =>
  (a: List, b: List): Result => {
    const left = elementsOf(a)
    if (left instanceof EvaluationError) return left
    const right = elementsOf(b)
    return right instanceof EvaluationError ? right : test(left, right)
  }

const contains = (a: readonly Value[], b: readonly Value[]): boolean => b.every((element) => has(a, element))

export const setLibrary: Library = {
  name: 'sets',
  functions: [
    declareFunction('sets.contains', overload('list_sets_contains_list', [LIST, LIST], BOOL, onElements(contains))),
    declareFunction(
      'sets.equivalent',
      overload(
        'list_sets_equivalent_list',
        [LIST, LIST],
        BOOL,
        onElements((a, b) => contains(a, b) && contains(b, a)),
      ),
    ),
    declareFunction(
      'sets.intersects',
      overload(
        'list_sets_intersects_list',
        [LIST, LIST],
        BOOL,
        onElements((a, b) => a.some((element) => has(b, element))),
      ),
    ),
  ],
}
