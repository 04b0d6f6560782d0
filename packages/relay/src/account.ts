/**
 * Owns the relay's signing account: one queue, so that all workers share one count of nonces; recovery when somebody else used one.
 * The account authenticates nothing, it only pays fees (runtime.md).
 */
import { toHex } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import { AppError, isAppError } from '@phalanx/primitives/errors'
import { encodeCall, signExtrinsic, type ChainClient, type Signer, type SigningContext, type Submitted } from '@phalanx/sdk'
import type { Clock } from '@phalanx/primitives/ports'

/** A call by name with its encoded arguments. */
export interface Call {
  readonly pallet: string
  readonly call: string
  readonly args: Uint8Array
}

/** Extrinsics that got into blocks, and what they cost in the chain's smallest unit. */
export interface Spent {
  readonly extrinsics: number
  readonly fees: bigint
}

/** Signs and submits calls one after another. */
export interface Account {
  readonly accountId: Uint8Array
  /** What was submitted and paid so far. */
  spent(): Spent
  /**
   * Resolves once the pool took it. The call must need nothing that waits in the pool: it takes the place of an extrinsic of ours that holds the
   * next nonce and cannot go on. @throws RELAY_FEES_TOO_LOW, RELAY_POOL_REFUSED, RELAY_EXTRINSIC_STALE, connection codes
   */
  submit(node: ChainClient, call: Call): Promise<Submitted>
}

/** How long the block that begins an extrinsic's life may be reused. */
const CONTEXT_MS = 5_000
const ATTEMPTS = 3
/** Most that is paid to take the place of a stuck extrinsic, in the chain's smallest unit. */
const REPLACEMENT_TIP_MAX = 1_000_000_000n

const INVALID = 1010
const BANNED = 1012
const ALREADY_IMPORTED = 1013
const TOO_LOW_PRIORITY = 1014

interface Context {
  readonly node: ChainClient
  readonly readAtMs: number
  readonly signing: SigningContext
}

type Verdict = 'fees' | 'nonce' | 'signature' | 'stale' | 'other'

/** What a pool's refusal means. Codes and words are those of Substrate's author RPC. */
const judge = (error: AppError<'SDK_RPC_REFUSED'>): Verdict => {
  const { rpcCode, reason } = error.context
  if (rpcCode === TOO_LOW_PRIORITY) return 'nonce'
  if (rpcCode === ALREADY_IMPORTED || rpcCode === BANNED) return 'stale'
  if (rpcCode !== INVALID) return 'other'
  if (/pay some fees|balance too low|payment/i.test(reason)) return 'fees'
  if (/bad signature|bad proof|badproof|ancient/i.test(reason)) return 'signature'
  return /outdated|stale/i.test(reason) ? 'nonce' : 'other'
}

/** What an extrinsic was offered with last. */
interface Tried {
  nonce: number | undefined
  tip: bigint
}

/** Twice the tip that would have outbid the pool's extrinsic: priorities, which the refusal states, grow with the tip and one. */
const outbid = (tip: bigint, reason: string): bigint => {
  const [, theirs, ours] = /\((\d+) vs (\d+)\)/.exec(reason) ?? []
  if (theirs === undefined || ours === undefined || ours === '0') return tip
  const enough = 2n * (tip + 1n) * (BigInt(theirs) / BigInt(ours) + 1n)
  return enough < REPLACEMENT_TIP_MAX ? enough : REPLACEMENT_TIP_MAX
}

/** An account over a signer. */
export const createAccount = (
  options: { readonly signer: Signer; readonly tip?: bigint },
  dependencies: { readonly crypto: Crypto; readonly clock: Clock },
): Account => {
  const { signer, tip = 0n } = options
  const { crypto, clock } = dependencies
  let tail: Promise<unknown> = Promise.resolve()
  let nonce: number | undefined
  let spent: Spent = { extrinsics: 0, fees: 0n }
  let context: Context | undefined

  const readContext = async (node: ChainClient): Promise<SigningContext> => {
    if (context !== undefined && context.node === node && clock.nowMs() - context.readAtMs < CONTEXT_MS) return context.signing
    const [genesisHash, { specVersion, transactionVersion }, birth] = await Promise.all([node.genesisHash(), node.runtimeVersion(), node.finalizedHead()])
    context = { node, readAtMs: clock.nowMs(), signing: { genesisHash, specVersion, transactionVersion, birth } }
    return context.signing
  }

  const attempt = async (node: ChainClient, call: Call, tried: Tried): Promise<Submitted> => {
    const [metadata, signing] = await Promise.all([node.metadata(), readContext(node)])
    const mine = nonce ?? (await node.nextNonce(signer.accountId))
    // Nobody has used the nonce since it was refused: it is held by an extrinsic that waits for what may never come.
    const paid = mine === tried.nonce ? tried.tip : tip
    tried.nonce = mine
    tried.tip = paid
    nonce = undefined
    const extrinsic = signExtrinsic(crypto, { call: encodeCall(metadata, call, call.args), signer, nonce: mine, tip: paid, context: signing })
    const submitted = await node.submit(extrinsic)
    nonce = mine + 1
    // An extrinsic that falls out of the pool leaves a hole: count anew from what the node knows.
    submitted.included.then(
      ({ outcome }) => (spent = { extrinsics: spent.extrinsics + 1, fees: spent.fees + (outcome.fee ?? 0n) }),
      () => (nonce = undefined),
    )
    return submitted
  }

  const submitNow = async (node: ChainClient, call: Call): Promise<Submitted> => {
    const tried: Tried = { nonce: undefined, tip }
    for (let left = ATTEMPTS; ; left--) {
      try {
        return await attempt(node, call, tried)
      } catch (error) {
        if (!isAppError(error, 'SDK_RPC_REFUSED')) throw error
        const verdict = judge(error)
        const { reason } = error.context
        if (verdict === 'fees') throw new AppError('RELAY_FEES_TOO_LOW', { account: toHex(signer.accountId) }, { cause: error })
        if (verdict === 'stale') throw new AppError('RELAY_EXTRINSIC_STALE', { reason }, { cause: error })
        if (verdict === 'other') throw new AppError('RELAY_POOL_REFUSED', { reason }, { cause: error })
        if (left === 1) throw new AppError(verdict === 'nonce' ? 'RELAY_EXTRINSIC_STALE' : 'RELAY_POOL_REFUSED', { reason }, { cause: error })
        if (error.context.rpcCode === TOO_LOW_PRIORITY) tried.tip = outbid(tried.tip, reason)
        else tried.nonce = undefined
        context = undefined
      }
    }
  }

  return {
    accountId: signer.accountId,
    spent: () => spent,
    submit(node, call) {
      const mine = tail.then(() => submitNow(node, call))
      tail = mine.catch(() => {})
      return mine
    },
  }
}
