/** `text.find(pattern)` and `text.findAll(pattern)` (upstream: `apiserver/pkg/cel/library.Regex`). */
import { EvaluationError } from '../errors.ts'
import { declareFunction, memberOverload } from '../library.ts'
import type { FunctionDeclaration, Implementation, Library } from '../library.ts'
import { ValueList } from '../lists.ts'
import { compileRegExp } from '../regexp/regexp.ts'
import type { Pattern } from '../regexp/regexp.ts'
import { INT, STRING, listOf } from '../types.ts'
import type { Int, Result, Value } from '../values.ts'

type Search = (pattern: Pattern, text: string, limit?: Int) => Result

const find: Search = (pattern, text) => pattern.find(text) ?? ''
const findAll: Search = (pattern, text, limit = -1) =>
  new ValueList(pattern.findAll(text, limit < 0 ? Infinity : Number(limit)))

/** Compiles the pattern each time. */
const compiling =
  (search: Search): Implementation =>
  (text: string, source: string, limit?: Int) => {
    const pattern = compileRegExp(source)
    if ('message' in pattern) return new EvaluationError('function', `Illegal regex: ${pattern.message}`)
    return search(pattern, text, limit)
  }

/** Compiles a constant pattern once; a wrong one makes the expression invalid. */
function prepared(declaration: FunctionDeclaration, search: Search): FunctionDeclaration {
  const prepare = (source: Value) => {
    if (typeof source !== 'string') return undefined
    const pattern = compileRegExp(source)
    if ('message' in pattern) return pattern
    return (text: Value, _: Value, limit?: Int) =>
      typeof text === 'string'
        ? search(pattern, text, limit)
        : new EvaluationError('noSuchOverload', 'no such overload')
  }
  return { ...declaration, prepare: { argument: 1, prepare } }
}

export const regularExpressionLibrary: Library = {
  name: 'regular expressions',
  functions: [
    prepared(
      declareFunction('find', memberOverload('string_find_string', [STRING, STRING], STRING, compiling(find))),
      find,
    ),
    prepared(
      declareFunction(
        'findAll',
        memberOverload('string_find_all_string', [STRING, STRING], listOf(STRING), compiling(findAll)),
        memberOverload('string_find_all_string_int', [STRING, STRING, INT], listOf(STRING), compiling(findAll)),
      ),
      findAll,
    ),
  ],
}
