/** Owns PhalaPhatTokenomic (cluster_contracts.md section 4): stakes of accounts for contracts, from which a cluster's system contract makes scheduling weights. */
import { assert } from '@phalanx/primitives/assert'
import { bytesToKey } from '@phalanx/primitives/bytes'
import { AccountId, Hash } from '@phalanx/primitives/chain'
import { option, u128 } from '@phalanx/primitives/codec'
import { systemCalls } from '@phalanx/primitives/ink'
import { commandTopicOf } from '@phalanx/primitives/messages'
import { jsonBigint, jsonDefault, jsonObject } from '../../frame/json.ts'
import { ensureSigned } from '../../frame/origin.ts'
import { declarePallet, type ContextOf } from '../../frame/pallet.ts'
import { weigh } from '../../frame/weight.ts'
import { balanceOf } from '../balances/account.ts'
import { transfer } from '../balances/currency.ts'
import { balancesParts } from '../balances/declaration.ts'
import { pushPalletMessage } from '../phala-mq/push.ts'
import { clusters, contracts } from '../phala-phat-contracts/storage.ts'
import * as storage from './storage.ts'

/** Name of the pallet in the runtime, its storage prefix and its messages. */
const PHAT_TOKENOMIC = 'PhalaPhatTokenomic'

const U64_MAX = (1n << 64n) - 1n

const parts = declarePallet({
  name: PHAT_TOKENOMIC,
  crate: 'phala_pallets::phat_tokenomic',
  doc: 'Stakes for contracts: the more, the larger their share of their cluster\'s workers.',
  storage,
  events: {
    ContractDepositChanged: { index: 0, doc: 'What is staked for a contract in all changed.', fields: { cluster: option(Hash), contract: Hash, deposit: u128 } },
    UserStakeChanged: { index: 1, doc: 'What an account staked for a contract changed.', fields: { cluster: option(Hash), account: AccountId, contract: Hash, stake: u128 } },
  },
  errors: {
    InvalidAmountOfStake: { index: 0, doc: 'A stake is nothing, or the least at least.' },
  },
})

type TokenomicContext = ContextOf<typeof parts>

/** Tells the system contract of a contract's cluster; the message comes from the chain and costs no gas. */
const tellSystemContract = (ctx: TokenomicContext, cluster: Uint8Array, stake: { readonly contract: Uint8Array; readonly total: bigint }): void => {
  const system = clusters.get(ctx, cluster)?.systemContract
  if (system === undefined) return
  const message = systemCalls.encode('changeDeposit', { contractId: stake.contract, deposit: stake.total })
  pushPalletMessage(ctx, PHAT_TOKENOMIC, commandTopicOf(system), {
    kind: 'Plain',
    value: { kind: 'InkMessage', value: { nonce: new Uint8Array(0), message, transfer: 0n, gasLimit: U64_MAX, storageDepositLimit: undefined } },
  })
}

/** Makes an account's stake for a contract this much. */
const adjustStake = (ctx: TokenomicContext, account: Uint8Array, { contract, amount }: { readonly contract: Uint8Array; readonly amount: bigint }): void => {
  if (amount !== 0n && amount < storage.minStake.get(ctx)) ctx.fail('InvalidAmountOfStake')
  const before = storage.contractUserStakes.get(ctx, account, contract)
  const balances = balancesParts.in(ctx)
  if (amount > before) transfer(balances, { from: account, to: storage.TOKENOMIC_ACCOUNT, amount: amount - before }, 'Preserve')
  if (amount < before) transfer(balances, { from: storage.TOKENOMIC_ACCOUNT, to: account, amount: before - amount }, 'Expendable')
  const total = storage.contractTotalStakes.get(ctx, contract) + amount - before
  storage.contractTotalStakes.mutate(ctx, contract, () => (total === 0n ? undefined : total))
  storage.contractUserStakes.mutate(ctx, account, contract, () => (amount === 0n ? undefined : amount))
  const cluster = contracts.get(ctx, contract)?.cluster
  ctx.emit('ContractDepositChanged', { cluster, contract, deposit: total })
  ctx.emit('UserStakeChanged', { cluster, account, contract, stake: amount })
  if (cluster !== undefined) tellSystemContract(ctx, cluster, { contract, total })
}

/** What must hold between blocks. */
const tryState = (ctx: TokenomicContext): void => {
  const sums = new Map<string, bigint>()
  for (const [[, contract], stake] of storage.contractUserStakes.entries(ctx)) {
    const key = bytesToKey(contract)
    sums.set(key, (sums.get(key) ?? 0n) + stake)
  }
  let all = 0n
  for (const [[contract], total] of storage.contractTotalStakes.entries(ctx)) {
    assert(sums.get(bytesToKey(contract)) === total, 'a contract\'s stake is the sum of its accounts\'')
    sums.delete(bytesToKey(contract))
    all += total
  }
  assert(sums.size === 0, 'every stake is in a total')
  assert(balanceOf(balancesParts.in(ctx), storage.TOKENOMIC_ACCOUNT).free >= all, 'the pallet holds what is staked')
}

/** PhalaPhatTokenomic, index 49. */
export const phalaPhatTokenomic = parts.withCalls(
  {
    adjustStake: {
      index: 0,
      doc: 'Make one\'s stake for a contract this much; what is too much comes back.',
      args: { contract: Hash, amount: u128 },
      weight: weigh({ reads: 8, writes: 6 }),
      dispatch(ctx, origin, stake) {
        adjustStake(ctx, ensureSigned(origin), stake)
      },
    },
  },
  {
    genesis: {
      shape: jsonObject({ /** Plancks. */ minStake: jsonDefault(jsonBigint(128), 0n) }),
      build: (ctx, config) => storage.minStake.set(ctx, config.minStake),
    },
    tryState,
  },
)
