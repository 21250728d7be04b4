/**
 * OpenAPI over HTTP: v2 as JSON or protobuf, v3 as JSON only; clients that ask for another form first are told so and ask
 * again. Both forms of a document have the same ETag, which `vary: Accept` allows. Upstream: `kube-openapi/pkg/handler`.
 */
import { createHash } from 'node:crypto'
import { encodeOpenApiV2 } from '../openapi/openapi-v2-protobuf.ts'
import { notAcceptable } from './negotiate.ts'
import type { PathHandler } from './path-handler.ts'

const V2 = '/openapi/v2'
const V3 = '/openapi/v3'
const JSON_TYPE = 'application/json'
const PROTOBUF_TYPE = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf'

/** What clients may ask for, with the type of the answer; the first is for those who take anything. */
const jsonOnly: ReadonlyMap<string, string> = new Map([[JSON_TYPE, JSON_TYPE]])
const jsonOrProtobuf: ReadonlyMap<string, string> = new Map([
  ...jsonOnly,
  [PROTOBUF_TYPE, PROTOBUF_TYPE],
  // The @ is no valid character of a media type, but kubectl asks so.
  ['application/com.github.proto-openapi.spec.v2@v1.0+protobuf', PROTOBUF_TYPE],
])

export interface ServedDocuments {
  v2(): Buffer
  v3Index(): Buffer
  /** `path` is as the index has it; a promise where somebody else serves what is there. */
  v3(path: string): Buffer | undefined | Promise<Buffer | undefined>
}

export function openApiPaths(documents: () => ServedDocuments): PathHandler {
  const etagOf = onceForEach((json) => `"${createHash('sha512').update(json).digest('hex').toUpperCase()}"`)
  const protobufOf = onceForEach((json) => encodeOpenApiV2(JSON.parse(json.toString())))
  return {
    handle(path, req, query) {
      const found = documentAt(documents, path)
      return found instanceof Promise ? found.then(answer) : answer(found)

      function answer(json: Buffer | undefined) {
        if (!json) return undefined
        const contentType = negotiated(String(req.headers.accept ?? ''), path === V2 ? jsonOrProtobuf : jsonOnly)
        const etag = etagOf(json)
        // A document asked for by its hash never changes.
        const cache = query.has('hash') ? 'public, immutable' : 'no-cache, private'
        const headers = { etag, vary: 'Accept', 'cache-control': cache }
        if (req.headers['if-none-match'] === etag) return { code: 304, body: '', contentType, headers }
        return { code: 200, body: contentType === PROTOBUF_TYPE ? protobufOf(json) : json, contentType, headers }
      }
    },
  }
}

/** Remembers what was made of a document for as long as that document is kept. */
function onceForEach<T>(make: (json: Buffer) => T): (json: Buffer) => T {
  const made = new WeakMap<Buffer, T>()
  return (json) => {
    const found = made.get(json) ?? make(json)
    made.set(json, found)
    return found
  }
}

function documentAt(documents: () => ServedDocuments, path: string): Buffer | undefined | Promise<Buffer | undefined> {
  if (path === V2) return documents().v2()
  if (path === V3 || path === `${V3}/`) return documents().v3Index()
  return path.startsWith(`${V3}/`) ? documents().v3(path.slice(V3.length + 1)) : undefined
}

/** The type of the answer: of what is offered the one that the client likes best. Throws NotAcceptable. */
function negotiated(accept: string, offered: ReadonlyMap<string, string>): string {
  const wanted = (accept.trim() || '*/*').split(',').map((alternative) => {
    const [type = '', ...parameters] = alternative.split(';').map((part) => part.trim().toLowerCase())
    const weight = Number(parameters.find((parameter) => parameter.startsWith('q='))?.slice(2) ?? 1)
    return { type, weight: Number.isNaN(weight) ? 1 : weight }
  })
  for (const { type } of wanted.toSorted((a, b) => b.weight - a.weight)) {
    const found = type === '*/*' || type === 'application/*' ? JSON_TYPE : offered.get(type)
    if (found) return found
  }
  throw notAcceptable([...new Set(offered.values())].join(', '))
}
