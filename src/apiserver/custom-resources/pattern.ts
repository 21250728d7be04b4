/** Patterns of schemas: regular expressions as RE2 has them, which take linear time. */

export interface Pattern {
  /** Whether the pattern is found anywhere in `text`. */
  test(text: string): boolean
}

/** A text that is no regular expression. */
export class PatternError extends Error {
  override readonly name = 'PatternError'
}

/** Throws PatternError with RE2's words. */
export function compilePattern(source: string): Pattern {
  try {
    return new RegExp(source, 'u')
  } catch (cause) {
    throw new PatternError((cause as Error).message, { cause })
  }
}
