/** The kinds of storage.k8s.io. Upstream: `pkg/apis/storage/validation`. */
import { jsonEqual } from '#base/equal.ts'
import { dnsSubdomain, qualifiedName } from '#machinery/names.ts'
import { immutableValue } from '../../registry/object-meta.ts'
import {
  all,
  type Check,
  each,
  evenAbsent,
  fields,
  first,
  nonNegative,
  nonNegativeQuantity,
  oneOf,
  type Path,
  type Problems,
  required,
  ROOT,
  SPEC,
  STATUS,
  strictlyNamed,
  uniqueBy,
  uniqueItems,
} from './check.ts'
import { inlineVolumeSpec } from './cluster.ts'
import { type Comparison, immutable, type Rules } from './rules.ts'
import { labelSelector } from './selectors.ts'
import { csiDriverName } from './volumes.ts'

type Spec = Record<string, any>

const MAX_PARAMETERS = 512
const MAX_PARAMETER_BYTES = 256 << 10

/** Upstream counts parameters in the same way as bytes when it reports them. */
const parameters: Check = (value: Record<string, string>, at, to) => {
  const entries = Object.entries(value)
  if (entries.length > MAX_PARAMETERS) return to.tooLong(at, MAX_PARAMETERS)
  if ('' in value) to.invalid(at, '', 'field can not be empty.')
  if (sizeOf(value) > MAX_PARAMETER_BYTES) to.tooLong(at, MAX_PARAMETER_BYTES)
}

const sizeOf = (map: Record<string, string>) =>
  Object.entries(map).reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0)

const provisioner = first(required, (name: string, at, to) => {
  const lower = name.toLowerCase()
  to.each(at, lower, qualifiedName(lower))
})

const topologyTerm = fields({
  matchLabelExpressions: [
    each(fields({ values: [required, uniqueItems], key: strictlyNamed(qualifiedName) })),
    uniqueBy('key'),
  ],
})

const topologies: Check = (terms: readonly Spec[], at, to) => {
  terms.forEach((term, i) => {
    topologyTerm(term, at.index(i), to)
    const isRepeated = terms.slice(0, i).some((other) => jsonEqual(meaningOf(other), meaningOf(term)))
    if (isRepeated) to.duplicate(at.index(i).at('matchLabelExpressions'), '')
  })
}

const meaningOf = ({ matchLabelExpressions = [] }: Spec) =>
  Object.fromEntries(matchLabelExpressions.map(({ key, values = [] }: Spec) => [key, [...values].toSorted()]))

export const storageClassRules: Rules = {
  valid: fields({
    provisioner,
    parameters,
    reclaimPolicy: (value, at, to) => value && oneOf('Delete', 'Retain')(value, at, to),
    volumeBindingMode: evenAbsent((value, at, to) => {
      if (value === undefined) to.required(at)
      else oneOf('Immediate', 'WaitForFirstConsumer')(value, at, to)
    }),
    allowedTopologies: topologies,
  }),
  update: immutable('parameters', 'provisioner', 'reclaimPolicy', 'volumeBindingMode'),
}

const forbiddenChanges =
  (...names: string[]): Comparison =>
  (object, old, to) => {
    for (const name of names) {
      if (!jsonEqual(object[name], old[name])) to.forbidden(ROOT.at(name), `updates to ${name} are forbidden.`)
    }
  }

export const volumeAttributesClassRules: Rules = {
  valid: fields({
    driverName: provisioner,
    parameters: all(
      evenAbsent((value: object | undefined, at, to) => {
        if (Object.keys(value ?? {}).length === 0) to.required(at, 'must contain at least one key/value pair')
      }),
      parameters,
    ),
  }),
  update: forbiddenChanges('driverName', 'parameters'),
}

const ONE_SOURCE = 'must specify exactly one of inlineVolumeSpec and persistentVolumeName'

const attachmentSource: Check = evenAbsent((source: Spec = {}, at, to) => {
  const { inlineVolumeSpec: inline, persistentVolumeName: name } = source
  if (inline && name !== undefined) to.forbidden(at, ONE_SOURCE)
  else if (inline) inlineVolumeSpec(inline, at.at('inlineVolumeSpec'), to)
  else if (name === undefined) to.required(at, ONE_SOURCE)
  else if (name === '') to.required(at.at('persistentVolumeName'), 'must specify non empty persistentVolumeName')
  else to.each(at.at('persistentVolumeName'), name, dnsSubdomain(name))
})

const MAX_ERROR = 1024

const volumeError = fields({
  message: (text: string, at, to) => {
    if (text.length > MAX_ERROR) to.tooLong(at, MAX_PARAMETER_BYTES)
  },
  errorCode: (code: number, at, to) => {
    if (code < 0) to.invalid(at, code, 'must be between 0 and 2147483647, inclusive')
  },
})

const attachmentStatus = fields({
  attachmentMetadata: (map, at, to) => sizeOf(map) > MAX_PARAMETER_BYTES && to.tooLong(at, MAX_PARAMETER_BYTES),
  attachError: volumeError,
  detachError: volumeError,
})

export const volumeAttachmentRules: Rules = {
  create: ({ spec }, to) =>
    fields({
      attacher: csiDriverName,
      source: attachmentSource,
      nodeName: evenAbsent((name = '', at, to) => to.each(at, name, dnsSubdomain(name))),
    })(spec, SPEC, to),
  update: immutable('spec'),
  subresources: { status: ({ status = {} }, _old, to) => attachmentStatus(status, STATUS, to) },
}

const MAX_NODE_ID = 256

const nodeDriver: Check = all(
  fields({
    name: csiDriverName,
    nodeID: [
      required,
      (id: string, at, to) =>
        id.length > MAX_NODE_ID && to.invalid(at, id, `must be ${MAX_NODE_ID} characters or less`),
    ],
    allocatable: fields({ count: nonNegative }),
  }),
  // Upstream reports keys at the driver.
  ({ topologyKeys = [] }: { topologyKeys?: string[] }, at, to) => {
    const seen = new Set<string>()
    for (const key of topologyKeys) {
      if (key === '') to.required(at)
      if (seen.has(key)) to.duplicate(at, key)
      seen.add(key)
      to.each(at, key, qualifiedName(key))
    }
  },
)

export const csiNodeRules: Rules = {
  valid: fields({ spec: fields({ drivers: [each(nodeDriver), uniqueBy('name')] }) }),
  update({ spec }, { spec: was }, to) {
    if (jsonEqual(spec, was)) return
    const comparable = ({ allocatable: _allocatable, ...driver }: Spec) => driver
    const byName = new Map<string, Spec>((spec.drivers ?? []).map((driver: Spec) => [driver.name, driver]))
    for (const before of was.drivers ?? []) {
      const now = byName.get(before.name)
      if (now && !jsonEqual(comparable(now), comparable(before))) to.add([immutableValue('spec.drivers', now)])
    }
  },
}

const MIN_TOKEN_SECONDS = 600
const MAX_TOKEN_SECONDS = 2 ** 32

function checkTokens(requests: readonly Spec[], at: Path, to: Problems) {
  const seen = new Set<string>()
  requests.forEach(({ audience = '', expirationSeconds: seconds }, i) => {
    const place = at.index(i)
    if (seen.has(audience)) return to.duplicate(place.at('audience'), audience)
    seen.add(audience)
    if (seconds < MIN_TOKEN_SECONDS) {
      to.invalid(place.at('expirationSeconds'), seconds, 'may not specify a duration less than 10 minutes')
    }
    if (seconds > MAX_TOKEN_SECONDS) {
      to.invalid(place.at('expirationSeconds'), seconds, 'may not specify a duration larger than 2^32 seconds')
    }
  })
}

const present: Check = evenAbsent((value, at, to) => {
  if (value === undefined) to.required(at)
})

const driverFields = fields({
  podInfoOnMount: present,
  storageCapacity: present,
  fsGroupPolicy: oneOf('File', 'None', 'ReadWriteOnceWithFSType'),
  tokenRequests: checkTokens,
  volumeLifecycleModes: (modes: string[], at, to) => {
    for (const mode of modes) oneOf('Persistent', 'Ephemeral')(mode, at, to)
  },
  seLinuxMount: present,
  nodeAllocatableUpdatePeriodSeconds: (seconds: number, at, to) => {
    if (seconds < 10) to.invalid(at, seconds, 'must be greater than or equal to 10 seconds')
  },
})

export const csiDriverRules: Rules = {
  valid: ({ spec }: { spec: Spec }, _at, to) => {
    // Upstream calls the field differently when it reports it.
    if (spec.attachRequired === undefined) to.required(SPEC.at('attachedRequired'))
    driverFields(spec, SPEC, to)
    if (spec.serviceAccountTokenInSecrets !== undefined && !spec.tokenRequests) {
      const why = 'serviceAccountTokenInSecrets is set but no tokenRequests are specified'
      to.invalid(SPEC.at('serviceAccountTokenInSecrets'), spec.serviceAccountTokenInSecrets, why)
    }
  },
  update({ spec }, { spec: was }, to) {
    if (spec.attachRequired !== was.attachRequired) {
      to.add([immutableValue('spec.attachedRequired', spec.attachRequired ?? null)])
    }
    immutable('spec.volumeLifecycleModes')({ spec } as never, { spec: was } as never, to)
  },
}

export const storageCapacityRules: Rules = {
  valid: fields({
    nodeTopology: labelSelector,
    storageClassName: evenAbsent((name = '', at, to) => to.each(at, name, dnsSubdomain(name))),
    capacity: nonNegativeQuantity,
  }),
  update: immutable('nodeTopology', 'storageClassName'),
}
