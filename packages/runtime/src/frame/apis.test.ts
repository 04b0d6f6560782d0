/** Runtime APIs by name: identity, metadata, nonces, fees, the pool's question, dry runs; and what bad parameters get. */
import { concatBytes, toHex } from '@phalanx/primitives/bytes'
import { Header } from '@phalanx/primitives/chain'
import { bytes, option, result, struct, tuple, u128, u32, u64, vec } from '@phalanx/primitives/codec'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { describe, expect, test } from 'vitest'
import { balances } from '../pallets/balances/pallet.ts'
import { grandpa } from '../pallets/grandpa/pallet.ts'
import { RuntimeVersionCodec } from '../pallets/system/limits.ts'
import { system } from '../pallets/system/pallet.ts'
import { timestamp } from '../pallets/timestamp/pallet.ts'
import { FeeDetails, feeDetails, totalFee } from '../pallets/transaction-payment/fees.ts'
import { transactionPayment } from '../pallets/transaction-payment/pallet.ts'
import { DispatchResult } from './dispatch-error.ts'
import { createTestChain, devAccount } from './testing.ts'
import { TransactionValidity, TransactionValidityError } from './validity.ts'
import { DispatchClass, Weight } from './weight.ts'

const crypto = await loadCrypto()
const [alice, bob] = ['Alice', 'Bob'].map((name) => devAccount(crypto, name)) as [ReturnType<typeof devAccount>, ReturnType<typeof devAccount>]
const ED = 10n ** 10n

const start = () => {
  const chain = createTestChain({
    pallets: [
      { index: 1, pallet: system }, { index: 4, pallet: timestamp }, { index: 7, pallet: balances }, { index: 8, pallet: transactionPayment }, { index: 20, pallet: grandpa },
    ],
    genesis: { Balances: { balances: [[toHex(alice.publicKey), (1000n * ED).toString()]] }, Grandpa: { authorities: [[`0x${'05'.repeat(32)}`, '2']] } },
  }, { crypto })
  const call = (method: string, params: Uint8Array = new Uint8Array(0)): Uint8Array =>
    chain.runtime.callApi({ state: chain.head.state, at: chain.head.header, method, params, env: chain.env })
  const transfer = balances.call('transferAllowDeath', { dest: { kind: 'Id', value: bob.publicKey }, value: 5n * ED })
  return { chain, call, transfer, extrinsic: chain.sign(transfer, alice) }
}
const FeeInfo = struct({ weight: Weight, class: DispatchClass, partialFee: u128 })

describe('callApi', () => {
  test('tells the version, with the ids that clients compute', () => {
    const { call, chain } = start()
    const version = RuntimeVersionCodec.decode(call('Core_version'))
    expect(version).toMatchObject({ specName: 'test', specVersion: 1, transactionVersion: 1, stateVersion: 1 })
    expect(version.apis).toEqual(chain.runtime.version.apis)
    const ids = version.apis.map(([id, number]) => `${toHex(id)} ${number}`)
    expect(ids).toContain('0xdf6acb689907609b 4')
    expect(ids).toContain('0x37e397fc7c91f5e4 2')
    expect(ids).toContain('0xd2bc9897eed08f15 3')
  })

  test('hands out metadata as opaque bytes', () => {
    const { call, chain } = start()
    expect(bytes.decode(call('Metadata_metadata'))).toEqual(chain.runtime.metadata(14))
    expect(vec(u32).decode(call('Metadata_metadata_versions'))).toEqual([14, 15, 16])
    expect(option(bytes).decode(call('Metadata_metadata_at_version', u32.encode(16)))).toEqual(chain.runtime.metadata(16))
    expect(option(bytes).decode(call('Metadata_metadata_at_version', u32.encode(13)))).toBeUndefined()
  })

  test('tells nonces, authorities and fees', () => {
    const { call, chain, transfer, extrinsic } = start()
    expect(u32.decode(call('AccountNonceApi_account_nonce', alice.publicKey))).toBe(0)
    expect(toHex(call('GrandpaApi_grandpa_authorities'))).toBe(`0x04${'05'.repeat(32)}0200000000000000`)
    expect(u64.decode(call('GrandpaApi_current_set_id'))).toBe(0n)
    const info = chain.runtime.parts.services.callInfo(transfer)
    const details = feeDetails(chain.ctx, info, { length: extrinsic.length, tip: 0n })
    const params = concatBytes(extrinsic, u32.encode(extrinsic.length))
    expect(FeeInfo.decode(call('TransactionPaymentApi_query_info', params))).toEqual({ weight: info.weight, class: { kind: 'Normal' }, partialFee: totalFee(details) })
    expect(FeeDetails.decode(call('TransactionPaymentApi_query_fee_details', params))).toEqual(details)
    const callParams = concatBytes(chain.runtime.parts.enums.RuntimeCall.encode(transfer), u32.encode(extrinsic.length))
    expect(FeeInfo.decode(call('TransactionPaymentCallApi_query_call_info', callParams)).partialFee).toBe(totalFee(details))
    expect(FeeDetails.decode(call('TransactionPaymentCallApi_query_call_fee_details', callParams))).toEqual(details)
    expect(u128.decode(call('TransactionPaymentApi_query_length_to_fee', u32.encode(3)))).toBe(3_000_000n)
    expect(u128.decode(call('TransactionPaymentApi_query_weight_to_fee', Weight.encode({ refTime: 7n, proofSize: 0n })))).toBe(70n)
  })

  test('judges and tries transactions without keeping anything', () => {
    const { call, chain, extrinsic } = start()
    const root = toHex(chain.head.state.root)
    const verdict = TransactionValidity.decode(call('TaggedTransactionQueue_validate_transaction', concatBytes(Uint8Array.of(2), extrinsic, chain.genesisHash)))
    expect(verdict).toMatchObject({ ok: true })
    const tried = result(DispatchResult, TransactionValidityError)
    expect(tried.decode(call('BlockBuilder_apply_extrinsic', extrinsic))).toEqual({ ok: true, value: { ok: true, value: [] } })
    const poor = chain.sign(balances.call('transferAllowDeath', { dest: { kind: 'Id', value: bob.publicKey }, value: 5000n * ED }), alice)
    expect(tried.decode(call('BlockBuilder_apply_extrinsic', poor))).toMatchObject({ ok: true, value: { ok: false, error: { kind: 'Token' } } })
    expect(tried.decode(call('BlockBuilder_apply_extrinsic', chain.sign(balances.call('burn', { value: 1n, keepAlive: true }), alice, { nonce: 3 })))).toMatchObject({ ok: false })
    expect(toHex(chain.head.state.root)).toBe(root)
  })

  test('makes inherents and runs blocks', () => {
    const { call, chain, extrinsic } = start()
    const data = vec(tuple(u64, bytes)).encode([[Buffer.from('timstap0').readBigUInt64LE(), u64.encode(9_000_000_000_000n)]])
    const inherents = vec(bytes).decode(call('BlockBuilder_inherent_extrinsics', data))
    expect(inherents).toHaveLength(1)
    const builder = chain.runtime.buildBlock({ state: chain.head.state, parent: chain.head.header, timeMs: 9_000_000_000_000n, env: chain.env })
    builder.apply(extrinsic)
    const built = builder.finish()
    expect(built.extrinsics[0]).toEqual(bytes.encode(inherents[0] as Uint8Array))
    const body = vec(bytes).encode(built.extrinsics.map((one) => bytes.decode(one)))
    expect(call('Core_execute_block', concatBytes(Header.encode(built.header), body))).toHaveLength(0)
    expect(call('BlockBuilder_check_inherents', concatBytes(Header.encode(built.header), body, data))[0]).toBe(1)
    const wrong = Header.encode({ ...built.header, stateRoot: new Uint8Array(32) })
    expect(() => call('Core_execute_block', concatBytes(wrong, body))).toThrow(expect.objectContaining({ code: 'BLOCK_MISMATCH' }))
  })

  test('refuses unknown names and parameters that do not decode', () => {
    const { call } = start()
    expect(() => call('Nope_nope')).toThrow(expect.objectContaining({ code: 'RUNTIME_API_UNKNOWN' }))
    expect(() => call('Core_version', Uint8Array.of(1))).toThrow(expect.objectContaining({ code: 'RUNTIME_API_PARAMS' }))
    expect(() => call('AccountNonceApi_account_nonce', new Uint8Array(31))).toThrow(expect.objectContaining({ code: 'RUNTIME_API_PARAMS' }))
  })
})
