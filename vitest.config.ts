import { defineConfig } from 'vitest/config'

/**
 * Three projects: `unit` needs nothing but Node and runs in `npm run check`; `sim` runs seeded simulations of a
 * whole control plane; `e2e` drives the built program with real kubectl and real containers, one file at a time
 * because the files share this machine's network and cgroups.
 */
export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['src/**/*.test.ts', 'tools/**/*.test.ts'], testTimeout: 30_000 } },
      { test: { name: 'sim', include: ['test/sim/**/*.test.ts'], testTimeout: 300_000 } },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          testTimeout: 600_000,
          hookTimeout: 600_000,
          fileParallelism: false,
          globalSetup: ['test/e2e/setup.ts'],
        },
      },
    ],
  },
})
