/**
 * Which types fit together, and what the type variables must be for that (cel-go: `checker/types.go`).
 *
 * Type variables are bound as checking goes along; an attempt that fails leaves no trace.
 */
import { DYN, isOptional, sameType } from './types.ts'
import type { Type, TypeKind } from './types.ts'

const NULLABLE: ReadonlySet<TypeKind> = new Set(['opaque', 'object', 'duration', 'timestamp', 'null'])

export class Unification {
  readonly #bound = new Map<string, Type>()
  /** What the current attempt changed, to be undone. */
  #changes: [string, Type | undefined][] = []
  #variables = 0

  /** A type variable that stands for nothing yet. */
  newVariable(): Type {
    return { kind: 'parameter', name: `_var${this.#variables++}`, parameters: [] }
  }

  /** Whether `from` can be used where `to` is wanted; binds variables of both. */
  assignable(from: Type, to: Type): boolean {
    return this.#attempt(() => this.#fits(from, to))
  }

  allAssignable(from: readonly Type[], to: readonly Type[]): boolean {
    return this.#attempt(() => this.#allFit(from, to))
  }

  /** `type` with what its variables are bound to; those that are not become `dyn` if `unboundToDyn`. */
  substitute(type: Type, unboundToDyn: boolean): Type {
    if (type.kind === 'parameter') {
      const bound = this.#bound.get(type.name)
      if (bound) return this.substitute(bound, unboundToDyn)
      return unboundToDyn ? DYN : type
    }
    return mapParameters(type, (parameter) => this.substitute(parameter, unboundToDyn))
  }

  #attempt(test: () => boolean): boolean {
    this.#changes = []
    if (test()) return true
    for (const [name, before] of this.#changes.toReversed()) {
      if (before) this.#bound.set(name, before)
      else this.#bound.delete(name)
    }
    return false
  }

  #bind(variable: Type, type: Type): void {
    this.#changes.push([variable.name, this.#bound.get(variable.name)])
    this.#bound.set(variable.name, type)
  }

  #allFit(from: readonly Type[], to: readonly Type[]): boolean {
    return from.length === to.length && from.every((type, i) => this.#fits(type, to[i]!))
  }

  #fits(from: Type, to: Type): boolean {
    if (to.kind === 'parameter') {
      const bound = this.#bindable(from, to)
      if (bound === 'fits') return true
      if (bound === 'taken') return false
    }
    if (from.kind === 'parameter') return this.#bindable(to, from) === 'fits'
    if (isDynOrError(from) || isDynOrError(to)) return true
    if (from.kind === 'null') return NULLABLE.has(to.kind)
    if (to.kind === 'null') return NULLABLE.has(from.kind)
    if (from.kind !== to.kind) return false
    if (from.kind === 'type') return true
    return from.name === to.name && this.#allFit(from.parameters, to.parameters)
  }

  /** Whether `variable` may stand for `type`, perhaps together with what it stands for already. */
  #bindable(type: Type, variable: Type): 'fits' | 'taken' | 'impossible' {
    if (type.kind === 'parameter' && type.name === variable.name) return 'fits'
    const bound = this.#bound.get(variable.name)
    if (bound) {
      if (type.kind === bound.kind && sameType(type, bound)) return 'fits'
      if (!this.#fits(type, bound)) return 'taken'
      const general = moreGeneral(type, bound)
      if (!this.#occurs(variable, general)) this.#bind(variable, general)
      return 'fits'
    }
    if (this.#occurs(variable, type)) return 'impossible'
    this.#bind(variable, type)
    return 'fits'
  }

  #occurs(variable: Type, within: Type): boolean {
    if (within.kind === 'parameter') {
      if (within.name === variable.name) return true
      const bound = this.#bound.get(within.name)
      return bound !== undefined && this.#occurs(variable, bound)
    }
    return within.parameters.some((parameter) => this.#occurs(variable, parameter))
  }
}

/** `type` with other parameters. */
export function mapParameters(type: Type, change: (parameter: Type) => Type): Type {
  if (type.parameters.length === 0) return type
  return { ...type, parameters: type.parameters.map(change) }
}

export const isDynOrError = (type: Type): boolean => type.kind === 'dyn' || type.kind === 'error'

/** The element type of an optional, and whether it was one. */
export function unwrapOptional(type: Type): [Type, boolean] {
  return isOptional(type) ? [type.parameters[0]!, true] : [type, false]
}

/** The more general one of two types that fit together. */
export function moreGeneral(a: Type, b: Type): Type {
  return isAsGeneral(a, b) ? a : b
}

function isAsGeneral(a: Type, b: Type): boolean {
  if (a.kind === 'dyn' || a.kind === 'parameter') return true
  if (b.kind === 'dyn' || b.kind === 'parameter' || a.kind !== b.kind) return false
  if (a.kind === 'type') return true
  return (
    a.name === b.name &&
    a.parameters.length === b.parameters.length &&
    a.parameters.every((parameter, i) => isAsGeneral(parameter, b.parameters[i]!))
  )
}
