/**
 * Finding matches, leftmost first and by the preferences that the expression states (`|` its left side, `*` as much as
 * possible, `*?` as little): all alternatives advance together, one character at a time, in the order of preference
 * (Pike's machine). Time is proportional to the text times the expression.
 */
import type { Assertion } from './syntax.ts'
import type { Instruction, PatternProgram } from './program.ts'

/** More steps than this are not taken for one text. About a second. */
export const MAX_STEPS = 100_000_000

/** Ends a search that takes too long. */
export class TooManySteps extends Error {}

export interface Match {
  readonly start: number
  readonly end: number
}

/** Alternatives that are alive, in order of preference, each with where its match begins. */
class Threads {
  readonly at: Int32Array
  readonly starts: Int32Array
  readonly #seen: Int32Array
  size = 0
  #round = 0

  constructor(capacity: number) {
    this.at = new Int32Array(capacity)
    this.starts = new Int32Array(capacity)
    this.#seen = new Int32Array(capacity)
  }

  clear(): void {
    this.size = 0
    this.#round++
  }

  /** Whether the instruction is new in this round. */
  visit(instruction: number): boolean {
    if (this.#seen[instruction] === this.#round) return false
    this.#seen[instruction] = this.#round
    return true
  }

  push(instruction: number, start: number): void {
    this.at[this.size] = instruction
    this.starts[this.size++] = start
  }
}

export class Matcher {
  readonly #instructions: readonly Instruction[]
  readonly #start: number
  readonly #stack: number[] = []
  #steps = 0

  constructor({ instructions, start }: PatternProgram) {
    this.#instructions = instructions
    this.#start = start
  }

  /** The first match at `from` or later; undefined without one. Throws TooManySteps. */
  find(text: string, from: number): Match | undefined {
    let current = new Threads(this.#instructions.length)
    let next = new Threads(this.#instructions.length)
    let match: Match | undefined
    current.clear()
    for (let at = from; ;) {
      if (!match) this.#add(current, this.#start, at, text, at)
      if (current.size === 0 && match) return match
      const code = text.codePointAt(at)
      const width = code !== undefined && code > 0xffff ? 2 : 1
      next.clear()
      this.#steps += current.size
      if (this.#steps > MAX_STEPS) throw new TooManySteps()
      for (let i = 0; i < current.size; i++) {
        const instruction = this.#instructions[current.at[i]!]!
        if (instruction.op === 'match') {
          match = { start: current.starts[i]!, end: at }
          break
        }
        if (instruction.op === 'set' && code !== undefined && instruction.set.has(code))
          this.#add(next, instruction.next, current.starts[i]!, text, at + width)
      }
      if (code === undefined) return match
      at += width
      const swap = current
      current = next
      next = swap
    }
  }

  /** Adds a thread at `from`, through everything that takes no character. */
  #add(threads: Threads, from: number, start: number, text: string, at: number): void {
    const stack = this.#stack
    stack.push(from)
    while (stack.length > 0) {
      const index = stack.pop()!
      if (!threads.visit(index)) continue
      this.#steps++
      const instruction = this.#instructions[index]!
      if (instruction.op === 'split') stack.push(instruction.other, instruction.next)
      else if (instruction.op !== 'assert') threads.push(index, start)
      else if (holds(instruction.assertion, text, at)) stack.push(instruction.next)
    }
  }
}

const isWord = (code: number): boolean =>
  (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || code === 95 || (code >= 97 && code <= 122)

export function holds(assertion: Assertion, text: string, at: number): boolean {
  switch (assertion) {
    case 'beginText':
      return at === 0
    case 'endText':
      return at === text.length
    case 'beginLine':
      return at === 0 || text.charCodeAt(at - 1) === 10
    case 'endLine':
      return at === text.length || text.charCodeAt(at) === 10
    case 'wordBoundary':
    case 'noWordBoundary': {
      const before = at > 0 && isWord(text.charCodeAt(at - 1))
      const after = at < text.length && isWord(text.charCodeAt(at))
      return (before !== after) === (assertion === 'wordBoundary')
    }
  }
}
