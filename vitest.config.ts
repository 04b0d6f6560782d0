/** One test run for every workspace; tests stand beside their sources. */
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['packages/*/src/**/*.test.ts', 'packages/*/test/**/*.test.ts', 'apps/*/src/**/*.test.ts', 'simulation/src/**/*.test.ts', 'test/**/*.test.ts', 'tools/**/*.test.ts', 'fuzz/**/*.test.ts', 'examples/*/*.test.ts'],
    setupFiles: ['tools/property-seed.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
  },
})
