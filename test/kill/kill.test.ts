import { expect, test } from 'vitest'
import { runKillTest } from './kill.ts'

const kills = Number(process.env['PHALANX_KILLS'] ?? '20')
const seed = process.env['PHALANX_SEED'] ?? 'phalanx'

test(`loses no finalised block and no key in ${kills} kills`, { timeout: 120_000 + kills * 30_000 }, async () => {
  const { summary, passed, failures } = await runKillTest({ kills, seed })
  console.log(`${summary}\n${passed} passed, ${failures.length} failed`)
  expect(failures).toEqual([])
  expect(passed).toBeGreaterThanOrEqual(kills)
})
