/**
 * Conversion by a webhook: objects go to it in a ConversionReview, and come back in the version that was asked for. A
 * webhook has no say over metadata, except labels and annotations.
 * Upstream: `webhookConverter` of `apiextensions-apiserver/pkg/apiserver/conversion`.
 */
import { isObject } from '#base/json.ts'
import type { CustomResourceConversion } from '#api/apiextensions/v1.ts'
import type { KubeObject } from '#api/kind.ts'
import { jsonEqual } from '#base/equal.ts'
import { type Random, uuid } from '#base/random.ts'
import { validateLabels } from '#machinery/labels.ts'
import { type FieldError, StatusError } from '#machinery/status-error.ts'
import { type WebhookClient, WebhookFailure, type WebhookTarget } from '../outbound/webhook-client.ts'
import { validateAnnotations } from '../registry/object-meta.ts'
import { aggregate } from './field-errors.ts'
import type { Converter } from './version-forms.ts'

type Json = Record<string, unknown>

export interface WebhookConverterOptions {
  client: WebhookClient
  random: Random
}

const TIMEOUT_MS = 30_000
/** What goes into one review; the answer must not become too large either. */
const MAX_REVIEW_BYTES = 2 << 20
const REVIEW_VERSIONS = ['v1', 'v1beta1']

/** What came back is not what was asked for. */
class BadAnswer extends Error {
  override readonly name = 'BadAnswer'
}

/** `conversion` has the strategy Webhook and is valid. */
export function webhookConverter(
  { webhook }: CustomResourceConversion,
  { client, random }: WebhookConverterOptions,
): Converter {
  const { clientConfig, conversionReviewVersions } = webhook!
  const target = targetOf(clientConfig as WebhookTarget)
  const version = conversionReviewVersions.find((one) => REVIEW_VERSIONS.includes(one))

  const ask = async (objects: readonly KubeObject[], texts: readonly string[], apiVersion: string) => {
    const about = `conversion webhook for ${nameOf(objects[0]!)}`
    const uid = uuid(random)
    const head = `"kind":"ConversionReview","apiVersion":"apiextensions.k8s.io/${version}"`
    const request = `{"uid":"${uid}","desiredAPIVersion":${JSON.stringify(apiVersion)},"objects":[${texts.join(',')}]}`
    let converted: readonly unknown[]
    try {
      converted = convertedOf(await client.post(target, `{${head},"request":${request}}`, TIMEOUT_MS), version!, uid)
    } catch (cause) {
      const isExpected = cause instanceof WebhookFailure || cause instanceof StatusError || cause instanceof BadAnswer
      throw isExpected ? failure(`${about} failed: ${cause.message}`, cause) : cause
    }
    if (converted.length !== objects.length)
      throw failure(`${about} returned ${converted.length} objects, expected ${objects.length}`)
    const isOne = objects.length === 1
    return objects.map((object, i) => {
      const [objectAt, metadataAt] = isOne
        ? ['object', 'metadata']
        : [`converted object at index ${i}`, `metadata in object at index ${i}`]
      const found = converted[i]
      attempt(() => checkIdentity(object, found, apiVersion), `${about} returned invalid ${objectAt}`)
      const metadata = attempt(() => metadataOf(object, found as Json), `${about} returned invalid ${metadataAt}`)
      return { ...(found as Json), metadata } as unknown as KubeObject
    })
  }

  return {
    isAsynchronous: true,
    async convert(objects, apiVersion) {
      if (version === undefined) throw failure('no supported conversion review versions')
      const out: KubeObject[] = []
      const texts = objects.map((object) => JSON.stringify(object))
      for (let from = 0; from < objects.length;) {
        let [to, bytes] = [from, 0]
        do bytes += texts[to++]!.length
        while (to < objects.length && bytes + texts[to]!.length <= MAX_REVIEW_BYTES)
        out.push(...(await ask(objects.slice(from, to), texts.slice(from, to), apiVersion)))
        from = to
      }
      return out
    },
  }
}

/** As upstream answers with errors of its own making: without a reason. */
const failure = (message: string, cause?: unknown) => new StatusError('', message, { cause })

function attempt<T>(action: () => T, about: string): T {
  try {
    return action()
  } catch (cause) {
    throw cause instanceof BadAnswer ? failure(`${about}: ${cause.message}`, cause) : cause
  }
}

/** Certificates that are nothing but white space count as none. */
function targetOf({ caBundle, ...rest }: WebhookTarget): WebhookTarget {
  const isBlank = caBundle === undefined || Buffer.from(caBundle, 'base64').toString('latin1').trim() === ''
  return isBlank ? rest : { ...rest, caBundle }
}

const nameOf = ({ apiVersion, kind }: KubeObject) => `${apiVersion}, Kind=${kind}`

function convertedOf(review: unknown, version: string, uid: string): readonly unknown[] {
  const { apiVersion = '', kind = '', response } = isObject(review) ? review : {}
  // Older webhooks need not say what they answer.
  if (version === 'v1') {
    const expected = 'apiextensions.k8s.io/v1, Kind=ConversionReview'
    if (apiVersion !== 'apiextensions.k8s.io/v1' || kind !== 'ConversionReview')
      throw new BadAnswer(`expected webhook response of ${expected}, got ${String(apiVersion)}, Kind=${String(kind)}`)
  }
  if (!isObject(response)) throw new BadAnswer('no response provided')
  if (version === 'v1' && response.uid !== uid)
    throw new BadAnswer(`expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(response.uid ?? '')}`)
  const { status = '', message = '' } = isObject(response.result) ? response.result : {}
  if (status !== 'Success')
    throw new BadAnswer(
      message === '' ? `response.result.status was '${String(status)}', not 'Success'` : String(message),
    )
  const { convertedObjects } = response
  return Array.isArray(convertedObjects) ? convertedObjects : []
}

/** Throws BadAnswer where it is another object, or of another version than it should be. */
function checkIdentity(object: KubeObject, found: unknown, apiVersion: string) {
  if (!isObject(found)) throw new BadAnswer(`expected an object, got ${JSON.stringify(found)}`)
  if (found.apiVersion !== apiVersion)
    throw new BadAnswer(`invalid groupVersion (expected ${apiVersion}, received ${String(found.apiVersion ?? '')})`)
  if (found.kind !== object.kind)
    throw new BadAnswer(`invalid kind (expected ${object.kind}, received ${String(found.kind ?? '')})`)
  const metadata = isObject(found.metadata) ? found.metadata : {}
  for (const [field, name] of identity) {
    const [before, now] = [object.metadata[field] ?? '', metadata[field] ?? '']
    if (before !== now) throw new BadAnswer(`must have the same ${name}: ${before} != ${String(now)}`)
  }
}

const identity = [
  ['name', 'name'],
  ['namespace', 'namespace'],
  ['uid', 'UID'],
] as const

/** The object's own metadata, with labels and annotations of what came back. Throws BadAnswer. */
function metadataOf({ metadata }: KubeObject, found: Json): KubeObject['metadata'] {
  if (found.metadata === undefined) throw new BadAnswer('missing metadata in converted object')
  if (!isObject(found.metadata)) throw new BadAnswer('invalid metadata in converted object')
  const { labels: _labels, annotations: _annotations, ...rest } = metadata
  const labels = textsOf(found.metadata, 'labels')
  const annotations = textsOf(found.metadata, 'annotations')
  if (labels && !jsonEqual(labels, metadata.labels)) refuse(validateLabels(labels, 'metadata.labels'))
  if (annotations && !jsonEqual(annotations, metadata.annotations))
    refuse(validateAnnotations(annotations, 'metadata.annotation'))
  return { ...rest, ...(labels && { labels }), ...(annotations && { annotations }) }
}

function textsOf(metadata: Json, field: string): Record<string, string> | undefined {
  const value = metadata[field] ?? undefined
  if (value === undefined) return undefined
  if (!isObject(value)) throw new BadAnswer(`invalid metadata.${field} in converted object`)
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== 'string') throw new BadAnswer(`metadata.${field}[${key}] must be a string in converted object`)
  }
  return value as Record<string, string>
}

function refuse(errors: readonly FieldError[]) {
  if (errors.length > 0) throw new BadAnswer(aggregate(errors))
}
