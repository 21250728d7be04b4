/** Certificate requests. Upstream: `pkg/apis/certificates/validation`. */
import { X509Certificate } from 'node:crypto'
import { requestProblem } from '#api/certificates/request.ts'
import { jsonEqual } from '#base/equal.ts'
import { pemBlocks } from '#base/pem.ts'
import { dnsLabel, dnsSubdomain } from '#machinery/names.ts'
import type { Stored } from '../../registry/strategy.ts'
import { changesText } from './changes.ts'
import {
  type Check,
  each,
  fields,
  oneOf,
  type Path,
  type Problems,
  required,
  SPEC,
  STATUS,
  uniqueItems,
} from './check.ts'
import type { Rules } from './rules.ts'

type Spec = Record<string, any>

const usages = [
  'any',
  'cert sign',
  'client auth',
  'code signing',
  'content commitment',
  'crl sign',
  'data encipherment',
  'decipher only',
  'digital signature',
  'email protection',
  'encipher only',
  'ipsec end system',
  'ipsec tunnel',
  'ipsec user',
  'key agreement',
  'key encipherment',
  'microsoft sgc',
  'netscape sgc',
  'ocsp signing',
  's/mime',
  'server auth',
  'signing',
  'timestamping',
]

const request: Check = (base64: string, at, to) => {
  const problem = requestProblem(base64)
  if (problem !== undefined) to.invalid(at, base64, problem)
}

function certificateProblem(base64: string): string | undefined {
  const blocks = pemBlocks(Buffer.from(base64, 'base64').toString('latin1'))
  if (blocks.length === 0) return 'must contain at least one CERTIFICATE PEM block'
  for (const { type, hasHeaders, text } of blocks) {
    if (type !== 'CERTIFICATE') return `only CERTIFICATE PEM blocks are allowed, found ${JSON.stringify(type)}`
    if (hasHeaders) return 'no PEM block headers are permitted'
    try {
      void new X509Certificate(text)
    } catch {
      return 'x509: malformed certificate'
    }
  }
  return undefined
}

const MAX_DOMAIN = 253
const MAX_SIGNER = MAX_DOMAIN + 1 + 253 + 63 + 1

/** `example.com/signer-name` */
export const signerName: Check = (name: string, at, to) => {
  const [domain = '', path, ...more] = name.split('/')
  if (path === undefined || more.length > 0) {
    return to.invalid(at, name, "must be a fully qualified domain and path of the form 'example.com/signer-name'")
  }
  if (domain.length > MAX_DOMAIN) to.tooLong(at, MAX_DOMAIN)
  checkLabels(domain, dnsLabel, at, to)
  if (!domain.includes('.')) {
    to.invalid(at, domain, 'should be a domain with at least two segments separated by dots')
  }
  checkLabels(path, dnsSubdomain, at, to)
  if (name.length > MAX_SIGNER) to.tooLong(at, MAX_SIGNER)
}

function checkLabels(text: string, check: (label: string) => string[], at: Path, to: Problems) {
  const bad = text.split('.').find((label) => check(label).length > 0)
  if (bad === undefined) return
  for (const why of check(bad)) to.invalid(at, text, `validating label ${JSON.stringify(bad)}: ${why}`)
}

const LEGACY_SIGNER = 'kubernetes.io/legacy-unknown'
const MIN_SECONDS = 600

const specFields = fields({
  request: [required, request],
  usages: [required, each(oneOf(...usages)), uniqueItems],
  signerName: [
    required,
    (name: string, at, to) => {
      if (name !== LEGACY_SIGNER) signerName(name, at, to)
      else to.invalid(at, name, 'the legacy signerName is not allowed via this API version')
    },
  ],
  expirationSeconds: (seconds: number, at, to) => {
    if (seconds < MIN_SECONDS) {
      to.invalid(at, seconds, 'may not specify a duration less than 600 seconds (10 minutes)')
    }
  },
})

const ONLY_TRUE = ['Approved', 'Denied', 'Failed']
const DECISIONS = ['Approved', 'Denied']
const CONDITIONS = STATUS.at('conditions')

function checkConditions(conditions: readonly Spec[], to: Problems) {
  const seen = new Set<string>()
  conditions.forEach(({ type = '', status = '' }, i) => {
    const place = CONDITIONS.index(i)
    if (!type) to.required(place.at('type'))
    const accepted = ONLY_TRUE.includes(type) ? ['True'] : ['False', 'True', 'Unknown']
    if (!status) to.required(place.at('status'))
    else if (!accepted.includes(status)) to.unsupported(place.at('status'), status, accepted)
    const isOpposed = DECISIONS.includes(type) && DECISIONS.some((other) => other !== type && seen.has(other))
    if (isOpposed) to.invalid(CONDITIONS, type, 'Approved and Denied conditions are mutually exclusive')
    if (seen.has(type)) to.duplicate(place.at('type'), type)
    seen.add(type)
  })
}

const conditionsOf = (object: Stored, type: string): Spec[] =>
  (object.status?.conditions ?? []).filter((one: Spec) => one.type === type)

/** Who may decide may not sign, and the other way round; what was decided stays. */
const update = (mayDecide: boolean, maySign: boolean) => (object: Stored, old: Stored, to: Problems) => {
  checkConditions(object.status?.conditions ?? [], to)
  for (const type of ONLY_TRUE) {
    const [now, before] = [conditionsOf(object, type), conditionsOf(old, type)]
    const what = `a condition of type ${JSON.stringify(type)}`
    if (now.length < before.length) to.forbidden(CONDITIONS, `updates may not remove ${what}`)
    else if (mayDecide || !DECISIONS.includes(type)) continue
    else if (now.length > before.length) to.forbidden(CONDITIONS, `updates may not add ${what}`)
    else if (!jsonEqual(now, before)) {
      to.forbidden(CONDITIONS, `updates may not modify ${what}\n${changesText(before, now)}`)
    }
  }
  checkCertificate(object.status?.certificate ?? '', old.status?.certificate ?? '', maySign, to)
}

function checkCertificate(now: string, was: string, maySign: boolean, to: Problems) {
  if (now === was) return
  const at = STATUS.at('certificate')
  const problem = now ? certificateProblem(now) : undefined
  if (problem) to.invalid(at, '<certificate data>', problem)
  if (!maySign) to.forbidden(at, 'updates may not set certificate content')
  else if (was) to.forbidden(at, 'updates may not modify existing certificate content')
}

export const certificateRequestRules: Rules = {
  create: ({ spec }, to) => specFields(spec, SPEC, to),
  update: update(false, false),
  subresources: { status: update(false, true), approval: update(true, false) },
}
