/**
 * What is wrong with a value, as it is found: each thing once, with how many checks were made, by which the alternatives of
 * an `anyOf` are compared. Upstream: `validate.Result` and the errors of `kube-openapi/pkg/validation/errors`.
 */
import { type FieldError, isAllThatIsTold } from '#machinery/status-error.ts'
import {
  child,
  invalidAt,
  placed,
  requiredAt,
  tooLongAt,
  tooManyAt,
  typeInvalidAt,
  unsupportedAt,
} from './field-errors.ts'

/** Makes the error, given the place of the value that was validated. */
type Finding = (path: string) => FieldError

export class Findings {
  /** By the sentence that upstream has for it. */
  readonly #found = new Map<string, Finding>()
  #matches = 0
  /** Of all sentences together. */
  #length = 0

  get isEmpty(): boolean {
    return this.#found.size === 0
  }

  get matches(): number {
    return this.#matches
  }

  matched(times = 1) {
    this.#matches += times
  }

  /** There is as much as is told. */
  get #isFull(): boolean {
    return isAllThatIsTold(this.#found.size, this.#length)
  }

  merge(other: Findings) {
    for (const [sentence, finding] of other.#found) {
      if (this.#isFull) break
      this.#add(sentence, finding)
    }
    this.#matches += other.#matches
  }

  errors(path: string): FieldError[] {
    return [...this.#found.values()].map((make) => make(path))
  }

  /** `value`: what the type is in fact, or a text that is not of the format. */
  addType(path: string, type: string, value: string) {
    const sentence = `${path} in body must be of type ${type}: ${JSON.stringify(value)}`
    this.#add(sentence, (root) => typeInvalidAt(within(root, path), value, sentence))
  }

  addEnum(path: string, value: unknown, allowed: readonly unknown[]) {
    if (this.#isFull) return
    const texts = allowed.map((one) => (typeof one === 'string' ? one : JSON.stringify(one)))
    this.#add(`${path} in body should be one of [${texts.join(' ')}]`, (root) =>
      unsupportedAt(within(root, path), value, texts),
    )
  }

  addTooLong(path: string, max: number) {
    this.#add(`${path} in body should be at most ${max} chars long`, (root) => tooLongAt(within(root, path), max))
  }

  addTooMany(path: string, count: number, max: number) {
    this.#add(`${path} in body should have at most ${max}`, (root) => tooManyAt(within(root, path), count, max))
  }

  addRequired(path: string) {
    this.#add(`${path} in body is required`, (root) => requiredAt(within(root, path)))
  }

  addForbidden(path: string, name: string) {
    const sentence = `${path}.${name} in body is a forbidden property`
    this.#add(sentence, (root) => invalidAt(within(root, path), name, sentence))
  }

  addInvalid(path: string, value: unknown, why: string) {
    const sentence = `${path} in body ${why}`
    this.#add(sentence, (root) => invalidAt(within(root, path), value, sentence))
  }

  /** Something that is said of no place in particular. */
  addSentence(sentence: string) {
    this.#add(sentence, (root) => invalidAt(placed(root), '', sentence))
  }

  addAll(findings: readonly NumberFinding[]) {
    for (const { path, value, sentence } of findings) {
      if (path === undefined) this.addSentence(sentence)
      else this.#add(sentence, (root) => invalidAt(within(root, path), value, sentence))
    }
  }

  #add(sentence: string, finding: Finding) {
    if (this.#isFull || this.#found.has(sentence)) return
    this.#found.set(sentence, finding)
    this.#length += sentence.length
  }
}

/** What is wrong with a number, in one sentence; of no place in particular where there is no `path`. */
export interface NumberFinding {
  readonly path: string | undefined
  readonly value: number
  readonly sentence: string
}

function within(root: string, path: string): string {
  const name = path.startsWith('.') ? path.slice(1) : path
  return name === '' ? root : child(root, name)
}
