/** Reads a request's body within its limit and parses it. */
import type { IncomingMessage } from 'node:http'
import type { Http2ServerRequest } from 'node:http2'
import { CORE_SCHEMA, load } from 'js-yaml'
import { messageOf } from '#base/errors.ts'
import { decodeProtobuf, openEnvelope, PROTOBUF_TYPE } from '#api/protobuf.ts'
import type { Message } from '#api/schema.ts'
import { badRequest, StatusError } from '#machinery/status-error.ts'
import { kDuplicates } from '../api.ts'
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
      if (bytes > MAX_BODY_BYTES) {
        req.pause()
        reject(tooLarge())
      } else chunks.push(chunk)
    })
    req.on('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)))
    req.on('error', (cause) => reject(badRequest(`unable to read the body: ${cause.message}`, cause)))
    req.on('aborted', () => reject(badRequest('the client went away before its body was complete')))
  })
}

const jsonTypes = new Set([
  'application/json',
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
])
const yamlTypes = new Set(['application/yaml', 'application/apply-patch+yaml', 'application/x-yaml'])

/** Finds the type of what a protobuf body says it holds. */
export type TypeLookup = (apiVersion: string, kind: string) => Message | undefined

/**
 * Parses a body of `contentType`. Members that stand twice in one object are noted under `kDuplicates`, where
 * `wantsDuplicates` says that somebody will ask. Throws BadRequest, UnsupportedMediaType.
 */
export function parseBody(
  bytes: Buffer,
  contentType: string | undefined,
  wantsDuplicates: boolean,
  typeOf: TypeLookup,
): unknown {
  const type = (contentType ?? 'application/json').split(';', 1)[0]!.trim().toLowerCase() || 'application/json'
  if (jsonTypes.has(type)) return parseJson(bytes, wantsDuplicates)
  if (yamlTypes.has(type)) return parseYaml(bytes)
  if (type === PROTOBUF_TYPE) return parseProtobuf(bytes, typeOf)
  throw new StatusError(
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, ${PROTOBUF_TYPE}`,
  )
}

function parseJson(bytes: Buffer, wantsDuplicates: boolean): unknown {
  const text = bytes.toString()
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw badRequest(`couldn't get version/kind; json parse error: ${messageOf(cause)}`, cause)
  }
  if (wantsDuplicates && typeof value === 'object' && value !== null) {
    const duplicates = duplicateMembers(bytes, value)
    if (duplicates.length > 0)
      (value as { [kDuplicates]?: string[] })[kDuplicates] = duplicates.map(
        (path) => `duplicate field ${JSON.stringify(path)}`,
      )
  }
  return value
}

function parseYaml(bytes: Buffer): unknown {
  try {
    return load(bytes.toString(), { schema: CORE_SCHEMA })
  } catch (cause) {
    throw badRequest(`error converting YAML to JSON: yaml: ${messageOf(cause).split('\n')[0]}`, cause)
  }
}

function parseProtobuf(bytes: Buffer, typeOf: TypeLookup): unknown {
  try {
    const { apiVersion, kind, raw } = openEnvelope(bytes)
    const type = typeOf(apiVersion, kind)
    if (!type)
      throw badRequest(`no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)}`)
    return { ...decodeProtobuf(type, raw), apiVersion, kind }
  } catch (cause) {
    throw cause instanceof StatusError ? cause : badRequest(messageOf(cause), cause)
  }
}
