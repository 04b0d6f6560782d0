/** Owns a small network's economy for tests of commands: a node with real sockets, one worker in one pool, settlements as the gatekeepers would send them. */
import { assert } from '@phalanx/primitives/assert'
import { concatBytes, toHex, utf8 } from '@phalanx/primitives/bytes'
import { suriToSr25519, type Crypto, type Sr25519Pair } from '@phalanx/primitives/crypto'
import { fixed } from '@phalanx/primitives/fixed'
import { messageSigningPayload, TOPICS, type Message, type WorkingInfoUpdateEvent } from '@phalanx/primitives/messages'
import type { Node } from '@phalanx/node'
import { createTestChain, createTestClock, createTestNode, rpcCall, signCall, signTransfer, type TestChain } from '@phalanx/node/testing'
import { phalaRegistryStorage } from '@phalanx/runtime/storage'

const UNIT = 10n ** 12n
const BLOCK_MS = 12_000
const SCORE = 100
const FUNDS = 10n ** 17n
/** The subsidy wallet, which pays rewards, and what it has. */
const WALLET: Uint8Array = concatBytes(utf8('modlphala/pp'), new Uint8Array(20))
const WALLET_FUNDS = 10n ** 15n

interface Call {
  readonly pallet: string
  readonly name: string
  readonly args: object
}

/** A network under a test's control. */
export interface EconomyRig {
  readonly url: string
  readonly node: Node
  readonly owner: Uint8Array
  readonly worker: Uint8Array
  /** Submits calls of the owner, who is root too, in one block; returns its number. */
  block(...calls: readonly Call[]): Promise<number>
  asRoot(call: Call): Call
  /** A block in which the gatekeepers settle. */
  settle(update: Partial<WorkingInfoUpdateEvent>): Promise<number>
  stop(): Promise<void>
}

class Rig implements EconomyRig {
  url = ''
  readonly owner: Uint8Array
  readonly worker: Uint8Array
  readonly node: Node
  private readonly chain: TestChain
  private readonly alice: Sr25519Pair
  private readonly master: Sr25519Pair
  private readonly clock: ReturnType<typeof createTestClock>
  private nonce = 0
  private sequence = 0n

  constructor(parts: { readonly node: Node; readonly chain: TestChain; readonly alice: Sr25519Pair; readonly master: Sr25519Pair; readonly worker: Uint8Array; readonly clock: ReturnType<typeof createTestClock> }) {
    this.node = parts.node
    this.chain = parts.chain
    this.alice = parts.alice
    this.master = parts.master
    this.worker = parts.worker
    this.clock = parts.clock
    this.owner = parts.alice.publicKey
  }

  async seal(): Promise<number> {
    this.clock.jump(BLOCK_MS)
    const { error } = await rpcCall(this.node, 'phalanx_sealBlock', [])
    assert(error === undefined, `a block is sealed: ${JSON.stringify(error)}`)
    return this.node.head().number
  }

  async block(...calls: readonly Call[]): Promise<number> {
    for (const call of calls) await this.node.submit(signCall(this.chain, this.chain.runtime.parts.services.RuntimeCall.encode(call as never), { from: this.alice, nonce: this.nonce++ }))
    return this.seal()
  }

  asRoot(call: Call): Call {
    return { pallet: 'Sudo', name: 'sudo', args: { call } }
  }

  settle(update: Partial<WorkingInfoUpdateEvent>): Promise<number> {
    const event = { blockNumber: this.node.head().number, timestampMs: BigInt(this.clock.nowMs()), offline: [], recoveredToOnline: [], settle: [], ...update }
    const message: Message = { sender: { kind: 'Gatekeeper' }, destination: TOPICS.workingUpdate.topic, payload: TOPICS.workingUpdate.payload.encode(event) }
    const sequence = this.sequence++
    const signature = this.chain.crypto.sr25519.sign(this.master.secret, messageSigningPayload(message, sequence), new Uint8Array(32))
    const signedMessage = { message, sequence, signature }
    return this.block({ pallet: 'PhalaMq', name: 'syncOffchainMessage', args: { signedMessage } })
  }

  async stop(): Promise<void> {
    await this.node.stop()
  }
}

/** PHA as fixed point bits. */
export const bits = (pha: bigint, thousandths = 0n): bigint => fixed.divInteger(fixed.fromInteger(pha * 1000n + thousandths), 1000n)

/** Starts the network: the owner's pool 0 takes a tenth as commission, 10 000 PHA are delegated to it, its worker computes on 2000. */
export const createEconomyRig = async (crypto: Crypto): Promise<EconomyRig> => {
  const [alice, master, identity] = ['//Alice', '//Gatekeepers', '//Worker'].map((suri) => suriToSr25519(crypto, suri)) as [Sr25519Pair, Sr25519Pair, Sr25519Pair]
  const worker = identity.publicKey
  const chain = createTestChain(crypto, 2, {
    PhalaRegistry: { workers: [{ pubkey: toHex(worker), ecdhPubkey: toHex(worker), operator: toHex(alice.publicKey) }] },
    PhalaComputation: { heartbeatPaused: true },
  })
  const clock = createTestClock()
  const node = await createTestNode(chain, { isUnsafeRpcAllowed: true, isArchive: true }, { clock })
  const rig = new Rig({ node, chain, alice, master, worker, clock })
  const [rich] = chain.accounts
  assert(rich !== undefined, 'the chain has accounts')
  await node.submit(signTransfer(chain, { from: rich, nonce: 0, to: alice.publicKey, amount: FUNDS }))
  await node.submit(signTransfer(chain, { from: rich, nonce: 1, to: WALLET, amount: WALLET_FUNDS }))
  await rig.seal()
  const { port } = await node.listen({ port: 0, host: '127.0.0.1' })
  rig.url = `ws://127.0.0.1:${port}`
  const registry = phalaRegistryStorage
  const stored = (await rpcCall(node, 'state_getStorage', [toHex(registry.workers.key(crypto, worker))])).result as string
  const info = registry.workers.decode(Uint8Array.from(Buffer.from(stored.slice(2), 'hex')))
  assert(info !== undefined, 'the worker is registered')
  const items = [
    [registry.workers.key(crypto, worker), registry.workers.encode({ ...info, initialScore: SCORE })],
    [registry.gatekeeperMasterPubkey.key(crypto), registry.gatekeeperMasterPubkey.encode(master.publicKey)],
  ]
  await rig.block(rig.asRoot({ pallet: 'System', name: 'setStorage', args: { items } }), { pallet: 'PhalaWrappedBalances', name: 'wrap', args: { amount: 12_000n * UNIT } }, { pallet: 'PhalaStakePoolv2', name: 'create', args: {} })
  await rig.block(
    { pallet: 'PhalaStakePoolv2', name: 'addWorker', args: { pid: 0n, pubkey: worker } }, { pallet: 'PhalaStakePoolv2', name: 'setPayoutPref', args: { pid: 0n, payoutCommission: 100_000 } },
    { pallet: 'PhalaStakePoolv2', name: 'contribute', args: { pid: 0n, amount: 10_000n * UNIT, asVault: undefined } },
    { pallet: 'PhalaStakePoolv2', name: 'startComputing', args: { pid: 0n, worker, stake: 2000n * UNIT } },
  )
  await rig.seal()
  return rig
}
