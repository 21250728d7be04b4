/** What an HTTP answer that is no success means as an error of the API. Upstream: `errors.NewGenericServerResponse`. */
import { type Status, StatusError, type StatusReason } from '#machinery/status-error.ts'

/** Characters of an answer that are passed on. */
const MAX_TEXT = 2048

const known: Readonly<Record<number, readonly [StatusReason, string]>> = {
  400: ['BadRequest', 'the server rejected our request for an unknown reason'],
  401: ['Unauthorized', 'the server has asked for the client to provide credentials'],
  404: ['NotFound', 'the server could not find the requested resource'],
  405: ['MethodNotAllowed', 'the server does not allow this method on the requested resource'],
  409: ['Conflict', 'the server reported a conflict'],
  422: ['Invalid', 'the server rejected our request due to an error in our request'],
  429: ['TooManyRequests', 'the server has received too many requests and has asked us to try again later'],
  503: ['ServiceUnavailable', 'the server is currently unable to handle the request'],
  504: [
    'Timeout',
    'the server was unable to return a response in the time allotted, but may still be processing the request',
  ],
}

/** Of an answer that holds a Status, that one. */
export function genericServerResponse(code: number, method: string, contentType: string, body: string): StatusError {
  const status = statusIn(body)
  if (status) return StatusError.from(status)
  const isText = contentType === '' || contentType.startsWith('text/')
  const said = isText ? body.slice(0, MAX_TEXT).trim() : 'unknown'
  const details = { causes: [{ reason: 'UnexpectedServerResponse', message: said }] }
  if (code === 403) return new StatusError('Forbidden', said, { code, details })
  const found = known[code]
  if (found)
    return new StatusError(code === 409 && method === 'POST' ? 'AlreadyExists' : found[0], found[1], { code, details })
  if (code >= 500) {
    const message = `an error on the server (${JSON.stringify(said)}) has prevented the request from succeeding`
    return new StatusError('InternalError', message, { code, details })
  }
  const message = `the server responded with the status code ${code} but did not return more information`
  return new StatusError('', message, { code, details })
}

function statusIn(body: string): Status | undefined {
  if (!body.startsWith('{')) return undefined
  try {
    const parsed = JSON.parse(body) as Partial<Status>
    return parsed.kind === 'Status' && parsed.apiVersion === 'v1' && parsed.status === 'Failure'
      ? (parsed as Status)
      : undefined
  } catch {
    return undefined
  }
}
