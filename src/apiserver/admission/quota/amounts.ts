/** Amounts by resource name, as quotas bound and count them. Immutable; a name that is not there counts as nothing. */
import { Quantity } from '#machinery/quantity.ts'

export type Amounts = ReadonlyMap<string, Quantity>

export const NOTHING: ReadonlyMap<string, Quantity> = new Map()
export const ZERO = Quantity.of(0)
export const ONE = Quantity.of(1)

export const parseAmounts = (texts: Readonly<Record<string, string>> | undefined): Amounts =>
  new Map(Object.entries(texts ?? {}).map(([name, text]) => [name, Quantity.parse(text)]))

/** As in the API, names in alphabetical order. */
export const amountTexts = (amounts: Amounts): Record<string, string> =>
  Object.fromEntries([...amounts].toSorted(byName).map(([name, amount]) => [name, amount.toString()]))

/** `cpu=1,pods=3`, as messages show amounts. */
export const amountsText = (amounts: Amounts): string =>
  [...amounts]
    .toSorted(byName)
    .map(([name, amount]) => `${name}=${amount}`)
    .join(',')

const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]) => (a < b ? -1 : 1)

/** The larger of both for each name. */
export function largest(a: Amounts | undefined, b: Amounts | undefined): Amounts {
  if (!a || a.size === 0) return b ?? NOTHING
  if (!b || b.size === 0) return a
  const all = new Map(a)
  for (const [name, amount] of b) {
    const other = all.get(name)
    if (other === undefined || amount.cmp(other) > 0) all.set(name, amount)
  }
  return all
}

/** Those of `names`. */
export const only = (amounts: Amounts, names: { has(name: string): boolean }): Amounts =>
  new Map([...amounts].filter(([name]) => names.has(name)))

/** The same names with the same amounts, however they are written. */
export function sameAmounts(a: Amounts, b: Amounts): boolean {
  if (a.size !== b.size) return false
  for (const [name, amount] of a) if (!b.get(name)?.equals(amount)) return false
  return true
}
