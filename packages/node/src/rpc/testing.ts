/** Owns what the tests of RPC methods share: a node of their own, requests to it, a connection with its notifications, storage keys. */
import { assert } from '@phalanx/primitives/assert'
import { concatBytes, toHex, utf8 } from '@phalanx/primitives/bytes'
import { encodeSs58, type Sr25519Pair } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import type { Node } from '../create-node.ts'
import type { NodeOptions } from '../options.ts'
import { createTestChain, createTestClock, createTestNode, rpcCall, signTransfer, signTransfers, type SignOptions, type TestChain, type TestClock } from '../testing.ts'

/** JSON that a test looks into; what is not there fails the test. */
export type Json = any

/** One client's view of a node. */
export interface TestConnection {
  /** Every message received. */
  readonly sent: Json[]
  /** Result of a call, or its error member. */
  call(method: string, params?: unknown): Promise<Json>
  /** Contents of the notifications so far. */
  news(): Json[]
  close(): void
}

/** A node and the short ways to it. */
export interface MethodRig {
  readonly chain: TestChain
  readonly node: Node
  readonly clock: TestClock
  /** Result of a request that succeeds. */
  ask(method: string, params?: unknown): Promise<Json>
  /** Error member of a request that fails. */
  fails(method: string, params?: unknown): Promise<Json>
  open(): TestConnection
  /** Seals a block with so many transfers. */
  seal(transfers?: number): Promise<void>
  account(index: number): Uint8Array
  address(index: number): string
  /** A transfer of account 0 to account 1. */
  transfer(options?: Partial<SignOptions> & { readonly amount?: bigint }): Uint8Array
  /** Key of a System item as 0x hex. */
  systemKey(item: string): string
}

const openConnection = (node: Node): TestConnection => {
  const sent: Json[] = []
  let ids = 0
  const connection = node.connect({ send: (text) => void sent.push(JSON.parse(text)) })
  return {
    sent,
    async call(method, params = []) {
      const id = ++ids
      await connection.receive(JSON.stringify({ jsonrpc: '2.0', id, method, params }))
      const answer = sent.find((one) => one.id === id)
      return answer.error ?? answer.result
    },
    news: () => sent.filter(({ params }) => params !== undefined).map(({ params }) => params.result),
    close: () => connection.close(),
  }
}

/** A new chain of `accounts` accounts with a node that allows unsafe methods and seals on request. */
export const createMethodRig = async (options: Partial<NodeOptions> & { readonly accounts?: number } = {}): Promise<MethodRig> => {
  const { accounts, ...nodeOptions } = options
  const chain = createTestChain(await loadCrypto(), accounts)
  const clock = createTestClock()
  const node = await createTestNode(chain, { isUnsafeRpcAllowed: true, ...nodeOptions }, { clock })
  const pair = (index: number): Sr25519Pair => chain.accounts[index] as Sr25519Pair
  return {
    chain, node, clock,
    async ask(method, params) {
      const { result, error } = await rpcCall(node, method, params)
      assert(error === undefined, JSON.stringify(error))
      return result
    },
    fails: async (method, params) => (await rpcCall(node, method, params)).error,
    open: () => openConnection(node),
    async seal(transfers = 0) {
      for (const one of signTransfers(chain, transfers)) await node.submit(one)
      await node.seal()
    },
    account: (index) => pair(index).publicKey,
    address: (index) => encodeSs58(chain.crypto, { prefix: 30, payload: pair(index).publicKey }),
    transfer: (given = {}) => signTransfer(chain, { from: pair(0), nonce: 0, to: pair(1).publicKey, amount: 10n ** 12n, ...given }),
    systemKey: (item) => toHex(concatBytes(chain.crypto.twox128(utf8('System')), chain.crypto.twox128(utf8(item)))),
  }
}
