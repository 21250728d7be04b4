/** Controllers of pods (apps/v1, batch/v1 and ReplicationController), before validation. Upstream: `pkg/registry/apps`, `batch`. */
import { jsonEqual } from '#base/equal.ts'
import { dnsLabel } from '#machinery/names.ts'
import { dropFromPodSpec, dropping, droppingFromTemplate } from './disabled-fields.ts'
import type { Draft, Strategy } from '../registry/strategy.ts'

export const cronJobStrategy: Strategy = dropping(
  ({ spec }) => dropFromPodSpec(spec?.jobTemplate?.spec?.template?.spec),
  { countsGeneration: true },
)

export const deploymentStrategy: Strategy = droppingFromTemplate({
  countsGeneration: true,
  // Annotations count: the revision history is kept in them.
  generationOf: ({ spec, metadata }) => [spec, metadata.annotations ?? {}],
})

export const statefulSetStrategy: Strategy = droppingFromTemplate({ name: dnsLabel, countsGeneration: true })

export const replicaSetStrategy: Strategy = droppingFromTemplate({
  countsGeneration: true,
})

export const replicationControllerStrategy: Strategy = {
  ...replicaSetStrategy,
  orphansByDefault: true,
  selectableFields: { 'status.replicas': (controller) => String(controller.status?.replicas ?? 0) },
}

/** Clients of before `generation` read how often the template has changed from here. */
const TEMPLATE_GENERATION = 'deprecated.daemonset.template.generation'

function setTemplateGeneration(set: Draft, generation: number) {
  set.metadata.annotations = { ...set.metadata.annotations, [TEMPLATE_GENERATION]: String(generation) }
}

export const daemonSetStrategy: Strategy = droppingFromTemplate({
  countsGeneration: true,
  prepareForCreate(set) {
    setTemplateGeneration(set, Math.max(1, templateGeneration(set.metadata.annotations)))
  },
  prepareForUpdate(set, old, { subresource }) {
    const changed = subresource !== '' || jsonEqual(set.spec.template, old.spec.template) ? 0 : 1
    const generation = templateGeneration(old.metadata.annotations) + changed
    if (generation > 0) setTemplateGeneration(set, generation)
  },
})

const templateGeneration = (annotations: Record<string, string> | undefined) =>
  Number(annotations?.[TEMPLATE_GENERATION] ?? 0) || 0

const nameLabels = ['job-name', 'batch.kubernetes.io/job-name']
const UID_LABEL = 'batch.kubernetes.io/controller-uid'
const uidLabels = ['controller-uid', UID_LABEL]

/**
 * Unless told otherwise a job selects its pods by its own UID; labels that contradict it are left for validation. A job
 * without labels has those of its pods.
 */
export const jobStrategy: Strategy = droppingFromTemplate({
  countsGeneration: true,
  orphansByDefault: true,
  deletionWarning:
    'child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning',
  prepareForCreate({ metadata, spec }) {
    if (spec.manualSelector) return
    const template = spec.template.metadata as { labels?: Record<string, string> }
    const hasOwnLabels = metadata.labels !== undefined && metadata.labels !== template.labels
    template.labels = {
      ...Object.fromEntries(nameLabels.map((label) => [label, metadata.name])),
      ...Object.fromEntries(uidLabels.map((label) => [label, metadata.uid])),
      ...template.labels,
    }
    if (!hasOwnLabels) metadata.labels = { ...template.labels }
    spec.selector = { ...spec.selector, matchLabels: { [UID_LABEL]: metadata.uid, ...spec.selector?.matchLabels } }
  },
  selectableFields: { 'status.successful': (job) => String(job.status?.succeeded ?? 0) },
  refuseField: (field) => `field label ${JSON.stringify(field)} not supported for Job`,
})
