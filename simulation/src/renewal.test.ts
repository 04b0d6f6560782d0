import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { expect, test } from 'vitest'
import { simulateRenewal } from './renewal.ts'

const crypto = await loadCrypto()

/** Idle machines need a few seconds; loaded ones more. */
const PATIENCE_MS = 180_000

test('of three platform families one is revoked: exactly its workers go, as the dry run said; the others renew their evidence and stay', async () => {
  const result = await simulateRenewal({ seed: 5, families: ['sgx-1', 'sgx-2', 'snp-milan'], revoked: 'sgx-2' }, { crypto })
  expect(result.problems).toEqual([])
  expect(result.members).toHaveLength(2)
  expect(result.predicted).toEqual(result.members)
  expect(result.evicted).toEqual(result.members)
  expect(result.kept).toHaveLength(4)
  expect(result.renewed).toEqual(result.kept)
  expect(result.judgedAgain).toEqual(result.kept)
}, PATIENCE_MS)
