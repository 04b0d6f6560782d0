/** Chain specs: the development one parses and gives a stable genesis; every wrong field is named. */
import { readPhlx } from '@phalanx/primitives/chain'
import { toHex } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { describe, expect, test } from 'vitest'
import { account, blockHash } from '../pallets/system/storage.ts'
import { createDevChainSpec } from '../dev-spec.ts'
import { createPhalanxRuntime } from '../runtime.ts'
import { devAccount } from './testing.ts'

const crypto = await loadCrypto()
const runtime = createPhalanxRuntime({ stateVersion: 1 }, { crypto })
const dev = () => createDevChainSpec({}, { crypto })
const parse = (json: unknown) => runtime.parseChainSpec(json, { crypto })

describe('the development chain', () => {
  test('survives JSON and always has the same genesis', () => {
    const spec = parse(JSON.parse(JSON.stringify(dev())))
    const [one, two] = [runtime.genesis(spec, { crypto }), runtime.genesis(spec, { crypto })]
    expect(toHex(one.state.root)).toBe(toHex(two.state.root))
    expect(one.header).toMatchObject({ number: 0, stateRoot: one.state.root })
    expect(readPhlx(one.header).timeMs).toBe(0n)
    expect(new TextDecoder().decode(one.state.get(new TextEncoder().encode(':code')))).toBe('phalanx-1')
  })

  test('endows the well-known accounts with 10^7 PHA', () => {
    const { state, header } = runtime.genesis(parse(dev()), { crypto })
    for (const name of ['Alice', 'Bob', 'Charlie', 'Dave', 'Eve', 'Ferdie', 'Alice//stash', 'Ferdie//stash']) {
      expect(account.decode(state.get(account.key(crypto, devAccount(crypto, name).publicKey))).data.free).toBe(10n ** 19n)
    }
    const block = runtime.buildBlock({ state, parent: header, timeMs: 1n, env: { crypto } }).finish()
    expect(blockHash.decode(block.state.get(blockHash.key(crypto, 0)))).toEqual(block.header.parentHash)
    expect(readPhlx(block.header).timeMs).toBe(1n)
  })
})

describe('parseChainSpec', () => {
  test.each([
    ['no object', 7, 'CHAIN_SPEC_MALFORMED', 'the top'],
    ['a list', [], 'CHAIN_SPEC_MALFORMED', 'the top'],
    ['a missing name', { ...dev(), name: undefined }, 'CHAIN_SPEC_MALFORMED', 'name'],
    ['an unknown field', { ...dev(), nam: 'x' }, 'CHAIN_SPEC_UNKNOWN_FIELD', 'nam'],
    ['an id for no folder', { ...dev(), id: '../x' }, 'CHAIN_SPEC_MALFORMED', 'id'],
    ['another address format', { ...dev(), properties: { ss58Format: 42, tokenDecimals: 12, tokenSymbol: 'PHA' } }, 'CHAIN_SPEC_INCONSISTENT', 'properties.ss58Format'],
    ['a type of chain that is none', { ...dev(), chainType: 'Prod' }, 'CHAIN_SPEC_MALFORMED', 'chainType'],
    ['a block time of nothing', { ...dev(), blockTimeMs: 0 }, 'CHAIN_SPEC_MALFORMED', 'blockTimeMs'],
    ['a state version that is none', { ...dev(), stateVersion: 2 }, 'CHAIN_SPEC_MALFORMED', 'stateVersion'],
    ['a pallet that is none', { ...dev(), genesis: { Nope: {} } }, 'CHAIN_SPEC_UNKNOWN_FIELD', 'genesis.Nope'],
    ['an inherited field', { ...dev(), genesis: JSON.parse('{"__proto__": {}}') as unknown }, 'CHAIN_SPEC_UNKNOWN_FIELD', 'genesis.__proto__'],
    ['a broken address', { ...dev(), genesis: { Sudo: { key: '5Grwva' } } }, 'CHAIN_SPEC_MALFORMED', 'genesis.Sudo.key'],
    ['an amount with a sign', { ...dev(), genesis: { Balances: { balances: [[`0x${'01'.repeat(32)}`, '+5']] } } }, 'CHAIN_SPEC_MALFORMED', 'genesis.Balances.balances[0][1]'],
    ['an authority that is too short', { ...dev(), genesis: { Grandpa: { authorities: [['0x01', 1]] } } }, 'CHAIN_SPEC_MALFORMED', 'genesis.Grandpa.authorities[0][0]'],
  ])('refuses %s and names the field', (_name, json, code, field) => {
    expect(() => parse(json)).toThrow(expect.objectContaining({ code, context: expect.objectContaining({ field }) as unknown }))
  })

  test('takes what may be missing from the defaults', () => {
    const { stateVersion: _a, blockTimeMs: _b, bootstrap: _c, ...rest } = dev()
    expect(parse(rest)).toMatchObject({ stateVersion: 1, blockTimeMs: 1000, bootstrap: [] })
  })
})
