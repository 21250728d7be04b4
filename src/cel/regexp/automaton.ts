/**
 * Whether there is a match anywhere, by a deterministic automaton that is built as texts are seen: each state is a set of
 * alternatives, each transition is worked out once per ASCII character. For expressions that ask for nothing but the
 * begin and the end of the text. Bounded: past a number of states it starts over.
 */
import { MAX_STEPS, TooManySteps } from './matcher.ts'
import type { Instruction, PatternProgram } from './program.ts'

const ASCII = 128
const MAX_STATES = 500

interface State {
  /** Instructions to go on from, in ascending order. */
  readonly at: readonly number[]
  /** A match is complete. */
  readonly accepts: boolean
  /** A match is complete if the text ends here. */
  readonly acceptsAtEnd: boolean
  readonly transitions: (State | undefined)[]
}

export class Automaton {
  readonly #instructions: readonly Instruction[]
  readonly #start: number
  #states = new Map<string, State>()
  #initial: State | undefined

  constructor({ instructions, start }: PatternProgram) {
    this.#instructions = instructions
    this.#start = start
  }

  /** Throws TooManySteps. */
  test(text: string): boolean {
    let steps = 0
    this.#initial ??= this.#state([this.#start], true)
    let state = this.#initial
    for (let at = 0; at < text.length;) {
      if (state.accepts) return true
      if (state.at.length === 0) return false
      const code = text.charCodeAt(at)
      const known = code < ASCII ? state.transitions[code] : undefined
      if (known) {
        state = known
        at++
        continue
      }
      const point = text.codePointAt(at)!
      steps += state.at.length + this.#instructions.length
      if (steps > MAX_STEPS) throw new TooManySteps()
      const next = this.#after(state, point)
      if (code < ASCII) state.transitions[code] = next
      state = next
      at += point > 0xffff ? 2 : 1
    }
    return state.accepts || state.acceptsAtEnd
  }

  #after(state: State, code: number): State {
    const reached: number[] = []
    for (const index of state.at) {
      const instruction = this.#instructions[index]!
      if (instruction.op === 'set' && instruction.set.has(code)) reached.push(instruction.next)
    }
    // A match may also begin here.
    reached.push(this.#start)
    return this.#state(reached, false)
  }

  #state(from: readonly number[], atBegin: boolean): State {
    const at = [...this.#closure(from, atBegin, false)].toSorted((a, b) => a - b)
    const key = `${atBegin}:${at.join()}`
    const known = this.#states.get(key)
    if (known) return known
    if (this.#states.size >= MAX_STATES) {
      this.#states = new Map()
      this.#initial = undefined
    }
    const isMatch = (index: number) => this.#instructions[index]!.op === 'match'
    const state: State = {
      at,
      accepts: at.some(isMatch),
      acceptsAtEnd: [...this.#closure(at, atBegin, true)].some(isMatch),
      transitions: [],
    }
    this.#states.set(key, state)
    return state
  }

  /** What can be reached without a character. An assertion about the end stays, until the end is there. */
  #closure(from: readonly number[], atBegin: boolean, atEnd: boolean): Set<number> {
    const seen = new Set<number>()
    const out = new Set<number>()
    const stack = [...from]
    while (stack.length > 0) {
      const index = stack.pop()!
      if (seen.has(index)) continue
      seen.add(index)
      const instruction = this.#instructions[index]!
      if (instruction.op === 'split') stack.push(instruction.next, instruction.other)
      else if (instruction.op !== 'assert') out.add(index)
      else if (instruction.assertion === 'beginText' ? atBegin : atEnd) stack.push(instruction.next)
      else if (instruction.assertion === 'endText') out.add(index)
    }
    return out
  }
}
