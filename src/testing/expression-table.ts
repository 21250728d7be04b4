/**
 * Tables of CEL expressions for tests, a line for each: the expression, ` => `, and what comes of it. Values are written as
 * CEL would write them, as far as it can; what does not compile is `invalid:` with places and messages, and what fails
 * when it runs is `error:`.
 */
import { createBaseEnvironment } from '#apiserver/cel/base-environment.ts'
import type { Environment, Evaluation, Program } from '#cel/environment.ts'
import type { Bindings } from '#cel/bindings.ts'
import { formatDuration } from '#cel/durations.ts'
import { CelCompileError, EvaluationError } from '#cel/errors.ts'
import { formatTimestamp } from '#cel/timestamps.ts'
import type { Result } from '#cel/values.ts'
import { Dictionary, Double, Duration, List, Opaque, Optional, Timestamp, TypeValue, Uint } from '#cel/values.ts'

/** With everything that Kubernetes offers, and without variables. */
export const kubernetesEnvironment = (): Environment => createBaseEnvironment()

/** The expressions of a table and what is expected of them. */
export function rowsOf(table: string): [expression: string, expected: string][] {
  return table
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map((line) => {
      const at = line.lastIndexOf(' => ')
      if (at < 0) throw new Error(`no => in ${line}`)
      return [line.slice(0, at).trim(), line.slice(at + 4).trim()]
    })
}

/** What comes of an expression. */
export function outcomeOf(environment: Environment, expression: string, bindings: Bindings = {}): string {
  const program = compiled(environment, expression)
  return typeof program === 'string' ? program : shownOutcome(program.evaluate(bindings))
}

/** What it costs to evaluate an expression, and what that was estimated to cost: `5 of 3..7`. */
export function costOf(environment: Environment, expression: string, bindings: Bindings = {}): string {
  const program = compiled(environment, expression)
  if (typeof program === 'string') return program
  const { min, max } = program.estimateCost()
  return `${program.evaluate(bindings).cost} of ${min}..${max}`
}

function compiled(environment: Environment, expression: string): Program | string {
  try {
    return environment.compile(expression)
  } catch (error) {
    if (!(error instanceof CelCompileError)) throw error
    if (error.stage === 'program') return `invalid: ${error.message}`
    return `invalid: ${error.issues.map(({ line, column, message }) => `${line}:${column + 1} ${message}`).join('; ')}`
  }
}

function shownOutcome({ value, error }: Evaluation): string {
  return error ? `error: ${error.message}` : shown(value)
}

/** A value as text. */
export function shown(value: Result): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value !== 'object' || value === null) return String(value)
  if (value instanceof EvaluationError) return `error: ${value.message}`
  if (value instanceof Uint) return `${value.value}u`
  if (value instanceof Double) return shownDouble(value.value)
  if (value instanceof Duration) return `duration(${formatDuration(value)})`
  if (value instanceof Timestamp) return `timestamp(${formatTimestamp(value)})`
  if (value instanceof TypeValue) return value.type.name
  if (value instanceof Optional) return value.value === undefined ? 'none' : `optional(${shown(value.value)})`
  if (value instanceof List) return `[${elementsOf(value).map(shown).join(', ')}]`
  if (value instanceof Dictionary)
    return `{${value
      .keys()
      .map((key) => `${shown(key)}: ${shown(value.find(key)!)}`)
      .join(', ')}}`
  if (value instanceof Opaque) return String(value)
  return `b'${Buffer.from(value).toString('hex')}'`
}

const shownDouble = (value: number): string =>
  Number.isInteger(value) && Math.abs(value) < 1e21 ? `${Object.is(value, -0) ? '-0' : value}.0` : String(value)

const elementsOf = (list: List): Result[] => Array.from({ length: list.size }, (_, i) => list.at(i))
