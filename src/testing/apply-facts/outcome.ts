/** What writes are answered, as few lines: what came of them, and whose fields have changed by that. */
import { isObject } from '#base/json.ts'
import type { KubeObject } from '#api/kind.ts'
import type { Status } from '#machinery/status-error.ts'
import type { Fact } from './fact.ts'

type Answer = KubeObject | Status

/** What the steps of one fact lead to, in their order. */
export class Outcomes {
  readonly #fact: Fact
  /** By manager, what it owns. */
  #owners = new Map<string, string>()

  constructor(fact: Fact) {
    this.#fact = fact
  }

  /**
   * `201 {"x":"1"}` and a line for each manager that owns other fields than before, such as
   * `kubectl/status Update v1: status{phase conditions{. [type="Ready"]}}`, in the order of the alphabet, and
   * `- kubectl Update v1` for those that own nothing any more; or `409 Conflict: ` and the message, and of a conflict its
   * causes.
   */
  next(code: number, answer: Answer): string[] {
    if (answer.kind === 'Status') return statusLines(code, answer as Status)
    const object = answer as KubeObject
    const shown = `${code} ${JSON.stringify(this.#fact.shows(object), inAlphabet) ?? ''}`.trim()
    // A Scale does not tell.
    if (object.kind !== this.#fact.kind) return [shown]
    const before = this.#owners
    this.#owners = ownersOf(object)
    const changed = [...this.#owners].filter(([who, fields]) => before.get(who) !== fields)
    const gone = [...before.keys()].filter((who) => !this.#owners.has(who))
    return [
      shown,
      ...changed.map(([who, fields]) => `${who}: ${fields}`).sort(),
      ...gone.map((who) => `- ${who}`).sort(),
    ]
  }
}

function statusLines(code: number, { status, reason = '', message = '', details }: Status): string[] {
  if (status === 'Success') return [`${code}`]
  const causes = reason === 'Conflict' ? (details?.causes ?? []) : []
  return [`${code} ${reason}: ${message}`, ...causes.map((cause) => `${cause.reason} ${cause.field}: ${cause.message}`)]
}

function ownersOf({ metadata: { managedFields = [] } }: KubeObject): Map<string, string> {
  return new Map(
    managedFields.map(({ manager = '', operation, subresource, apiVersion, fieldsV1 }) => [
      `${manager}${subresource ? `/${subresource}` : ''} ${operation} ${apiVersion}`,
      ownedText(fieldsV1 as FieldsV1),
    ]),
  )
}

/** In the order in which maps are sent. */
const inAlphabet = (_key: string, value: unknown) =>
  isObject(value) ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) : value

interface FieldsV1 {
  readonly [element: string]: FieldsV1
}

/** `spec{replicas template{. spec}}` for the fields in a set. */
function ownedText(fields: FieldsV1): string {
  const texts = Object.entries(fields).map(([element, below]) => {
    const inner = ownedText(below)
    return `${elementText(element)}${inner && `{${inner}}`}`
  })
  return texts.join(' ')
}

function elementText(element: string): string {
  const [kind, rest] = [element.slice(0, 2), element.slice(2)]
  if (kind === 'k:') {
    const keys = Object.entries(JSON.parse(rest) as object)
    return `[${keys.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(',')}]`
  }
  return kind === 'f:' ? rest : kind === 'v:' ? `=${rest}` : element
}
