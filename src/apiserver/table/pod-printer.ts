/**
 * The row of a pod. STATUS tells what matters most at the moment: a failing init container, the reason a container waits,
 * or else the phase. Upstream: `printPod`.
 */
import { own } from '#base/own.ts'
import { Pod } from '#api/core/v1/pod.ts'
import { humanDuration } from './human-duration.ts'
import { AGE, age, column, NAME, type Printed, type Printer, printer, wide } from './printer.ts'

type Statuses = readonly Record<string, any>[]

interface Summary {
  reason: string
  ready: number
  restarts: number
  /** Milliseconds since the epoch, 0 for never. */
  lastRestart: number
}

export const podPrinter = printer(Pod, {
  columns: [
    NAME,
    column('Ready', 'How many containers of the pod are ready for traffic.'),
    column('Status', 'What the containers of the pod do, in a word.'),
    column('Restarts', 'How often containers of the pod were restarted, and when last.'),
    AGE,
    wide('IP', 'status.podIP'),
    wide('Node', 'spec.nodeName'),
    wide('Nominated Node', 'status.nominatedNodeName'),
    wide('Readiness Gates', 'spec.readinessGates'),
  ],
  cells(pod, now) {
    const { spec, status = {}, metadata } = pod
    const { reason, ready, restarts, lastRestart } = summarize(pod)
    const sidecars = (spec.initContainers ?? []).filter(isSidecar).length
    const ago = restarts > 0 && lastRestart > 0 ? ` (${humanDuration(now - lastRestart)} ago)` : ''
    return [
      metadata.name,
      `${ready}/${(spec.containers ?? []).length + sidecars}`,
      reason,
      `${restarts}${ago}`,
      age(pod, now),
      status.podIPs?.[0]?.ip || '<none>',
      spec.nodeName || '<none>',
      status.nominatedNodeName || '<none>',
      readinessGates(pod),
    ]
  },
  conditions: ({ status }) => own(completed, status?.phase as string),
})

const completed: Record<string, ReturnType<NonNullable<Printer['conditions']>>> = {
  Succeeded: [
    { type: 'Completed', status: 'True', reason: 'Succeeded', message: 'The pod has completed successfully.' },
  ],
  Failed: [{ type: 'Completed', status: 'True', reason: 'Failed', message: 'The pod failed.' }],
}

const isSidecar = (container: { restartPolicy?: string } | undefined) => container?.restartPolicy === 'Always'
const isTrue = (pod: Printed, type: string) =>
  (pod.status?.conditions as Statuses | undefined)?.find((condition) => condition.type === type)?.status === 'True'

function summarize(pod: Printed): Summary {
  const { status = {}, metadata } = pod
  let phase: string = status.reason || (status.phase ?? '')
  for (const condition of status.conditions ?? []) {
    if (condition.type === 'PodScheduled' && condition.reason === 'SchedulingGated') phase = 'SchedulingGated'
  }
  const { initializing, sidecars, all } = initSummary(pod, phase)
  const isInitialized = !initializing || isTrue(pod, 'Initialized')
  const summary = isInitialized ? containersSummary(pod, { ...sidecars, reason: all.reason }) : all
  if (metadata.deletionTimestamp) {
    if (status.reason === 'NodeLost') summary.reason = 'Unknown'
    else if (status.phase !== 'Succeeded' && status.phase !== 'Failed') summary.reason = 'Terminating'
  }
  return summary
}

/** Goes through the init containers until one that is not done; counts restarts of all of them and of sidecars alone. */
function initSummary({ spec, status = {} }: Printed, phase: string) {
  const all: Summary = { reason: phase, ready: 0, restarts: 0, lastRestart: 0 }
  const sidecars: Summary = { reason: phase, ready: 0, restarts: 0, lastRestart: 0 }
  const byName = new Map<string, Record<string, any>>((spec.initContainers ?? []).map((c: any) => [c.name, c]))
  const statuses: Statuses = status.initContainerStatuses ?? []
  for (const [i, container] of statuses.entries()) {
    const isRestartable = isSidecar(byName.get(container.name))
    countRestarts(all, container)
    if (isRestartable) countRestarts(sidecars, container)
    const { terminated, waiting } = container.state ?? {}
    if (terminated && !terminated.exitCode) continue
    if (isRestartable && container.started) {
      if (container.ready) sidecars.ready = ++all.ready
      continue
    }
    if (terminated) all.reason = `Init:${endReason(terminated)}`
    else if (waiting?.reason && waiting.reason !== 'PodInitializing') all.reason = `Init:${waiting.reason}`
    else all.reason = `Init:${i}/${byName.size}`
    return { initializing: true, sidecars, all }
  }
  return { initializing: false, sidecars, all }
}

function containersSummary(pod: Printed, summary: Summary): Summary {
  const statuses: Statuses = pod.status?.containerStatuses ?? []
  let hasRunning = false
  let errorReason = ''
  for (const container of statuses.toReversed()) {
    countRestarts(summary, container)
    const { waiting, terminated, running } = container.state ?? {}
    if (waiting?.reason) summary.reason = waiting.reason
    else if (terminated) {
      summary.reason = endReason(terminated)
      if (terminated.exitCode) errorReason = summary.reason
    } else if (container.ready && running) {
      hasRunning = true
      summary.ready++
    }
  }
  if (summary.reason === 'Completed') {
    if (hasRunning && isTrue(pod, 'Ready')) summary.reason = 'Running'
    else if (errorReason) summary.reason = errorReason
    else if (hasRunning) summary.reason = 'NotReady'
  }
  return summary
}

function endReason({ reason, signal, exitCode }: Record<string, any>): string {
  if (reason) return reason
  return signal ? `Signal:${signal}` : `ExitCode:${exitCode ?? 0}`
}

function countRestarts(summary: Summary, container: Record<string, any>) {
  summary.restarts += container.restartCount ?? 0
  const finishedAt = container.lastState?.terminated?.finishedAt
  if (finishedAt) summary.lastRestart = Math.max(summary.lastRestart, Date.parse(finishedAt))
}

function readinessGates(pod: Printed): string {
  const gates: { conditionType: string }[] = pod.spec.readinessGates ?? []
  if (gates.length === 0) return '<none>'
  return `${gates.filter(({ conditionType }) => isTrue(pod, conditionType)).length}/${gates.length}`
}
