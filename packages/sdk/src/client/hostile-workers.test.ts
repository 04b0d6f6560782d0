/** Workers that lie to clients: about the block and state of an answer, or by an answer that was given before. Another worker is asked; where all lie, it is said. */
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { Secret } from '@phalanx/primitives/crypto'
import { ContractExecResult, type QueryAnswer } from '@phalanx/primitives/contracts'
import { codeOfRejection } from '@phalanx/primitives/testing'
import { beforeEach, expect, test } from 'vitest'
import { answerCodec } from '../contract/abi.ts'
import { bool, constructor, defineContract, query } from '../contract/index.ts'
import { createSigner } from '../signer.ts'
import { constantRandom } from '../testing.ts'
import { contractOf, type ContractHandle } from './contract-of.ts'
import { FakeCluster } from './testing.ts'

const crypto = await loadCrypto()
const door = defineContract({
  name: 'door', constructors: { new: constructor({ run: () => undefined }) }, messages: { isOpen: query({ returns: bool, run: () => true }) },
})
const alice = createSigner({ suri: new Secret('//Alice') }, { crypto, random: constantRandom(1) })
const open: QueryAnswer = {
  kind: 'Called',
  value: {
    output: ContractExecResult.encode({
      gasConsumed: { refTime: 5n, proofSize: 0n }, gasRequired: { refTime: 9n, proofSize: 0n }, storageDeposit: { kind: 'Charge', value: 2n }, debugMessage: new Uint8Array(0),
      result: { ok: true, value: { flags: 0, data: answerCodec(door.messages.isOpen).encode({ ok: true, value: { ok: true, value: true } }) } }, events: undefined,
    }),
    failure: undefined, logs: [],
  },
}

let cluster: FakeCluster
let handle: ContractHandle<typeof door>
beforeEach(() => {
  cluster = new FakeCluster(crypto)
  cluster.answers = { query: () => open }
  handle = contractOf({ id: cluster.contract, definition: door }, { network: cluster.network, signer: alice })
})

test.each([
  ['of a block that the chain does not have', { blockHash: new Uint8Array(32).fill(7) }, 'REPLY_BLOCK_UNKNOWN'],
  ['of a block that is not there yet', { blockNumber: 1_000_000 }, 'REPLY_BLOCK_UNKNOWN'],
  ['of an older state than the client wants', { blockNumber: 1 }, 'REPLY_STATE_OLD'],
])('an answer %s is not taken, but that of another worker', async (_name, point, code) => {
  cluster.points.set(0, point)
  expect(await handle.query.isOpen()).toBe(true)
  expect(cluster.asked).toEqual([0, 1])
  cluster.points.set(1, point)
  expect(await codeOfRejection(handle.query.isOpen())).toBe(code)
})

test('an answer to an earlier question is none to this one', async () => {
  let first: Uint8Array | undefined
  cluster.answers = { query: () => open, tamper: (reply) => (first ??= reply) }
  expect(await handle.query.isOpen()).toBe(true)
  expect(await codeOfRejection(handle.query.isOpen())).toBe('SEALED_NOT_OPENED')
})
