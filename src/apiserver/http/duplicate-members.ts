/**
 * Finds members that stand twice in one JSON object, which `JSON.parse` silently merges. Nearly every body has none, so
 * a count decides first whether to look closely: a text without duplicates holds exactly as many `":` as its value has
 * members. More of them are duplicates, or stand in strings; fewer, and white space stands before colons.
 */

/** As many as upstream tells of. */
const MAX_FOUND = 100

/** Paths such as `spec.replicas`, each once, the first of them where there are very many. `text` is valid JSON, and its value has `members` members in all. */
export function duplicateMembers(text: string, members: number): string[] {
  let colons = 0
  for (let at = text.indexOf('":'); at >= 0; at = text.indexOf('":', at + 2)) colons++
  return colons === members && !/"\s+:/.test(text) ? [] : scan(text)
}

type Frame = { path: string; seen: Set<string> } | { path: string; index: number }

function scan(text: string): string[] {
  const found = new Set<string>()
  const stack: Frame[] = []
  let path = ''
  let i = 0
  const string = () => {
    const start = i++
    while (text[i] !== '"') i += text[i] === '\\' ? 2 : 1
    return JSON.parse(text.slice(start, ++i)) as string
  }
  const elementPath = (frame: Frame) => ('index' in frame ? `${frame.path}[${frame.index}]` : path)
  while (i < text.length && found.size < MAX_FOUND) {
    const frame = stack.at(-1)
    switch (text[i]) {
      case '{':
        stack.push({ path: frame ? elementPath(frame) : '', seen: new Set() })
        i++
        break
      case '[':
        stack.push({ path: frame ? elementPath(frame) : '', index: 0 })
        i++
        break
      case '}':
      case ']':
        stack.pop()
        i++
        break
      case ',':
        if (frame && 'index' in frame) frame.index++
        i++
        break
      case '"': {
        const value = string()
        while (/\s/.test(text[i] ?? '')) i++
        if (frame && 'seen' in frame && text[i] === ':') {
          path = frame.path ? `${frame.path}.${value}` : value
          if (frame.seen.has(value)) found.add(path)
          frame.seen.add(value)
        }
        break
      }
      default:
        i++
    }
  }
  return [...found]
}
