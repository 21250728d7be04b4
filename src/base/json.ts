/** Values as `JSON.parse` makes them: copying, measuring, and the one member name that JavaScript treats specially. */

/** Whether a JSON value is an object with members. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A copy that shares nothing with `value`. */
export function copyJson<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(copyJson) as T
  const out: Record<string, unknown> = {}
  for (const key in value) setMember(out, key, copyJson(value[key]))
  return out as T
}

/**
 * Makes a JSON value immutable, all the way down, and returns it. What is frozen already is taken to be so all the way
 * down, so that freezing it again costs nothing.
 */
export function freezeJson<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  if (Array.isArray(value)) for (const element of value) freezeJson(element)
  else for (const key in value) freezeJson(value[key])
  return Object.freeze(value)
}

/** Like `object[key] = value`, but `__proto__` is a name like any other. */
export function setMember(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__')
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true })
  else object[key] = value
}

/** A value that is nested too deeply, or too large, to be walked through. */
export class JsonTooLarge extends Error {
  override readonly name = 'JsonTooLarge'
}

/**
 * How many members all objects inside `value` have together. Throws JsonTooLarge for more than `maxValues` values, or
 * levels of nesting beyond `maxDepth`: what passes can be walked through recursively.
 */
export function countMembers(value: unknown, maxDepth: number, maxValues: number): number {
  let members = 0
  let values = 0
  const walk = (at: unknown, depth: number) => {
    if (++values > maxValues) throw new JsonTooLarge(`more than ${maxValues} values`)
    if (typeof at !== 'object' || at === null) return
    if (depth > maxDepth) throw new JsonTooLarge('exceeded max depth')
    if (Array.isArray(at)) for (const element of at) walk(element, depth + 1)
    else
      for (const key in at) {
        members++
        walk((at as Record<string, unknown>)[key], depth + 1)
      }
  }
  walk(value, 1)
  return members
}
