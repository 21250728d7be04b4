/**
 * Regular expressions with Go's syntax, whose matching takes time in proportion to the text (upstream: package `regexp`).
 * JavaScript's own go back and try again, which a text can be made to do for minutes.
 */
import { Automaton } from './automaton.ts'
import { Matcher } from './matcher.ts'
import type { Match } from './matcher.ts'
import { compileProgram } from './program.ts'
import type { PatternProgram } from './program.ts'
import { RegExpSyntaxError, parsePattern } from './syntax.ts'

export class Pattern {
  readonly #program: PatternProgram
  readonly #automaton: Automaton | undefined

  constructor(program: PatternProgram) {
    this.#program = program
    this.#automaton = program.looksAround ? undefined : new Automaton(program)
  }

  /** Whether there is a match anywhere. Throws TooManySteps. */
  test(text: string): boolean {
    return this.#automaton ? this.#automaton.test(text) : new Matcher(this.#program).find(text, 0) !== undefined
  }

  /** The first match. Throws TooManySteps. */
  find(text: string): string | undefined {
    const match = new Matcher(this.#program).find(text, 0)
    return match && text.slice(match.start, match.end)
  }

  /** Matches that do not overlap, at most `limit` of them. Throws TooManySteps. */
  findAll(text: string, limit: number): string[] {
    const found: string[] = []
    const matcher = new Matcher(this.#program)
    let previousEnd = -1
    for (let at = 0; at <= text.length && found.length < limit;) {
      const match: Match | undefined = matcher.find(text, at)
      if (!match) break
      // An empty match right after another one does not count.
      const counts = match.end > match.start || match.start !== previousEnd
      if (counts) found.push(text.slice(match.start, match.end))
      previousEnd = match.end
      at = match.end > match.start ? match.end : match.end + ((text.codePointAt(match.end) ?? 0) > 0xffff ? 2 : 1)
    }
    return found
  }
}

/** Or what is wrong with it, in Go's words. */
export function compileRegExp(pattern: string): Pattern | { readonly message: string } {
  try {
    return new Pattern(compileProgram(parsePattern(pattern), pattern))
  } catch (error) {
    if (error instanceof RegExpSyntaxError) return { message: error.message }
    throw error
  }
}
