/** Many writers at once: no bound is ever exceeded, and nobody is refused while there is room. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Pod } from '#api/core/v1/pod.ts'
import { namespaces, pods, resourceQuotas, serviceAccounts } from '#api/resources.ts'
import { Quantity } from '#machinery/quantity.ts'
import { isStatus } from '#machinery/status-error.ts'
import { type InProcessApi, startInProcessApi } from '#testing/in-process-api.ts'

type Step =
  | { kind: 'create'; name: number; cpu: number; dryRun: boolean }
  | { kind: 'delete' | 'finish'; name: number }
  | { kind: 'pause' }

const NAMES = 6
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('create' as const),
      name: fc.nat(NAMES - 1),
      cpu: fc.integer({ min: 1, max: 3 }),
      dryRun: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constantFrom('delete' as const, 'finish' as const), name: fc.nat(NAMES - 1) }),
  },
  { weight: 2, arbitrary: fc.constant({ kind: 'pause' as const }) },
)

const MAX_PODS = 3
const MAX_CPU = 5

async function start(): Promise<InProcessApi> {
  const cluster = await startInProcessApi()
  const { client } = cluster
  await client.create(namespaces, { metadata: { name: 'ns' } })
  await client.create(serviceAccounts, { metadata: { name: 'default', namespace: 'ns' } })
  await client.create(resourceQuotas, {
    metadata: { name: 'q', namespace: 'ns' },
    spec: { hard: { pods: String(MAX_PODS), 'requests.cpu': String(MAX_CPU) } },
  })
  return cluster
}

/** What the pods that run use, as a reader sees them now. */
function usedBy({ api }: InProcessApi) {
  const { cache } = api.registry(pods)
  const running = cache.list(cache.prefix).map(({ object }) => object as Pod)
  const counted = running.filter(({ status }) => status.phase !== 'Succeeded')
  const cpu = counted.reduce((sum, { spec }) => sum + Number(spec.containers[0]!.resources!.requests!.cpu), 0)
  return { pods: counted.length, cpu }
}

async function act({ client }: InProcessApi, action: Exclude<Step, { kind: 'pause' }>): Promise<string> {
  const at = { namespace: 'ns', name: `p${action.name}` }
  try {
    if (action.kind === 'create') {
      const resources = { requests: { cpu: String(action.cpu) } }
      const spec = { containers: [{ name: 'c', image: 'i', resources }] } as Pod['spec']
      await client.create(pods, { metadata: at, spec }, action.dryRun ? { dryRun: 'All' } : {})
    } else if (action.kind === 'delete') await client.delete(pods, at)
    else await client.patch(pods, at, { status: { phase: 'Succeeded' } }, { subresource: 'status' })
    return 'done'
  } catch (err) {
    if (isStatus(err, 'Forbidden')) return err.message
    if (isStatus(err, 'AlreadyExists', 'NotFound', 'Conflict')) return 'done'
    throw err
  }
}

/** The amounts of a message: `pods=1,requests.cpu=2`. */
const parsed = (text: string) =>
  new Map(text.split(',').map((part) => [part.split('=')[0]!, Number(part.split('=')[1])] as const))

describe('many writers', () => {
  it('never use more than the quota allows, and none is refused while there is room', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const cluster = await start()
        try {
          const exceeded: unknown[] = []
          const { cache } = cluster.api.registry(pods)
          cache.follow(cache.prefix, {
            onEvents: () => {
              const used = usedBy(cluster)
              if (used.pods > MAX_PODS || used.cpu > MAX_CPU) exceeded.push(used)
            },
            onEnd: () => {},
          })
          const answers: Promise<string>[] = []
          for (const one of steps) {
            if (one.kind === 'pause') await Promise.all(answers)
            else answers.push(act(cluster, one))
          }
          for (const message of await Promise.all(answers)) {
            const found = /requested: (\S+), used: (\S+), limited: (\S+)$/.exec(message)
            if (message !== 'done') expect(found, message).not.toBeNull()
            if (!found) continue
            const [requested, used, limited] = found.slice(1).map((text) => parsed(text))
            for (const [name, amount] of requested!)
              expect(used!.get(name)! + amount).toBeGreaterThan(limited!.get(name)!)
          }
          expect(exceeded).toEqual([])
          // Alone, a writer gets exactly what is left.
          const left = usedBy(cluster)
          const answer = await act(cluster, { kind: 'create', name: NAMES, cpu: 1, dryRun: false })
          expect(answer === 'done').toBe(left.pods < MAX_PODS && left.cpu < MAX_CPU)
          const now = usedBy(cluster)
          const isTold = async () => {
            const { status } = await cluster.client.get(resourceQuotas, { namespace: 'ns', name: 'q' })
            const cpu = Quantity.parse(status?.used?.['requests.cpu'] ?? '-1').value()
            return status?.used?.pods === String(now.pods) && cpu === now.cpu
          }
          for (let i = 0; i < 100 && !(await isTold()); i++) await new Promise(setImmediate)
          expect(await isTold()).toBe(true)
        } finally {
          await cluster.close()
        }
      }),
      { numRuns: 60 },
    )
  })

  it('fill a quota exactly', async () => {
    const cluster = await start()
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, name) => act(cluster, { kind: 'create', name, cpu: 1, dryRun: false })),
    )
    expect(answers.filter((answer) => answer === 'done')).toHaveLength(MAX_PODS)
    expect(usedBy(cluster)).toEqual({ pods: MAX_PODS, cpu: MAX_PODS })
    await cluster.close()
  })
})
