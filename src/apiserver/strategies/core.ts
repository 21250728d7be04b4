/** The kinds of core/v1 apart from pods, services and workloads, before validation. Upstream: `pkg/registry/core`. */
import { dnsLabel } from '#machinery/names.ts'
import { timestamp } from '../registry/object-meta.ts'
import type { Draft, Stored, Strategy } from '../registry/strategy.ts'
import { dropFromPodSpec, dropping } from './disabled-fields.ts'

const KUBERNETES_FINALIZER = 'kubernetes'
const NAME_LABEL = 'kubernetes.io/metadata.name'

/** A namespace stays until `spec.finalizers` is empty; its controller empties it through `finalize`. */
export const namespaceStrategy: Strategy = {
  name: dnsLabel,
  returnsDeleted: true,
  prepareForCreate(namespace) {
    const finalizers: string[] = namespace.spec.finalizers ?? []
    if (!finalizers.includes(KUBERNETES_FINALIZER)) namespace.spec.finalizers = [...finalizers, KUBERNETES_FINALIZER]
    setNameLabel(namespace)
  },
  prepareForUpdate(namespace, old, { subresource }) {
    if (subresource === 'finalize') namespace.status = old.status
    else {
      namespace.spec = { ...namespace.spec }
      if (old.spec.finalizers) namespace.spec.finalizers = old.spec.finalizers
      else delete namespace.spec.finalizers
    }
    setNameLabel(namespace)
  },
  blocksDeletion: (namespace) => (namespace.spec.finalizers ?? []).length > 0,
  beginDeletion(namespace) {
    namespace.status = { ...namespace.status, phase: 'Terminating' }
  },
  selectableFields: {
    'status.phase': (namespace) => namespace.status?.phase ?? '',
  },
}

function setNameLabel(namespace: Draft) {
  const { metadata } = namespace
  if (metadata.labels?.[NAME_LABEL] !== metadata.name) {
    metadata.labels = { ...metadata.labels, [NAME_LABEL]: metadata.name }
  }
}

export const nodeStrategy: Strategy = {
  keepsStatusOnCreate: true,
  selectableFields: { 'spec.unschedulable': (node) => String(node.spec.unschedulable ?? false) },
}

/** Plain text is only for writing; it becomes data. */
function mergeStringData(secret: Draft) {
  const { stringData } = secret
  delete secret.stringData
  if (!stringData) return
  secret.data = { ...secret.data }
  for (const key in stringData) secret.data[key] = Buffer.from(stringData[key]).toString('base64')
}

export const secretStrategy: Strategy = {
  prepareForCreate: mergeStringData,
  prepareForUpdate(secret, old) {
    mergeStringData(secret)
    secret.type ||= old.type
  },
  selectableFields: { type: (secret) => secret.type ?? '' },
}

/** Only the secret's name counts; older clients sent more of the reference. */
function keepOnlySecretNames(account: Draft) {
  account.secrets = account.secrets?.map(({ name }: { name?: string }) => ({ name }))
  if (!account.secrets) delete account.secrets
}

export const serviceAccountStrategy: Strategy = {
  returnsDeleted: true,
  prepareForCreate: keepOnlySecretNames,
  prepareForUpdate: keepOnlySecretNames,
}

const eventFields = [
  'involvedObject.kind',
  'involvedObject.namespace',
  'involvedObject.name',
  'involvedObject.uid',
  'involvedObject.apiVersion',
  'involvedObject.resourceVersion',
  'involvedObject.fieldPath',
] as const

export const eventStrategy: Strategy = {
  createsOnUpdate: true,
  selectableFields: {
    ...Object.fromEntries(
      eventFields.map((path) => [
        path,
        (event: Stored) => event.involvedObject?.[path.slice('involvedObject.'.length)] ?? '',
      ]),
    ),
    reason: (event) => event.reason ?? '',
    reportingComponent: (event) => event.reportingComponent ?? '',
    source: (event) => event.source?.component || event.reportingComponent || '',
    type: (event) => event.type ?? '',
  },
}

export const persistentVolumeStrategy: Strategy = {
  returnsDeleted: true,
  prepareForCreate(volume, { now }) {
    volume.status = { phase: 'Pending', lastPhaseTransitionTime: timestamp(now) }
  },
  prepareForUpdate(volume, old, { subresource, now }) {
    if (subresource !== 'status') return
    const [status, was] = [volume.status, old.status ?? {}]
    if (status.phase === was.phase) {
      if (was.lastPhaseTransitionTime) status.lastPhaseTransitionTime ??= was.lastPhaseTransitionTime
    } else if (!status.lastPhaseTransitionTime || status.lastPhaseTransitionTime === was.lastPhaseTransitionTime) {
      status.lastPhaseTransitionTime = timestamp(now)
    }
  },
}

/** Keeps `dataSource` and its more general successor saying the same. */
function alignDataSources(claim: Draft, old?: Stored) {
  const { spec } = claim
  const wasInUse = old !== undefined && (old.spec.dataSource || old.spec.dataSourceRef)
  if (!wasInUse && !spec.dataSourceRef && !isKnownSource(spec.dataSource)) delete spec.dataSource
  if (spec.dataSource && !spec.dataSourceRef) spec.dataSourceRef = { ...spec.dataSource }
  else if (spec.dataSourceRef && !spec.dataSource && !spec.dataSourceRef.namespace) {
    const { namespace: _namespace, ...source } = spec.dataSourceRef
    spec.dataSource = source
  }
}

function isKnownSource(source: Record<string, any> | undefined): boolean {
  if (source?.kind === 'PersistentVolumeClaim') return !source.apiGroup
  return source?.kind === 'VolumeSnapshot' && source.apiGroup === 'snapshot.storage.k8s.io'
}

export const persistentVolumeClaimStrategy: Strategy = {
  returnsDeleted: true,
  prepareForCreate: (claim) => alignDataSources(claim),
  prepareForUpdate(claim, old, { subresource }) {
    if (subresource === '') alignDataSources(claim, old)
  },
}

export const podTemplateStrategy: Strategy = dropping(({ template }) => dropFromPodSpec(template?.spec), {
  countsGeneration: true,
  returnsDeleted: true,
  generationOf: (template) => template.template,
})
export const resourceQuotaStrategy: Strategy = { returnsDeleted: true }
export const limitRangeStrategy: Strategy = { createsOnUpdate: true }
export const endpointsStrategy: Strategy = { createsOnUpdate: true }
