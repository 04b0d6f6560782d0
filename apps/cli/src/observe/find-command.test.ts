/** Commands are found on the chain whatever they are wrapped in; nothing else is taken for one. */
import { bytesEqual, concatBytes, parseHex, toHex } from '@phalanx/primitives/bytes'
import { AccountId, encodeExtrinsic, Hash } from '@phalanx/primitives/chain'
import { bytes, struct, u128 } from '@phalanx/primitives/codec'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { codeOfRejection } from '@phalanx/primitives/testing'
import { createPhalanxRuntime } from '@phalanx/runtime'
import { createMetadataIndex, encodeCall, type ChainClient } from '@phalanx/sdk'
import { encodeCalls, transferToCluster, type NamedCall } from '@phalanx/sdk/client'
import { describe, expect, test } from 'vitest'
import { findCommand } from './find-command.ts'

const crypto = await loadCrypto()
const metadata = createMetadataIndex(createPhalanxRuntime({ stateVersion: 1 }, { crypto }).metadata(14), crypto)
const fill = (byte: number, length = 32): Uint8Array => new Uint8Array(length).fill(byte)
const [contract, payer] = [fill(1), fill(2)]
const push = (to: Uint8Array, payload: Uint8Array): NamedCall =>
  ({ pallet: 'PhalaPhatContracts', call: 'push_contract_message', args: struct({ id: Hash, payload: bytes, deposit: u128 }).encode({ id: to, payload, deposit: 0n }) })
const signed = (call: Uint8Array): string => toHex(encodeExtrinsic({
  signed: { address: { kind: 'Id', value: payer }, signature: { kind: 'Sr25519', value: fill(3, 64) }, extra: { era: { kind: 'Immortal' }, nonce: 0, tip: 0n } } as never, call,
}))

/** A chain whose blocks hold these extrinsics; its first block is number 0. */
const chainOf = (blocks: readonly (readonly string[])[]): ChainClient => {
  const hashOf = (number: number): string => toHex(fill(100 + number))
  const request = (method: string, [param]: readonly unknown[]): Promise<unknown> => Promise.resolve(
    method === 'chain_getBlockHash' ? hashOf(param as number) : { block: { extrinsics: blocks[(parseHex(param as string)[0] ?? 0) - 100] } })
  return {
    url: 'memory', rpc: { request }, metadata: () => Promise.resolve(metadata), storage: () => Promise.resolve(undefined),
    finalizedHead: () => Promise.resolve({ number: blocks.length - 1, hash: fill(100 + blocks.length - 1) }),
  } as unknown as ChainClient
}
const find = (blocks: readonly (readonly string[])[], id: Uint8Array, depth = 100) => findCommand({ id, blocks: depth }, { chain: chainOf(blocks), crypto })

describe('a command', () => {
  const payload = fill(9, 40)
  const alone = signed(encodeCalls(metadata, [push(contract, payload)]))
  const funded = signed(encodeCalls(metadata, [transferToCluster({ amount: 5n, cluster: fill(4), account: fill(5) }), push(contract, payload)]))

  test('is found by its hash and, the newest first, by its contract', async () => {
    const newer = signed(encodeCalls(metadata, [push(contract, fill(8, 3))]))
    const blocks = [[], [alone], ['0x00'], [newer], []]
    expect(await find(blocks, crypto.blake2b256(payload))).toMatchObject({ contract, payload, payer, index: 0, block: { number: 1 }, beside: [] })
    expect((await find(blocks, contract)).payload).toEqual(fill(8, 3))
  })

  test('is found inside of batches and of calls in another\'s name, with what stands beside it', async () => {
    const found = await find([['0x00', funded]], contract)
    expect([found.index, found.beside]).toEqual([1, [{ name: 'PhalaPhatContracts.transfer_to_cluster', args: { amount: 5n, cluster_id: fill(4), dest_account: fill(5) } }]])
    const sudo = encodeCall(metadata, { pallet: 'Sudo', call: 'sudo_as' }, concatBytes(Uint8Array.of(0), AccountId.encode(payer), encodeCalls(metadata, [push(contract, payload)])))
    expect((await find([[signed(sudo)]], contract)).payload).toEqual(payload)
  })

  test('is not found where it is not, nor before the blocks that are looked at', async () => {
    const remark = signed(encodeCall(metadata, { pallet: 'System', call: 'remark' }, bytes.encode(concatBytes(push(contract, payload).args))))
    expect(await codeOfRejection(find([[alone], [remark, '0x04', '0x']], fill(7)))).toBe('CLI_COMMAND_NOT_FOUND')
    expect(await codeOfRejection(find([[remark]], contract))).toBe('CLI_COMMAND_NOT_FOUND')
    expect(await codeOfRejection(find([[alone], [], []], contract, 2))).toBe('CLI_COMMAND_NOT_FOUND')
    expect(bytesEqual((await find([[alone], [], []], contract, 3)).payload, payload)).toBe(true)
  })
})
