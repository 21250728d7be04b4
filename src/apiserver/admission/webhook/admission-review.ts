/**
 * What a webhook is sent and what it answers: AdmissionReview of admission.k8s.io, v1 and v1beta1. Upstream:
 * `plugin/webhook/request`.
 */
import { isObject } from '#base/json.ts'
import type { Status } from '#machinery/status-error.ts'
import type { RequestDescription } from '../request-description.ts'

const KIND = 'AdmissionReview'
const GROUP = 'admission.k8s.io'
const VERSIONS = ['v1', 'v1beta1'] as const
export type ReviewVersion = (typeof VERSIONS)[number]

/** The first of a webhook's versions that is spoken here. */
export const reviewVersion = (accepted: readonly string[]): ReviewVersion | undefined =>
  accepted.find((version): version is ReviewVersion => (VERSIONS as readonly string[]).includes(version))

/** The objects are JSON already, because several webhooks may get the same ones; `null` where there is none. */
export function encodeReview(
  version: ReviewVersion,
  uid: string,
  description: RequestDescription,
  object: string,
  oldObject: string,
): string {
  const { dryRun, options, ...before } = description
  const request = JSON.stringify({ uid, ...before }).slice(0, -1)
  const rest = `"object":${object},"oldObject":${oldObject},"dryRun":${dryRun},"options":${JSON.stringify(options)}`
  return `{"kind":"${KIND}","apiVersion":"${GROUP}/${version}","request":${request},${rest}}}`
}

export interface Verdict {
  readonly allowed: boolean
  readonly result: Partial<Status> | undefined
  /** Operations of a JSON patch, in base64; empty where nothing is changed. */
  readonly patch: string
  readonly patchType: string
  readonly warnings: readonly string[]
}

interface ReviewResponse {
  uid?: string
  allowed?: boolean
  status?: Partial<Status>
  patch?: string
  patchType?: string | null
  warnings?: string[]
}

/** The answer does not fit the question; `message` says how. */
export class BadReview extends Error {
  override readonly name: string = 'BadReview'
}

/** The answer is no review at all. */
export class NoReview extends BadReview {
  override readonly name = 'NoReview'
}

/** Throws BadReview. */
export function verdictOf(version: ReviewVersion, uid: string, isMutating: boolean, answer: unknown): Verdict {
  const review = (isObject(answer) ? answer : {}) as { kind?: unknown; apiVersion?: unknown; response?: unknown }
  checkIsReview(review, version)
  if (!isObject(review.response)) throw new BadReview('webhook response was absent')
  const response: ReviewResponse = review.response
  checkTypes(response)
  const { allowed = false, status, patch = '', warnings = [] } = response
  let patchType = response.patchType ?? undefined
  if (version === 'v1') {
    if (response.uid !== uid) {
      const got = JSON.stringify(response.uid ?? '')
      throw new BadReview(`expected response.uid=${JSON.stringify(uid)}, got ${got}`)
    }
    checkKind(review)
    if (isMutating) checkPatch(patch, patchType)
    else if (patch !== '') throw new BadReview('validating webhook may not return response.patch')
    else if (patchType !== undefined) throw new BadReview('validating webhook may not return response.patchType')
  } else patchType = patch === '' ? undefined : 'JSONPatch'
  return { allowed, result: status, patch: isMutating ? patch : '', patchType: patchType ?? '', warnings }
}

/** An answer that does not say what it is gets away with it here. */
function checkIsReview({ kind, apiVersion }: { kind?: unknown; apiVersion?: unknown }, asked: ReviewVersion) {
  if (typeof kind !== 'string' || typeof apiVersion !== 'string' || !kind || !apiVersion) return
  const version = VERSIONS.find((known) => apiVersion === `${GROUP}/${known}`)
  if (kind !== KIND || !version) {
    const scheme = 'k8s.io/apiserver/pkg/util/webhook/client.go:71'
    throw new NoReview(
      `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)} in scheme "${scheme}"`,
    )
  }
  if (version !== asked) throw new NoReview(`converting (${version}.${KIND}) to (${asked}.${KIND}): unknown conversion`)
}

function checkKind({ kind, apiVersion }: { kind?: unknown; apiVersion?: unknown }) {
  if (kind === KIND && apiVersion === `${GROUP}/v1`) return
  const given = typeof apiVersion === 'string' ? apiVersion : ''
  const got = `${given.includes('/') ? given : `/${given}`}, Kind=${typeof kind === 'string' ? kind : ''}`
  throw new BadReview(`expected webhook response of ${GROUP}/v1, Kind=${KIND}, got ${got}`)
}

function checkPatch(patch: string, patchType: string | undefined) {
  if (patch !== '' && patchType === undefined)
    throw new BadReview('webhook returned response.patch but not response.patchType')
  if (patch === '' && patchType !== undefined)
    throw new BadReview('webhook returned response.patchType but not response.patch')
  if (patchType === '') throw new BadReview(`webhook returned invalid response.patchType of ""`)
}

/** What a decoder of the typed review would refuse. */
function checkTypes(response: ReviewResponse) {
  for (const [name, { goType, fits }] of Object.entries(MEMBERS)) {
    const value: unknown = response[name as keyof ReviewResponse]
    if (value === undefined || value === null || fits(value)) continue
    const found = typeof value === 'boolean' ? 'bool' : Array.isArray(value) ? 'array' : typeof value
    throw new NoReview(
      `json: cannot unmarshal ${found} into Go struct field AdmissionResponse.response.${name} of type ${goType}`,
    )
  }
  const at = illegalBase64(response.patch ?? '')
  if (at !== undefined) throw new NoReview(`illegal base64 data at input byte ${at}`)
}

const MEMBERS: Readonly<Record<string, { goType: string; fits(value: unknown): boolean }>> = {
  uid: { goType: 'types.UID', fits: (value) => typeof value === 'string' },
  allowed: { goType: 'bool', fits: (value) => typeof value === 'boolean' },
  status: { goType: 'v1.Status', fits: (value) => isObject(value) },
  patch: { goType: '[]uint8', fits: (value) => typeof value === 'string' },
  patchType: { goType: 'v1.PatchType', fits: (value) => typeof value === 'string' },
  warnings: { goType: '[]string', fits: (value) => isListOfStrings(value) },
}

/** Where the text stops being base64; undefined where it is. */
function illegalBase64(text: string): number | undefined {
  const stop = /[^A-Za-z0-9+/\r\n]/.exec(text)?.index ?? text.length
  const isPadded = /^={0,2}[\r\n]*$/.test(text.slice(stop))
  return isPadded && text.replace(/[\r\n]/g, '').length % 4 === 0 ? undefined : stop
}

const isListOfStrings = (value: unknown) => Array.isArray(value) && value.every((one) => typeof one === 'string')
