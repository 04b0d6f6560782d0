/** The built-in system contract where it belongs: in clusters of several workers, told by pallets and owners. */
import { bytesEqual, toHex } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { systemCalls } from '@phalanx/primitives/ink'
import { BUILTIN_SYSTEM_CODE, commandTopicOf, createMessage, palletOrigin } from '@phalanx/primitives/messages'
import { describe, expect, test } from 'vitest'
import { createWasmMachine } from '../../engines/wasm/engine.ts'
import { ClusterWorld } from '../../testing/cluster-world.ts'
import { createScriptVm, SCRIPT } from '../../testing/script-vm.ts'
import { leb, wasmModule } from '../../testing/wasm-module.ts'
import { inspect, readConfig } from '../execution/execute.ts'
import { createInkVm } from '../ink/create-ink-vm.ts'
import { createBuiltinVm } from './create-builtin-vm.ts'

const crypto = await loadCrypto()
const vms = () => [createBuiltinVm({ crypto }), createScriptVm(), createInkVm({ crypto, machine: createWasmMachine() })]
const systemOf = (bed: ClusterWorld, worker = 0): Uint8Array => readConfig(bed.worker(worker).cluster?.contracts as never, crypto).systemContract as Uint8Array
const deployedOf = (bed: ClusterWorld, id: Uint8Array) => bed.workers.map(({ cluster }) => cluster?.deployed.find((one) => bytesEqual(one.id, id)))
const rootsOf = (bed: ClusterWorld) => new Set(bed.workers.map(({ cluster }) => (cluster === undefined ? 'none' : toHex(cluster.contracts.root))))

/** A successor that answers every call with success. */
const SUCCESSOR = wasmModule({
  imports: [{ module: 'seal0', name: 'seal_return', type: 3 }],
  functions: [{ body: [] }, { body: [0x41, 0, 0x41, 0, 0x41, ...leb(2), 0x10, 0] }], exports: { deploy: 0, call: 1 }, data: [[0, 0x41, 0, 0x0b, 2, 0, 0]],
})

describe('in a cluster', () => {
  test('what is staked for a contract on the chain becomes its weight', () => {
    const bed = new ClusterWorld(crypto, { vms: vms() })
    const contract = bed.deploy()
    const message = systemCalls.encode('changeDeposit', { contractId: contract, deposit: 12n * 10_000_000_000n })
    const command = { kind: 'InkMessage', value: { nonce: new Uint8Array(0), message, transfer: 0n, gasLimit: (1n << 64n) - 1n, storageDepositLimit: undefined } } as const
    const say = (pallet: string) => bed.world.say(createMessage(palletOrigin(pallet), commandTopicOf(systemOf(bed)), { kind: 'Plain', value: command }))
    say('PhalaPhatTokenomic')
    bed.rounds(2)
    expect(deployedOf(bed, contract).map((one) => one?.weight)).toEqual([12, 12, 12])
    expect(rootsOf(bed).size).toBe(1)
  })
  test('the owner names an administrator, who sets a hook that runs in every block, as long as the contract can pay for it', () => {
    const bed = new ClusterWorld(crypto, { vms: vms() })
    const contract = bed.deploy()
    const system = systemOf(bed)
    const order = (sender: Uint8Array) => bed.sendPlain({ contract: system, input: systemCalls.encode('setHook', { hook: { kind: 'OnBlockEnd' }, contract, selector: SCRIPT.count << 24, gasLimit: 10n ** 11n }) }, sender)
    order(bed.user.publicKey)
    bed.rounds(2)
    expect(deployedOf(bed, contract).map((one) => one?.hook)).toEqual([undefined, undefined, undefined])
    bed.sendPlain({ contract: system, input: systemCalls.encode('grantAdmin', { contractId: bed.user.publicKey }) }, bed.world.owner)
    order(bed.user.publicKey)
    bed.world.deposit(contract, 10n ** 20n)
    bed.rounds(1)
    const before = toHex(bed.worker(0).cluster?.contracts.root ?? system)
    bed.rounds(1)
    expect(deployedOf(bed, contract).map((one) => one?.hook?.gasLimit)).toEqual([10n ** 11n, 10n ** 11n, 10n ** 11n])
    expect([toHex(bed.worker(0).cluster?.contracts.root ?? system) === before, rootsOf(bed).size]).toEqual([false, 1])
  })
  test('new system code on the chain is taken over when the owner says so, by a worker that catches up as by the others', () => {
    const bed = new ClusterWorld(crypto, { seed: 'late', vms: vms() })
    bed.world.create(bed.workers.map(({ publicKey }) => publicKey))
    bed.world.dispatch()
    bed.worker(2).checkpoint = undefined
    bed.worker(2).start()
    bed.rounds(1)
    const system = systemOf(bed)
    const upgrade = () => bed.sendPlain({ contract: system, input: systemCalls.encode('upgradeSystemContract', {}), gasLimit: 10n ** 12n }, bed.world.owner)
    const codes = () => bed.workers.map(({ cluster }) => (cluster === undefined ? undefined : toHex(inspect(cluster.contracts, crypto).contract(system)?.codeHash ?? system)))
    const [own, next] = [BUILTIN_SYSTEM_CODE, SUCCESSOR].map((code) => toHex(crypto.blake2b256(code)))
    upgrade()
    bed.rounds(1)
    expect([codes()[0], codes()[2]]).toEqual([own, undefined])
    bed.world.notice({ kind: 'SystemCode', value: { version: 2, code: SUCCESSOR } })
    upgrade()
    bed.rounds(1)
    expect(codes()[0]).toBe(next)
    bed.rounds(14)
    expect(codes()).toEqual([next, next, next])
    expect([rootsOf(bed).size, bed.world.differing]).toEqual([1, []])
  })
})
