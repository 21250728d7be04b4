import { expect, it } from 'vitest'
import { FakeClock } from '#base/fake-clock.ts'
import { Health, type HealthChecks } from './health-checks.ts'

const failing = (checks: HealthChecks) => Object.keys(checks).filter((name) => checks[name]!() !== undefined)

it('a server that starts is alive before it is ready, but not for ever', async () => {
  const clock = new FakeClock()
  const health = new Health({ readStore: () => {}, clock })
  expect(failing(health.live)).toEqual([])
  expect(failing(health.ready)).toContain('informer-sync')
  for (const step of ['assembled', 'objects', 'policy', 'authentication'] as const) health.done(step)
  expect(failing(health.ready)).toContain('autoregister-completion')
  await clock.advance(60_000)
  expect(failing(health.live)).toContain('autoregister-completion')
  health.done('aggregation')
  expect([failing(health.live), failing(health.ready)]).toEqual([[], []])
})

it('a server that stops is alive and not ready; one without its store is neither', () => {
  const clock = new FakeClock()
  let isLost = false
  const readStore = () => {
    if (isLost) throw new Error('the store is closed')
  }
  const health = new Health({ readStore, clock })
  for (const step of ['assembled', 'objects', 'policy', 'authentication', 'aggregation'] as const) health.done(step)
  health.stopping()
  expect([failing(health.live), failing(health.ready)]).toEqual([[], ['shutdown']])
  isLost = true
  expect(failing(health.live)).toEqual(['etcd'])
  expect(health.live.etcd!()).toBe('the store is closed')
})
