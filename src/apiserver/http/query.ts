/** Query parameters as request options. Unknown parameters are ignored, as upstream does. */
import type { Verb } from '#api/kind.ts'
import type { PatchType, RequestOptions } from '#client/transport.ts'
import { badRequest, type FieldError, invalid } from '#machinery/status-error.ts'
import { managerErrors } from '../apply/user-agent.ts'
import { forbiddenValue, requiredValue, unsupportedValue } from '../registry/object-meta.ts'

type Reader = (text: string) => unknown

/** Of a request without any. */
export const NO_QUERY: URLSearchParams = new URLSearchParams()

const text: Reader = (value) => value
const number: Reader = (value) => {
  const isNumber = /^[-+]?\d+$/.test(value)
  if (isNumber && Number.isSafeInteger(Number(value))) return Number(value)
  const why = isNumber ? 'value out of range' : 'invalid syntax'
  throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(value)}: ${why}`)
}

/** Anything but `false` and `0` means yes, the empty string too; absence means no. */
export function isTrue(value: string | null): boolean {
  return value !== null && value !== '0' && value.toLowerCase() !== 'false'
}

type Readers = { readonly [K in keyof RequestOptions]?: Reader }

/** GetOptions, ListOptions, and what there is of CreateOptions, UpdateOptions, PatchOptions and DeleteOptions. */
const readOptions: Readers = { resourceVersion: text }
const listOptions: Readers = {
  labelSelector: text,
  fieldSelector: text,
  limit: number,
  continue: text,
  resourceVersion: text,
  resourceVersionMatch: text,
  timeoutSeconds: number,
  allowWatchBookmarks: isTrue,
  sendInitialEvents: isTrue,
}
const writeOptions: Readers = { dryRun: text, fieldManager: text, fieldValidation: text }

const readers: Readonly<Record<Verb, Readers>> = {
  get: readOptions,
  list: listOptions,
  watch: listOptions,
  create: writeOptions,
  update: writeOptions,
  patch: { ...writeOptions, force: isTrue },
  delete: writeOptions,
  deletecollection: { ...listOptions, ...writeOptions },
}

/** What upstream calls the options of each verb that has them validated. */
const kinds: Partial<Record<Verb, string>> = {
  create: 'CreateOptions',
  update: 'UpdateOptions',
  patch: 'PatchOptions',
  delete: 'DeleteOptions',
  deletecollection: 'DeleteOptions',
}

/** Throws BadRequest, Invalid. */
export function optionsOf(query: URLSearchParams, verb: Verb, patchType?: PatchType): RequestOptions {
  const options: Record<string, unknown> = {}
  const known = readers[verb]
  for (const [name, value] of query) {
    if (Object.hasOwn(known, name) && !(name in options)) options[name] = known[name as keyof RequestOptions]!(value)
  }
  if (verb === 'get' && query.has('export') && isTrue(query.get('export')))
    throw badRequest('the export parameter, deprecated since v1.14, is no longer supported')
  const { fieldValidation, fieldManager = '' } = options as { [K in keyof RequestOptions]?: string }
  const kind = kinds[verb]
  if (!kind) return options as RequestOptions
  const errors: FieldError[] = []
  if (patchType === 'apply') {
    if (!fieldManager) errors.push(requiredValue('fieldManager', 'is required for apply patch'))
  } else if (patchType && options.force !== undefined)
    errors.push(forbiddenValue('force', 'may not be specified for non-apply patch'))
  errors.push(...managerErrors(fieldManager))
  const dryRun = query.getAll('dryRun')
  if (dryRun.some((value) => value !== 'All')) errors.push(unsupportedValue('dryRun', dryRun, ['All']))
  if (fieldValidation && !['Ignore', 'Warn', 'Strict'].includes(fieldValidation))
    errors.push(unsupportedValue('fieldValidation', fieldValidation, ['', 'Ignore', 'Strict', 'Warn']))
  if (errors.length > 0) throw invalid({ group: 'meta.k8s.io', kind }, '', errors)
  return options as RequestOptions
}

/** DeleteOptions that older clients send as query parameters; undefined where there are none. Throws BadRequest. */
export function deleteOptionsOf(query: URLSearchParams): Record<string, unknown> | undefined {
  const options: Record<string, unknown> = {}
  const grace = query.get('gracePeriodSeconds')
  if (grace !== null) options.gracePeriodSeconds = number(grace)
  const policy = query.get('propagationPolicy')
  if (policy !== null) options.propagationPolicy = policy
  const orphan = query.get('orphanDependents')
  if (orphan !== null) options.orphanDependents = isTrue(orphan)
  return Object.keys(options).length === 0 ? undefined : options
}
