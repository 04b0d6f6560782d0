/** Owns `phalanx explain worker`, `stake` and `balance`: asks the chain's runtime APIs and says the answers in words or JSON. Changes nothing. */
import { bytesEqual, toHex } from '@phalanx/primitives/bytes'
import { AccountId } from '@phalanx/primitives/chain'
import { option, u16, type Codec } from '@phalanx/primitives/codec'
import { encodeSs58, parseAccountAddress, type Crypto } from '@phalanx/primitives/crypto'
import { AppError } from '@phalanx/primitives/errors'
import { BalanceExplanation, StakeExplanation, WorkerExplanation } from '@phalanx/runtime/economy'
import type { ChainClient } from '@phalanx/sdk'
import { describeBalance } from '../explanations/balance.ts'
import { describeStake } from '../explanations/stake.ts'
import { plain } from '../explanations/texts.ts'
import { describeWorker } from '../explanations/worker.ts'
import { printLine, toJson, type CliIo } from '../output.ts'
import type { Runner } from '../program.ts'
import { hexBytes } from '../verify/hex.ts'
import { callApi, withChain } from '../with-chain.ts'

const PUBKEY_BYTES = 32
const KEY = { min: PUBKEY_BYTES, max: PUBKEY_BYTES }

interface ExplainOptions {
  readonly node: string
  readonly pool?: number
  readonly json: boolean
}

/** What an explanation has at hand. */
interface Asked {
  readonly chain: ChainClient
  readonly crypto: Crypto
  readonly block: number
  readonly toAddress: (account: Uint8Array) => string
  ask<T>(method: string, about: Uint8Array, result: Codec<T>): Promise<T>
}

const ask = (options: ExplainOptions, use: (asked: Asked) => Promise<number>): Promise<number> =>
  withChain(options.node, async (chain, crypto) => {
    const { number, hash } = await chain.finalizedHead()
    const prefix = u16.decode((await chain.metadata()).constant('System', 'SS58Prefix'))
    return use({
      chain, crypto, block: number, toAddress: (account) => encodeSs58(crypto, { prefix, payload: account }),
      ask: async (method, about, result) => result.decode(await callApi(chain, method, AccountId.encode(about), hash)),
    })
  })

const print = (io: CliIo, options: ExplainOptions, block: number, explanation: unknown, lines: readonly string[]): number => {
  if (options.json) printLine(io.stdout, toJson({ block, explanation: plain(explanation), text: lines }))
  else for (const line of lines) printLine(io.stdout, line)
  return 0
}

/** An account as address, or as public key in hex. @throws CRYPTO_INVALID_ADDRESS, CLI_OPTION_INVALID */
const accountOf = (crypto: Crypto, text: string): Uint8Array => (text.startsWith('0x') ? hexBytes('<account>', KEY)(text) : parseAccountAddress(crypto, text))

/** Explains a worker. */
export const runExplainWorker: Runner = async (io, [text = ''], rawOptions) => {
  const options = rawOptions as unknown as ExplainOptions
  const pubkey = hexBytes('<pubkey>', KEY)(text)
  return ask(options, async ({ chain, block, toAddress, ask: call }) => {
    const found = await call('ComputationApi_explain_worker', pubkey, option(WorkerExplanation))
    if (found === undefined || !bytesEqual(found.pubkey, pubkey)) throw new AppError('CLI_NOT_ON_CHAIN', { what: 'worker', id: toHex(pubkey), url: chain.url })
    return print(io, options, block, found, describeWorker(found, block, toAddress))
  })
}

/** Explains what an account has in pools. */
export const runExplainStake: Runner = async (io, [text = ''], rawOptions) => {
  const options = rawOptions as unknown as ExplainOptions
  return ask(options, async ({ crypto, block, toAddress, ask: call }) => {
    const account = accountOf(crypto, text)
    const pool = options.pool === undefined ? undefined : BigInt(options.pool)
    const found = await call('StakeApi_explain_stake', account, StakeExplanation)
    return print(io, options, block, found, describeStake(found, toAddress(account), pool))
  })
}

/** Explains what keeps an account's tokens, wrapped ones included. */
export const runExplainBalance: Runner = async (io, [text = ''], rawOptions) => {
  const options = rawOptions as unknown as ExplainOptions
  return ask(options, async ({ crypto, block, toAddress, ask: call }) => {
    const account = accountOf(crypto, text)
    const [balance, stake] = await Promise.all([call('BalanceApi_explain_balance', account, BalanceExplanation), call('StakeApi_explain_stake', account, StakeExplanation)])
    return print(io, options, block, { ...balance, stake }, [...describeBalance(balance, toAddress), 'Wrapped and delegated:', ...describeStake(stake, toAddress(account), undefined)])
  })
}
