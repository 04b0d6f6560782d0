import { resolve } from 'node:path'
import { EMPTY } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { SYSTEM_MESSAGES, systemCalls } from '@phalanx/primitives/ink'
import { BUILTIN_SYSTEM_CODE } from '@phalanx/primitives/messages'
import type { Trie } from '@phalanx/primitives/trie'
import { answerCodec, encodeInput } from '@phalanx/sdk/contract/abi'
import { SystemContract } from '@phalanx/sdk/contract/system'
import {
  callContract, createBuiltinVm, createContractState, createJsVm, depositBalance, instantiate, readConfig, uploadCode, writeConfig, type ExecutionEnv,
} from '@phalanx/worker/contracts'
import { loadQuickJs } from '@phalanx/worker/engines/quickjs'
import { expect, test } from 'vitest'
import { buildContract, findContract } from './build-contract.ts'
import clerk from './testing/clerk.ts'

const crypto = await loadCrypto()
const hash = (bytes: Uint8Array): Uint8Array => crypto.blake2b256(bytes)
const [ALICE, BOB, zero] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2), new Uint8Array(32)]
const plain = { origin: ALICE, transfer: 0n, gasLimit: 10n ** 12n, gasFree: true, storageDepositLimit: undefined, deposit: 0n }

test('the interface of the system contract is the one that workers have', () => {
  for (const [name, message] of Object.entries(SystemContract.messages)) {
    const theirs = SYSTEM_MESSAGES[name as keyof typeof SystemContract.messages]
    expect([name, message.selector, Object.keys(message.args)]).toEqual([name, theirs.selector, Object.keys(theirs.args)])
  }
})

test('a contract speaks to the system contract of its cluster', async () => {
  const vms = [createJsVm({ crypto, machine: await loadQuickJs() }), createBuiltinVm({ crypto })]
  const config = { clusterId: zero, owner: ALICE, gasPrice: 0n, depositPerItem: 0n, depositPerByte: 0n, treasury: zero, systemContract: undefined }
  const env: ExecutionEnv = { crypto, vms, mode: 'Transaction', blockNumber: 1, nowMs: 1000n, clusterSecret: crypto.sr25519.pairFromSeed(zero).secret, callNonce: zero }
  let state: Trie = depositBalance(createContractState({ config }, { crypto }), crypto, { who: ALICE, value: 10n ** 15n })
  const deploy = (code: Uint8Array, input: Uint8Array): Uint8Array => {
    const stored = uploadCode(state, env, { owner: ALICE, code, deterministic: true })
    const done = instantiate(stored.state, env, { ...plain, codeHash: stored.codeHash, salt: EMPTY, input })
    if (done.kind !== 'Executed' || !done.result.result.ok) throw new Error(done.kind === 'Executed' ? done.failure : done.kind)
    state = done.state
    return done.result.result.value.accountId
  }
  const run = (contract: Uint8Array, input: Uint8Array): Uint8Array => {
    const done = callContract(state, env, { ...plain, contract, input })
    if (done.kind !== 'Executed' || !done.result.result.ok) throw new Error(done.kind === 'Executed' ? done.failure : done.kind)
    state = done.state
    return done.result.result.value.data
  }
  const system = deploy(BUILTIN_SYSTEM_CODE, systemCalls.construct())
  state = writeConfig(state, crypto, { ...readConfig(state, crypto), systemContract: system })
  const address = deploy((await buildContract(findContract(resolve(import.meta.dirname, 'testing/clerk.ts')), { crypto })).code, encodeInput(hash, { name: 'new', entry: clerk.constructors.new, args: {} }))
  const call = (name: keyof typeof clerk.messages, args: Record<string, unknown>): unknown => {
    const entry = clerk.messages[name]
    return answerCodec(entry).decode(run(address, encodeInput(hash, { name, entry, args })))
  }
  run(system, systemCalls.encode('setDriver', { name: 'Tokens', contractId: BOB }))
  expect(call('ask', { name: 'Tokens', who: BOB })).toEqual({ ok: true, value: { ok: true, value: [[1, 2, 0], BOB, 0n] } })
  expect(call('hook', {})).toEqual({ ok: true, value: { ok: true, value: { kind: 'PermisionDenied' } } })
  run(system, systemCalls.encode('grantAdmin', { contractId: address }))
  expect(call('hook', {})).toEqual({ ok: true, value: { ok: true, value: undefined } })
})
