/**
 * What differs between two values, as a unified diff of their JSON, for messages that refuse a change. Upstream:
 * `apimachinery/pkg/util/diff`.
 */
const CONTEXT = 3
/** Beyond this many lines only the first differences matter to anybody. */
const MAX_LINES = 1000

export function changesText(was: unknown, now: unknown): string {
  const [a, b] = [was, now].map((value) => JSON.stringify(value, undefined, 2).split('\n').slice(0, MAX_LINES)) as [
    string[],
    string[],
  ]
  const edits = editsOf(a, b)
  const isShown = edits.map((_edit, i) =>
    edits.slice(Math.max(0, i - CONTEXT), i + CONTEXT + 1).some(({ sign }) => sign !== ' '),
  )
  let text = ''
  edits.forEach(({ sign, line, a: fromA, b: fromB }, i) => {
    if (!isShown[i]) return
    if (!isShown[i - 1]) text += `${hunkHeader(edits, isShown, i, fromA, fromB)}\n`
    text += `${sign}${line}\n`
  })
  return text
}

interface Edit {
  sign: ' ' | '-' | '+'
  line: string
  /** Line numbers before this one, in either text. */
  a: number
  b: number
}

function hunkHeader(edits: readonly Edit[], isShown: readonly boolean[], start: number, a: number, b: number): string {
  let [lengthA, lengthB] = [0, 0]
  for (let i = start; isShown[i]; i++) {
    if (edits[i]!.sign !== '+') lengthA++
    if (edits[i]!.sign !== '-') lengthB++
  }
  return `@@ -${a + 1},${lengthA} +${b + 1},${lengthB} @@`
}

/** The shortest way from one list of lines to the other, by their longest common subsequence. */
function editsOf(a: readonly string[], b: readonly string[]): Edit[] {
  const width = b.length + 1
  const common = new Uint16Array((a.length + 1) * width)
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      common[i * width + j] =
        a[i] === b[j]
          ? common[(i + 1) * width + j + 1]! + 1
          : Math.max(common[(i + 1) * width + j]!, common[i * width + j + 1]!)
    }
  }
  const edits: Edit[] = []
  let [i, j] = [0, 0]
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) edits.push({ sign: ' ', line: a[i]!, a: i++, b: j++ })
    else if (j >= b.length || (i < a.length && common[(i + 1) * width + j]! >= common[i * width + j + 1]!)) {
      edits.push({ sign: '-', line: a[i]!, a: i++, b: j })
    } else edits.push({ sign: '+', line: b[j]!, a: i, b: j++ })
  }
  return edits
}
