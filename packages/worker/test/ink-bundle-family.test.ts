/**
 * The rest of the foreign ink! 5 bundles, spoken to by polkadot-js with their own metadata: what each does, among them a lending pool that makes
 * its tokens itself, and a governor, a treasury and a vester that work on each other.
 */
import { assert } from '@phalanx/primitives/assert'
import { concatBytes, toHex, utf8 } from '@phalanx/primitives/bytes'
import { isAppError } from '@phalanx/primitives/errors'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { Abi } from '@polkadot/api-contract'
import { describe, expect, test } from 'vitest'
import { loadBundles, type Bundle } from '../../../tools/ink-bundles.ts'
import { addressOf, ALICE, BOB, ContractBench, endOf } from '../src/testing/contracts.ts'

const crypto = await loadCrypto()
const bundles = loadBundles()
const [alice, bob] = [toHex(ALICE), toHex(BOB)]
const DEPOSIT = 10n ** 9n
const ADMIN = 0
const DONE = { ok: null }

type CallOptions = Parameters<ContractBench['call']>[2]

/** What polkadot-js writes, without the length before it. */
const withoutLength = (written: Uint8Array): Uint8Array => written.slice([1, 2, 4][(written[0] ?? 0) & 3])

/** Number of a role: the first bytes of its name's hash. */
const roleOf = (name: string): number => new DataView(crypto.blake2b256(utf8(name)).buffer).getUint32(0)

/** A bundle that was deployed. */
class Deployed {
  readonly at: Uint8Array
  readonly hex: string
  private readonly abi: Abi
  private readonly bench: ContractBench

  constructor(bench: ContractBench, name: string, args: readonly unknown[], address?: Uint8Array) {
    const { code, metadata } = bundles?.get(name) as Bundle
    this.bench = bench
    this.abi = new Abi(metadata)
    const made = address === undefined ? bench.deploy(code, withoutLength(this.abi.findConstructor('new').toU8a([...args]))) : undefined
    this.at = address ?? addressOf(made as NonNullable<typeof made>)
    this.hex = toHex(this.at)
    expect([name, this.at.length]).toEqual([name, 32])
  }

  /** What a message answers, inside the result of the language: `{ err }` where it refuses, or how the call ended. */
  ask(label: string, args: readonly unknown[] = [], options: CallOptions = {}): unknown {
    const message = this.abi.messages.find(({ identifier }) => identifier === label)
    assert(message !== undefined, 'the bundle has the message')
    const done = this.bench.call(this.at, withoutLength(message.toU8a([...args])), { deposit: DEPOSIT, ...options })
    const { result } = done.result
    if (!result.ok) return endOf(done)
    const type = message.returnType
    const answer = this.abi.registry.createTypeUnsafe(type?.lookupName ?? type?.type ?? '', [result.value.data]).toJSON() as { ok?: unknown }
    const isRefused = typeof answer.ok === 'object' && answer.ok !== null && 'err' in answer.ok
    expect([label, result.value.flags]).toEqual([label, isRefused ? 1 : 0])
    return answer.ok
  }

  /** An account as answers name it. */
  named(account: Uint8Array): string {
    return this.abi.registry.createType('AccountId', account).toString()
  }

  grant(role: string, account: string): void {
    expect(this.ask('AccessControl::grant_role', [roleOf(role), account])).toEqual(DONE)
  }
}

const started = () => {
  const bench = new ContractBench({ crypto })
  const deploy = (name: string, ...args: readonly unknown[]): Deployed => new Deployed(bench, name, args)
  return { bench, deploy }
}

/** A token of which Alice has 5000. */
const tokenOf = (deploy: ReturnType<typeof started>['deploy']): Deployed => {
  const token = deploy('test_psp22', 'Test', 'TST', 6, alice)
  expect(token.ask('PSP22Mintable::mint', [alice, 5000])).toEqual(DONE)
  return token
}

const describeBundles = bundles === undefined ? describe.skip : describe
if (bundles === undefined) console.log('not run: ink! bundles (the package of bundles is not here and cannot be fetched)')

describeBundles('tokens with roles', () => {
  test('a governance token is made by whoever has the role for it', () => {
    const { deploy } = started()
    const token = deploy('abax_token', 'Abax', 'ABX', 12)
    expect([token.ask('PSP22Metadata::token_name'), token.ask('PSP22Metadata::token_decimals'), token.ask('AbaxToken::cap')]).toEqual(['Abax', 12, 0])
    expect(token.ask('AccessControl::has_role', [ADMIN, alice])).toBe(true)
    expect(token.ask('AbaxToken::generate', [bob, 1000])).toEqual({ err: { custom: 'AC::MissingRole' } })
    token.grant('GENERATOR', alice)
    expect(token.ask('AbaxToken::generate', [bob, 1000])).toEqual(DONE)
    expect([token.ask('PSP22::balance_of', [bob]), token.ask('PSP22::total_supply')]).toEqual([1000, 1000])
  })
  test('a stable token is minted and burnt by roles that can be taken away', () => {
    const { deploy } = started()
    const token = deploy('stable_token', 'Stable', 'USD', 6)
    expect(token.ask('PSP22Mintable::mint', [bob, 10])).toEqual({ err: { custom: 'AC::MissingRole' } })
    for (const role of ['MINTER', 'BURNER']) token.grant(role, alice)
    expect([token.ask('PSP22Mintable::mint', [bob, 10]), token.ask('PSP22Burnable::burn', [bob, 3])]).toEqual([DONE, DONE])
    expect(token.ask('PSP22::balance_of', [bob])).toBe(7)
    expect(token.ask('AccessControl::revoke_role', [roleOf('MINTER'), alice])).toEqual(DONE)
    expect(token.ask('PSP22Mintable::mint', [bob, 10])).toEqual({ err: { custom: 'AC::MissingRole' } })
    expect(token.ask('AccessControl::renounce_role', [ADMIN, alice])).toEqual(DONE)
    expect(token.ask('AccessControl::has_role', [ADMIN, alice])).toBe(false)
  })
  test('an owned token changes its owner, and only the owner does that', () => {
    const { deploy } = started()
    const token = tokenOf(deploy)
    expect(token.ask('t_approve', [alice, bob, 77])).toEqual(DONE)
    expect(token.ask('PSP22::allowance', [alice, bob])).toBe(77)
    expect(token.ask('Ownable::transfer_ownership', [bob])).toEqual(DONE)
    expect(token.ask('Ownable::owner')).toBe(token.named(BOB))
    expect(token.ask('Ownable::renounce_ownership')).toEqual({ err: 'CallerIsNotOwner' })
    expect(token.ask('Ownable::renounce_ownership', [], { origin: BOB })).toEqual(DONE)
    expect(token.ask('Ownable::owner')).toBeNull()
  })
  test('an inflator hands out by shares, through a token that trusts it', () => {
    const { deploy } = started()
    const token = deploy('abax_token', 'Abax', 'ABX', 12)
    const inflator = deploy('abax_inflator', alice, token.hex, [[alice, 1], [bob, 3]])
    expect(inflator.ask('AbaxInflatorView::inflation_distribution')).toEqual([[inflator.named(ALICE), 1], [inflator.named(BOB), 3]])
    expect(inflator.ask('AbaxInflator::inflate', [400])).toEqual({ err: { psp22Error: { custom: 'AC::MissingRole' } } })
    token.grant('MINTER', inflator.hex)
    expect(inflator.ask('AbaxInflator::inflate', [400])).toEqual({ err: { psp22Error: { custom: 'CapReached' } } })
    expect(inflator.ask('AbaxInflatorManage::set_inflation_distribution', [[[bob, 1]]])).toEqual({ err: { accessControlError: 'MissingRole' } })
  })
  test('a minter of test tokens mints each of a list once', () => {
    const { deploy } = started()
    const token = tokenOf(deploy)
    const minter = deploy('test_reserves_minter')
    expect(minter.ask('Ownable::owner')).toBe(minter.named(ALICE))
    expect(minter.ask('mint', [[[token.hex, 5]], bob])).toEqual(DONE)
    expect(token.ask('PSP22::balance_of', [bob])).toBe(5)
    expect(minter.ask('mint', [[[token.hex, 5]], bob])).toEqual({ err: { alreadyMinted: null } })
  })
})

describeBundles('money over time', () => {
  test('a vester releases what time has freed, and takes what was promised exactly', () => {
    const { bench, deploy } = started()
    const vester = deploy('abax_vester')
    const vest = [bob, null, 100, { Constant: [0, 10_000] }, '0x']
    expect(vester.ask('GeneralVest::create_vest', vest, { transfer: 99n })).toEqual({ err: { invalidAmountPaid: null } })
    expect(vester.ask('GeneralVest::create_vest', vest, { transfer: 100n })).toEqual(DONE)
    expect(vester.ask('GeneralVest::next_id_vest_of', [bob, null, '0x'])).toBe(1)
    expect(vester.ask('GeneralVest::vesting_schedule_of', [bob, null, 0, '0x'])).toEqual({ creationTime: 7000, schedule: { constant: [0, 10_000] }, amount: 100, released: 0 })
    const release = (nowMs: bigint) => vester.ask('GeneralVest::release', [bob, null, '0x'], { env: { ...bench.env, nowMs } })
    expect([release(12_000n), release(12_000n), release(99_000n), release(99_000n)]).toEqual([{ ok: 49 }, { ok: 0 }, { ok: 51 }, { ok: 0 }])
  })
  test('a treasury keeps orders, and runs them for those who may', () => {
    const { deploy } = started()
    const vester = deploy('abax_vester')
    const treasury = deploy('abax_treasury', alice, bob, vester.hex)
    expect([treasury.ask('AbaxTreasuryView::vester'), treasury.ask('AbaxTreasuryView::next_order_id')]).toEqual([treasury.named(vester.at), 0])
    const operations = [{ NativeTransfer: { to: bob, amount: 5 } }]
    expect(treasury.ask('AbaxTreasury::create_order', [0, 100_000, operations], { origin: BOB })).toEqual({ err: { accessControlError: 'MissingRole' } })
    expect(treasury.ask('AbaxTreasury::create_order', [0, 100_000, operations])).toEqual({ ok: 0 })
    expect(treasury.ask('AbaxTreasuryView::order', [0])).toEqual({
      earliestExecution: 0, latestExecution: 100_000, operations: [{ nativeTransfer: { to: treasury.named(BOB), amount: 5 } }],
    })
    expect(treasury.ask('AbaxTreasury::execute_order', [0])).toEqual({ err: { accessControlError: 'MissingRole' } })
    expect(treasury.ask('AbaxTreasury::execute_order', [0], { origin: BOB })).toEqual({ err: { nativeTransferFailed: null } })
  })
  test('a sale begins once its token trusts it, and reserves the shares of its founders', () => {
    const { deploy } = started()
    const [sold, paid, vester] = [deploy('abax_token', 'Abax', 'ABX', 12), tokenOf(deploy), deploy('abax_vester')]
    const sale = deploy('abax_tge', 10_000, 5000, sold.hex, paid.hex, vester.hex, alice, bob, bob, 1_000_000n, 10n ** 9n)
    expect([sale.ask('AbaxTGEView::calculate_cost', [1000]), sale.ask('AbaxTGEView::is_referrer', [bob])]).toEqual([1, false])
    expect(sale.ask('AbaxTGE::contribute', [1000, alice, null])).toEqual({ err: { tgeNotStarted: null } })
    expect(sale.ask('AbaxTGE::init')).toEqual({ err: { psp22Error: { custom: 'AC::MissingRole' } } })
    sold.grant('GENERATOR', sale.hex)
    expect(sale.ask('AbaxTGE::init')).toEqual(DONE)
    expect([sale.ask('AbaxTGEView::total_amount_minted'), sale.ask('AbaxTGEView::reserved_for', [bob])]).toEqual([800_000, 600_000])
    expect(sold.ask('PSP22::balance_of', [sale.hex])).toBe(800_000)
  })
})

describeBundles('a governor', () => {
  const rules = { minimum_stake_part_e3: 10, proposer_deposit_part_e3: 100, initial_period: 10, flat_period: 20, final_period: 30 }
  const proposal = { transactions: [], description_hash: `0x${'00'.repeat(32)}`, description_url: 'about', earliest_execution: null }
  test('takes stakes, proposals and votes, and comes to a decision', () => {
    const { bench, deploy } = started()
    const [token, vester] = [tokenOf(deploy), deploy('abax_vester')]
    const governor = deploy('abax_governor', token.hex, vester.hex, bob, null, 1000, 'Gov', 'GOV', rules)
    expect(governor.ask('AbaxGovernView::rules')).toEqual({ minimumStakePartE3: 10, proposerDepositPartE3: 100, initialPeriod: 10, flatPeriod: 20, finalPeriod: 30 })
    expect(governor.ask('AbaxGovernView::hash_description', ['abc'])).toBe(toHex(crypto.sha256(utf8('abc'))))
    expect(governor.ask('PSP22Vault::deposit', [1000, alice])).toEqual({ err: { insufficientAllowance: null } })
    token.ask('PSP22::approve', [governor.hex, 1000])
    expect(governor.ask('PSP22Vault::deposit', [1000, alice])).toEqual({ ok: 1000 })
    expect([governor.ask('PSP22::balance_of', [alice]), token.ask('PSP22::balance_of', [alice])]).toEqual([1000, 4000])
    const described = { ...proposal, description_hash: toHex(crypto.sha256(utf8('about'))) }
    expect(governor.ask('AbaxGovern::propose', [described], { origin: BOB })).toHaveProperty('err')
    expect(governor.ask('AbaxGovern::propose', [described])).toEqual({ ok: 0 })
    expect(governor.ask('AbaxGovernView::status', [0])).toBe('Active')
    expect(governor.ask('AbaxGovern::vote', [0, 'Agreed', '0x'])).toEqual(DONE)
    expect(governor.ask('AbaxGovern::vote', [0, 'Agreed', '0x'], { origin: BOB })).toEqual({ err: { insuficientVotes: null } })
    expect(governor.ask('AbaxGovernView::vote_of_for', [alice, 0])).toEqual({ vote: 'Agreed', amount: 1000 })
    expect(governor.ask('AbaxGovern::finalize', [0], { env: { ...bench.env, nowMs: 99_000n } })).toEqual(DONE)
    expect([governor.ask('AbaxGovernView::status', [0]), governor.ask('AbaxGovernView::finalized_proposals')]).toEqual(['Succeeded', 1])
    expect(governor.ask('AbaxGovern::execute', [described])).toEqual({ err: { accessControlError: 'MissingRole' } })
  })
})

describeBundles('a lending pool', () => {
  const model = { target_ur_e6: 900_000, min_rate_at_target_e18: 634_195_839, max_rate_at_target_e18: 3_170_979_198, rate_at_max_ur_e18: 31_709_791_983n, minimal_time_between_adjustments: 3_600_000 }
  const assetRules = { collateral_coefficient_e6: 500_000, borrow_coefficient_e6: 1_500_000, penalty_e6: 100_000 }
  const restrictions = { maximal_total_deposit: null, maximal_total_debt: null, minimal_collateral: 0, minimal_debt: 0 }
  const fees = { debt_fee_e6: 0, deposit_fee_e6: 0 }

  /** A pool with one asset, for which it made two tokens itself. */
  const withAsset = () => {
    const { bench, deploy } = started()
    const asset = tokenOf(deploy)
    const pool = deploy('lending_pool', alice)
    for (const role of ['ASSET_LISTING_ADMIN', 'PARAMETERS_ADMIN']) pool.grant(role, alice)
    expect(pool.ask('LendingPoolManage::add_market_rule', [[]])).toEqual(DONE)
    const [aToken, vToken] = (['a_token', 'v_token'] as const).map((name) => toHex(bench.upload((bundles?.get(name) as Bundle).code)))
    expect(pool.ask('LendingPoolManage::register_asset', [asset.hex, aToken, vToken, 'Test', 'TST', 6, assetRules, restrictions, fees, model])).toEqual(DONE)
    return { bench, deploy, asset, pool }
  }
  const tokensOf = (bench: ContractBench, pool: Deployed, asset: Deployed): readonly [Deployed, Deployed] => {
    const { aTokenAddress, vTokenAddress } = pool.ask('LendingPoolView::view_reserve_tokens', [asset.hex]) as Record<'aTokenAddress' | 'vTokenAddress', string>
    const accountOf = (name: string): Uint8Array => new Abi((bundles?.get('a_token') as Bundle).metadata).registry.createType('AccountId', name).toU8a()
    return [new Deployed(bench, 'a_token', [], accountOf(aTokenAddress)), new Deployed(bench, 'v_token', [], accountOf(vTokenAddress))]
  }

  test('is set up by roles, and knows no asset at first', () => {
    const { deploy } = started()
    const pool = deploy('lending_pool', alice)
    const asset = tokenOf(deploy)
    expect([pool.ask('AccountRegistrarView::view_next_counter'), pool.ask('LendingPoolView::view_registered_assets')]).toEqual([0, []])
    expect(pool.ask('LendingPoolManage::set_flash_loan_fee_e6', [5])).toEqual({ err: { accessControlError: 'MissingRole' } })
    pool.grant('PARAMETERS_ADMIN', alice)
    expect(pool.ask('LendingPoolManage::set_flash_loan_fee_e6', [5])).toEqual(DONE)
    expect(pool.ask('LendingPoolView::view_flash_loan_fee_e6')).toBe(5)
    expect(pool.ask('LendingPoolActions::deposit', [asset.hex, alice, 10, '0x'])).toEqual({ err: { assetNotRegistered: null } })
    expect(pool.ask('LendingPoolActions::choose_market_rule', [7])).toEqual({ err: { marketRuleInvalidId: null } })
  })
  test('makes its tokens, takes deposits and gives them back, and its tokens tell of it', () => {
    const { bench, deploy, asset, pool } = withAsset()
    const [aToken, vToken] = tokensOf(bench, pool, asset)
    expect([aToken.ask('AbacusToken::get_lending_pool'), vToken.ask('AbacusToken::get_lending_pool')]).toEqual([aToken.named(pool.at), aToken.named(pool.at)])
    expect(aToken.ask('own_code_hash')).toBe(bundles?.get('a_token')?.hash)
    expect(aToken.ask('AbacusToken::emit_transfer_events', [[{ from: null, to: bob, amount: 1 }]])).toEqual({ err: { custom: 'NotLendingPool' } })
    asset.ask('PSP22::approve', [pool.hex, 1000])
    expect(pool.ask('LendingPoolActions::deposit', [asset.hex, alice, 1000, '0x'])).toEqual(DONE)
    expect([aToken.ask('PSP22::total_supply'), aToken.ask('PSP22::balance_of', [alice]), vToken.ask('PSP22::total_supply')]).toEqual([1000, 1000, 0])
    expect(pool.ask('LendingPoolActions::withdraw', [asset.hex, alice, 400, '0x'])).toEqual({ ok: 400 })
    expect([asset.ask('PSP22::balance_of', [alice]), asset.ask('PSP22::balance_of', [pool.hex])]).toEqual([4400, 600])
    const viewer = deploy('balance_viewer', pool.hex)
    expect(viewer.ask('view_account_balances', [[asset.hex], alice])).toEqual([[asset.named(asset.at), 4400]])
    expect(viewer.ask('view_unupdated_account_reserve_datas', [null, alice])).toMatchObject([[asset.named(asset.at), { deposit: 600, debt: 0 }]])
  })
  test('lends against a collateral at the price of an oracle, and no more', () => {
    const { bench, deploy, asset, pool } = withAsset()
    const [aToken, vToken] = tokensOf(bench, pool, asset)
    const oracle = deploy('dia_oracle')
    const feed = deploy('price_feed_provider', oracle.hex, alice)
    feed.grant('PARAMETERS_ADMIN', alice)
    expect(feed.ask('set_account_symbol', [asset.hex, 'TST/USD'])).toEqual(DONE)
    expect(oracle.ask('OracleSetters::set_price', ['TST/USD', 10n ** 18n])).toBeNull()
    expect(pool.ask('LendingPoolManage::set_price_feed_provider', [feed.hex])).toEqual(DONE)
    expect(pool.ask('LendingPoolManage::set_fee_reduction_provider', [deploy('fee_reduction_provider_mock').hex])).toEqual(DONE)
    asset.ask('PSP22::approve', [pool.hex, 1000])
    expect(pool.ask('LendingPoolActions::deposit', [asset.hex, alice, 1000, '0x'])).toEqual(DONE)
    expect(pool.ask('LendingPoolActions::set_as_collateral', [asset.hex, true])).toEqual(DONE)
    expect(pool.ask('LendingPoolActions::borrow', [asset.hex, alice, 900, '0x'])).toEqual({ err: { insufficientCollateral: null } })
    expect(pool.ask('LendingPoolActions::borrow', [asset.hex, alice, 100, '0x'])).toEqual(DONE)
    expect([vToken.ask('PSP22::balance_of', [alice]), asset.ask('PSP22::balance_of', [alice])]).toEqual([100, 4100])
    expect(aToken.ask('PSP22::transfer', [bob, 100, '0x'])).toEqual(DONE)
    expect(pool.ask('LendingPoolATokenInterface::account_deposit_of', [asset.hex, bob])).toBe(100)
  })
})

describeBundles('stand-ins and oracles', () => {
  test('fees that were set are told, for one account and for all', () => {
    const { deploy } = started()
    const provider = deploy('fee_reduction_provider_mock')
    expect(provider.ask('set_fee_reduction', [bob, [1, 2]])).toBeNull()
    expect([provider.ask('FeeReduction::get_fee_reductions', [bob]), provider.ask('FeeReduction::get_fee_reductions', [alice])]).toEqual([[1, 2], [0, 0]])
    expect(provider.ask('set_flash_loan_fee_reduction', [null, 7])).toBeNull()
    expect(provider.ask('FeeReduction::get_flash_loan_fee_reduction', [alice])).toBe(7)
  })
  test('a receiver of flash loans pays back, or fails as it was told', () => {
    const { deploy } = started()
    const receiver = deploy('flash_loan_receiver_mock')
    const asset = tokenOf(deploy)
    const run = (assets: readonly string[]) => receiver.ask('FlashLoanReceiver::execute_operation', [assets, assets.map(() => 10), assets.map(() => 1), '0x'])
    expect(run([])).toEqual(DONE)
    expect(run([asset.hex])).toEqual({ err: { custom: 'InsufficientBalance' } })
    expect(receiver.ask('set_fail_execute_operation', [true])).toBeNull()
    expect(run([])).toEqual({ err: { custom: 'ExecuteOperationFailed' } })
  })
  test('an oracle takes prices from its updater alone', () => {
    const { deploy } = started()
    const oracle = deploy('dia_oracle')
    expect(oracle.ask('OracleSetters::set_prices', [[['B/USD', 7], ['C/USD', 9]]])).toBeNull()
    expect(oracle.ask('OracleGetters::get_latest_prices', [['B/USD', 'C/USD', 'X']])).toEqual([[7000, 7], [7000, 9], null])
    expect(oracle.ask('OracleSetters::set_price', ['B/USD', 6], { origin: BOB })).toBe('ContractTrapped')
    expect(oracle.ask('OracleSetters::set_updater', [bob])).toBeNull()
    expect(oracle.ask('OracleSetters::set_price', ['B/USD', 6], { origin: BOB })).toBeNull()
    expect(oracle.ask('OracleGetters::get_latest_price', ['B/USD'])).toEqual([7000, 6])
  })
})

describeBundles('a bundle with an import that contracts cannot have', () => {
  /** The bytes of a text, replaced by another of the same length. */
  const replaced = (code: Uint8Array, from: string, to: string): Uint8Array => {
    const at = Buffer.from(code).indexOf(from)
    expect(at).toBeGreaterThan(0)
    return concatBytes(code.slice(0, at), utf8(to), code.slice(at + from.length))
  }
  test.each([['value_transferred', 'value_transmitted', 'seal0.value_transmitted'], ['seal_return', 'seal_revoke', 'seal0.seal_revoke']])('is refused by the import\'s name (%s)', (from, to, name) => {
    const bench = new ContractBench({ crypto })
    const { root } = bench.state
    let refusal: unknown
    try {
      bench.upload(replaced((bundles?.get('flipper') as Bundle).code, from, to))
    } catch (error) {
      refusal = error
    }
    expect(isAppError(refusal, 'CONTRACT_IMPORT_UNKNOWN') && refusal.context.name).toBe(name)
    expect(bench.state.root).toEqual(root)
  })
})
