/** A regular expression as a program for a machine that tries all alternatives at once (Thompson, Pike). */
import type { CharSet } from './char-set.ts'
import { RegExpSyntaxError } from './syntax.ts'
import type { Assertion, Node } from './syntax.ts'

export type Instruction =
  | { readonly op: 'set'; readonly set: CharSet; readonly next: number }
  /** Tries `next` before `other`. */
  | { readonly op: 'split'; next: number; other: number }
  | { readonly op: 'assert'; readonly assertion: Assertion; readonly next: number }
  | { readonly op: 'match' }

export interface PatternProgram {
  readonly instructions: readonly Instruction[]
  readonly start: number
  /** Whether it asks for more than the begin and the end of the text. */
  readonly looksAround: boolean
}

/** Upstream allows a few million; these would make every character of a text cost as many steps. */
const MAX_INSTRUCTIONS = 100_000

/** Throws RegExpSyntaxError where it would be too large. */
export function compileProgram(node: Node, pattern: string): PatternProgram {
  const instructions: Instruction[] = [{ op: 'match' }]
  const add = (instruction: Instruction): number => {
    if (instructions.length >= MAX_INSTRUCTIONS) throw new RegExpSyntaxError('expression too large', pattern)
    return instructions.push(instruction) - 1
  }
  const split = (first: number, second: number, greedy: boolean): number =>
    add({ op: 'split', next: greedy ? first : second, other: greedy ? second : first })

  /** Instructions for `one` that go on at `next`; where they begin. */
  const emit = (one: Node, next: number): number => {
    switch (one.kind) {
      case 'empty':
        return next
      case 'set':
        return add({ op: 'set', set: one.set, next })
      case 'assert':
        return add({ op: 'assert', assertion: one.assertion, next })
      case 'sequence':
        return one.nodes.reduceRight((after, part) => emit(part, after), next)
      case 'choice':
        return one.nodes
          .map((part) => emit(part, next))
          .reduceRight((other, first) => add({ op: 'split', next: first, other }))
      case 'repeat':
        return emitRepeat(one, next)
    }
  }

  const emitRepeat = ({ node: inner, min, max, greedy }: Node & { kind: 'repeat' }, next: number): number => {
    let after = next
    if (max === Infinity) {
      const loop = { op: 'split' as const, next: 0, other: 0 }
      const at = add(loop)
      const body = emit(inner, at)
      Object.assign(loop, greedy ? { next: body, other: next } : { next, other: body })
      // `x+` enters at the body, so that one round is not optional.
      after = min > 0 ? body : at
      for (let i = 1; i < min; i++) after = emit(inner, after)
      return after
    }
    for (let i = min; i < max; i++) after = split(emit(inner, after), next, greedy)
    for (let i = 0; i < min; i++) after = emit(inner, after)
    return after
  }

  const start = emit(node, 0)
  const looksAround = instructions.some(
    (one) => one.op === 'assert' && one.assertion !== 'beginText' && one.assertion !== 'endText',
  )
  return { instructions, start, looksAround }
}
