/**
 * ResourceClaims, the templates they are made from, and DeviceClasses. What a claim asks for never changes, so that it is
 * judged once. Upstream: `pkg/apis/resource/validation`.
 */
import { dnsSubdomain } from '#machinery/names.ts'
import { jsonEqual } from '#base/equal.ts'
import type { Stored } from '../../registry/strategy.ts'
import {
  all,
  type Check,
  distinct,
  each,
  evenAbsent,
  fields,
  first,
  limited,
  type Path,
  type Problems,
  required,
  SPEC,
  strictlyNamed,
  uniqueItems,
} from './check.ts'
import { templateMeta } from './claims.ts'
import { claimStatus } from './device-claim-status.ts'
import {
  attributeNameWithDomain,
  deviceConfiguration,
  deviceName,
  deviceSelectors,
  deviceTolerations,
} from './devices.ts'
import { RequestNames } from './device-request-names.ts'
import { isExtendedResource } from './resources.ts'
import { immutable, type Rules } from './rules.ts'

type Value = Record<string, any>

const MAX_REQUESTS = 32
const MAX_ALTERNATIVES = 8
const MAX_CONSTRAINTS = 32
const MAX_CONFIGURATIONS = 32

const deviceClassName = first(required, strictlyNamed(dnsSubdomain))

const allocationMode: Check = ({ allocationMode: mode = '', count = 0 }: Value, at, to) => {
  if (mode === 'All') {
    if (count !== 0) to.invalid(at.at('count'), count, "must not be specified when allocationMode is 'All'")
  } else if (mode !== 'ExactCount') to.unsupported(at.at('allocationMode'), mode, ['All', 'ExactCount'])
  else if (count <= 0) to.invalid(at.at('count'), count, 'must be greater than zero')
}

const exactRequest: Check = all(
  fields({ deviceClassName, selectors: deviceSelectors }),
  allocationMode,
  fields({ tolerations: deviceTolerations }),
)

const nameOf = ({ name = '' }: { name?: string }) => name
const subRequest: Check = all(fields({ name: deviceName }), exactRequest)
const alternatives = limited(MAX_ALTERNATIVES, each(subRequest), distinct(nameOf))

const ONE_OF = 'exactly one of `exactly` or `firstAvailable` is required'

const deviceRequest: Check = (request: Value, at, to) => {
  deviceName(request.name ?? '', at.at('name'), to)
  const { exactly, firstAvailable = [] } = request
  if (firstAvailable.length > 0 && exactly) to.invalid(at, null, `${ONE_OF}, but multiple fields are set`)
  else if (firstAvailable.length > 0) alternatives(firstAvailable, at.at('firstAvailable'), to)
  else if (exactly) exactRequest(exactly, at.at('exactly'), to)
  else to.required(at, ONE_OF)
}
const deviceRequests = limited(MAX_REQUESTS, each(deviceRequest), distinct(nameOf))

const NO_ATTRIBUTE = 'exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set'

function checkConstraint({ requests = [], ...constraint }: Value, names: RequestNames, at: Path, to: Problems) {
  limited(MAX_REQUESTS, each(names.reference), uniqueItems)(requests, at.at('requests'), to)
  const field = ['matchAttribute', 'distinctAttribute'].find((name) => constraint[name] !== undefined)
  if (field) attributeNameWithDomain(constraint[field], at.at(field), to)
  else to.required(at, NO_ATTRIBUTE)
}

function checkClaimConfiguration(config: Value, names: RequestNames, at: Path, to: Problems) {
  limited(MAX_REQUESTS, each(names.reference), uniqueItems)(config.requests ?? [], at.at('requests'), to)
  deviceConfiguration(config, at, to)
}

const deviceClaim: Check = (claim: Value, at, to) => {
  const names = new RequestNames(claim)
  fields({
    requests: deviceRequests,
    constraints: limited(
      MAX_CONSTRAINTS,
      each((constraint, place) => checkConstraint(constraint, names, place, to)),
    ),
    config: limited(
      MAX_CONFIGURATIONS,
      each((config, place) => checkClaimConfiguration(config, names, place, to)),
    ),
  })(claim, at, to)
}

const claimSpec: Check = fields({ devices: deviceClaim })

export const resourceClaimRules: Rules = {
  create: ({ spec }, to) => claimSpec(spec ?? {}, SPEC, to),
  update: immutable('spec'),
  subresources: { status: claimStatus },
}

export const resourceClaimTemplateRules: Rules = {
  valid: fields({ spec: fields({ metadata: templateMeta, spec: claimSpec }) }),
  update: immutable('spec'),
}

const classSpec = fields({
  selectors: deviceSelectors,
  config: limited(MAX_CONFIGURATIONS, each(deviceConfiguration)),
  extendedResourceName: evenAbsent((name: string | undefined, at, to) => {
    if (name !== undefined && !isExtendedResource(name)) to.invalid(at, name, 'must be a valid extended resource name')
  }),
})

/** Settings that were there before may be larger than what is taken today. */
export const deviceClassRules: Rules = {
  create: ({ spec }, to) => classSpec(spec ?? {}, SPEC, to),
  changed({ spec = {} }: Stored, { spec: was = {} }: Stored, to) {
    const { config, selectors, ...rest } = spec
    classSpec(
      {
        ...rest,
        ...(!jsonEqual(selectors, was.selectors) && { selectors }),
        ...(!jsonEqual(config, was.config) && { config }),
      },
      SPEC,
      to,
    )
  },
}
