import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Deployment, ReplicaSet } from '#api/apps/v1.ts'
import { formatTime } from '#machinery/time.ts'
import { scaledValue } from '../int-or-percent.ts'
import { planRollout, type RolloutPlan, type SetPlan } from './rollout-plan.ts'

const START_MS = Date.UTC(2026, 0, 1)

/** ReplicaSets with real pods behind them, each of which becomes available at some time, and statuses that may lag. */
class Model {
  deployment: Deployment
  readonly sets = new Map<string, { object: ReplicaSet; pods: { available: boolean }[] }>()
  nowMs = START_MS
  #sequence = 0

  constructor(spec: Partial<Deployment['spec']>) {
    this.deployment = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: {
        name: 'web',
        namespace: 'ns',
        uid: 'd',
        resourceVersion: '1',
        creationTimestamp: formatTime(START_MS),
        generation: 1,
      },
      spec: {
        selector: { matchLabels: { app: 'web' } },
        template: templateOf(1),
        revisionHistoryLimit: 2,
        progressDeadlineSeconds: 600,
        ...spec,
      },
      status: {},
    } as Deployment
  }

  change(spec: Partial<Deployment['spec']>): void {
    const { metadata } = this.deployment
    this.deployment = {
      ...this.deployment,
      metadata: { ...metadata, generation: (metadata.generation ?? 0) + 1 },
      spec: { ...this.deployment.spec, ...spec },
    }
  }

  round(): RolloutPlan {
    this.nowMs += 1000
    const plan = planRollout({
      deployment: this.deployment,
      replicaSets: [...this.sets.values()].map(({ object }) => object),
      podsOf: (uid) => this.sets.get(uid)!.pods.map(() => ({ status: { phase: 'Running' } }) as never),
      nowMs: this.nowMs,
    })
    if (plan.create) this.#create(plan.create)
    for (const set of plan.update) this.#resize(set)
    for (const { metadata } of plan.delete) this.sets.delete(metadata.uid)
    const { revision, status } = plan.status
    const annotations = {
      ...this.deployment.metadata.annotations,
      ...(revision && { 'deployment.kubernetes.io/revision': revision }),
    }
    this.deployment = { ...this.deployment, metadata: { ...this.deployment.metadata, annotations }, status }
    return plan
  }

  #create({ name, replicas, annotations, minReadySeconds }: SetPlan): void {
    const uid = `rs${this.#sequence++}`
    const metadata = {
      name,
      namespace: 'ns',
      uid,
      resourceVersion: '1',
      creationTimestamp: formatTime(this.nowMs),
      annotations,
      generation: 1,
    }
    const { selector, template } = this.deployment.spec
    const object = {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata,
      spec: { replicas, minReadySeconds, selector, template },
      status: {},
    }
    this.sets.set(uid, { object: object as unknown as ReplicaSet, pods: [] })
  }

  #resize({ existing, replicas, annotations }: SetPlan): void {
    const set = this.sets.get(existing!.metadata.uid)!
    const { metadata, spec } = set.object
    const generation = (metadata.generation ?? 0) + (spec.replicas === replicas ? 0 : 1)
    set.object = {
      ...set.object,
      metadata: { ...metadata, annotations: { ...annotations }, generation },
      spec: { ...spec, replicas },
    }
  }

  /** What the ReplicaSet controller and the kubelets do for the `index`th set. */
  run(index: number, becomeAvailable: number, reportStatus: boolean): void {
    const set = [...this.sets.values()][index % Math.max(this.sets.size, 1)]
    if (!set) return
    const replicas = set.object.spec.replicas ?? 1
    while (set.pods.length < replicas) set.pods.push({ available: false })
    set.pods.sort((a, b) => Number(b.available) - Number(a.available))
    set.pods.length = Math.min(set.pods.length, replicas)
    for (const pod of set.pods.filter((p) => !p.available).slice(0, becomeAvailable)) pod.available = true
    if (!reportStatus) return
    const available = set.pods.filter((pod) => pod.available).length
    const status = {
      replicas: set.pods.length,
      readyReplicas: available,
      availableReplicas: available,
      observedGeneration: set.object.metadata.generation,
      terminatingReplicas: 0,
    }
    set.object = { ...set.object, status }
  }

  get asked(): number {
    return [...this.sets.values()].reduce((sum, { object }) => sum + (object.spec.replicas ?? 1), 0)
  }

  get pods(): number {
    return [...this.sets.values()].reduce((sum, { pods }) => sum + pods.length, 0)
  }

  get available(): number {
    return [...this.sets.values()].flatMap(({ pods }) => pods).filter((pod) => pod.available).length
  }

  /** Available pods that will stay, whatever the ReplicaSets have yet to delete. */
  get lastingAvailable(): number {
    return [...this.sets.values()].reduce((sum, { object, pods }) => {
      return sum + Math.min(pods.filter((pod) => pod.available).length, object.spec.replicas ?? 1)
    }, 0)
  }

  settle(): void {
    for (let quiet = 0, rounds = 0; quiet < 2; rounds++) {
      expect(rounds).toBeLessThan(400)
      const { create, update, delete: deleted, status } = this.round()
      quiet = create || update.length > 0 || deleted.length > 0 || status.isChanged ? 0 : quiet + 1
      for (let set = 0; set < this.sets.size; set++) this.run(set, 100, true)
    }
  }
}

function templateOf(version: number) {
  return { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: `web:${version}` }] } }
}

const limit = fc.oneof(
  fc.integer({ min: 0, max: 4 }),
  fc.integer({ min: 0, max: 100 }).map((percent) => `${percent}%`),
)
const strategy = fc.record({ maxSurge: limit, maxUnavailable: limit })
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ set: fc.nat(5), available: fc.nat(4), report: fc.boolean() }) },
  { weight: 5, arbitrary: fc.constant({ round: true }) },
  { weight: 1, arbitrary: fc.record({ template: fc.integer({ min: 1, max: 4 }) }) },
)

describe('a rolling update', () => {
  it('never asks for more than replicas + maxSurge, nor gives up more than maxUnavailable', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }),
        strategy,
        fc.array(step, { maxLength: 60 }),
        (replicas, rollingUpdate, steps) => {
          const model = new Model({ replicas, strategy: { type: 'RollingUpdate', rollingUpdate } })
          model.settle()
          expect(model.available).toBe(replicas)
          const maxSurge = scaledValue(rollingUpdate.maxSurge, replicas, 'up')
          const maxUnavailable = scaledValue(rollingUpdate.maxUnavailable, replicas, 'down') || (maxSurge === 0 ? 1 : 0)
          for (const s of steps) {
            if ('round' in s) model.round()
            else if ('template' in s) model.change({ template: templateOf(s.template) as never })
            else model.run(s.set, s.available, s.report)
            expect(model.asked).toBeLessThanOrEqual(replicas + maxSurge)
            expect(model.lastingAvailable).toBeGreaterThanOrEqual(replicas - maxUnavailable)
          }
        },
      ),
      { numRuns: 60 },
    )
  })

  it('ends with all replicas of the last template, the others kept as history', () => {
    const templates = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 8 }),
        strategy,
        templates,
        fc.integer({ min: 0, max: 8 }),
        (replicas, rollingUpdate, versions, scaled) => {
          const model = new Model({ replicas, strategy: { type: 'RollingUpdate', rollingUpdate } })
          for (const version of versions) {
            model.change({ template: templateOf(version) as never })
            for (let i = 0; i < 3; i++) {
              model.round()
              model.run(i, 1, true)
            }
          }
          model.change({ replicas: scaled })
          model.settle()
          const live = [...model.sets.values()].filter(({ pods }) => pods.length > 0)
          expect(live.map(({ pods }) => pods.length)).toEqual(scaled > 0 ? [scaled] : [])
          expect(model.deployment.status).toMatchObject({
            observedGeneration: model.deployment.metadata.generation,
            ...(scaled > 0 && { updatedReplicas: scaled, availableReplicas: scaled }),
          })
          const progressing = model.deployment.status.conditions!.find((c) => c.type === 'Progressing')!
          expect([progressing.status, progressing.reason]).toEqual(['True', 'NewReplicaSetAvailable'])
          expect(model.sets.size).toBeLessThanOrEqual(3)
          expect(model.round()).toMatchObject({
            create: undefined,
            update: [],
            delete: [],
            status: { isChanged: false },
          })
        },
      ),
      { numRuns: 60 },
    )
  })
})

describe('a proportional scaling', () => {
  it('reaches the new size at once, whatever the sizes were', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 40 }),
        fc.integer({ min: 1, max: 60 }),
        fc.nat(20),
        (replicas, scaled, rounds) => {
          fc.pre(scaled !== replicas)
          const model = new Model({
            replicas,
            strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 3, maxUnavailable: 2 } },
          })
          model.settle()
          model.change({ template: templateOf(2) as never })
          for (let i = 0; i < rounds; i++) {
            model.round()
            model.run(i, 1, true)
          }
          model.change({ replicas: scaled })
          const active = [...model.sets.values()].filter(({ object }) => object.spec.replicas !== 0).length
          model.round()
          expect(model.asked).toBe(active > 1 ? scaled + 3 : scaled)
        },
      ),
      { numRuns: 60 },
    )
  })
})

describe('the Recreate strategy', () => {
  it('never has pods of two templates', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), fc.array(step, { maxLength: 60 }), (replicas, steps) => {
        const model = new Model({ replicas, strategy: { type: 'Recreate' } })
        model.settle()
        for (const s of steps) {
          if ('round' in s) model.round()
          else if ('template' in s) model.change({ template: templateOf(s.template) as never })
          else model.run(s.set, s.available, s.report)
          expect([...model.sets.values()].filter(({ pods }) => pods.length > 0).length).toBeLessThanOrEqual(1)
        }
        model.settle()
        expect(model.available).toBe(replicas)
      }),
      { numRuns: 60 },
    )
  })
})
