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

/** Up to so many elements upstream's way of sorting shows; beyond, new ones stand where they are. */
const FEW = 20

/**
 * In the order of the live list, with those that are there twice side by side. Where one of two elements is new, the later
 * one goes before the other; only lists whose order names nothing have such.
 */
function inLiveOrder(others: unknown[], lived: ReadonlyMap<unknown, number>, idOf: IdOf): unknown[] {
  const places = others.map((element) => lived.get(idOf(element)))
  if (others.length > FEW) {
    const placeOf = (element: unknown) => lived.get(idOf(element)) ?? Infinity
    return others.sort((a, b) => placeOf(a) - placeOf(b) || 0)
  }
  for (let i = 1; i < others.length; i++) {
    for (let j = i; j > 0; j--) {
      const [before, after] = [places[j - 1], places[j]]
      if (before !== undefined && after !== undefined && before <= after) break
      ;[others[j - 1], others[j]] = [others[j], others[j - 1]]
      ;[places[j - 1], places[j]] = [after, before]
    }
  }
  return others
}
