/**
 * Complaints about literals that cannot be right, though their types are: durations, timestamps and regular expressions
 * that are none, lists and maps of mixed types (cel-go: `cel.ExtendedValidations`).
 */
import type { Expression } from '../ast.ts'
import { childrenOf } from '../ast.ts'
import { intToTimestamp, stringToDuration, stringToTimestamp } from '../conversions.ts'
import { EvaluationError } from '../errors.ts'
import type { CheckedExpression, Library, Validator } from '../library.ts'
import { compileRegExp } from '../regexp/regexp.ts'
import type { Complaint } from '../source.ts'
import { formatType, sameType } from '../types.ts'
import type { Type } from '../types.ts'
import type { Result, Value } from '../values.ts'

/** Calls `see` with every part of the expression, and whether it is within a call of `format`. */
function visit(expression: Expression, inFormat: boolean, see: (part: Expression, inFormat: boolean) => void): void {
  see(expression, inFormat)
  const within = inFormat || (expression.kind === 'call' && expression.function === 'format')
  for (const child of childrenOf(expression)) visit(child, within, see)
}

/** The first argument of calls of `name`, where it is a literal. */
function literalArgument(name: string, isValid: (value: Value) => boolean): Validator {
  return ({ root }) => {
    const complaints: Complaint[] = []
    visit(root, false, (part) => {
      if (part.kind !== 'call' || part.function !== name) return
      const [argument] = part.args
      if (argument?.kind === 'literal' && !isValid(argument.value))
        complaints.push({ offset: argument.offset, message: `invalid ${name} argument` })
    })
    return complaints
  }
}

const isValue = (result: Result) => !(result instanceof EvaluationError)
const isDuration = (value: Value) => typeof value === 'string' && isValue(stringToDuration(value))
const isTimestamp = (value: Value) => {
  if (typeof value === 'string') return isValue(stringToTimestamp(value))
  return (typeof value === 'number' || typeof value === 'bigint') && isValue(intToTimestamp(value))
}
const isPattern = (value: Value) => typeof value !== 'string' || !('message' in compileRegExp(value))

const mismatch = (at: Expression, expected: Type, found: Type): Complaint => ({
  offset: at.offset,
  message: `expected type '${formatType(expected)}' but found '${formatType(found)}'`,
})

/** Type of an entry; an optional one counts as what it holds. */
function entryType(checked: CheckedExpression, entry: Expression, optional: boolean): Type {
  const type = checked.typeOf(entry)
  return optional ? (type.parameters[0] ?? type) : type
}

/** Lists and maps whose entries have different types, except in arguments of `format`. */
function mixedLiterals(checked: CheckedExpression): Complaint[] {
  const complaints: Complaint[] = []
  visit(checked.root, false, (part, inFormat) => {
    if (inFormat) return
    if (part.kind === 'list') {
      const types = part.elements.map((element, i) => entryType(checked, element, part.optionals.has(i)))
      const other = types.findIndex((type) => !sameType(type, types[0]!))
      if (other > 0) complaints.push(mismatch(part.elements[other]!, types[0]!, types[other]!))
    } else if (part.kind === 'map' && part.entries.length > 0) {
      const [first] = part.entries
      const keyType = checked.typeOf(first!.key)
      const valueType = entryType(checked, first!.value, first!.optional)
      for (const { key, value, optional } of part.entries.slice(1)) {
        const [keyFound, valueFound] = [checked.typeOf(key), entryType(checked, value, optional)]
        if (!sameType(keyFound, keyType)) complaints.push(mismatch(key, keyType, keyFound))
        if (!sameType(valueFound, valueType)) complaints.push(mismatch(value, valueType, valueFound))
      }
    }
  })
  return complaints
}

export const literalChecks: Library = {
  name: 'literal checks',
  validators: [
    literalArgument('duration', isDuration),
    literalArgument('timestamp', isTimestamp),
    literalArgument('matches', isPattern),
    mixedLiterals,
  ],
}
