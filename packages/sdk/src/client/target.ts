/** Owns what a client must know of a contract to speak to it: where it runs, under which keys, and by which interface. */
import { toHex } from '@phalanx/primitives/bytes'
import type { Account } from '../account.ts'
import type { AnchoredKey, ContractEntry } from '../cluster/chain-state.ts'
import type { NamedCall } from '../cluster/calls.ts'
import { transferToCluster } from '../cluster/calls.ts'
import type { Limits } from '../cluster/patience.ts'
import { ContractExecResult, type ClusterQuery, type QueryLog } from '@phalanx/primitives/contracts'
import { AppError, isAppError } from '@phalanx/primitives/errors'
import { systemCalls } from '@phalanx/primitives/ink'
import { askCluster, type ClusterAnswer } from './ask.ts'
import type { ContractInterface } from './interface.ts'
import type { Session } from './session.ts'

/** A contract that runs. */
export interface ContractTarget {
  readonly entry: ContractEntry
  /** Its own key: invocations name it. */
  readonly publicKey: Uint8Array
  /** The key that commands are sealed to. */
  readonly channel: AnchoredKey
}

/** A contract and how to speak to it. */
export interface Spoken {
  readonly id: Uint8Array
  readonly session: Session
  readonly interface: ContractInterface
}

/** How long a contract's keys are waited for: they come some blocks after it was made. */
const KEYS_WAIT_MS = 60_000
/** What accounts are lent during estimates, so that these tell the price rather than that it cannot be paid. */
export const ESTIMATE_LOAN = 10n ** 24n
/** Ten tokens: what is missing in the cluster is brought in such portions, so that neither every command must bring its gas nor the amount tell which message it is. */
const PORTION = 10n ** 13n

/** The contract with its keys, as soon as it has them. @throws SDK_CONTRACT_NOT_FOUND, SDK_WAIT_TIMEOUT */
export const findTarget = (session: Session, id: Uint8Array, { timeoutMs = KEYS_WAIT_MS, signal }: Partial<Limits> = {}): Promise<ContractTarget> =>
  session.network.waitFor({
    what: `keys of the contract ${toHex(id)}`, timeoutMs, signal,
    async find(state) {
      const entry = await state.contract(id)
      const [publicKey, channel] = await Promise.all([state.contractKey(id), state.channelKey(entry)])
      return publicKey === undefined || channel === undefined ? undefined : { entry, publicKey, channel }
    },
  })

/** A `Called` answer's parts. @throws SDK_MESSAGE_REFUSED */
export const calledOf = (
  { answer }: ClusterAnswer, entry: string,
): { readonly result: ContractExecResult; readonly failure: string | undefined; readonly logs: readonly QueryLog[] } => {
  if (answer.kind !== 'Called') throw new AppError('SDK_MESSAGE_REFUSED', { entry, code: 'REPLY_MISMATCH', reason: 'the reply is to another question', receipt: undefined })
  const { output, failure, logs } = answer.value
  return { result: ContractExecResult.decode(output), failure, logs }
}

/** What an account may spend in a cluster, asked of the cluster's system contract. */
const freeBalance = async (session: Session, cluster: { readonly id: Uint8Array; readonly systemContract: Uint8Array }, account: Uint8Array): Promise<bigint> => {
  const query: ClusterQuery = { kind: 'Call', value: { contract: cluster.systemContract, input: systemCalls.encode('freeBalanceOf', { account }), transfer: 0n, deposit: 0n } }
  const { result: { result } } = calledOf(await askCluster(session, { cluster: cluster.id, query, entry: 'system.freeBalanceOf' }), 'system.freeBalanceOf')
  if (!result.ok) return 0n
  try {
    const free = systemCalls.decode('freeBalanceOf', result.value.data)
    return free.ok ? free.value : 0n
  } catch (error) {
    if (!isAppError(error)) throw error
    return 0n
  }
}

/** What an execution is to cost: gas at the cluster's price, held while it runs, and storage. */
export interface Cost {
  readonly gasLimit: bigint
  readonly storageDeposit: bigint
  readonly value: bigint
}

/** How what an account lacks in a cluster is brought there. `amount`: exactly so much, whatever is there. `isVisible`: the account is named by the extrinsic anyway. */
export interface Funding {
  readonly cost: Cost
  readonly amount: bigint | undefined
  readonly isVisible: boolean
}

/**
 * Calls that bring what an account lacks in a cluster, to stand before the call that needs it. They name the account: one that nobody is to see is not brought anything
 * unless an amount is given.
 * @throws SDK_CLUSTER_BALANCE_LOW
 */
export const fundingCalls = async (session: Session, clusterId: Uint8Array, { accountId }: Pick<Account, 'accountId'>, need: Funding): Promise<readonly NamedCall[]> => {
  const { cost: { gasLimit, storageDeposit, value }, amount, isVisible } = need
  if (amount !== undefined) return amount === 0n ? [] : [transferToCluster({ amount, cluster: clusterId, account: accountId })]
  const cluster = await session.network.cluster(clusterId)
  const missing = gasLimit * cluster.gasPrice + storageDeposit + value - (await freeBalance(session, cluster, accountId))
  // The account must live on, with the cluster's least balance, whatever it pays.
  if (missing < 0n) return []
  const portions = ((missing + PORTION) / PORTION) * PORTION
  if (!isVisible) throw new AppError('SDK_CLUSTER_BALANCE_LOW', { account: toHex(accountId), cluster: toHex(clusterId), missing: portions })
  return [transferToCluster({ amount: portions, cluster: clusterId, account: accountId })]
}
