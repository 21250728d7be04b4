/**
 * The order of the elements of a list that a strategic merge patch merges: what the patch orders stands in that order, and
 * the others as near to where they stood as that allows. Upstream: `normalizeElementOrder` of `strategicpatch`.
 */

/** What tells elements apart: the value of their merge key, or the element itself. */
export type IdOf = (element: unknown) => unknown

/** Where each element stands first. */
export function positions(list: readonly unknown[], idOf: IdOf): Map<unknown, number> {
  const at = new Map<unknown, number>()
  list.forEach((element, i) => {
    const id = idOf(element)
    if (!at.has(id)) at.set(id, i)
  })
  return at
}

/** Elements that `order` names stand in its order; the others stand before whatever follows them in `live`. */
export function inOrder(
  list: readonly unknown[],
  order: readonly unknown[],
  live: readonly unknown[],
  idOf: IdOf,
): unknown[] {
  const wanted = positions(order, idOf)
  const lived = positions(live, idOf)
  const named = list
    .filter((element) => wanted.has(idOf(element)))
    .sort((a, b) => wanted.get(idOf(a))! - wanted.get(idOf(b))!)
  const others = inLiveOrder(
    list.filter((element) => !wanted.has(idOf(element))),
    lived,
    idOf,
  )
  const out: unknown[] = []
  let next = 0
  for (const element of named) {
    const at = lived.get(idOf(element)) ?? -1
    while (next < others.length && (lived.get(idOf(others[next])) ?? Infinity) < at) out.push(others[next++])
    out.push(element)
  }
  return [...out, ...others.slice(next)]
}

/** Elements that are there twice stand side by side; those that are new stay behind. */
function inLiveOrder(others: unknown[], lived: ReadonlyMap<unknown, number>, idOf: IdOf): unknown[] {
  if (others.length < 2) return others
  const placeOf = (element: unknown) => lived.get(idOf(element)) ?? Infinity
  // Infinity less itself is not a number, and as good as 0.
  return others.sort((a, b) => placeOf(a) - placeOf(b) || 0)
}
