/** Patterns of schemas: regular expressions as Go has them, which take time in proportion to the text. */
import { TooManySteps } from '#cel/regexp/matcher.ts'
import { compileRegExp, type Pattern as GoPattern } from '#cel/regexp/regexp.ts'

/** A text that is no regular expression. */
export class PatternError extends Error {
  override readonly name = 'PatternError'
}

export class Pattern {
  readonly #pattern: GoPattern

  /** Throws PatternError, with Go's words. */
  constructor(source: string) {
    const compiled = compileRegExp(source)
    if ('message' in compiled) throw new PatternError(compiled.message)
    this.#pattern = compiled
  }

  /** Whether the pattern is found anywhere in `text`. One that is too large for the text is not. */
  test(text: string): boolean {
    try {
      return this.#pattern.test(text)
    } catch (err) {
      if (err instanceof TooManySteps) return false
      throw err
    }
  }
}
