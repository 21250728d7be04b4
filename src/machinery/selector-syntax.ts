/**
 * Reads the query syntax of label selectors, as in `kubectl get -l` and `?labelSelector=`:
 *
 *     requirements = requirement { "," requirement }
 *     requirement  = [ "!" ] key | key ( "=" | "==" | "!=" | ">" | "<" ) value | key ( "in" | "notin" ) "(" values ")"
 *
 * `in` and `notin` are operators only after a key, and plain words elsewhere. Messages are those of upstream's parser,
 * since users see them.
 */
import { type LabelOperator, type LabelRequirement, LabelSelector, requirement, SelectorError } from './labels.ts'
import { labelKeyErrors } from './labels-validation.ts'

interface Token {
  kind: 'word' | 'symbol' | 'end'
  text: string
}

/** Throws SelectorError. An empty text selects everything. */
export function parseLabelSelector(text: string): LabelSelector {
  if (text === '') return LabelSelector.everything
  return LabelSelector.of(new SelectorParser(text).requirements())
}

const symbols = new Set([')', ',', '!', '==', '=', '>', '<', '!=', '('])
const binaryOperators: ReadonlyMap<string, LabelOperator> = new Map([
  ['in', 'in'],
  ['notin', 'notin'],
  ['=', '='],
  ['==', '=='],
  ['!=', '!='],
  ['>', 'gt'],
  ['<', 'lt'],
])
const EXPECTED_OPERATORS = 'in, notin, =, ==, !=, gt, lt'

function tokenize(text: string): Token[] {
  const tokens: Token[] = []
  // A NUL ends the text, as it does upstream.
  const end = text.indexOf('\0')
  for (const [piece] of (end < 0 ? text : text.slice(0, end)).matchAll(/[=!(),><]+|[^=!(),>< \t\r\n]+/g)) {
    if (!/^[=!(),><]/.test(piece)) tokens.push({ kind: 'word', text: piece })
    else tokens.push(...splitSymbols(piece))
  }
  tokens.push({ kind: 'end', text: '' })
  return tokens
}

/** `!=` and `==` before `!` and `=`. Every single symbol is one by itself, so that the run always splits. */
function splitSymbols(run: string): Token[] {
  const tokens: Token[] = []
  for (let i = 0; i < run.length;) {
    const two = run.slice(i, i + 2)
    const text = two.length === 2 && symbols.has(two) ? two : run[i]!
    tokens.push({ kind: 'symbol', text })
    i += text.length
  }
  return tokens
}

class SelectorParser {
  readonly #tokens: Token[]
  #position = 0

  constructor(text: string) {
    this.#tokens = tokenize(text)
  }

  requirements(): LabelRequirement[] {
    const out: LabelRequirement[] = []
    for (;;) {
      const token = this.#peek()
      if (token.kind === 'end') return out
      if (!startsRequirement(token)) fail(`found '${token.text}', expected: !, identifier, or 'end of string'`)
      out.push(this.#requirement())
      const next = this.#take()
      if (next.kind === 'end') return out
      if (next.text !== ',') fail(`found '${next.text}', expected: ',' or 'end of string'`)
      const after = this.#peek()
      if (!startsRequirement(after)) fail(`found '${after.text}', expected: identifier after ','`)
    }
  }

  #requirement(): LabelRequirement {
    try {
      let token = this.#take()
      const negated = isSymbol(token, '!')
      if (negated) token = this.#take()
      if (token.kind !== 'word') fail(`found '${token.text}', expected: identifier`)
      const key = token.text
      const keyErrors = labelKeyErrors(key)
      // Upstream prints the path of the key, of which there is none here, as <nil>.
      if (keyErrors.length > 0) fail(`<nil>: Invalid value: ${JSON.stringify(key)}: ${keyErrors.join('; ')}`)
      const next = this.#peek()
      if (negated) return requirement(key, '!', [])
      if (next.kind === 'end' || isSymbol(next, ',')) return requirement(key, 'exists', [])
      const operatorToken = this.#take()
      const operator = binaryOperators.get(operatorToken.text)
      if (!operator) fail(`found '${operatorToken.text}', expected: ${EXPECTED_OPERATORS}`)
      const values = operator === 'in' || operator === 'notin' ? this.#values() : [this.#exactValue()]
      return requirement(key, operator, values)
    } catch (cause) {
      if (cause instanceof SelectorError) {
        throw new SelectorError(`unable to parse requirement: ${cause.message}`, { cause })
      }
      throw cause
    }
  }

  #exactValue(): string {
    const next = this.#peek()
    if (next.kind === 'end' || isSymbol(next, ',')) return ''
    const token = this.#take()
    if (token.kind !== 'word') fail(`found '${token.text}', expected: identifier`)
    return token.text
  }

  /** A parenthesised list in which an empty place is the empty value: `(,a)` is "" and "a", and so is `()` just "". */
  #values(): string[] {
    const open = this.#take()
    if (!isSymbol(open, '(')) fail(`found '${open.text}' expected: '('`)
    const values = new Set<string>()
    const first = this.#peek()
    if (isSymbol(first, ')')) {
      this.#take()
      return ['']
    }
    if (first.kind !== 'word' && !isSymbol(first, ',')) {
      fail(`found '${first.text}', expected: ',', ')' or identifier`)
    }
    for (;;) {
      const token = this.#take()
      if (token.kind === 'word') {
        values.add(token.text)
        const next = this.#peek()
        if (isSymbol(next, ')')) break
        if (!isSymbol(next, ',')) fail(`found '${next.text}', expected: ',' or ')'`)
      } else if (isSymbol(token, ',')) {
        const next = this.#peek()
        if (values.size === 0 || isSymbol(next, ',') || isSymbol(next, ')')) values.add('')
        if (isSymbol(next, ')')) break
      } else fail(`found '${token.text}', expected: ',', or identifier`)
    }
    this.#take()
    return [...values]
  }

  #peek(): Token {
    return this.#tokens[this.#position]!
  }

  #take(): Token {
    const token = this.#peek()
    if (token.kind !== 'end') this.#position++
    return token
  }
}

function isSymbol(token: Token, text: string): boolean {
  return token.kind === 'symbol' && token.text === text
}

function startsRequirement(token: Token): boolean {
  return token.kind === 'word' || isSymbol(token, '!')
}

function fail(message: string): never {
  throw new SelectorError(message)
}
