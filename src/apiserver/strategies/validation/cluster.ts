/** Namespaces, nodes, persistent volumes and claims. Upstream: the functions `ValidateNamespace`, `ValidateNode` and so on. */
import { own } from '#base/own.ts'
import { jsonEqual } from '#base/equal.ts'
import { dnsSubdomain, qualifiedName } from '#machinery/names.ts'
import { Quantity } from '#machinery/quantity.ts'
import type { Stored } from '../../registry/strategy.ts'
import { changesText } from './changes.ts'
import {
  type Check,
  fields,
  METADATA,
  named,
  oneOf,
  type Path,
  positiveQuantity,
  type Problems,
  required,
  ROOT,
  SPEC,
  STATUS,
} from './check.ts'
import { accessModes, claimUpdateErrors, persistentVolumeClaim, volumeMode } from './claims.ts'
import { legacyCidrErrors, parseNetwork } from './ip.ts'
import { resourceAmount } from './resources.ts'
import { type Comparison, type Rules } from './rules.ts'
import { nodeSelector, taints } from './selectors.ts'
import { persistentSource, persistentSourceOf, persistentSources } from './volumes.ts'

type Spec = Record<string, any>

const STANDARD_FINALIZERS = ['kubernetes', 'orphan', 'foregroundDeletion']

const finalizer: Check = (name: string, at, to) => {
  to.each(at, name, qualifiedName(name))
  if (!name.includes('/') && !STANDARD_FINALIZERS.includes(name)) {
    to.invalid(at, name, 'name is neither a standard finalizer name nor is it fully qualified')
  }
}

const phaseOf = (namespace: Stored): string => namespace.status?.phase ?? ''

export const namespaceRules: Rules = {
  create: ({ spec }, to) => {
    for (const name of spec.finalizers ?? []) finalizer(name, SPEC.at('finalizers'), to)
  },
  subresources: {
    status(namespace, _old, to) {
      const isDeleted = namespace.metadata.deletionTimestamp !== undefined
      const wanted = isDeleted ? 'Terminating' : 'Active'
      if (phaseOf(namespace) === wanted) return
      const why = `may only be '${wanted}' if \`deletionTimestamp\` is ${isDeleted ? 'not empty' : 'empty'}`
      to.invalid(STATUS.at('Phase'), phaseOf(namespace), why)
    },
    finalize(namespace, _old, to) {
      ;(namespace.spec.finalizers ?? []).forEach((name: string, i: number) =>
        finalizer(name, SPEC.at('finalizers').index(i), to),
      )
    },
  },
}

type Amounts = Record<string, string>

function checkAmounts(amounts: Amounts | undefined, at: Path, to: Problems) {
  for (const [name, amount] of Object.entries(amounts ?? {})) resourceAmount(name, amount, at.at(name), to)
}

function checkNodeResources(node: Stored, to: Problems) {
  for (const list of ['capacity', 'allocatable']) checkAmounts(node.status?.[list], STATUS.at(list), to)
}

function checkPodNetworks(cidrs: readonly string[], to: Problems) {
  const at = SPEC.at('podCIDRs')
  cidrs.forEach((cidr, i) => to.each(at.index(i), cidr, legacyCidrErrors(cidr)))
  const families = new Set(cidrs.map((cidr) => parseNetwork(cidr)?.address.version))
  if (families.size < cidrs.length) to.invalid(at, cidrs, 'may specify no more than one CIDR for each IP family')
}

// Upstream looks for taints in the metadata when it reports them.
const checkTaints = (node: Stored, to: Problems) => taints(node.spec.taints ?? [], METADATA.at('taints'), to)

const nodeUpdate: Comparison = (node, old, to) => {
  checkNodeResources(node, to)
  const seen = new Set<string>()
  ;(node.status?.addresses ?? []).forEach((address: Spec, i: number) => {
    const key = JSON.stringify([address.type, address.address])
    if (seen.has(key)) to.duplicate(STATUS.at('addresses').index(i), address)
    seen.add(key)
  })
  const [spec, was]: Spec[] = [node.spec as Spec, old.spec as Spec]
  const fixed = (field: string, what: string) =>
    to.forbidden(SPEC.at(field), `node updates may not change ${what} except from "" to valid`)
  if ((was!.podCIDRs ?? []).length > 0 && !jsonEqual(spec!.podCIDRs, was!.podCIDRs)) fixed('podCIDRs', 'podCIDR')
  if (was!.providerID && spec!.providerID !== was!.providerID) fixed('providerID', 'providerID')
  if (!jsonEqual(spec!.taints, was!.taints)) checkTaints(node, to)
  if (spec!.externalID !== was!.externalID) to.forbidden(SPEC.at('externalID'), 'may not be updated')
}

export const nodeRules: Rules = {
  create: (node, to) => {
    checkTaints(node, to)
    checkNodeResources(node, to)
    checkPodNetworks(node.spec.podCIDRs ?? [], to)
  },
  update: nodeUpdate,
  subresources: { status: nodeUpdate },
}

const capacity: Check = (amounts: Amounts | undefined, at, to) => {
  const names = Object.keys(amounts ?? {})
  if (names.length === 0) to.required(at)
  if (names.length !== 1 || names[0] !== 'storage') to.unsupported(at, amounts ?? null, ['storage'])
  for (const name of names) {
    const amount = amounts![name]!
    if (Quantity.parse(amount).sign < 0) {
      to.invalid(at.key(name), Number(Quantity.parse(amount).value()), 'must be a valid resource quantity')
    }
    positiveQuantity(amount, at.key(name), to)
  }
}
capacity.seesMissing = true

const nodeAffinity: Check = ({ required: selector }, at, to) => {
  if (selector) nodeSelector(selector, at.at('required'), to)
  else to.required(at.at('required'), 'must specify required node constraints')
}

const beforeSource = fields({
  accessModes: [required, accessModes],
  capacity,
  persistentVolumeReclaimPolicy: oneOf('Delete', 'Recycle', 'Retain'),
  nodeAffinity,
})
const afterSource = fields({
  storageClassName: named(dnsSubdomain),
  volumeMode,
  volumeAttributesClassName: (name: string, at, to) => {
    if (name === '') to.required(at, 'an empty string is disallowed')
    else to.each(at, name, dnsSubdomain(name))
  },
})

const isRoot = (path: string) => /^\/(?:\.?\/)*\.?$/.test(path)

const volumeSpec: Check = (spec: Spec, at, to) => {
  beforeSource(spec, at, to)
  persistentSource(spec, at, to)
  const isLocal = persistentSourceOf(spec) === 'local'
  if (isLocal && !spec.nodeAffinity?.required) to.required(at.at('nodeAffinity'), 'Local volume requires node affinity')
  if (spec.hostPath && isRoot(spec.hostPath.path) && spec.persistentVolumeReclaimPolicy === 'Recycle') {
    to.forbidden(at.at('persistentVolumeReclaimPolicy'), "may not be 'recycle' for a hostPath mount of '/'")
  }
  afterSource(spec, at, to)
  if (spec.volumeAttributesClassName !== undefined && !spec.csi) {
    to.required(at.at('csi'), 'has to be specified when using volumeAttributesClassName')
  }
}

/** The same rules, for attachments of volumes that have no object of their own. */
export const inlineVolumeSpec: Check = (spec: Spec, at, to) => {
  const why = 'may not be specified in the context of inline volumes'
  if (spec.claimRef) to.forbidden(at.at('claimRef'), why)
  if (spec.capacity) to.forbidden(at.at('capacity'), why)
  if (!spec.csi) to.required(at.at('csi'), 'has to be specified in the context of inline volumes')
  fields({ accessModes: [required, accessModes] })(spec, at, to)
  if (spec.persistentVolumeReclaimPolicy && spec.persistentVolumeReclaimPolicy !== 'Retain') {
    to.forbidden(at.at('persistentVolumeReclaimPolicy'), 'may only be Retain in the context of inline volumes')
  }
  if (spec.nodeAffinity) to.forbidden(at.at('nodeAffinity'), why)
  persistentSource(spec, at, to)
  if (spec.storageClassName) to.forbidden(at.at('storageClassName'), why)
  if (spec.volumeMode && spec.volumeMode !== 'Filesystem') {
    const mode = 'may not specify volumeMode other than Filesystem in the context of inline volumes'
    to.forbidden(at.at('volumeMode'), mode)
  }
}

const sourceNames = Object.keys(persistentSources)
const sourceOf = (spec: Spec): Spec =>
  Object.fromEntries(sourceNames.filter((name) => spec[name] !== undefined).map((name) => [name, spec[name]]))

const volumeUpdate: Comparison = (volume, old, to) => {
  const [spec, was]: Spec[] = [volume.spec as Spec, old.spec as Spec]
  const [source, before] = [sourceOf(spec!), sourceOf(was!)]
  // A secret for growing may be added to a volume that came without.
  if (before.csi && source.csi && !before.csi.controllerExpandSecretRef) {
    const { controllerExpandSecretRef: _added, ...csi } = source.csi
    source.csi = csi
  }
  if (!jsonEqual(source, before)) {
    const why = `spec.persistentvolumesource is immutable after creation\n${changesText(before, source)}`
    to.forbidden(SPEC.at('persistentvolumesource'), why)
  }
  if (spec!.volumeMode !== was!.volumeMode) {
    to.invalid(ROOT.at('volumeMode'), spec!.volumeMode ?? null, 'field is immutable')
  }
  if (was!.nodeAffinity && !jsonEqual(withoutBetaLabels(spec!.nodeAffinity), withoutBetaLabels(was!.nodeAffinity))) {
    const why = 'field is immutable, except for updating from beta label to GA'
    to.invalid(ROOT.at('nodeAffinity'), spec!.nodeAffinity ?? null, why)
  }
  if (was!.volumeAttributesClassName !== undefined && spec!.volumeAttributesClassName === undefined) {
    to.forbidden(SPEC.at('volumeAttributesClassName'), 'update from non-nil value to nil is forbidden')
  }
}

const renamed: Readonly<Record<string, string>> = {
  'failure-domain.beta.kubernetes.io/zone': 'topology.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region': 'topology.kubernetes.io/region',
  'beta.kubernetes.io/arch': 'kubernetes.io/arch',
  'beta.kubernetes.io/os': 'kubernetes.io/os',
  'beta.kubernetes.io/instance-type': 'node.kubernetes.io/instance-type',
}

const withoutBetaLabels = (affinity: unknown): unknown =>
  affinity === undefined
    ? undefined
    : JSON.parse(JSON.stringify(affinity), (key, value) => (key === 'key' ? (own(renamed, value) ?? value) : value))

export const persistentVolumeRules: Rules = {
  valid: fields({ spec: volumeSpec }),
  update: volumeUpdate,
}

const resizeStatus = oneOf(
  'ControllerResizeInProgress',
  'ControllerResizeInfeasible',
  'NodeResizeInProgress',
  'NodeResizeInfeasible',
  'NodeResizePending',
)

const claimStatus: Comparison = (claim, _old, to) => {
  const { capacity: amounts = {}, allocatedResourceStatuses = {}, allocatedResources = {} } = claim.status ?? {}
  for (const [name, amount] of Object.entries<string>(amounts)) {
    const quantity = Quantity.parse(amount)
    if (quantity.sign >= 0) continue
    const at = STATUS.at('capacity').key(name)
    to.invalid(at, Number(quantity.value()), 'must be a valid resource quantity')
  }
  for (const [name, state] of Object.entries<string>(allocatedResourceStatuses)) {
    const at = STATUS.at('allocatedResourceStatuses')
    to.each(at, name, qualifiedName(name))
    resizeStatus(state, at, to)
  }
  for (const [name, amount] of Object.entries<string>(allocatedResources)) {
    to.each(STATUS.at('allocatedResources'), name, qualifiedName(name))
    resourceAmount('storage', amount, STATUS.at('allocatedResources').key(name), to)
  }
}

export const claimRules: Rules = {
  create: (claim, to) => persistentVolumeClaim(claim, ROOT, to),
  update: (claim, old, to) => {
    if (!jsonEqual(claim.spec, old.spec)) claimUpdateErrors(claim, old, to)
  },
  subresources: { status: claimStatus },
}
