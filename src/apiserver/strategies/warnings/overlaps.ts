/** Files of a volume that would hide one another. Upstream: `warningsForOverlappingVirtualPaths`. */

interface File {
  path: string
  /** Where it comes from, in volumes with several sources. */
  source: string
}

type Spec = Record<string, any>

function withoutSlash(path: string): string {
  let end = path.length
  while (path[end - 1] === '/') end--
  return path.slice(0, end)
}
const shown = ({ path, source }: File) => JSON.stringify(path) + (source && ` (${source})`)
const isWithin = (inner: string, outer: string) => `${inner}/`.startsWith(`${outer}/`)

/** Far more than any client is told of. */
const MAX_OVERLAPS = 1000

/** What is within another path follows it closely, when they are sorted. */
function overlapsOf(files: readonly File[]): string[] {
  const sorted = files
    .map(({ path, source }, place) => ({ path: withoutSlash(path), source, place }))
    .filter(({ path }) => path)
    .map((file) => ({ ...file, key: `${file.path}/` }))
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : a.place - b.place))
  const around: typeof sorted = []
  const pairs: (readonly [File & { place: number }, File & { place: number }])[] = []
  for (const file of sorted) {
    while (around.length > 0 && !isWithin(file.path, around.at(-1)!.path)) around.pop()
    for (const other of around) {
      if (pairs.length >= MAX_OVERLAPS) break
      pairs.push(other.place < file.place ? [file, other] : [other, file])
    }
    around.push(file)
  }
  pairs.sort(([a, x], [b, y]) => a.place - b.place || x.place - y.place)
  return pairs.map(([file, other]) => `${shown(file)} with ${shown(other)}`)
}

const filesOf = (items: readonly Spec[] = [], source = ''): File[] => items.map(({ path = '' }) => ({ path, source }))

const quotedName = (kind: string, name: string | undefined) => `${kind} ${JSON.stringify(name ?? '')}`

/** Upstream looks at the first kind of a source that is there. */
function projectedFiles(source: Spec): File[] {
  const { configMap, secret, downwardAPI, serviceAccountToken: token } = source
  if (configMap?.items) return filesOf(configMap.items, quotedName('ConfigMap', configMap.name))
  if (secret?.items) return filesOf(secret.items, quotedName('Secret', secret.name))
  if (downwardAPI?.items) return filesOf(downwardAPI.items, 'DownwardAPI')
  if (token) return [{ path: token.path ?? '', source: 'ServiceAccountToken' }]
  return []
}

export function overlapWarnings(volumes: readonly Spec[]): string[] {
  return volumes.flatMap((volume) => {
    const { name, configMap, secret, downwardAPI, projected } = volume
    const say = (what: string, files: readonly File[]) =>
      overlapsOf(files).map((overlap) => `volume ${JSON.stringify(name)} (${what}): overlapping paths: ${overlap}`)
    if (configMap) return say(quotedName('ConfigMap', configMap.name), filesOf(configMap.items))
    if (secret) return say(quotedName('Secret', secret.secretName), filesOf(secret.items))
    if (downwardAPI) return say('DownwardAPI', filesOf(downwardAPI.items))
    if (!projected) return []
    const sources: Spec[] = projected.sources ?? []
    const empty = sources.filter((source) => Object.keys(source).length === 0)
    return [
      ...empty.map(() => `volume ${JSON.stringify(name)} (Projected) has no sources provided`),
      ...say('Projected', sources.flatMap(projectedFiles)),
    ]
  })
}
