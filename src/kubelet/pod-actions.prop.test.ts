/**
 * Drives computePodActions against a small model of a runtime in which anything may happen between two syncs: containers
 * exit, become unknown or are removed, sandboxes die, probes report. Whatever happened, no two instances of a container
 * run, init containers run in order, and once the world behaves the plan becomes empty.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Container } from '#api/core/v1/container.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import { makeContainer, makeObserved, makePod, makeSandbox } from './fixtures.ts'
import { assemblePod, type ObservedContainer, type ObservedPod, type ObservedSandbox } from './observed-pod.ts'
import { computePodActions, type PodActions, type ProbeResult } from './pod-actions.ts'
import { isRestartableInit } from './pod-spec.ts'

class World {
  readonly pod: Pod
  sandboxes: ObservedSandbox[] = []
  containers: ObservedContainer[] = []
  startup = new Map<string, ProbeResult>()
  liveness = new Map<string, ProbeResult>()
  #tick = 0

  constructor(pod: Pod) {
    this.pod = pod
  }

  observe(): ObservedPod {
    return assemblePod({ uid: 'u', name: 'web', namespace: 'default' }, this.sandboxes, this.containers)
  }

  plan(): PodActions {
    return computePodActions(this.pod, this.observe(), {
      startup: (id) => this.startup.get(id),
      liveness: (id) => this.liveness.get(id),
    })
  }

  apply(actions: PodActions) {
    if (actions.killPod) {
      for (const c of this.containers) this.exit(c.id, 137)
      this.sandboxes = this.sandboxes.map((s) => ({ ...s, isReady: false }))
    } else for (const kill of actions.kill) this.exit(kill.id, 137)
    let { sandboxId } = actions
    if (actions.createSandbox) {
      const initNames = new Set((this.pod.spec.initContainers ?? []).map((c) => c.name))
      this.containers = this.containers.filter((c) => !initNames.has(c.name))
      sandboxId = `sandbox-${actions.attempt}-${this.#tick++}`
      this.sandboxes.push(makeSandbox({ id: sandboxId, attempt: actions.attempt, createdAtMs: this.#tick }))
    }
    for (const c of [...actions.startEphemeral, ...actions.startInit, ...actions.start]) this.start(c, sandboxId!)
  }

  start(container: Container, sandboxId: string) {
    // One whose state is unknown may be running.
    const alive = this.containers.filter((c) => c.state === 'running' || c.state === 'unknown')
    expect(alive.map((c) => c.name)).not.toContain(container.name)
    const init = this.pod.spec.initContainers ?? []
    const position = init.indexOf(container)
    for (const before of position < 0 ? init : init.slice(0, position)) {
      const started = this.begun.has(`${sandboxId}/${before.name}`)
      expect(started, `${container.name} starts before ${before.name} was done`).toBe(true)
    }
    const id = `${container.name}-${this.#tick++}`
    this.containers.push(makeObserved(container, { id, sandboxId, createdAtMs: this.#tick }))
    if (isRestartableInit(container) && !container.startupProbe) this.begun.add(`${sandboxId}/${container.name}`)
  }

  /** Which init containers have completed, and which sidecars have started, per sandbox. */
  readonly begun = new Set<string>()

  exit(id: string, exitCode: number) {
    const c = this.containers.find((x) => x.id === id)
    if (!c || (c.state !== 'running' && c.state !== 'unknown')) return
    Object.assign(c, { state: 'exited', exitCode })
    if (exitCode === 0) this.begun.add(`${c.sandboxId}/${c.name}`)
  }

  succeedStartup(c: ObservedContainer) {
    this.startup.set(c.id, 'success')
    this.begun.add(`${c.sandboxId}/${c.name}`)
  }

  running() {
    return this.containers.filter((c) => c.state === 'running')
  }

  /** Everything does what it should: init containers complete, sidecars start, jobs finish. True when that changed anything. */
  behave(): boolean {
    let changed = false
    for (const c of this.running()) {
      const init = this.pod.spec.initContainers?.find((i) => i.name === c.name)
      if (init && isRestartableInit(init)) {
        if (init.startupProbe && this.startup.get(c.id) === undefined) changed = true
        if (init.startupProbe && this.startup.get(c.id) !== 'failure') this.succeedStartup(c)
      } else if (init || this.pod.spec.restartPolicy !== 'Always') {
        this.exit(c.id, 0)
        changed = true
      }
    }
    return changed
  }
}

type Happening = {
  kind: 'exit' | 'fail' | 'unknown' | 'remove' | 'sandbox' | 'startup' | 'unstarted' | 'unlive'
  at: number
}

function happen(world: World, { kind, at }: Happening) {
  const running = world.running()
  const victim = running[at % Math.max(running.length, 1)]
  const dead = world.containers.filter((c) => c.state === 'exited')
  if (kind === 'sandbox') {
    for (const c of world.containers) world.exit(c.id, 255)
    world.sandboxes = world.sandboxes.map((s) => ({ ...s, isReady: false }))
  } else if (kind === 'remove') {
    // What garbage collection does: only older instances go.
    const old = dead.find((c) => world.containers.some((o) => o.name === c.name && o.createdAtMs > c.createdAtMs))
    world.containers = world.containers.filter((c) => c !== old)
  } else if (!victim) return
  else if (kind === 'exit') world.exit(victim.id, 0)
  else if (kind === 'fail') world.exit(victim.id, 1)
  else if (kind === 'unknown') victim.state = 'unknown'
  else if (kind === 'startup') world.succeedStartup(victim)
  else if (kind === 'unstarted') world.startup.set(victim.id, 'failure')
  else world.liveness.set(victim.id, 'failure')
}

const initContainer = (index: number) =>
  fc.record({ isSidecar: fc.boolean(), isProbed: fc.boolean() }).map(({ isSidecar, isProbed }) =>
    makeContainer(`init-${index}`, {
      ...(isSidecar && { restartPolicy: 'Always' }),
      ...(isSidecar && isProbed && { startupProbe: { tcpSocket: { port: 1 } } }),
    }),
  )
const anyPod = fc
  .record({
    policy: fc.constantFrom('Always', 'OnFailure', 'Never'),
    init: fc
      .integer({ min: 0, max: 3 })
      .chain((n) => fc.tuple(...Array.from({ length: n }, (_, i) => initContainer(i)))),
    count: fc.integer({ min: 1, max: 2 }),
  })
  .map(({ policy, init, count }) =>
    makePod({
      restartPolicy: policy,
      initContainers: init,
      containers: Array.from({ length: count }, (_, i) => makeContainer(`c-${i}`)),
    }),
  )
const anyHappening: fc.Arbitrary<Happening> = fc.record({
  kind: fc.constantFrom('exit', 'fail', 'unknown', 'remove', 'sandbox', 'startup', 'unstarted', 'unlive'),
  at: fc.nat(5),
})

const isQuiet = (a: PodActions, world: World) =>
  a.start.length + a.startInit.length + a.startEphemeral.length + a.kill.length === 0 &&
  !a.createSandbox &&
  (!a.killPod || (world.running().length === 0 && !world.sandboxes.some((s) => s.isReady)))

describe('computePodActions', () => {
  it('keeps order and single instances whatever happens, and settles once nothing happens any more', () => {
    fc.assert(
      fc.property(anyPod, fc.array(anyHappening, { maxLength: 12 }), (pod, happenings) => {
        const world = new World(pod)
        for (const happening of happenings) {
          world.apply(world.plan())
          happen(world, happening)
        }
        let isSettled = false
        for (let i = 0; i < 30 && !isSettled; i++) {
          const isIdle = !world.behave()
          const plan = world.plan()
          isSettled = isIdle && isQuiet(plan, world)
          world.apply(plan)
        }
        expect(isSettled).toBe(true)
        if (pod.spec.restartPolicy === 'Always') {
          const names = new Set(world.running().map((c) => c.name))
          for (const c of pod.spec.containers) expect(names).toContain(c.name)
          for (const c of pod.spec.initContainers ?? []) if (isRestartableInit(c)) expect(names).toContain(c.name)
        } else expect(world.running()).toEqual([])
      }),
      { numRuns: 400 },
    )
  })
})
