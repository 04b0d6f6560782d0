/** ink! 5 bundles that others wrote: all are accepted; flipper and PSP22 behave as their sources say. */
import { bigintToLe, concatBytes, leToBigint, parseHex, toHex, utf8 } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { describe, expect, test } from 'vitest'
import { loadBundles, type Bundle } from '../../../tools/ink-bundles.ts'
import { inspect } from '../src/contracts/execution/execute.ts'
import { ContractExecResult } from '@phalanx/primitives/contracts'
import { addressOf, ALICE, BOB, ContractBench, endOf } from '../src/testing/contracts.ts'

const crypto = await loadCrypto()
const bundles = loadBundles()
const EMPTY = new Uint8Array(0)
const compactText = (value: string): Uint8Array => concatBytes(Uint8Array.of(value.length << 2), utf8(value))
const u128 = (value: bigint): Uint8Array => bigintToLe(value, 16)
const NO_BYTES = Uint8Array.of(0)

const selectorOf = (bundle: Bundle, label: string): Uint8Array => {
  const entry = [...bundle.constructors, ...bundle.messages].find((each) => each.label === label)
  expect(entry, `${bundle.name} has ${label}`).toBeDefined()
  return parseHex(entry?.selector ?? '')
}
const inputFor = (bundle: Bundle, label: string, ...args: readonly Uint8Array[]): Uint8Array => concatBytes(selectorOf(bundle, label), ...args)
const dataOf = (done: ReturnType<ContractBench['call']>): string => (done.result.result.ok ? toHex(done.result.result.value.data) : endOf(done))
const flagsOf = (done: ReturnType<ContractBench['call']>): number => (done.result.result.ok ? done.result.result.value.flags : -1)

if (bundles === undefined) {
  console.log('not run: ink! bundles (the package of bundles is not here and cannot be fetched)')
  test.skip('not run: the package of bundles is not here and cannot be fetched', () => {})
} else {
  const bundle = (name: string): Bundle => bundles.get(name) as Bundle

  describe('ink! 5 bundles', () => {
    test('all twenty are accepted, and have the hash that they state', () => {
      const bench = new ContractBench({ crypto })
      expect([...bundles.values()].map(({ code, hash }) => toHex(bench.upload(code)) === hash)).toEqual(new Array(20).fill(true))
    })
    test('every bundle whose constructor takes only addresses, texts or nothing instantiates', () => {
      const bench = new ContractBench({ crypto })
      const ends = [...bundles.values()].flatMap((each) => {
        const entry = each.constructors.find(({ label }) => label === 'new') as Bundle['constructors'][number]
        const args = entry.args.map(({ type }) => {
          const name = type.displayName?.at(-1)
          return name === 'AccountId' ? ALICE : name === 'String' ? compactText('abc') : name === 'u8' || name === 'bool' ? Uint8Array.of(1) : undefined
        })
        return args.some((arg) => arg === undefined) ? [] : [[each.name, endOf(bench.deploy(each.code, inputFor(each, 'new', ...(args as Uint8Array[]))))]]
      })
      expect(ends.filter(([, end]) => end !== 'ok')).toEqual([])
      expect(ends.length).toBeGreaterThanOrEqual(16)
    })
  })

  describe('flipper', () => {
    const flipper = bundle('flipper')
    const started = () => {
      const bench = new ContractBench({ crypto })
      const made = bench.deploy(flipper.code, inputFor(flipper, 'new', Uint8Array.of(1)))
      return { bench, made, address: addressOf(made) }
    }
    test('charges the deposit that the reference charges for one boolean', () => {
      const { made, address } = started()
      expect(made.result.storageDeposit).toEqual({ kind: 'Charge', value: 126n })
      expect(made.effects.instantiated).toEqual([{ deployer: ALICE, contract: address }])
    })
    test('flips, and tells so in an event', () => {
      const { bench, address } = started()
      expect(dataOf(bench.call(address, inputFor(flipper, 'get')))).toBe('0x0001')
      expect(bench.call(address, inputFor(flipper, 'flip')).effects.inkEvents.map(({ contract }) => contract)).toEqual([address])
      expect(dataOf(bench.call(address, inputFor(flipper, 'get')))).toBe('0x0000')
    })
    test('an estimate changes nothing and tells coarse figures', () => {
      const { bench, address } = started()
      const before = toHex(bench.state.root)
      const estimate = bench.call(address, inputFor(flipper, 'flip'), { env: { mode: 'Estimating' } })
      expect(endOf(estimate)).toBe('ok')
      expect(estimate.result.gasRequired.refTime & 0xfff_ffffn).toBe(0xfff_ffffn)
      expect(toHex(bench.state.root)).toBe(before)
    })
    test('a panic, an unknown selector and no input stop it without a trace', () => {
      const { bench, address } = started()
      const before = toHex(bench.state.root)
      expect(endOf(bench.call(address, inputFor(flipper, 'do_panic')))).toBe('ContractTrapped')
      expect(flagsOf(bench.call(address, Uint8Array.of(1, 2, 3, 4)))).toBe(1)
      expect(flagsOf(bench.call(address, EMPTY))).toBe(1)
      expect(toHex(bench.state.root)).toBe(before)
    })
    test('money sent to a message that takes none is given back', () => {
      const { bench, address } = started()
      const before = toHex(bench.state.root)
      expect(flagsOf(bench.call(address, inputFor(flipper, 'flip'), { transfer: 5n }))).not.toBe(0)
      expect(toHex(bench.state.root)).toBe(before)
    })
    test('its result in SCALE comes back equal', () => {
      const { bench, address } = started()
      const { result } = bench.call(address, inputFor(flipper, 'get'))
      expect(ContractExecResult.decode(ContractExecResult.encode(result))).toEqual(result)
    })
    test('the fee is what gas costs, and the rest comes back', () => {
      const { bench, address } = started()
      const balance = (who: Uint8Array): bigint => leToBigint((bench.state.get(concatBytes(utf8('acct'), who)) ?? new Uint8Array(16)).subarray(0, 16))
      const before = balance(ALICE)
      const { result } = bench.call(address, inputFor(flipper, 'flip'), { gasFree: false })
      expect(before - balance(ALICE)).toBe(result.gasConsumed.refTime)
      expect(endOf(bench.call(address, inputFor(flipper, 'flip'), { gasFree: false, origin: BOB }))).toBe('Token')
    })
    test('too little gas ends it, and just enough does not', () => {
      const { bench, address } = started()
      const { refTime } = bench.call(address, inputFor(flipper, 'flip'), { env: { mode: 'Transaction' } }).result.gasRequired
      expect(endOf(bench.call(address, inputFor(flipper, 'flip'), { gasLimit: refTime - 1n }))).toBe('OutOfGas')
      expect(endOf(bench.call(address, inputFor(flipper, 'flip'), { gasLimit: refTime }))).toBe('ok')
    })
    test('a deposit limit below the need refuses the contract', () => {
      const bench = new ContractBench({ crypto, config: { depositPerByte: 10n ** 18n } })
      expect(endOf(bench.deploy(flipper.code, inputFor(flipper, 'new', Uint8Array.of(1))))).toBe('StorageDepositNotEnoughFunds')
    })
    test('the same contract twice is refused', () => {
      const { bench } = started()
      expect(endOf(bench.deploy(flipper.code, inputFor(flipper, 'new', Uint8Array.of(1))))).toBe('DuplicateContract')
    })
  })

  describe('PSP22', () => {
    const token = bundle('psp22_emitable')
    const balanceOf = (bench: ContractBench, address: Uint8Array, who: Uint8Array): string => dataOf(bench.call(address, inputFor(token, 'PSP22::balance_of', who)))
    const started = () => {
      const bench = new ContractBench({ crypto })
      const address = addressOf(bench.deploy(token.code, inputFor(token, 'new', compactText('Token'), compactText('TKN'), Uint8Array.of(6))))
      const minted = bench.call(address, inputFor(token, token.messages.find(({ label }) => label.endsWith('emit_tokens') || label.endsWith('mint'))?.label ?? 'mint', ALICE, u128(1000n)))
      expect(flagsOf(minted)).toBe(0)
      return { bench, address }
    }
    const amount = (value: bigint): string => `0x00${toHex(u128(value)).slice(2)}`

    test('transfers and tells so', () => {
      const { bench, address } = started()
      const done = bench.call(address, inputFor(token, 'PSP22::transfer', BOB, u128(300n), NO_BYTES))
      expect(flagsOf(done)).toBe(0)
      expect(done.effects.inkEvents).toHaveLength(1)
      expect([balanceOf(bench, address, ALICE), balanceOf(bench, address, BOB)]).toEqual([amount(700n), amount(300n)])
    })
    test('a transfer of more than there is reverts', () => {
      const { bench, address } = started()
      const before = toHex(bench.state.root)
      const done = bench.call(address, inputFor(token, 'PSP22::transfer', BOB, u128(1001n), NO_BYTES))
      expect(flagsOf(done)).toBe(1)
      expect(done.effects.inkEvents).toEqual([])
      expect(toHex(bench.state.root)).toBe(before)
    })
    test('an approval lets another spend, once', () => {
      const { bench, address } = started()
      expect(flagsOf(bench.call(address, inputFor(token, 'PSP22::approve', BOB, u128(200n))))).toBe(0)
      const spend = () => flagsOf(bench.call(address, inputFor(token, 'PSP22::transfer_from', ALICE, BOB, u128(150n), NO_BYTES), { origin: BOB, storageDepositLimit: undefined, deposit: 1000n }))
      expect([spend(), spend()]).toEqual([0, 1])
      expect(balanceOf(bench, address, BOB)).toBe(amount(150n))
    })
    test('results, gas and state are the same with and without counting in the code, but for the gas of the code itself', () => {
      const run = (isMetered: boolean) => {
        const bench = new ContractBench({ crypto, isMetered })
        const address = addressOf(bench.deploy(token.code, inputFor(token, 'new', compactText('Token'), compactText('TKN'), Uint8Array.of(6))))
        const outputs = [inputFor(token, 'PSP22::approve', BOB, u128(200n)), inputFor(token, 'PSP22::transfer', BOB, u128(1n), NO_BYTES), inputFor(token, 'PSP22::total_supply')].map((input) => dataOf(bench.call(address, input)))
        return { outputs, root: toHex(bench.state.root) }
      }
      expect(run(true)).toEqual(run(false))
    })
  })

  describe('wrapped money', () => {
    test('is taken with a call, and given back by the contract', () => {
      const wrapped = bundle('wazero')
      const bench = new ContractBench({ crypto })
      const address = addressOf(bench.deploy(wrapped.code, inputFor(wrapped, 'new')))
      const money = () => inspect(bench.state, crypto).account(address).free
      expect(flagsOf(bench.call(address, inputFor(wrapped, 'WrappedAZERO::deposit'), { transfer: 100n }))).toBe(0)
      expect(money()).toBe(101n)
      expect(flagsOf(bench.call(address, inputFor(wrapped, 'WrappedAZERO::withdraw', u128(40n))))).toBe(0)
      expect(money()).toBe(61n)
      expect(flagsOf(bench.call(address, inputFor(wrapped, 'WrappedAZERO::withdraw', u128(61n))))).toBe(1)
      expect(money()).toBe(61n)
    })
  })

  describe('contracts that use others', () => {
    test('a price feed asks its oracle', () => {
      const [oracle, feed] = [bundle('dia_oracle'), bundle('price_feed_provider')]
      const bench = new ContractBench({ crypto })
      const oracleAt = addressOf(bench.deploy(oracle.code, inputFor(oracle, 'new')))
      const feedAt = addressOf(bench.deploy(feed.code, inputFor(feed, 'new', oracleAt, ALICE)))
      const asset = new Uint8Array(32).fill(7)
      bench.call(oracleAt, inputFor(oracle, 'OracleSetters::set_price', compactText('A/USD'), u128(5_000_000n)))
      const role = crypto.blake2b256(utf8('PARAMETERS_ADMIN')).slice(0, 4).reverse()
      expect(flagsOf(bench.call(feedAt, inputFor(feed, 'AccessControl::grant_role', role, Uint8Array.of(1), ALICE)))).toBe(0)
      expect(flagsOf(bench.call(feedAt, inputFor(feed, 'set_account_symbol', asset, compactText('A/USD'))))).toBe(0)
      const answer = dataOf(bench.call(feedAt, inputFor(feed, 'PriceFeed::get_latest_prices', Uint8Array.of(4), asset)))
      expect(answer).toContain(toHex(u128(5_000_000n)).slice(2))
    })
    test('an oracle becomes another program by its owner, and by nobody else', () => {
      const [oracle, flipper] = [bundle('dia_oracle'), bundle('flipper')]
      const bench = new ContractBench({ crypto })
      const address = addressOf(bench.deploy(oracle.code, inputFor(oracle, 'new')))
      const next = bench.upload(flipper.code)
      const ask = (origin: Uint8Array) => bench.call(address, inputFor(oracle, 'set_code', next), { origin })
      ask(BOB)
      expect(inspect(bench.state, crypto).contract(address)?.codeHash).not.toEqual(next)
      expect(flagsOf(ask(ALICE))).toBe(0)
      expect(inspect(bench.state, crypto).contract(address)?.codeHash).toEqual(next)
      expect(inspect(bench.state, crypto).codeInfo(next)?.users).toBe(1n)
    })
  })
}
