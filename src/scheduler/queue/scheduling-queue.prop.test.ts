import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FakeClock } from '#base/fake-clock.ts'
import { silentLog } from '#base/log.ts'
import type { Client } from '#client/client.ts'
import { defaultProfile } from '../default-profile.ts'
import { testListers, testNode, testPod } from '../fixtures.ts'
import { events } from '../framework/cluster-event.ts'
import { NodeTable } from '../state/node-table.ts'
import { podInfo } from '../state/pod-info.ts'
import { PodShapes } from '../state/pod-shape.ts'
import type { QueuedPod } from './queued-pod.ts'
import { SchedulingQueue } from './scheduling-queue.ts'

const operation = fc.record({
  op: fc.constantFrom('add', 'add', 'pop', 'pop', 'reject', 'fail', 'done', 'delete', 'update', 'event', 'wait'),
  pick: fc.nat(100),
  priority: fc.nat(3),
  plugins: fc.subarray(['NodeName', 'NodeResourcesFit', 'TaintToleration'], { minLength: 1 }),
  waitMs: fc.constantFrom(100, 1500, 12_000, 400_000),
})

describe('SchedulingQueue, whatever is done to it', () => {
  it('keeps every pod in exactly one place and loses none', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { maxLength: 60, size: 'max' }), async (operations) => {
        const clock = new FakeClock(0)
        const shapes = new PodShapes()
        const profile = defaultProfile(
          { nodes: new NodeTable(), listers: testListers() },
          undefined as unknown as Client,
        )
        const profiles = new Map([[profile.schedulerName, profile]])
        const queue = new SchedulingQueue({ clock, log: silentLog, profiles, onReady: () => {} })
        /** Pods that must be waiting in the queue, and those in flight. */
        const waiting = new Set<string>()
        const flying = new Map<string, QueuedPod>()
        const deleted = new Set<string>()
        let created = 0
        for (const { op, pick, priority, plugins, waitMs } of operations) {
          const flight = [...flying.values()][pick % Math.max(flying.size, 1)]
          const idle = [...waiting][pick % Math.max(waiting.size, 1)]
          if (op === 'add') {
            const pod = podInfo(testPod(`p${created++}`, { priority }), shapes)
            queue.add(pod)
            waiting.add(pod.uid)
          } else if (op === 'pop') {
            const best = [...waiting].map((uid) => queue.get(uid)!).filter((p) => p.place === 'active')
            const popped = queue.pop()
            if (best.length > 0) expect(popped!.info.priority).toBe(Math.max(...best.map((p) => p.info.priority)))
            if (!popped) continue
            expect(waiting.delete(popped.info.uid)).toBe(true)
            flying.set(popped.info.uid, popped)
          } else if (flight && (op === 'reject' || op === 'fail')) {
            flight.unschedulablePlugins = new Set(op === 'reject' ? plugins : [])
            queue.addUnschedulable(flight, flight.info)
            flying.delete(flight.info.uid)
            if (!deleted.has(flight.info.uid)) waiting.add(flight.info.uid)
          } else if (flight && op === 'done') {
            queue.done(flight.info.uid)
            flying.delete(flight.info.uid)
          } else if (op === 'delete') {
            const uid = pick % 2 === 0 ? idle : flight?.info.uid
            if (!uid) continue
            queue.delete(uid)
            waiting.delete(uid)
            deleted.add(uid)
          } else if (op === 'update' && idle) {
            const before = queue.get(idle)!.info.pod
            const tolerations = [{ operator: 'Exists' }]
            queue.update(podInfo({ ...before, spec: { ...before.spec, priority, tolerations } }, shapes), before)
          } else if (op === 'event') {
            queue.moveOn({ event: events.nodeAdd, before: undefined, after: testNode('n') })
          } else if (op === 'wait') {
            await clock.advance(waitMs)
          }
          const { active, backoff, unschedulable, inFlight } = queue.sizes
          expect(active + backoff + unschedulable).toBe(waiting.size)
          expect(inFlight).toBe(flying.size)
          for (const uid of waiting) expect(queue.get(uid)!.place).not.toBe('none')
          if (flying.size === 0) expect(queue.rememberedChanges).toBe(0)
        }
        // Time alone brings every pod back, at the latest after five minutes and a flush.
        await clock.advance(400_000)
        let popped = 0
        for (let pod = queue.pop(); pod; pod = queue.pop()) popped++
        expect(popped).toBe(waiting.size)
        queue.close()
      }),
      { numRuns: 40 },
    )
  })
})
