import { describe, expect, it } from 'vitest'
import type { ContainerStatus } from '#api/core/v1/container.ts'
import type { PodStatus } from '#api/core/v1/pod.ts'
import { makeContainer, makeObserved, makePod, observedOf, makeSandbox } from './fixtures.ts'
import type { ObservedPod } from './observed-pod.ts'
import { finalizePodStatus, generatePodStatus, type PodStatusInputs } from './pod-status.ts'
import { mergePodStatus, podStatusPatch } from './status-patch.ts'

const NOW = Date.UTC(2026, 0, 1, 0, 1)
const main = makeContainer('main')

function generate(extra: Partial<PodStatusInputs> & { observed?: ObservedPod } = {}): PodStatus {
  const pod = extra.pod ?? makePod()
  return generatePodStatus({
    pod,
    observed: observedOf(pod, { containers: [] }),
    previous: pod.status,
    failures: new Map(),
    probes: { startup: () => undefined, readiness: () => undefined },
    runtimeName: 'cri',
    hostIps: ['192.168.0.1'],
    isTerminal: false,
    nowMs: NOW,
    ...extra,
  })
}

const exited = (exitCode: number, extra = {}) =>
  makeObserved(main, {
    state: 'exited',
    exitCode,
    reason: exitCode === 0 ? 'Completed' : 'Error',
    finishedAtMs: NOW - 1000,
    ...extra,
  })
const conditionsOf = (status: PodStatus) =>
  Object.fromEntries(status.conditions!.map((c) => [c.type, c.reason ? `${c.status} ${c.reason}` : c.status]))

describe('the status of a pod', () => {
  it('begins as Pending, its containers being created', () => {
    const pod = makePod()
    const status = generate({ pod, observed: observedOf(pod, { sandboxes: [], ips: [] }) })
    expect(status).toMatchObject({
      phase: 'Pending',
      startTime: '2026-01-01T00:01:00Z',
      hostIP: '192.168.0.1',
      qosClass: 'BestEffort',
    })
    expect(status.podIP).toBeUndefined()
    expect(status.containerStatuses![0]).toMatchObject({
      state: { waiting: { reason: 'ContainerCreating' } },
      ready: false,
      started: false,
    })
    expect(conditionsOf(status)).toEqual({
      PodReadyToStartContainers: 'False',
      Initialized: 'True',
      Ready: 'False ContainersNotReady',
      ContainersReady: 'False ContainersNotReady',
      PodScheduled: 'True',
    })
  })

  it('is Ready once everything runs', () => {
    const pod = makePod({}, { generation: 3 })
    const status = generate({ pod, observed: observedOf(pod, { containers: [makeObserved(main)] }) })
    expect(status).toMatchObject({ phase: 'Running', podIP: '10.0.0.5', observedGeneration: 3 })
    expect(status.containerStatuses![0]).toMatchObject({
      containerID: 'cri://main-0',
      ready: true,
      started: true,
      restartCount: 0,
    })
    expect(Object.values(conditionsOf(status)).every((c) => c === 'True')).toBe(true)
  })

  it('takes readiness from probes, and before the first probe from what the API says of the same container', () => {
    const probed = makeContainer('main', { readinessProbe: {}, startupProbe: {} })
    const pod = makePod({ containers: [probed] })
    const observed = observedOf(pod, { containers: [makeObserved(probed)] })
    const probes = (startup: string | undefined, readiness: string | undefined) => ({
      startup: () => startup,
      readiness: () => readiness,
    })
    const result = (s: PodStatus) => [s.containerStatuses![0]!.started, s.containerStatuses![0]!.ready]
    expect(result(generate({ pod, observed, probes: probes('unknown', 'failure') }))).toEqual([false, false])
    expect(result(generate({ pod, observed, probes: probes('success', 'failure') }))).toEqual([true, false])
    expect(result(generate({ pod, observed, probes: probes('success', 'success') }))).toEqual([true, true])
    const previous = generate({ pod, observed, probes: probes('success', 'success') })
    expect(result(generate({ pod, observed, previous }))).toEqual([true, true])
    const other = observedOf(pod, { containers: [makeObserved(probed, { id: 'main-1' })] })
    expect(result(generate({ pod, observed: other, previous }))).toEqual([false, false])
  })

  it('says that it does not resize running containers', () => {
    const wants = makeContainer('main', { resources: { requests: { cpu: '2' } } })
    const pod = makePod({ containers: [wants] })
    const began = makeObserved(wants)
    const observed = (requests: Record<string, string>) =>
      observedOf(pod, { containers: [{ ...began, annotations: { ...began.annotations, resources: { requests } } }] })
    const resized = generate({ pod, observed: observed({ cpu: '1' }) })
    expect(resized.containerStatuses![0]!.allocatedResources).toEqual({ cpu: '1' })
    expect(conditionsOf(resized)).toMatchObject({ PodResizePending: 'True Infeasible', Ready: 'True' })
    const same = generate({ pod, observed: observed({ cpu: '2' }), previous: resized })
    expect(conditionsOf(same)).not.toHaveProperty('PodResizePending')
    const patch = podStatusPatch({ ...pod, status: resized }, mergePodStatus(resized, same, true)) as {
      status: PodStatus
    }
    expect(patch.status.conditions).toEqual([{ type: 'PodResizePending', $patch: 'delete' }])
  })

  it('waits for readiness gates', () => {
    const pod = makePod({ readinessGates: [{ conditionType: 'example.org/lb' }] })
    const observed = observedOf(pod, { containers: [makeObserved(main)] })
    expect(generate({ pod, observed }).conditions!.find((c) => c.type === 'Ready')).toMatchObject({
      status: 'False',
      reason: 'ReadinessGatesNotReady',
      message: 'corresponding condition of pod readiness gate "example.org/lb" does not exist.',
    })
    pod.status = { conditions: [{ type: 'example.org/lb', status: 'True' }] }
    const status = generate({ pod, observed })
    expect(conditionsOf(status)).toMatchObject({ Ready: 'True', 'example.org/lb': 'True' })
  })

  it.each([
    ['Always', 0, false, 'Running'],
    ['Always', 1, false, 'Running'],
    ['OnFailure', 1, false, 'Running'],
    ['OnFailure', 0, false, 'Succeeded'],
    ['Never', 1, false, 'Failed'],
    ['Never', 0, false, 'Succeeded'],
    ['Always', 0, true, 'Succeeded'],
    ['Always', 137, true, 'Failed'],
  ])('with policy %s, exit code %i and terminal=%s is %s', (restartPolicy, exitCode, isTerminal, phase) => {
    const pod = makePod({ restartPolicy })
    expect(generate({ pod, isTerminal, observed: observedOf(pod, { containers: [exited(exitCode)] }) }).phase).toBe(
      phase,
    )
  })

  it('follows restart rules of a container', () => {
    const ruled = makeContainer('main', {
      restartPolicy: 'Never',
      restartPolicyRules: [{ action: 'Restart', exitCodes: { operator: 'In', values: [42] } }],
    })
    const pod = makePod({ restartPolicy: 'Never', containers: [ruled] })
    expect(generate({ pod, observed: observedOf(pod, { containers: [exited(42)] }) }).phase).toBe('Running')
    expect(generate({ pod, observed: observedOf(pod, { containers: [exited(1)] }) }).phase).toBe('Failed')
  })

  it('shows why a container cannot start, and how it ended before', () => {
    const pod = makePod()
    const failures = new Map([['main', { reason: 'CrashLoopBackOff', message: 'back-off' }]])
    const older = exited(9, { id: 'main-0', createdAtMs: 1 })
    const [status] = generate({
      pod,
      failures,
      observed: observedOf(pod, {
        containers: [exited(1, { id: 'main-1', annotations: { ...exited(1).annotations, restartCount: 1 } }), older],
      }),
    }).containerStatuses!
    expect(status).toMatchObject({
      state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off' } },
      lastState: { terminated: { exitCode: 1, containerID: 'cri://main-1' } },
      restartCount: 1,
    })
  })

  it('does not forget a container that the runtime has forgotten', () => {
    const pod = makePod()
    const running: ContainerStatus = {
      name: 'main',
      state: { running: {} },
      lastState: {},
      ready: true,
      restartCount: 2,
      image: 'i',
      imageID: 'i',
      containerID: 'cri://x',
    }
    const [status] = generate({ pod, previous: { containerStatuses: [running] } }).containerStatuses!
    expect(status).toMatchObject({
      restartCount: 3,
      lastState: { terminated: { exitCode: 137, reason: 'ContainerStatusUnknown' } },
    })
    const done: ContainerStatus = { ...running, state: { terminated: { exitCode: 0 } } }
    expect(generate({ pod, previous: { containerStatuses: [done] } }).containerStatuses![0]!.state.terminated).toEqual({
      exitCode: 0,
    })
  })

  it('never leaves a final phase, and keeps transition times', () => {
    const pod = makePod()
    pod.status = { phase: 'Failed', reason: 'Evicted', message: 'm' }
    expect(generate({ pod, observed: observedOf(pod, { containers: [makeObserved(main)] }) })).toMatchObject({
      phase: 'Failed',
      reason: 'Evicted',
      message: 'm',
    })
    const fresh = makePod()
    const first = generate({ pod: fresh })
    const later = generate({
      pod: fresh,
      previous: first,
      nowMs: NOW + 60_000,
      observed: observedOf(fresh, { containers: [makeObserved(main)] }),
    })
    const time = (s: PodStatus, type: string) => s.conditions!.find((c) => c.type === type)!.lastTransitionTime
    expect(time(later, 'PodScheduled')).toBe(time(first, 'PodScheduled'))
    expect(time(later, 'Ready')).toBe('2026-01-01T00:02:00Z')
  })

  it('ends with every container accounted for', () => {
    const pod = makePod({ initContainers: [makeContainer('one'), makeContainer('two')], containers: [main] })
    const status = generate({
      pod,
      isTerminal: true,
      observed: observedOf(pod, { sandboxes: [makeSandbox({ isReady: false })] }),
    })
    const final = finalizePodStatus({ pod }, status)
    expect(final.phase).toBe('Failed')
    expect(final.initContainerStatuses!.map((s) => s.state.terminated?.reason)).toEqual([
      'ContainerStatusUnknown',
      undefined,
    ])
    expect(final.containerStatuses![0]!.state.terminated).toBeUndefined()
  })
})

describe('the patch of a status', () => {
  const pod = makePod()
  const running = generate({ pod, observed: observedOf(pod, { containers: [makeObserved(main)] }) })

  it('holds what changed, and is nothing when nothing did', () => {
    const merged = mergePodStatus({}, running, true)
    const patch = podStatusPatch(pod, merged) as { status: PodStatus }
    expect(Object.keys(patch.status).sort()).toEqual([
      'conditions',
      'containerStatuses',
      'hostIP',
      'hostIPs',
      'phase',
      'podIP',
      'podIPs',
      'qosClass',
      'startTime',
    ])
    const stored = { ...pod, status: merged }
    expect(podStatusPatch(stored, mergePodStatus(merged, running, true))).toBeUndefined()
    const moved = { ...merged, podIP: '10.0.0.6', podIPs: [{ ip: '10.0.0.6' }] }
    expect(podStatusPatch(stored, moved)).toEqual({
      metadata: { uid: pod.metadata.uid },
      status: { podIP: '10.0.0.6', podIPs: [{ ip: '10.0.0.6' }, { $patch: 'replace' }] },
    })
  })

  it('leaves conditions of others alone and holds a final phase back while containers may run', () => {
    const wanted = {
      ...running,
      phase: 'Failed',
      reason: 'Evicted',
      conditions: [...running.conditions!, { type: 'example.org/x', status: 'True' }],
    }
    const held = mergePodStatus(running, wanted, true)
    expect([held.phase, held.reason]).toEqual(['Running', undefined])
    expect(held.conditions!.some((c) => c.type === 'example.org/x')).toBe(false)
    const ended = mergePodStatus(running, wanted, false)
    expect([ended.phase, ended.reason]).toEqual(['Failed', 'Evicted'])
    expect(ended.conditions!.find((c) => c.type === 'Ready')).toMatchObject({ status: 'False', reason: 'PodFailed' })
  })

  it('bounds termination messages', () => {
    const loud = generate({
      pod,
      observed: observedOf(pod, { containers: [exited(1, { message: 'ü'.repeat(20_000) })] }),
    })
    const { message } = mergePodStatus({}, loud, true).containerStatuses![0]!.state.terminated!
    expect(Buffer.byteLength(message!)).toBeLessThanOrEqual(12 << 10)
    expect(message).toMatch(/^ü+$/)
  })
})
