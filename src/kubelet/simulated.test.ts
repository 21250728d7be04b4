import { describe, expect, it } from 'vitest'
import { makeContainer, makePod } from './fixtures.ts'
import { endedStatus, EXIT_ANNOTATION, runningStatus, simulatedExit } from './simulated-pod.ts'

const inputs = (pod = makePod()) => ({
  pod,
  ip: '100.64.0.1',
  hostIps: ['100.127.0.1'],
  startedAtMs: Date.UTC(2026, 0, 1),
  nowMs: Date.UTC(2026, 0, 1, 0, 0, 5),
})

describe('a simulated pod', () => {
  it('is Running and Ready, its init containers completed', () => {
    const pod = makePod({
      initContainers: [makeContainer('init')],
      containers: [makeContainer('a'), makeContainer('b')],
    })
    const status = runningStatus(inputs(pod))
    expect(status).toMatchObject({
      phase: 'Running',
      podIP: '100.64.0.1',
      hostIP: '100.127.0.1',
      qosClass: 'BestEffort',
    })
    expect(status.conditions!.every((c) => c.status === 'True')).toBe(true)
    expect(status.initContainerStatuses![0]!.state.terminated).toMatchObject({ exitCode: 0, reason: 'Completed' })
    expect(status.containerStatuses!.map((s) => [s.name, s.ready, s.started])).toEqual([
      ['a', true, true],
      ['b', true, true],
    ])
  })

  it('ends as its annotation says', () => {
    const pod = makePod({ restartPolicy: 'Never' }, { annotations: { [EXIT_ANNOTATION]: '3@200ms' } })
    expect(simulatedExit(pod)).toEqual({ exitCode: 3, afterMs: 200 })
    expect(endedStatus(inputs(pod), 3)).toMatchObject({ phase: 'Failed' })
    expect(endedStatus(inputs(pod), 0)).toMatchObject({ phase: 'Succeeded' })
    expect(simulatedExit(makePod({}, { annotations: { [EXIT_ANNOTATION]: '0' } }))).toBeUndefined()
    expect(
      simulatedExit(makePod({ restartPolicy: 'Never' }, { annotations: { [EXIT_ANNOTATION]: 'soon' } })),
    ).toBeUndefined()
  })
})
