import { resolve } from 'node:path'
import { concatBytes, EMPTY, parseHex, utf8 } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import type { Trie } from '@phalanx/primitives/trie'
import { answerCodec, encodeInput } from '@phalanx/sdk/contract/abi'
import { callContract, createContractState, createInkVm, createJsVm, depositBalance, instantiate, uploadCode, type ExecutionEnv } from '@phalanx/worker/contracts'
import { loadQuickJs } from '@phalanx/worker/engines/quickjs'
import { createWasmMachine } from '@phalanx/worker/engines/wasm'
import { describe, expect, test } from 'vitest'
import { loadBundles } from '../../../../tools/ink-bundles.ts'
import { buildContract, findContract } from './build-contract.ts'
import shop from './testing/shop.ts'

const crypto = await loadCrypto()
const bundles = loadBundles()
const [ALICE, BOB] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)]
const zero = new Uint8Array(32)

/** Contracts in both languages on one state. */
const setUp = async () => {
  const vms = [createJsVm({ crypto, machine: await loadQuickJs() }), createInkVm({ crypto, machine: createWasmMachine() })]
  const config = { clusterId: zero, owner: zero, gasPrice: 0n, depositPerItem: 0n, depositPerByte: 0n, treasury: zero, systemContract: undefined }
  const env: ExecutionEnv = { crypto, vms, mode: 'Transaction', blockNumber: 1, nowMs: 1000n, clusterSecret: crypto.sr25519.pairFromSeed(zero).secret, callNonce: zero }
  const plain = { origin: ALICE, transfer: 0n, gasLimit: 10n ** 12n, gasFree: true, storageDepositLimit: undefined, deposit: 0n }
  let state: Trie = depositBalance(createContractState({ config }, { crypto }), crypto, { who: ALICE, value: 10n ** 15n })
  const deploy = (code: Uint8Array, input: Uint8Array): Uint8Array => {
    const stored = uploadCode(state, env, { owner: zero, code, deterministic: true })
    const done = instantiate(stored.state, env, { ...plain, codeHash: stored.codeHash, salt: EMPTY, input })
    if (done.kind !== 'Executed' || !done.result.result.ok) throw new Error(done.kind === 'Executed' ? done.failure : done.kind)
    state = done.state
    return done.result.result.value.accountId
  }
  const hash = (bytes: Uint8Array): Uint8Array => crypto.blake2b256(bytes)
  const code = (await buildContract(findContract(resolve(import.meta.dirname, 'testing/shop.ts')), { crypto })).code
  const address = deploy(code, encodeInput(hash, { name: 'new', entry: shop.constructors.new, args: {} }))
  const call = (name: keyof typeof shop.messages, args: Record<string, unknown>): unknown => {
    const entry = shop.messages[name]
    const done = callContract(state, env, { ...plain, contract: address, input: encodeInput(hash, { name, entry, args }) })
    if (done.kind !== 'Executed') throw new Error(done.kind)
    state = done.state
    if (!done.result.result.ok) return done.failure
    const answer = answerCodec(entry).decode(done.result.result.value.data)
    return answer.ok && answer.value.ok ? answer.value.value : answer
  }
  return { address, deploy, call }
}

const text = (value: string): Uint8Array => concatBytes(Uint8Array.of(value.length << 2), utf8(value))

if (bundles === undefined) {
  console.log('not run: contracts in ink! (the package of bundles is not here and cannot be fetched)')
  test.skip('not run: the package of bundles is not here and cannot be fetched', () => {})
} else {
  const selectorOf = (name: string): Uint8Array => parseHex(bundles.get(name)?.constructors.find(({ label }) => label === 'new')?.selector ?? '')
  const codeOf = (name: string): Uint8Array => bundles.get(name)?.code ?? EMPTY

  describe('a contract in TypeScript and contracts in ink! that others wrote', () => {
    test('call and answer each other', async () => {
      const { deploy, call } = await setUp()
      const flipper = deploy(codeOf('flipper'), concatBytes(selectorOf('flipper'), Uint8Array.of(0)))
      expect([call('flip', { at: flipper }), call('flip', { at: flipper })]).toEqual([[false, true], [true, false]])
    })

    test('move tokens, and understand each other\'s errors', async () => {
      const { address, deploy, call } = await setUp()
      const token = deploy(codeOf('test_psp22'), concatBytes(selectorOf('test_psp22'), text('Gold'), text('GLD'), Uint8Array.of(6), ALICE))
      call('mint', { token, amount: 100n })
      expect(call('describe', { token, who: address })).toEqual(['Gold', 6, 100n, 100n])
      expect(call('pay', { token, to: BOB, value: 30n })).toBeUndefined()
      expect(call('describe', { token, who: BOB })).toEqual(['Gold', 6, 100n, 30n])
      expect(call('tryPay', { token, to: BOB, value: 71n })).toEqual({ kind: 'InsufficientBalance' })
      expect(call('pay', { token, to: BOB, value: 71n })).toBe('SDK_CONTRACT_STOPPED: PSP22.transfer failed: it reverted with InsufficientBalance')
      expect(call('describe', { token: BOB, who: BOB })).toContain('PSP22.name failed')
    })
  })
}
