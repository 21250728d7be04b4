/** Kinds that extend the API: APIServices and CustomResourceDefinitions. Upstream: kube-aggregator, apiextensions-apiserver. */
import { jsonEqual } from '#base/equal.ts'
import { dns1035Label, dnsSubdomain } from '#machinery/names.ts'
import type { Stored } from '../../registry/strategy.ts'
import {
  type Check,
  fields,
  first,
  METADATA,
  must,
  oneOf,
  type Path,
  type Problems,
  required,
  SPEC,
  STATUS,
} from './check.ts'
import { comparisons, immutable, type Rules } from './rules.ts'
import { checkClientConfig, reviewVersions, servicePort } from './webhooks.ts'

type Spec = Record<string, any>

const MAX_GROUP_PRIORITY = 20_000
const MAX_VERSION_PRIORITY = 1000

const priority =
  (max: number): Check =>
  (value: number, at, to) => {
    if (value <= 0 || value > max) to.invalid(at, value, `must be positive and less than ${max}`)
  }

const remote = fields({ namespace: required, name: required, port: servicePort })

export const apiServiceRules: Rules = {
  valid: ({ metadata, spec }: Stored, _at, to) => {
    const { group = '', version = '', service, caBundle, insecureSkipTLSVerify: skips } = spec as Spec
    const name = `${version}.${group}`
    if (metadata.name !== name) {
      const why = `must be \`spec.version+"."+spec.group\`: ${JSON.stringify(name)}`
      to.invalid(METADATA.at('name'), metadata.name, why)
    }
    if (!group && version !== 'v1') {
      to.required(SPEC.at('group'), 'only v1 may have an empty group and it better be legacy kube')
    }
    if (group) to.each(SPEC.at('group'), group, dnsSubdomain(group))
    to.each(SPEC.at('version'), version, dns1035Label(version))
    priority(MAX_GROUP_PRIORITY)(spec.groupPriorityMinimum ?? 0, SPEC.at('groupPriorityMinimum'), to)
    priority(MAX_VERSION_PRIORITY)(spec.versionPriority ?? 0, SPEC.at('versionPriority'), to)
    const skipsAt = SPEC.at('insecureSkipTLSVerify')
    if (service) {
      remote(service, SPEC.at('service'), to)
      if (skips && caBundle) to.invalid(skipsAt, true, 'may not be true if caBundle is present')
      return
    }
    if (caBundle) {
      const bytes = Buffer.from(caBundle, 'base64').length
      to.invalid(SPEC.at('caBundle'), `${bytes} bytes`, 'local APIServices may not have a caBundle')
    }
    if (skips) to.invalid(skipsAt, true, 'local APIServices may not have insecureSkipTLSVerify')
  },
  subresources: {
    status({ status = {} }, _old, to) {
      ;(status.conditions ?? []).forEach((condition: Spec, i: number) => {
        const at = STATUS.at('conditions').index(i).at('status')
        oneOf('True', 'False', 'Unknown')(condition.status ?? '', at, to)
      })
    },
  },
}

/** Several reasons are reported as one. */
const joined =
  (transform: (value: string) => string = (value) => value, before = ''): Check =>
  (value: string, at, to) => {
    if (value === '') return
    const whys = dns1035Label(transform(value))
    if (whys.length > 0) to.invalid(at, value, before + whys.join(','))
  }

const MIXED = 'may have mixed case, but should otherwise match: '
const mixedCase = joined((value) => value.toLowerCase(), MIXED)
const labelList: Check = (list: readonly string[], at, to) =>
  list.forEach((value, i) => joined()(value, at.index(i), to))

const requiredNames = fields({ plural: required, singular: required, kind: required, listKind: required })
const nameFormats = fields({
  plural: joined(),
  singular: joined(),
  kind: mixedCase,
  listKind: mixedCase,
  shortNames: labelList,
  categories: labelList,
})

const group: Check = (value: string, at, to) => {
  const whys = dnsSubdomain(value)
  if (whys.length > 0) to.invalid(at, value, whys.join(','))
  else if (!value.includes('.')) to.invalid(at, value, 'should be a domain with at least one dot')
}

const COLUMN_TYPES = ['boolean', 'date', 'integer', 'number', 'string']
const COLUMN_FORMATS = ['byte', 'date', 'date-time', 'double', 'float', 'int32', 'int64', 'password']

const column = fields({
  name: required,
  type: first(must(`must be one of ${COLUMN_TYPES.join(',')}`), (type, at, to) => {
    if (!COLUMN_TYPES.includes(type)) to.invalid(at, type, `must be one of ${COLUMN_TYPES.join(',')}`)
  }),
  format: (format, at, to) => {
    if (format && !COLUMN_FORMATS.includes(format)) {
      to.invalid(at, format, `must be one of ${COLUMN_FORMATS.join(',')}`)
    }
  },
})

/** Which fields of a version may lead to the replicas, and what is said of others. */
const scalePaths = [
  ['specReplicasPath', true, /^\.spec\./, 'should be a json path under .spec'],
  ['statusReplicasPath', true, /^\.status\./, 'should be a json path under .status'],
  ['labelSelectorPath', false, /^\.(?:spec|status)\./, 'should be a json path under either .spec or .status'],
] as const

function checkScale(scale: Spec, at: Path, to: Problems) {
  for (const [field, isRequired, pattern, why] of scalePaths) {
    const path: string | undefined = scale[field]
    const place = at.at(`scale.${field}`)
    if (!path) {
      if (isRequired) to.required(place)
    } else if (!pattern.test(path)) to.invalid(place, path, why)
  }
}

/** Every part of a schema says of what type it is, unless it is left open. */
function checkStructure(schema: Spec, where: string | undefined, at: Path, to: Problems) {
  const isOpen = schema['x-kubernetes-int-or-string'] || schema['x-kubernetes-preserve-unknown-fields']
  if (!schema.type && !(isOpen && where !== ROOT_TYPE)) to.required(at.at('type'), where)
  else if (where === ROOT_TYPE && schema.type !== 'object')
    to.invalid(at.at('type'), schema.type, 'must be object at the root')
  for (const [name, property] of Object.entries<Spec>(schema.properties ?? {})) {
    checkStructure(property, OBJECT_TYPE, at.at('properties').key(name), to)
  }
  if (schema.items && typeof schema.items === 'object' && !Array.isArray(schema.items)) {
    checkStructure(schema.items, ITEM_TYPE, at.at('items'), to)
  } else if (schema.type === 'array' && !schema.items) to.required(at.at('items'), 'must be specified')
  const { additionalProperties: others } = schema
  if (others && typeof others === 'object') checkStructure(others, OBJECT_TYPE, at.at('additionalProperties'), to)
}

const ROOT_TYPE = 'must not be empty at the root'
const OBJECT_TYPE = 'must not be empty for specified object fields'
const ITEM_TYPE = 'must not be empty for specified array items'

/** Upstream lifts what all versions have in common to the top, and reports it there. */
function checkVersions(versions: readonly Spec[], to: Problems) {
  const at = SPEC.at('versions')
  const shared = (field: string) => versions.every((one) => jsonEqual(one[field], versions[0]?.[field]))
  versions.forEach((version, i) => {
    const place = at.index(i)
    const of = (field: string, top: string) => (shared(field) ? SPEC.at(top) : place.at(field))
    const isReported = (field: string) => i === 0 || !shared(field)
    const whys = dns1035Label(version.name ?? '')
    if (whys.length > 0) to.invalid(place.at('name'), version.name ?? '', whys.join(','))
    const schema = version.schema?.openAPIV3Schema
    if (!schema) to.required(place.at('schema', 'openAPIV3Schema'))
    else if (isReported('schema'))
      checkStructure(schema, ROOT_TYPE, of('schema', 'validation').at('openAPIV3Schema'), to)
    if (version.subresources?.scale && isReported('subresources')) {
      checkScale(version.subresources.scale, of('subresources', 'subresources'), to)
    }
    if (isReported('additionalPrinterColumns')) {
      const columns = of('additionalPrinterColumns', 'additionalPrinterColumns')
      ;(version.additionalPrinterColumns ?? []).forEach((one: Spec, j: number) => {
        column(one, columns.index(j), to)
        if (!one.jsonPath) to.required(columns.index(j).at('JSONPath'))
      })
    }
  })
  if (new Set(versions.map(({ name }) => name)).size < versions.length) {
    to.invalid(at, versions, 'must contain unique version names')
  }
  if (versions.filter(({ storage }) => storage).length !== 1) {
    to.invalid(at, versions, 'must have exactly one version marked as storage version')
  }
}

function checkConversion({ strategy = '', webhook }: Spec, at: Path, to: Problems) {
  first(required, oneOf('None', 'Webhook'))(strategy, at.at('strategy'), to)
  const [configAt, versionsAt] = [at.at('webhookClientConfig'), at.at('conversionReviewVersions')]
  const config: Spec | undefined = webhook?.clientConfig
  if (strategy === 'Webhook') {
    if (config) checkClientConfig(config, configAt, to)
    else to.required(configAt, 'required when strategy is set to Webhook')
    return reviewVersions('')(webhook?.conversionReviewVersions ?? [], versionsAt, to)
  }
  const why = 'should not be set when strategy is not set to Webhook'
  if (config) to.forbidden(configAt, why)
  if (webhook?.conversionReviewVersions) to.forbidden(versionsAt, why)
}

const isEstablished = ({ status }: Stored) =>
  (status?.conditions ?? []).some((one: Spec) => one.type === 'Established' && one.status === 'True')

export const customResourceDefinitionRules: Rules = {
  valid: ({ metadata, spec }: Stored, _at, to) => {
    const { names = {}, versions = [], conversion, preserveUnknownFields } = spec as Spec
    if (metadata.name !== `${names.plural ?? ''}.${spec.group ?? ''}`) {
      to.invalid(METADATA.at('name'), metadata.name, 'must be spec.names.plural+"."+spec.group')
    }
    fields({ group: first(required, group), scope: first(required, oneOf('Cluster', 'Namespaced')) })(spec, SPEC, to)
    checkVersions(versions, to)
    const at = SPEC.at('names')
    requiredNames(names, at, to)
    nameFormats(names, at, to)
    if (names.kind && names.kind === names.listKind) {
      to.invalid(at.at('listKind'), names.listKind, 'kind and listKind may not be the same')
    }
    if (conversion) checkConversion(conversion, SPEC.at('conversion'), to)
    if (preserveUnknownFields) {
      const why =
        'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead'
      to.invalid(SPEC.at('preserveUnknownFields'), true, why)
    }
  },
  update: comparisons(immutable('spec.group', 'spec.names.plural'), (definition, old, to) => {
    if (isEstablished(old)) immutable('spec.scope', 'spec.names.kind')(definition, old, to)
    const names = new Set((definition.spec.versions ?? []).map(({ name }: Spec) => name))
    const stored: string[] = definition.status?.storedVersions ?? []
    stored.forEach((name, i) => {
      if (names.has(name)) return
      const why = `missing from spec.versions; ${name} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${name} and removes ${name} from status.storedVersions`
      to.invalid(STATUS.at('storedVersions').index(i), name, why)
    })
  }),
}
