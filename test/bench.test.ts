/** Benchmarks are not measured here; but the one that builds a whole network must still run, or its figures cannot be had again. */
import { execFile } from 'node:child_process'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import type { FleetReport } from '../bench/fleet-run.ts'

const root = resolve(import.meta.dirname, '..')
const run = promisify(execFile)

test('a fleet of workers joins, is challenged, and every heartbeat is settled', async () => {
  const { stdout } = await run(process.execPath, ['--import', 'tsx', '--expose-gc', join(root, 'bench/fleet-run.ts'), '8', '12'], { cwd: root })
  const { workers, blocks, computing, unresponsive, alarms, heartbeats } = JSON.parse(stdout) as FleetReport
  expect({ workers, blocks, computing, unresponsive, alarms, missed: heartbeats.missed }).toEqual({ workers: 8, blocks: 12, computing: 8, unresponsive: 0, alarms: 0, missed: 0 })
  expect(heartbeats.settled).toBeGreaterThan(0)
})
