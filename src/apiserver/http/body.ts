/** Reads a request's body within its limit and parses it. */
import type { IncomingMessage } from 'node:http'
import type { Http2ServerRequest } from 'node:http2'
import { CORE_SCHEMA, load, type LoadOptions } from 'js-yaml'
import { messageOf } from '#base/errors.ts'
import { countMembers } from '#base/json.ts'
import { decodeProtobuf } from '#api/protobuf-decode.ts'
import { openEnvelope, PROTOBUF_TYPE } from '#api/protobuf-envelope.ts'
import type { Message } from '#api/schema.ts'
import { badRequest, StatusError } from '#machinery/status-error.ts'
import { kDuplicates } from '../decode-object.ts'
import { duplicateMembers } from './duplicate-members.ts'

/** Upstream's limit on what is sent to the API server, in bytes. */
export const MAX_BODY_BYTES = 3 << 20

const tooLarge = () => new StatusError('RequestEntityTooLarge', `Request entity too large: limit is ${MAX_BODY_BYTES}`)

/** Throws RequestEntityTooLarge, BadRequest when the client goes away in the middle. */
export function readBody(req: IncomingMessage | Http2ServerRequest): Promise<Buffer> {
  const announced = Number(req.headers['content-length'] ?? 0)
  if (announced > MAX_BODY_BYTES) return Promise.reject(tooLarge())
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let bytes = 0
    req.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes <= MAX_BODY_BYTES) chunks.push(chunk)
      else {
        req.removeAllListeners('data')
        reject(tooLarge())
      }
    })
    req.on('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)))
    req.on('error', (cause) => reject(badRequest(`unable to read the body: ${cause.message}`, cause)))
    req.on('aborted', () => reject(badRequest('the client went away before its body was complete')))
  })
}

/** What a body is taken for that does not say what it is. */
export interface BodyType {
  readonly apiVersion: string
  readonly kind: string
}

const parsers: Readonly<Record<string, (bytes: Buffer) => unknown>> = {
  'application/json': parseJson,
  'application/yaml': parseYaml,
}
const patchParsers: Readonly<Record<string, (bytes: Buffer) => unknown>> = {
  'application/json-patch+json': parseJson,
  'application/merge-patch+json': parseJson,
  'application/strategic-merge-patch+json': parseJson,
  'application/apply-patch+yaml': parseYaml,
}

/** Finds the type of what a protobuf body says it holds. */
export type TypeLookup = (apiVersion: string, kind: string) => Message | undefined

/**
 * Deeper or wider bodies are refused; the former is what JavaScript's stack holds, the latter stops YAML's aliases, and
 * lists of a million empty objects, which would hold the server up for seconds. What people write has a tenth of it at most.
 */
const MAX_DEPTH = 1000
const MAX_VALUES = 500_000

/**
 * Parses a body of `contentType`, which is a patch where no type is expected. Members that stand twice in one object are noted under `kDuplicates`. Throws BadRequest,
 * UnsupportedMediaType.
 */
export function parseBody(
  bytes: Buffer,
  contentType: string | undefined,
  typeOf: TypeLookup,
  expected: BodyType | undefined,
): unknown {
  const type = mediaType(contentType) || 'application/json'
  const parser = (expected ? parsers : patchParsers)[type]
  if (!parser && type !== PROTOBUF_TYPE) {
    throw new StatusError(
      'UnsupportedMediaType',
      `the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, ${PROTOBUF_TYPE}`,
    )
  }
  try {
    return parser ? parser(bytes) : parseProtobuf(bytes, typeOf, expected)
  } catch (cause) {
    throw cause instanceof StatusError ? cause : badRequest(messageOf(cause), cause)
  }
}

/** The type of a Content-Type header, without its parameters. */
export const mediaType = (contentType: string | undefined) => (contentType ?? '').split(';', 1)[0]!.trim().toLowerCase()

function parseJson(bytes: Buffer): unknown {
  const text = bytes.toString()
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw badRequest(`couldn't get version/kind; json parse error: ${messageOf(cause)}`, cause)
  }
  const duplicates = duplicateMembers(text, countMembers(value, MAX_DEPTH, MAX_VALUES))
  return withDuplicates(
    value,
    duplicates.map((path) => `duplicate field ${JSON.stringify(path)}`),
  )
}

/** What JSON takes and YAML does not: control characters in texts. */
const NOT_YAML = /[\u007f-\u0084\u0086-\u009f\ufffe\uffff]/

/** JSON is YAML, too, and much faster read as what it is; undefined where it has to be read as YAML. */
function jsonInYaml(text: string): object | undefined {
  if (text[0] !== '{' || NOT_YAML.test(text)) return undefined
  let value: object
  try {
    value = JSON.parse(text) as object
  } catch {
    return undefined
  }
  // YAML has its own words for members that stand twice.
  return duplicateMembers(text, countMembers(value, MAX_DEPTH, MAX_VALUES)).length === 0 ? value : undefined
}

function parseYaml(bytes: Buffer): unknown {
  const text = bytes.toString()
  const plain = jsonInYaml(text)
  if (plain) return plain
  const read = (options: LoadOptions) => {
    try {
      return load(text, { schema: CORE_SCHEMA, ...options })
    } catch (cause) {
      throw badRequest(`error converting YAML to JSON: yaml: ${messageOf(cause).split('\n')[0]}`, cause)
    }
  }
  const duplicates: string[] = []
  let value: unknown
  try {
    value = read({})
  } catch (err) {
    // Only with `json` are members overridden silently; whatever else was wrong is wrong again.
    value = read({ json: true })
    duplicates.push(repeatedKey((err as Error).cause))
  }
  countMembers(value, MAX_DEPTH, MAX_VALUES)
  return withDuplicates(value, duplicates)
}

/** As Go's YAML parser words it. */
function repeatedKey(err: unknown): string {
  const { mark } = err as { mark?: { line: number; buffer: string; position: number } }
  if (!mark) return messageOf(err).split('\n')[0]!
  const key = /^[^\r\n:]{0,256}/
    .exec(mark.buffer.slice(mark.position))![0]
    .trim()
    .replace(/^(["'])(.*)\1$/, '$2')
  return `line ${mark.line + 1}: key ${JSON.stringify(key)} already set in map`
}

function withDuplicates(value: unknown, duplicates: string[]): unknown {
  if (duplicates.length > 0 && typeof value === 'object' && value !== null)
    (value as { [kDuplicates]?: string[] })[kDuplicates] = duplicates
  return value
}

function parseProtobuf(bytes: Buffer, typeOf: TypeLookup, expected: BodyType | undefined): unknown {
  const { raw, ...named } = openEnvelope(bytes)
  const apiVersion = named.apiVersion || (expected?.apiVersion ?? '')
  const kind = named.kind || (expected?.kind ?? '')
  const type = typeOf(apiVersion, kind)
  if (!type || type.schema)
    throw badRequest(`no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)}`)
  const object = { ...decodeProtobuf(type, raw), apiVersion, kind }
  // Each value takes two bytes at least.
  if (raw.length > MAX_VALUES * 2) countMembers(object, MAX_DEPTH, MAX_VALUES)
  return object
}
