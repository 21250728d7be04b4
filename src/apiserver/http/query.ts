/** Query parameters as request options. Unknown parameters are ignored, as upstream does. */
import type { RequestOptions } from '#client/transport.ts'
import { badRequest, StatusError } from '#machinery/status-error.ts'

type Reader = (text: string, name: string) => unknown

const text: Reader = (value) => value
const number: Reader = (value, name) => {
  if (!/^-?\d{1,15}$/.test(value))
    throw badRequest(
      `${name}: Invalid value: ${JSON.stringify(value)}: strconv.ParseInt: parsing ${JSON.stringify(value)}: invalid syntax`,
    )
  return Number(value)
}
const flag: Reader = (value, name) => {
  const lower = value.toLowerCase()
  if (['', '1', 't', 'true'].includes(lower)) return true
  if (['0', 'f', 'false'].includes(lower)) return false
  throw badRequest(
    `${name}: Invalid value: ${JSON.stringify(value)}: strconv.ParseBool: parsing ${JSON.stringify(value)}: invalid syntax`,
  )
}
const oneOf =
  (...values: string[]): Reader =>
  (value, name) => {
    if (value === '' || values.includes(value)) return value || undefined
    throw new StatusError(
      'Invalid',
      ` "" is invalid: ${name}: Unsupported value: ${JSON.stringify(value)}: supported values: ${values.map((v) => JSON.stringify(v)).join(', ')}`,
      {
        details: {
          causes: [
            { reason: 'FieldValueNotSupported', message: `Unsupported value: ${JSON.stringify(value)}`, field: name },
          ],
        },
      },
    )
  }

const readers: Record<keyof RequestOptions, Reader> = {
  labelSelector: text,
  fieldSelector: text,
  limit: number,
  continue: text,
  resourceVersion: text,
  resourceVersionMatch: text,
  timeoutSeconds: number,
  allowWatchBookmarks: flag,
  sendInitialEvents: flag,
  dryRun: oneOf('All'),
  fieldManager: text,
  fieldValidation: oneOf('Ignore', 'Warn', 'Strict'),
  force: flag,
}

/** Throws BadRequest, Invalid. */
export function optionsOf(query: URLSearchParams): RequestOptions {
  const options: Record<string, unknown> = {}
  for (const [name, value] of query) {
    if (Object.hasOwn(readers, name)) options[name] = readers[name as keyof RequestOptions](value, name)
  }
  return options as RequestOptions
}

/** DeleteOptions that older clients send as query parameters. */
export function deleteOptionsOf(query: URLSearchParams): Record<string, unknown> {
  const options: Record<string, unknown> = {}
  const grace = query.get('gracePeriodSeconds')
  if (grace !== null) options.gracePeriodSeconds = number(grace, 'gracePeriodSeconds')
  const policy = query.get('propagationPolicy')
  if (policy) options.propagationPolicy = policy
  const orphan = query.get('orphanDependents')
  if (orphan !== null) options.orphanDependents = flag(orphan, 'orphanDependents')
  return options
}
