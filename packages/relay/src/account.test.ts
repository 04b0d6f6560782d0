import { beforeAll, expect, test } from 'vitest'
import { decodeExtrinsic } from '@phalanx/primitives/chain'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { Secret, type Crypto } from '@phalanx/primitives/crypto'
import { AppError, isAppError } from '@phalanx/primitives/errors'
import { createSigner, type ChainClient } from '@phalanx/sdk'
import { constantRandom, createFakeClock } from '@phalanx/sdk/testing'
import { createAccount } from './account.ts'
import { createFakeChain, createFakeNode } from './testing.ts'

let crypto: Crypto
beforeAll(async () => void (crypto = await loadCrypto()))

const CALL = { pallet: 'Utility', call: 'force_batch', args: Uint8Array.of(0) }
const held = (priorities: string): AppError<'SDK_RPC_REFUSED'> =>
  new AppError('SDK_RPC_REFUSED', { method: 'author_submitExtrinsic', rpcCode: 1014, reason: `Priority is too low: (${priorities}): The transaction has too low priority` })

/** An account on a pool that refuses so often, each time with the next word; and the nonce and tip of what was offered. */
const offered = async (refusals: readonly AppError<'SDK_RPC_REFUSED'>[], nextNonces: readonly number[]) => {
  const { client } = createFakeNode(createFakeChain(), 'ws://node')
  const words = [...refusals]
  const nonces = [...nextNonces]
  const seen: (readonly [nonce: number, tip: bigint])[] = []
  const node: ChainClient = {
    ...client,
    nextNonce: async () => nonces.shift() ?? nextNonces.at(-1) ?? 0,
    submit: async (extrinsic) => {
      const { nonce, tip } = decodeExtrinsic(extrinsic).signed?.extra ?? { nonce: -1, tip: -1n }
      seen.push([nonce, tip])
      const word = words.shift()
      if (word !== undefined) throw word
      return client.submit(extrinsic)
    },
  }
  const account = createAccount({ signer: createSigner({ suri: new Secret('//Alice') }, { crypto, random: constantRandom() }) }, { crypto, clock: createFakeClock(1_000_000) })
  const failure = await account.submit(node, CALL).then(() => undefined, (error: unknown) => (isAppError(error) ? error.code : String(error)))
  return { seen, failure }
}

test('takes the place of an extrinsic that holds the next nonce and cannot go on, with a tip that outbids it', async () => {
  const { seen, failure } = await offered([held('3409 vs 247')], [7, 7])
  expect(failure).toBeUndefined()
  expect(seen.map(([nonce]) => nonce)).toEqual([7, 7])
  const [, [, tip]] = seen as [unknown, readonly [number, bigint]]
  expect((tip + 1n) * 247n).toBeGreaterThan(3409n)
})

test('pays no tip where another nonce has become free meanwhile', async () => {
  expect((await offered([held('3409 vs 247')], [7, 8])).seen).toEqual([[7, 0n], [8, 0n]])
})

test('gives up after three tries, and never pays more than a thousandth of a token to be first', async () => {
  const { seen, failure } = await offered([held('99999999999999 vs 1'), held('99999999999999 vs 1'), held('99999999999999 vs 1')], [7])
  expect(failure).toBe('RELAY_EXTRINSIC_STALE')
  expect(seen).toEqual([[7, 0n], [7, 1_000_000_000n], [7, 1_000_000_000n]])
})
