/**
 * Type checking: which type has each part of an expression, which variable does each name mean, which overloads may each
 * call use (cel-go: `checker`). All that is wrong is complained about at once, in cel-go's words.
 */
import type { Call, Comprehension, Expression, ListLiteral, MapLiteral, Select, StructLiteral } from './ast.ts'
import { qualifiedName } from './ast.ts'
import type { FunctionDeclaration, Overload } from './library.ts'
import type { Complaint } from './source.ts'
import {
  BOOL,
  BYTES,
  DOUBLE,
  DYN,
  ERROR,
  INT,
  NULL,
  STRING,
  UINT,
  formatArguments,
  formatType,
  listOf,
  mapOf,
  optionalOf,
  sameType,
} from './types.ts'
import type { Type } from './types.ts'
import { Unification, isDynOrError, mapParameters, moreGeneral, unwrapOptional } from './unification.ts'
import { Double, Uint } from './values.ts'
import type { Value } from './values.ts'

/** Everything that names can mean. */
export interface Declarations {
  variable(name: string): Type | undefined
  /** The type that a name means, wrapped as the type of a type. */
  typeNamed(name: string): Type | undefined
  function(name: string): FunctionDeclaration | undefined
  /** undefined: no such field; 'noSuchType' where nothing is known about the type. */
  fieldType(typeName: string, field: string): Type | undefined | 'noSuchType'
}

/** What a name or a selection means that is not an ordinary selection. */
export interface Reference {
  /** Without a leading dot. */
  readonly name: string
  /** The name means a type rather than a variable. */
  readonly isType: boolean
}

/** What a call turns out to be. */
export interface ResolvedCall {
  readonly declaration: FunctionDeclaration
  /** In the order of declaration; several where the types do not decide. */
  readonly overloads: readonly Overload[]
  /** undefined for `namespace.name(...)` also, where the function's name has dots. */
  readonly target: Expression | undefined
}

export interface Checked {
  readonly root: Expression
  typeOf(expression: Expression): Type
  referenceOf(expression: Expression): Reference | undefined
  callOf(call: Call): ResolvedCall | undefined
}

interface Scope {
  readonly variables: Map<string, Type>
  readonly parent: Scope | undefined
}

export function check(
  root: Expression,
  declarations: Declarations,
): { checked: Checked; complaints: readonly Complaint[] } {
  const checker = new Checker(declarations)
  checker.check(root)
  return { checked: checker.result(root), complaints: checker.complaints }
}

class Checker {
  readonly complaints: Complaint[] = []
  readonly #declarations: Declarations
  readonly #types = new Map<Expression, Type>()
  readonly #references = new Map<Expression, Reference>()
  readonly #calls = new Map<Call, ResolvedCall>()
  readonly #unification = new Unification()
  #scope: Scope | undefined

  constructor(declarations: Declarations) {
    this.#declarations = declarations
  }

  result(root: Expression): Checked {
    for (const [expression, type] of this.#types) this.#types.set(expression, this.#unification.substitute(type, true))
    return {
      root,
      typeOf: (expression) => this.#types.get(expression) ?? DYN,
      referenceOf: (expression) => this.#references.get(expression),
      callOf: (call) => this.#calls.get(call),
    }
  }

  check(expression: Expression): Type {
    const type = this.#typeOf(expression)
    this.#types.set(expression, type)
    return type
  }

  #typeOf(expression: Expression): Type {
    switch (expression.kind) {
      case 'literal':
        return literalType(expression.value)
      case 'identifier':
        return this.#reference(expression, expression.name) ?? this.#undeclared(expression, expression.name)
      case 'select':
        return this.#select(expression)
      case 'call':
        return this.#call(expression)
      case 'list':
        return this.#list(expression)
      case 'map':
        return this.#map(expression)
      case 'struct':
        return this.#struct(expression)
      case 'comprehension':
        return this.#comprehension(expression)
    }
  }

  /** The type of what `name` means, if it means anything. */
  #reference(expression: Expression, name: string): Type | undefined {
    const plain = name.startsWith('.') ? name.slice(1) : name
    const variable = this.#variable(plain)
    const type = variable ?? this.#declarations.typeNamed(plain)
    if (type) this.#references.set(expression, { name: plain, isType: variable === undefined })
    return type
  }

  #variable(name: string): Type | undefined {
    for (let scope = this.#scope; scope; scope = scope.parent) {
      const type = scope.variables.get(name)
      if (type) return type
    }
    return this.#declarations.variable(name)
  }

  #select(expression: Select): Type {
    const name = qualifiedName(expression)
    const meant = name === undefined ? undefined : this.#reference(expression, name)
    if (meant) return meant
    const type = this.#field(expression, expression.operand, expression.field, false)
    return expression.testOnly ? BOOL : this.#unification.substitute(type, false)
  }

  #optionalSelect(call: Call): Type {
    const [operand, field] = call.args as [Expression, Expression]
    const name = field.kind === 'literal' ? field.value : undefined
    if (typeof name !== 'string') return this.#complain(call, 'unsupported optional field selection', ERROR)
    const overload = this.#declarations.function('_?._')!.overloads[0]!
    const declaration = this.#declarations.function('_?._')!
    const type = this.#unification.substitute(this.#field(call, operand, name, true), false)
    this.#types.set(field, STRING)
    this.#calls.set(call, { declaration, overloads: [overload], target: undefined })
    return type
  }

  #field(expression: Expression, operand: Expression, field: string, optional: boolean): Type {
    this.check(operand)
    const operandType = this.#unification.substitute(this.#types.get(operand)!, false)
    const [type, isOptional] = unwrapOptional(operandType)
    let result = ERROR
    if (type.kind === 'map') result = type.parameters[1]!
    else if (type.kind === 'object') {
      const found = this.#declarations.fieldType(type.name, field)
      if (found === 'noSuchType') this.#complain(expression, `unexpected failed resolution of '${type.name}'`)
      else if (!found) this.#complain(expression, `undefined field '${field}'`)
      else result = found
    } else {
      if (type.kind === 'parameter') this.#unification.assignable(DYN, type)
      else if (!isDynOrError(type))
        this.#complain(expression, `type '${formatType(type)}' does not support field selection`)
      result = DYN
    }
    return isOptional || optional ? optionalOf(result) : result
  }

  #call(call: Call): Type {
    if (call.function === '_?._') return this.#optionalSelect(call)
    for (const arg of call.args) this.check(arg)
    const { target } = call
    if (target === undefined) {
      const name = call.function.startsWith('.') ? call.function.slice(1) : call.function
      const declaration = this.#declarations.function(name)
      if (!declaration) return this.#undeclared(call, call.function)
      return this.#resolve(call, declaration, undefined)
    }
    const prefix = qualifiedName(target)
    const namespaced = prefix === undefined ? undefined : `${prefix}.${call.function}`.replace(/^\./, '')
    const global = namespaced === undefined ? undefined : this.#declarations.function(namespaced)
    if (global) return this.#resolve(call, global, undefined)
    this.check(target)
    const declaration = this.#declarations.function(call.function)
    if (!declaration) return this.#undeclared(call, call.function)
    return this.#resolve(call, declaration, target)
  }

  #resolve(call: Call, declaration: FunctionDeclaration, target: Expression | undefined): Type {
    const args = target ? [target, ...call.args] : call.args
    const argTypes = args.map((arg) => this.#types.get(arg)!)
    if (declaration.name === '_&&_' || declaration.name === '_||_') return this.#logic(call, declaration, argTypes)
    const overloads: Overload[] = []
    let result: Type | undefined
    for (const overload of declaration.overloads) {
      if (overload.member !== (target !== undefined)) continue
      const fresh = new Map<string, Type>()
      const instantiate = (type: Type) => this.#instantiate(type, fresh)
      const wanted = overload.args.map(instantiate)
      const resultType = instantiate(overload.result)
      if (!this.#unification.allAssignable(argTypes, wanted)) continue
      overloads.push(overload)
      const type = this.#unification.substitute(resultType, false)
      if (result === undefined) result = type
      else if (result.kind !== 'dyn' && !sameType(type, result)) result = DYN
    }
    if (result === undefined) {
      const types = argTypes.map((type) => this.#unification.substitute(type, true))
      const applied = formatArguments(types, target !== undefined)
      const message = `found no matching overload for '${declaration.name}' applied to '${applied}'`
      return this.#complain(call, message, ERROR)
    }
    this.#calls.set(call, { declaration, overloads, target })
    return result
  }

  /** The signature's type with variables that no other call shares. */
  #instantiate(type: Type, fresh: Map<string, Type>): Type {
    if (type.kind !== 'parameter') return mapParameters(type, (parameter) => this.#instantiate(parameter, fresh))
    let variable = fresh.get(type.name)
    if (!variable) {
      variable = this.#unification.newVariable()
      fresh.set(type.name, variable)
    }
    return variable
  }

  #logic(call: Call, declaration: FunctionDeclaration, argTypes: readonly Type[]): Type {
    let result = BOOL
    for (const [i, type] of argTypes.entries())
      if (!this.#unification.assignable(type, BOOL)) {
        this.#mismatch(call.args[i]!, BOOL, type)
        result = ERROR
      }
    this.#calls.set(call, { declaration, overloads: declaration.overloads, target: undefined })
    return result
  }

  #list({ elements, optionals }: ListLiteral): Type {
    let joined: Type | undefined
    for (const [i, element] of elements.entries()) {
      const type = this.#optionalEntry(element, this.check(element), optionals.has(i))
      joined = this.#join(joined, type)
    }
    return listOf(joined ?? this.#unification.newVariable())
  }

  #map({ entries }: MapLiteral): Type {
    let keyType: Type | undefined
    let valueType: Type | undefined
    for (const { key, value, optional } of entries) {
      keyType = this.#join(keyType, this.check(key))
      valueType = this.#join(valueType, this.#optionalEntry(value, this.check(value), optional))
    }
    return mapOf(keyType ?? this.#unification.newVariable(), valueType ?? this.#unification.newVariable())
  }

  /** The type that `?value` contributes. */
  #optionalEntry(expression: Expression, type: Type, optional: boolean): Type {
    if (!optional) return type
    const [inner, isOptional] = unwrapOptional(type)
    if (!isOptional && inner.kind !== 'dyn') this.#mismatch(expression, optionalOf(inner), inner)
    return inner
  }

  /** The type of entries of both types: `dyn` where they do not fit. */
  #join(previous: Type | undefined, current: Type): Type {
    if (previous === undefined) return current
    return this.#unification.assignable(previous, current) ? moreGeneral(previous, current) : DYN
  }

  #struct(expression: StructLiteral): Type {
    const name = expression.typeName.replace(/^\./, '')
    const named = this.#declarations.typeNamed(name)
    if (!named) {
      return this.#variable(name)
        ? this.#complain(expression, `'${formatType(this.#variable(name)!)}' is not a type`, ERROR)
        : this.#undeclared(expression, expression.typeName)
    }
    let type = named.parameters[0]!
    if (type.kind !== 'object') {
      this.#complain(expression, `'${type.name}' is not a message type`)
      type = ERROR
    }
    for (const field of expression.fields) {
      const valueType = this.#optionalEntry(field.value, this.check(field.value), field.optional)
      const fieldType = this.#declarations.fieldType(name, field.name)
      if (fieldType === 'noSuchType') this.#complain(field, `unexpected failed resolution of '${name}'`)
      else if (!fieldType) this.#complain(field, `undefined field '${field.name}'`)
      else if (!this.#unification.assignable(fieldType, valueType)) {
        const [wanted, given] = [formatType(fieldType), formatType(valueType)]
        const message = `expected type of field '${field.name}' is '${wanted}' but provided type is '${given}'`
        this.#complain(field, message)
      }
    }
    return type
  }

  #comprehension(loop: Comprehension): Type {
    this.check(loop.range)
    const initial = this.check(loop.initial)
    const rangeType = this.#unification.substitute(this.#types.get(loop.range)!, false)
    const outer = this.#scope
    this.#scope = { variables: new Map([[loop.accumulator, initial]]), parent: outer }
    const inLoop = new Map<string, Type>()
    const [first, second] = this.#loopTypes(loop, rangeType)
    inLoop.set(loop.variable, first)
    if (loop.variable2 !== undefined) inLoop.set(loop.variable2, second)
    this.#scope = { variables: inLoop, parent: this.#scope }
    this.#assertType(loop.condition, BOOL)
    this.#assertType(loop.step, initial)
    this.#scope = this.#scope.parent
    const result = this.check(loop.result)
    this.#scope = outer
    return this.#unification.substitute(result, false)
  }

  /** The types of the loop's variables. */
  #loopTypes({ range, variable2 }: Comprehension, type: Type): [Type, Type] {
    if (type.kind === 'list') {
      const element = type.parameters[0]!
      return variable2 === undefined ? [element, element] : [INT, element]
    }
    if (type.kind === 'map') return [type.parameters[0]!, type.parameters[1]!]
    if (isDynOrError(type) || type.kind === 'parameter') {
      this.#unification.assignable(DYN, type)
      return [DYN, DYN]
    }
    const message = `expression of type '${formatType(type)}' cannot be range of a comprehension (must be list, map, or dynamic)`
    this.#complain(range, message)
    return [ERROR, ERROR]
  }

  #assertType(expression: Expression, wanted: Type): void {
    const type = this.check(expression)
    if (!this.#unification.assignable(wanted, type)) this.#mismatch(expression, wanted, type)
  }

  #mismatch(expression: Expression, expected: Type, found: Type): void {
    this.#complain(expression, `expected type '${formatType(expected)}' but found '${formatType(found)}'`)
  }

  #undeclared(expression: Expression, name: string): Type {
    return this.#complain(expression, `undeclared reference to '${name}' (in container '')`, ERROR)
  }

  #complain(at: { readonly offset: number }, message: string, type: Type = ERROR): Type {
    this.complaints.push({ offset: at.offset, message })
    return type
  }
}

function literalType(value: Value): Type {
  if (typeof value === 'boolean') return BOOL
  if (typeof value === 'string') return STRING
  if (typeof value === 'number' || typeof value === 'bigint') return INT
  if (value === null) return NULL
  if (value instanceof Uint) return UINT
  return value instanceof Double ? DOUBLE : BYTES
}
