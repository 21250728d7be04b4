/**
 * Three projects. `unit` needs nothing but Node and runs in `npm run check`; `sim` runs seeded simulations of a whole
 * control plane; `e2e` drives the built program with real kubectl and real containers, one file at a time, because the
 * files share this machine's network and cgroups.
 *
 * Unit tests and simulations share one module registry per thread: nothing in src/ has module-level state, so files
 * cannot disturb one another, and it takes a third of the time.
 */
import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

const shared = { pool: 'threads', isolate: false } as const

export default defineConfig({
  test: {
    // One less is what it takes by itself, which leaves one thread on a small machine.
    maxWorkers: availableParallelism(),
    projects: [
      {
        test: {
          ...shared,
          name: 'unit',
          include: ['src/**/*.test.ts', 'tools/**/*.test.mjs'],
          testTimeout: 30_000,
        },
      },
      { test: { ...shared, name: 'sim', include: ['test/sim/**/*.test.ts'], testTimeout: 300_000 } },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          pool: 'forks',
          testTimeout: 600_000,
          hookTimeout: 600_000,
          fileParallelism: false,
          globalSetup: ['test/e2e/setup.ts'],
        },
      },
    ],
  },
})
