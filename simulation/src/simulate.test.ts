import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { describe, expect, test } from 'vitest'
import { simulate } from './simulate.ts'

const crypto = await loadCrypto()
const SHORT = { blocks: 60, faults: 8 }

describe('simulate', () => {
  test('a seed runs again to the last bit', async () => {
    const first = await simulate({ seed: 11, ...SHORT }, { crypto })
    expect(first.problems).toEqual([])
    expect(first.faults).toBeGreaterThanOrEqual(8)
    expect(await simulate({ seed: 11, ...SHORT }, { crypto })).toEqual(first)
    expect((await simulate({ seed: 12, ...SHORT }, { crypto })).digest).not.toBe(first.digest)
  })

  test('a build that skips signature checks is caught', async () => {
    const result = await simulate({ seed: 3, broken: 'skip-signature' }, { crypto })
    expect(result.ok).toBe(false)
  })

  test('a gatekeeper that finds something else than the others is caught', async () => {
    const { ok, problems } = await simulate({ seed: 3, blocks: 200, broken: 'biased-gatekeeper' }, { crypto })
    expect(ok).toBe(false)
    expect(problems[0]).toMatch(/as outcome .*, another gatekeeper|differs from the other gatekeepers/)
  })

  test('a master key that travels unencrypted is caught', async () => {
    const { ok, problems } = await simulate({ seed: 3, blocks: 100, broken: 'plain-shares' }, { crypto })
    expect(ok).toBe(false)
    expect(problems.at(-1)).toMatch(/leak: a secret key/)
  })

  test('a build that drops fsyncs is caught', async () => {
    const { ok, problems } = await simulate({ seed: 3, broken: 'drop-fsync' }, { crypto })
    expect(ok).toBe(false)
    expect(problems[0]).toMatch(/was final|changed over a restart/)
  })
})
