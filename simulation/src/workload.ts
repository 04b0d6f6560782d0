/** Owns what honest and dishonest users do meanwhile: transfers, governance, forged messages, replayed and altered registrations. */
import { ByteReader, bytesUpTo } from '@phalanx/primitives/codec'
import { concatBytes, parseHex } from '@phalanx/primitives/bytes'
import { decodeExtrinsic } from '@phalanx/primitives/chain'
import { suriToSr25519, type Sr25519Pair } from '@phalanx/primitives/crypto'
import { createMessage, SignedMessage, TOPICS, WorkerRegistrationInfoV2 } from '@phalanx/primitives/messages'
import { phalaMqStorage } from '@phalanx/runtime/storage'
import type { Node } from '@phalanx/node'
import { readHead, submitOrder } from './orders.ts'
import type { Prng } from './prng.ts'
import { stirGatekeepers, tendGatekeepers, type Minutes } from './governance.ts'
import type { World } from './world-types.ts'

/** The users. */
export interface Workload {
  start(): void
  stop(): void
  readonly submitted: number
}

/** Takes a call's bytes, indices included, and who signs. */
interface Order {
  readonly call: Uint8Array
  readonly by: 'root' | 'user'
}

type Deed = (world: World, node: Node, prng: Prng) => Order | undefined

const SUDO = [22, 0]
const payload = bytesUpTo(4096)

const call = (pallet: number, index: number, args: Uint8Array): Uint8Array => concatBytes(Uint8Array.of(pallet, index), args)
const sudo = (inner: Uint8Array): Order => ({ call: concatBytes(Uint8Array.from(SUDO), inner), by: 'root' })

const remark: Deed = (_world, _node, prng) => ({ call: call(1, 0, payload.encode(prng.bytes(prng.below(64)))), by: 'user' })

/** Governance admits and dismisses measurements nobody runs. */
const changeMeasurements: Deed = (_world, _node, prng) => {
  const measurement = new Uint8Array(68).fill(prng.below(6))
  return sudo(call(41, prng.chance(500) ? 9 : 10, payload.encode(measurement)))
}

/** A message in a worker's name that it never signed: a key of the attacker's. */
const forgeMessage: Deed = (world, node, prng) => {
  const [name] = [...world.auditor.workers.keys()]
  const known = name === undefined ? undefined : world.auditor.workers.get(name)
  if (name === undefined || known === undefined) return undefined
  const attacker = suriToSr25519(world.crypto, `//Mallory//${prng.below(100)}`)
  const message = createMessage({ kind: 'Worker', value: parseHex(name) }, TOPICS.ecdhKey, { epoch: known.epoch + 1n, ecdhPubkey: attacker.publicKey })
  const next = readHead(node, world.crypto, phalaMqStorage.offchainIngress, message.sender) ?? 0n
  const signed = { message, sequence: next + BigInt(prng.below(2)), signature: prng.bytes(64) }
  return { call: call(40, 0, SignedMessage.encode(signed)), by: 'user' }
}

const registrationsOf = (node: Node): readonly Uint8Array[] => {
  const found: Uint8Array[] = []
  for (let number = Math.max(1, node.head().number - 60); number <= node.head().number; number++) {
    for (const bytes of node.chain.store.body(number) ?? []) {
      const { call: inner, signed } = decodeExtrinsic(bytes)
      if (signed !== undefined && inner[0] === 41 && inner[1] === 7) found.push(inner)
    }
  }
  return found
}

/** Somebody else hands in a registration again, as it was or with another ECDH key in it. */
const replayRegistration: Deed = (world, node, prng) => {
  const seen = registrationsOf(node)
  if (seen.length === 0) return undefined
  const original = prng.pick(seen)
  if (prng.chance(500)) return { call: original, by: 'user' }
  const input = new ByteReader(original)
  const indices = input.raw(2)
  const info = WorkerRegistrationInfoV2.read(input)
  const attacker = suriToSr25519(world.crypto, '//Mallory')
  const altered = WorkerRegistrationInfoV2.encode({ ...info, ecdhPubkey: attacker.publicKey })
  return { call: concatBytes(indices, altered, input.raw(input.left)), by: 'user' }
}

/** Governance rotates the master key or replaces a gatekeeper. */
const stir: Deed = (world, node, prng) => {
  const inner = stirGatekeepers(world, node, prng)
  return inner === undefined ? undefined : sudo(inner)
}

const DEEDS: readonly (readonly [weight: number, deed: Deed])[] = [[6, remark], [3, changeMeasurements], [2, forgeMessage], [2, replayRegistration], [1, stir]]

/** Prepares the users; they act every `everyMs` on average. Root acts through the sudo key of the development chain. */
export const createWorkload = (world: World, options: { readonly everyMs: number }, prng: Prng): Workload => {
  const accounts: Readonly<Record<Order['by'], Sr25519Pair>> = { root: suriToSr25519(world.crypto, '//Alice'), user: suriToSr25519(world.crypto, '//Eve') }
  let isOn = false
  let submitted = 0
  const minutes: Minutes = {}
  /** Governance tends the gatekeepers before anything else, in peace too. */
  const nextOrder = (node: Node): Order | undefined => {
    const duty = tendGatekeepers(world, node, minutes)
    if (duty !== undefined && (!isOn || prng.chance(500))) return sudo(duty)
    return isOn ? prng.pickWeighted(DEEDS)(world, node, prng) : undefined
  }
  const act = async (): Promise<void> => {
    world.clock.after(1 + prng.below(2 * options.everyMs), () => void act())
    const node = world.node()
    const order = node === undefined ? undefined : nextOrder(node)
    if (node === undefined || order === undefined) return
    if (await submitOrder(node, { call: order.call, by: accounts[order.by] }, { crypto: world.crypto, prng })) submitted++
  }
  return {
    get submitted() {
      return submitted
    },
    start() {
      isOn = true
      void act()
    },
    stop() {
      isOn = false
    },
  }
}
