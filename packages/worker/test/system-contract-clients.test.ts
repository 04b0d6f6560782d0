/** The built-in system contract as a foreign client sees it: polkadot-js makes the calls from our metadata, and reads answers and events by it. */
import { toHex, utf8 } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { createSystemMetadata, SYSTEM_MESSAGES, systemCalls, type SystemMessageName } from '@phalanx/primitives/ink'
import { BUILTIN_SYSTEM_CODE } from '@phalanx/primitives/messages'
import { Abi } from '@polkadot/api-contract'
import { describe, expect, test } from 'vitest'
import { addressOf, ALICE, BOB, ContractBench } from '../src/testing/contracts.ts'

const crypto = await loadCrypto()
const abi = new Abi(JSON.parse(JSON.stringify(createSystemMetadata(crypto))) as Record<string, unknown>)
const [alice, bob] = [toHex(ALICE), toHex(BOB)]
const config = { maxCodeSize: 1, maxMemoryPages: 2, vitalCapacity: 3n, deadline: 4 }

/** Arguments of every message, as we write them and as polkadot-js does. */
const SAMPLES: Readonly<Record<SystemMessageName, readonly [object, readonly unknown[]]>> = {
  owner: [{}, []], version: [{}, []], upgradeSystemContract: [{}, []], currentEventChainHead: [{}, []],
  grantAdmin: [{ contractId: BOB }, [bob]], isAdmin: [{ contractId: BOB }, [bob]], stopSidevmAt: [{ contractId: BOB }, [bob]],
  setDriver: [{ name: 'Tokens', contractId: BOB }, ['Tokens', bob]],
  getDriver: [{ name: 'PinkLogger' }, ['PinkLogger']], getDriver2: [{ name: 'PinkLogger' }, ['PinkLogger']], driverHistory: [{ name: 'PinkLogger' }, ['PinkLogger']],
  deploySidevmTo: [{ contractId: BOB, codeHash: ALICE }, [bob, alice]],
  setHook: [{ hook: { kind: 'OnBlockEnd' }, contract: BOB, selector: 0x01020304, gasLimit: 5n }, ['OnBlockEnd', bob, 0x01020304, 5]],
  setContractWeight: [{ contractId: BOB, weight: 7 }, [bob, 7]],
  totalBalanceOf: [{ account: ALICE }, [alice]], freeBalanceOf: [{ account: ALICE }, [alice]], codeHash: [{ account: ALICE }, [alice]],
  doUpgrade: [{ fromVersion: [1, 1, 0] }, [[1, 1, 0]]], upgradeRuntime: [{ version: [1, 2] }, [[1, 2]]],
  codeExists: [{ codeHash: ALICE, codeType: { kind: 'Sidevm' } }, [alice, 'Sidevm']],
  deploySidevmToWorkers: [{ contract: BOB, codeHash: ALICE, workers: [ALICE, BOB], config }, [bob, alice, [alice, bob], config]],
  setSidevmDeadline: [{ contract: BOB, deadline: 9 }, [bob, 9]],
  changeDeposit: [{ contractId: BOB, deposit: 10n ** 30n }, [bob, 10n ** 30n]],
}
const names = Object.keys(SYSTEM_MESSAGES) as readonly SystemMessageName[]

/** Input without the length that polkadot-js writes before it. */
const inputOf = (label: string, args: readonly unknown[]): Uint8Array => {
  const message = abi.messages.find(({ identifier }) => identifier === label) as (typeof abi.messages)[number]
  const written = message.toU8a([...args])
  return written.slice(written.length > 64 ? 2 : 1)
}

/** An answer as polkadot-js reads it by the metadata. */
const readAnswer = (label: string, data: Uint8Array) => {
  const type = abi.messages.find(({ identifier }) => identifier === label)?.returnType
  return abi.registry.createTypeUnsafe(type?.lookupName ?? type?.type ?? '', [data])
}

const started = () => {
  const bench = new ContractBench({ crypto })
  return { bench, id: addressOf(bench.deploy(BUILTIN_SYSTEM_CODE, systemCalls.construct())) }
}

describe('polkadot-js', () => {
  test('knows every message, and nothing else', () => {
    expect(abi.messages.map(({ identifier, selector, isMutating }) => [identifier, selector.toHex(), isMutating]))
      .toEqual(Object.values(SYSTEM_MESSAGES).map(({ label, selector, mutates }) => [label, selector, mutates]))
    expect(toHex(abi.constructors[0]?.toU8a([]).slice(1) ?? new Uint8Array(0))).toBe(toHex(systemCalls.construct()))
  })
  test.each(names)('writes a call of %s as we do, and its answer can be read', (name) => {
    const [ours, theirs] = SAMPLES[name]
    const { label } = SYSTEM_MESSAGES[name]
    const input = inputOf(label, theirs)
    expect(toHex(input)).toBe(toHex(systemCalls.encode(name, ours as never)))
    const { bench, id } = started()
    const { result } = bench.call(id, input).result
    const answer = readAnswer(label, result.ok ? result.value.data : new Uint8Array(0))
    expect(result.ok && toHex(answer.toU8a())).toBe(result.ok && toHex(result.value.data))
    expect(Object.keys(answer.toJSON() as object)).toEqual(['ok'])
  })
  test('reads a driver and an event', () => {
    const { bench, id } = started()
    const done = bench.call(id, inputOf('System::set_driver', ['Tokens', bob]))
    const data = done.effects.inkEvents[0]?.data ?? new Uint8Array(0)
    const event = abi.events[data[0] ?? -1]
    const args = event?.fromU8a(data.subarray(1)).args ?? []
    expect([event?.identifier, args.map((arg) => toHex(arg.toU8a()))]).toEqual(['DriverChanged', [`0x18${toHex(utf8('Tokens')).slice(2)}`, '0x00', bob]])
    const asked = bench.call(id, inputOf('System::get_driver', ['Tokens'])).result.result
    const answer = readAnswer('System::get_driver', asked.ok ? asked.value.data : new Uint8Array(0)) as unknown as { asOk: { toHex(): string } }
    expect(answer.asOk.toHex()).toBe(bob)
  })
})
