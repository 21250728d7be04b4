/**
 * Parts of a CustomResourceDefinition that can be judged by themselves: its group and names, the columns of tables, where a
 * scale is, and how a conversion webhook is reached. Upstream: `apiextensions-apiserver/pkg/apis/apiextensions/validation`.
 */
import type {
  CustomResourceConversion,
  CustomResourceDefinitionNames,
  CustomResourceDefinitionVersion,
  CustomResourceSubresources,
} from '#api/apiextensions/v1.ts'
import { dns1035Label, dnsSubdomain } from '#machinery/names.ts'
import type { FieldError } from '#machinery/status-error.ts'
import {
  type Check,
  fields,
  first,
  must,
  oneOf,
  type Path,
  problemsOf,
  required,
  SPEC,
} from '../strategies/validation/check.ts'
import { checkClientConfig, reviewVersions } from '../strategies/validation/webhooks.ts'
import { bundleProblem } from './certificate-bundle.ts'

const group: Check = (value: string, at, to) => {
  const whys = dnsSubdomain(value)
  if (whys.length > 0) to.invalid(at, value, whys.join(','))
  else if (!value.includes('.')) to.invalid(at, value, 'should be a domain with at least one dot')
}

const whole = fields({ group: first(required, group), scope: first(required, oneOf('Cluster', 'Namespaced')) })

/** Group and scope. */
export const wholeErrors = (spec: unknown): FieldError[] => problemsOf((to) => whole(spec, SPEC, to))

/** Several reasons are reported as one. */
const label =
  (transform: (value: string) => string = (value) => value, before = ''): Check =>
  (value: string, at, to) => {
    if (value === '') return
    const whys = dns1035Label(transform(value))
    if (whys.length > 0) to.invalid(at, value, before + whys.join(','))
  }

const mixedCase = label((value) => value.toLowerCase(), 'may have mixed case, but should otherwise match: ')
const labels: Check = (list: readonly string[], at, to) => list.forEach((value, i) => label()(value, at.index(i), to))

const requiredNames = fields({ plural: required, singular: required, kind: required, listKind: required })
const singleNames = fields({ plural: label(), singular: label(), kind: mixedCase, listKind: mixedCase })
const listedNames = [fields({ shortNames: labels }), fields({ categories: labels })] as const

/** Names of a status need not be there yet. */
export function namesErrors(
  names: Partial<CustomResourceDefinitionNames>,
  at: Path,
  mustBeThere: boolean,
): FieldError[] {
  return problemsOf((to) => {
    if (mustBeThere) requiredNames(names, at, to)
    singleNames(names, at, to)
    listedNames[0](names, at, to)
    const { kind, listKind } = names
    if (kind && kind === listKind) to.invalid(at.at('listKind'), listKind, 'kind and listKind may not be the same')
    listedNames[1](names, at, to)
  })
}

export const versionNameErrors = (name: string, at: Path): FieldError[] =>
  problemsOf((to) => {
    const whys = dns1035Label(name)
    if (whys.length > 0) to.invalid(at, name, whys.join(','))
  })

const MAX_WARNING = 256

export function deprecationErrors(version: CustomResourceDefinitionVersion, at: Path): FieldError[] {
  const { deprecated, deprecationWarning: text } = version
  if (text === undefined) return []
  return problemsOf((to) => {
    if (!deprecated) return to.invalid(at, text, 'can only be set for deprecated versions')
    if (Buffer.byteLength(text) > MAX_WARNING) to.invalid(at, text, 'must be <= 256 characters long')
    if (text === '') to.invalid(at, text, 'must not be an empty string')
    const found = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.exec(text)
    if (!found) return
    const index = Buffer.byteLength(text.slice(0, found.index))
    const why = `must only contain printable UTF-8 characters; non-printable character found at index ${index}`
    to.invalid(at, text, why)
  })
}

const COLUMN_TYPES = ['boolean', 'date', 'integer', 'number', 'string']
const COLUMN_FORMATS = ['byte', 'date', 'date-time', 'double', 'float', 'int32', 'int64', 'password']

const simplePath: Check = (path: string, at, to) => {
  if (!path.startsWith('.')) to.invalid(at, path, 'must be a simple json path starting with .')
}

const column = fields({
  name: required,
  type: first(must(`must be one of ${COLUMN_TYPES.join(',')}`), (type, at, to) => {
    if (!COLUMN_TYPES.includes(type)) to.invalid(at, type, `must be one of ${COLUMN_TYPES.join(',')}`)
  }),
  format: (format, at, to) => {
    if (format && !COLUMN_FORMATS.includes(format)) to.invalid(at, format, `must be one of ${COLUMN_FORMATS.join(',')}`)
  },
})

export const columnErrors = (
  columns: CustomResourceDefinitionVersion['additionalPrinterColumns'] = [],
  at: Path,
): FieldError[] =>
  problemsOf((to) =>
    columns.forEach((one, i) => {
      column(one, at.index(i), to)
      first(required, simplePath)(one.jsonPath, at.index(i).at('JSONPath'), to)
    }),
  )

/** Which fields of a version may lead to the replicas, and what is said of others. */
const scalePaths = [
  ['specReplicasPath', true, /^\.spec\./, 'should be a json path under .spec'],
  ['statusReplicasPath', true, /^\.status\./, 'should be a json path under .status'],
  ['labelSelectorPath', false, /^\.(?:spec|status)\./, 'should be a json path under either .spec or .status'],
] as const

export const scaleErrors = ({ scale }: CustomResourceSubresources, at: Path): FieldError[] =>
  problemsOf((to) => {
    if (!scale) return
    for (const [field, isRequired, pattern, why] of scalePaths) {
      const path: string | undefined = scale[field]
      const place = at.at(`scale.${field}`)
      if (!path) {
        if (isRequired) to.required(place)
      } else if (!path.startsWith('.')) simplePath(path, place, to)
      else if (!pattern.test(path)) to.invalid(place, path, why)
    }
  })

/** `checksBundle`: the webhook's certificates have to be readable. */
export function conversionErrors(
  { strategy = '', webhook }: CustomResourceConversion,
  checksBundle: boolean,
): FieldError[] {
  const at = SPEC.at('conversion')
  const [configAt, versionsAt] = [at.at('webhookClientConfig'), at.at('conversionReviewVersions')]
  const { clientConfig: config, conversionReviewVersions: versions = [] } = webhook ?? {}
  return problemsOf((to) => {
    first(required, oneOf('None', 'Webhook'))(strategy, at.at('strategy'), to)
    if (strategy === 'Webhook') {
      if (config) checkClientConfig(config, configAt, to)
      else to.required(configAt, 'required when strategy is set to Webhook')
      const problem = checksBundle && config?.caBundle ? bundleProblem(config.caBundle) : undefined
      if (problem !== undefined) to.invalid(configAt.at('caBundle'), config!.caBundle, problem)
      return reviewVersions('')(versions, versionsAt, to)
    }
    const why = 'should not be set when strategy is not set to Webhook'
    if (config) to.forbidden(configAt, why)
    if (versions.length > 0) to.forbidden(versionsAt, why)
  })
}
