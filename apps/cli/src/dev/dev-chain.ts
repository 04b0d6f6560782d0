/** Owns how `phalanx dev` reads its chain and acts on it: through the SDK over a socket, as anybody would. Knows nothing of the economy. */
import { concatBytes, parseHex, toHex } from '@phalanx/primitives/bytes'
import { compactU32 } from '@phalanx/primitives/codec'
import { Secret, type Crypto } from '@phalanx/primitives/crypto'
import { AppError } from '@phalanx/primitives/errors'
import type { Clock, Logger, Random } from '@phalanx/primitives/ports'
import { createAccount, type Account } from '@phalanx/relay'
import { createChainClient, createRpcClient, encodeCall, type ChainClient } from '@phalanx/sdk'
import { createSigner } from '@phalanx/sdk/signer'
import '../errors.ts'
import { loadSockets } from '../system.ts'

/** A call by its names in the metadata, with encoded arguments. */
export interface DevCall {
  readonly pallet: string
  readonly call: string
  readonly args: Uint8Array
}

interface Readable<K extends readonly unknown[], T> {
  key(hasher: Crypto, ...key: K): Uint8Array
  decode(bytes: Uint8Array | undefined): T
}

/** The chain, for reading and acting. */
export interface DevChain {
  /** Number of the newest final block heard of. */
  readonly block: number
  /** Reads one value at the newest final block, or at the block with this hash. */
  read<K extends readonly unknown[], T>(item: Readable<K, T>, ...key: K): Promise<T>
  /** Raw values of several keys at the newest final block, all of one block. */
  readMany(keys: readonly Uint8Array[]): Promise<{ readonly block: number; readonly values: readonly (Uint8Array | undefined)[] }>
  account(suri: string): Account
  /** Dispatches calls of an account, all or none; resolves once they are in a block. @throws CLI_DEV_STEP_REFUSED, SDK_ and RELAY_ codes */
  dispatch(account: Account, step: string, calls: readonly DevCall[]): Promise<void>
  /** Bytes of a call, for calls that carry calls. */
  encode(call: DevCall): Promise<Uint8Array>
  /** Calls back for every final block; returns the way to stop. */
  onBlock(listener: (block: number) => void): () => void
  /** Resolves when a block after this one is final. */
  after(block: number): Promise<void>
  close(): void
}

interface Parts {
  readonly crypto: Crypto
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
}

/** Values of one `state_queryStorageAt`, in the order of the keys. */
const valuesOf = (client: ChainClient, keys: readonly string[], answer: unknown): readonly (Uint8Array | undefined)[] => {
  const [set] = answer as readonly { readonly changes?: readonly (readonly [string, string | null])[] }[]
  if (set?.changes === undefined) throw new AppError('SDK_RESPONSE_MALFORMED', { url: client.url, what: 'state_queryStorageAt' })
  const found = new Map(set.changes)
  return keys.map((key) => {
    const value = found.get(key) ?? null
    return value === null ? undefined : parseHex(value)
  })
}

/** What a look finds, as soon as it finds something; looks again after every block. */
export const untilFound = async <T>(chain: Pick<DevChain, 'block' | 'after'>, look: () => Promise<T | undefined>): Promise<T> => {
  for (;;) {
    const { block } = chain
    const found = await look()
    if (found !== undefined) return found
    await chain.after(block)
  }
}

/** Connects to a node. */
export const connectDevChain = async (url: string, parts: Parts): Promise<DevChain> => {
  const { crypto, clock, random } = parts
  const client = createChainClient(createRpcClient({ url }, { ...parts, createSocket: await loadSockets() }), { crypto })
  const listeners = new Set<(block: number) => void>()
  let block = (await client.finalizedHead()).number
  await client.followFinalized((number) => {
    block = Math.max(block, number)
    for (const listener of [...listeners]) listener(block)
  })
  const encode = async (call: DevCall): Promise<Uint8Array> => encodeCall(await client.metadata(), call, call.args)
  const onBlock = (listener: (block: number) => void): (() => void) => {
    listeners.add(listener)
    return () => void listeners.delete(listener)
  }
  return {
    get block() {
      return block
    },
    read: async (item, ...key) => item.decode(await client.storage(item.key(crypto, ...key))),
    async readMany(keys) {
      const { number, hash } = await client.finalizedHead()
      const names = keys.map(toHex)
      return { block: number, values: valuesOf(client, names, await client.rpc.request('state_queryStorageAt', [names, toHex(hash)])) }
    },
    account: (suri) => createAccount({ signer: createSigner({ suri: new Secret(suri) }, { crypto, random }) }, { crypto, clock }),
    async dispatch(account, step, calls) {
      const [only] = calls
      if (only === undefined) return
      const call = calls.length === 1 ? only : { pallet: 'Utility', call: 'batch_all', args: concatBytes(compactU32.encode(calls.length), ...(await Promise.all(calls.map(encode)))) }
      const { included } = await account.submit(client, call)
      const { outcome } = await included
      if (!outcome.ok) throw new AppError('CLI_DEV_STEP_REFUSED', { step, reason: `${outcome.name}${outcome.docs === '' ? '' : `: ${outcome.docs}`}` })
    },
    encode, onBlock,
    after: (number) => new Promise((resolve) => {
      if (block > number) return resolve()
      const stop = onBlock((now) => {
        if (now <= number) return
        stop()
        resolve()
      })
    }),
    close() {
      listeners.clear()
      client.close()
    },
  }
}
