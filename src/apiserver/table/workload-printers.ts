/** Rows of the controllers of pods. Upstream: `printDeployment` and its like. */
import { own } from '#base/own.ts'
import { ControllerRevision, DaemonSet, Deployment, ReplicaSet, StatefulSet } from '#api/apps/v1.ts'
import { HorizontalPodAutoscaler } from '#api/autoscaling/v2.ts'
import { CronJob, Job } from '#api/batch/v1.ts'
import { PodTemplate } from '#api/core/v1/pod.ts'
import { ReplicationController } from '#api/core/v1/replication-controller.ts'
import { PodDisruptionBudget } from '#api/policy/v1.ts'
import { isConditionTrue } from '#machinery/conditions.ts'
import { controllerOf, groupOf } from '#machinery/owner.ts'
import { humanDuration, since } from './human-duration.ts'
import {
  AGE,
  age,
  boolean,
  column,
  containerImages,
  containerNames,
  CONTAINERS,
  firstOf,
  IMAGES,
  integer,
  labelsText,
  NAME,
  type Printed,
  printer,
  selectorText,
  wide,
} from './printer.ts'

const template = (object: Printed) => object.spec.template?.spec?.containers
const SELECTOR = wide('Selector', 'spec.selector')
const READY = column('Ready', 'How many of the wanted pods are ready.')

const replicas = {
  columns: [
    NAME,
    integer('Desired', 'spec.replicas'),
    integer('Current', 'status.replicas'),
    integer('Ready', 'status.readyReplicas'),
    AGE,
    CONTAINERS,
    IMAGES,
    SELECTOR,
  ],
  cells: (object: Printed, now: number) => [
    object.metadata.name,
    object.spec.replicas ?? 0,
    object.status?.replicas ?? 0,
    object.status?.readyReplicas ?? 0,
    age(object, now),
    containerNames(template(object)),
    containerImages(template(object)),
  ],
}

export const replicaSetPrinter = printer(ReplicaSet, {
  columns: replicas.columns,
  cells: (set, now) => [...replicas.cells(set, now), selectorText(set.spec.selector)],
})

export const replicationControllerPrinter = printer(ReplicationController, {
  columns: replicas.columns,
  cells: (controller, now) => [...replicas.cells(controller, now), labelsText(controller.spec.selector)],
})

export const deploymentPrinter = printer(Deployment, {
  columns: [
    NAME,
    READY,
    column('Up-to-date', 'status.updatedReplicas'),
    column('Available', 'status.availableReplicas'),
    AGE,
    CONTAINERS,
    IMAGES,
    SELECTOR,
  ],
  cells: (deployment, now) => [
    deployment.metadata.name,
    `${deployment.status?.readyReplicas ?? 0}/${deployment.spec.replicas ?? 0}`,
    deployment.status?.updatedReplicas ?? 0,
    deployment.status?.availableReplicas ?? 0,
    age(deployment, now),
    containerNames(template(deployment)),
    containerImages(template(deployment)),
    selectorText(deployment.spec.selector, ''),
  ],
})

export const statefulSetPrinter = printer(StatefulSet, {
  columns: [NAME, READY, AGE, CONTAINERS, IMAGES],
  cells: (set, now) => [
    set.metadata.name,
    `${set.status?.readyReplicas ?? 0}/${set.spec.replicas ?? 0}`,
    age(set, now),
    containerNames(template(set)),
    containerImages(template(set)),
  ],
})

export const daemonSetPrinter = printer(DaemonSet, {
  columns: [
    NAME,
    integer('Desired', 'status.desiredNumberScheduled'),
    integer('Current', 'status.currentNumberScheduled'),
    integer('Ready', 'status.numberReady'),
    integer('Up-to-date', 'status.updatedNumberScheduled'),
    integer('Available', 'status.numberAvailable'),
    column('Node Selector', 'spec.template.spec.nodeSelector'),
    AGE,
    CONTAINERS,
    IMAGES,
    SELECTOR,
  ],
  cells: (set, now) => [
    set.metadata.name,
    set.status?.desiredNumberScheduled ?? 0,
    set.status?.currentNumberScheduled ?? 0,
    set.status?.numberReady ?? 0,
    set.status?.updatedNumberScheduled ?? 0,
    set.status?.numberAvailable ?? 0,
    labelsText(set.spec.template?.spec?.nodeSelector),
    age(set, now),
    containerNames(template(set)),
    containerImages(template(set)),
    selectorText(set.spec.selector),
  ],
})

/** The first that is true names the job's state. */
const jobStates = [
  ['Complete', 'Complete'],
  ['Failed', 'Failed'],
  ['', 'Terminating'],
  ['Suspended', 'Suspended'],
  ['FailureTarget', 'FailureTarget'],
  ['SuccessCriteriaMet', 'SuccessCriteriaMet'],
] as const

function jobState(job: Printed): string {
  const isSo = (type: string) =>
    type === '' ? job.metadata.deletionTimestamp !== undefined : isConditionTrue(job.status?.conditions, type)
  return jobStates.find(([type]) => isSo(type))?.[1] ?? 'Running'
}

function completions({ spec, status = {} }: Printed): string {
  const succeeded = status.succeeded ?? 0
  if (spec.completions !== undefined) return `${succeeded}/${spec.completions}`
  return spec.parallelism > 1 ? `${succeeded}/1 of ${spec.parallelism}` : `${succeeded}/1`
}

function jobDuration({ status = {} }: Printed, now: number): string {
  if (!status.startTime) return ''
  const end = status.completionTime ? Date.parse(status.completionTime) : now
  return humanDuration(end - Date.parse(status.startTime))
}

export const jobPrinter = printer(Job, {
  columns: [
    NAME,
    column('Status', 'How far the job is.'),
    column('Completions', 'status.succeeded'),
    column('Duration', 'How long the job took, or has been running.'),
    AGE,
    CONTAINERS,
    IMAGES,
    SELECTOR,
  ],
  cells: (job, now) => [
    job.metadata.name,
    jobState(job),
    completions(job),
    jobDuration(job, now),
    age(job, now),
    containerNames(template(job)),
    containerImages(template(job)),
    selectorText(job.spec.selector),
  ],
})

export const cronJobPrinter = printer(CronJob, {
  columns: [
    NAME,
    column('Schedule', 'spec.schedule'),
    column('Timezone', 'spec.timeZone'),
    boolean('Suspend', 'spec.suspend'),
    integer('Active', 'status.active'),
    column('Last Schedule', 'status.lastScheduleTime'),
    AGE,
    CONTAINERS,
    IMAGES,
    wide('Selector', 'spec.jobTemplate.spec.selector'),
  ],
  cells(cronJob, now) {
    const { spec, status = {}, metadata } = cronJob
    const jobSpec = spec.jobTemplate?.spec ?? {}
    const containers = jobSpec.template?.spec?.containers
    return [
      metadata.name,
      spec.schedule,
      spec.timeZone ?? '<none>',
      spec.suspend === undefined ? '<unset>' : spec.suspend ? 'True' : 'False',
      (status.active ?? []).length,
      status.lastScheduleTime ? since(status.lastScheduleTime, now) : '<none>',
      age(cronJob, now),
      containerNames(containers),
      containerImages(containers),
      selectorText(jobSpec.selector),
    ]
  },
})

export const podTemplatePrinter = printer(PodTemplate, {
  columns: [
    NAME,
    column('Containers', 'Names of the containers of the template.'),
    column('Images', 'Images of the containers of the template.'),
    column('Pod Labels', 'Labels that pods made from the template get.'),
  ],
  cells: ({ metadata, template }) => [
    metadata.name,
    containerNames(template?.spec?.containers),
    containerImages(template?.spec?.containers),
    labelsText(template?.metadata?.labels),
  ],
})

export const disruptionBudgetPrinter = printer(PodDisruptionBudget, {
  columns: [
    NAME,
    column('Min Available', 'spec.minAvailable'),
    column('Max Unavailable', 'spec.maxUnavailable'),
    integer('Allowed Disruptions', 'status.disruptionsAllowed'),
    AGE,
  ],
  cells: (budget, now) => [
    budget.metadata.name,
    String(budget.spec.minAvailable ?? 'N/A'),
    String(budget.spec.maxUnavailable ?? 'N/A'),
    budget.status?.disruptionsAllowed ?? 0,
    age(budget, now),
  ],
})

export const controllerRevisionPrinter = printer(ControllerRevision, {
  columns: [
    NAME,
    column('Controller', 'The object that the revision belongs to.'),
    column('Revision', 'revision'),
    AGE,
  ],
  cells(revision, now) {
    const owner = controllerOf(revision.metadata)
    const group = owner && groupOf(owner.apiVersion)
    const controller = owner && `${`${owner.kind}${group ? `.${group}` : ''}`.toLowerCase()}/${owner.name}`
    return [revision.metadata.name, controller ?? '<none>', revision.revision ?? 0, age(revision, now)]
  },
})

const MAX_METRICS = 2

export const autoscalerPrinter = printer(HorizontalPodAutoscaler, {
  columns: [
    NAME,
    column('Reference', 'spec.scaleTargetRef'),
    column('Targets', 'spec.metrics'),
    column('MinPods', 'spec.minReplicas'),
    column('MaxPods', 'spec.maxReplicas'),
    column('Replicas', 'status.currentReplicas'),
    AGE,
  ],
  cells(autoscaler, now) {
    const { spec, status = {} } = autoscaler
    const metrics: Metric[] = spec.metrics ?? []
    const shown = metrics.map((metric, i) => metricText(metric, status.currentMetrics?.[i]))
    return [
      autoscaler.metadata.name,
      `${spec.scaleTargetRef.kind}/${spec.scaleTargetRef.name}`,
      shown.length === 0 ? '<none>' : firstOf(shown, MAX_METRICS, ', '),
      spec.minReplicas === undefined ? '<unset>' : String(spec.minReplicas),
      spec.maxReplicas,
      status.currentReplicas ?? 0,
      age(autoscaler, now),
    ]
  },
})

type Metric = Record<string, any>
const sources: Record<string, string> = {
  External: 'external',
  Pods: 'pods',
  Object: 'object',
  Resource: 'resource',
  ContainerResource: 'containerResource',
}

function metricText(spec: Metric, status: Metric | undefined): string {
  const source = own(sources, spec.type)
  if (!source) return '<unknown type>'
  const target = spec[source]?.target ?? {}
  const current = status?.[source]?.current ?? {}
  const prefix = source === 'resource' || source === 'containerResource' ? `${spec[source]?.name}: ` : ''
  if (target.averageValue !== undefined) {
    const suffix = source === 'external' || source === 'object' ? ' (avg)' : ''
    return `${prefix}${current.averageValue ?? '<unknown>'}/${target.averageValue}${suffix}`
  }
  if (!prefix) return `${current.value ?? '<unknown>'}/${target.value ?? '0'}`
  const percent = (value: number | undefined, none: string) => (value === undefined ? none : `${value}%`)
  return `${prefix}${percent(current.averageUtilization, '<unknown>')}/${percent(target.averageUtilization, '<auto>')}`
}
