/** Owns commands as the people of the simulated world make them: proper ones with fresh canaries, and all kinds that must be refused; and who made which. */
import { toHex } from '@phalanx/primitives/bytes'
import { sealCommand, sealEncryptedData, type ChannelTarget } from '@phalanx/primitives/contracts'
import type { Crypto, Sr25519Pair } from '@phalanx/primitives/crypto'
import { CommandPayload, InkCommand, type Invocation, invocationSigningPayload } from '@phalanx/primitives/messages'
import type { Prng } from './prng.ts'
import { DEEDS } from './scripted-contract.ts'
import type { SecretHunt } from './secrets.ts'

/** What is wrong with a command whatever the block in which it arrives; the code with which it is refused. */
export type Flaw = 'SEALED_NOT_OPENED' | 'INVOCATION_RECIPIENT_MISMATCH' | 'INVOCATION_SIGNATURE_INVALID'

/** A command that somebody sent. */
export interface SentCommand {
  readonly payload: Uint8Array
  /** Hex of the hash by which its receipt is known. */
  readonly hash: string
  readonly contract: Uint8Array
  /** Input of the contract; undefined for bytes that are no command. */
  readonly input: Uint8Array | undefined
  /** What it was sealed with: the sender's key and the contract's. In the reference's form `target` is the contract's own key. */
  readonly own: Sr25519Pair | undefined
  readonly target: ChannelTarget | undefined
  /** Of a sealed one. */
  readonly invocation: Invocation | undefined
  readonly flaw: Flaw | undefined
}

/** Where a command goes. */
export interface Addressee {
  readonly contract: Uint8Array
  /** The contract's own key. */
  readonly publicKey: Uint8Array
  /** Another contract's key. */
  readonly otherKey: Uint8Array
  readonly targets: readonly ChannelTarget[]
  readonly genesis: Uint8Array
  /** Block at the head. */
  readonly block: number
}

interface Parts {
  readonly crypto: Crypto
  readonly prng: Prng
  readonly hunt: SecretHunt
}

const GAS_LIMIT = 100_000_000_000n
const CANARY_BYTES = 32
/** Blocks that a command from the future, and one that is over, lie off. */
const FAR_BLOCKS = 300
const KINDS: readonly (readonly [weight: number, deed: number])[] = [[8, DEEDS.keep], [2, DEEDS.trap], [2, DEEDS.revert], [4, DEEDS.say], [1, DEEDS.loop], [2, DEEDS.derive]]

const inputOf = ({ prng, hunt }: Parts): Uint8Array => {
  const deed = prng.pickWeighted(KINDS)
  const canaries = [prng.bytes(CANARY_BYTES), prng.bytes(CANARY_BYTES)]
  for (const canary of canaries) hunt.plant(canary, 'a canary in the arguments of a command')
  return Uint8Array.of(deed, ...canaries.flatMap((canary) => [...canary]))
}

const commandOf = (input: Uint8Array, nonce: Uint8Array): Uint8Array =>
  InkCommand.encode({ kind: 'InkMessage', value: { nonce, message: input, transfer: 0n, gasLimit: GAS_LIMIT, storageDepositLimit: undefined } })

const describeSent = (crypto: Crypto, payload: Uint8Array, rest: Omit<SentCommand, 'payload' | 'hash'>): SentCommand => ({ payload, hash: toHex(crypto.blake2b256(payload)), ...rest })

type Sealing = Pick<SentCommand, 'input' | 'flaw'> & { readonly invocation: Invocation }

const seal = ({ crypto, prng }: Parts, to: Addressee, target: ChannelTarget, { input, flaw, invocation }: Sealing): SentCommand => {
  const wrongKey = flaw === 'SEALED_NOT_OPENED' ? crypto.sr25519.pairFromSeed(prng.bytes(32)).publicKey : undefined
  const { payload, own } = sealCommand(crypto, { target: wrongKey === undefined ? target : { ...target, publicKey: wrongKey }, invocation, random: { seed: prng.bytes(32), iv: prng.bytes(12) } })
  return describeSent(crypto, payload.bytes, { contract: to.contract, input, own, target, invocation, flaw })
}

/** Signed by its sender for a block, unless it has a flaw. */
const invoke = (parts: Parts, to: Addressee, sender: Sr25519Pair, terms: { readonly input: Uint8Array; readonly block: number; readonly flaw: Flaw | undefined }): Invocation => {
  const { crypto, prng } = parts
  const nonce = prng.bytes(prng.between(1, 32))
  const unsigned = {
    from: sender.publicKey, nonce, block: terms.block,
    payload: { to: terms.flaw === 'INVOCATION_RECIPIENT_MISMATCH' ? to.otherKey : to.publicKey, input: commandOf(terms.input, nonce) },
  }
  const signer = terms.flaw === 'INVOCATION_SIGNATURE_INVALID' ? crypto.sr25519.pairFromSeed(prng.bytes(32)) : sender
  return { ...unsigned, sig: { kind: 'Sr25519', value: crypto.sr25519.sign(signer.secret, invocationSigningPayload(unsigned, to.genesis), prng.bytes(32)) } }
}

/** A sealed command; `flaw` makes it one to be refused. */
const sealed = (parts: Parts, to: Addressee, sender: Sr25519Pair, options: { readonly flaw?: Flaw; readonly block?: number } = {}): SentCommand | undefined => {
  const target = parts.prng.chance(850) ? to.targets.at(-1) : parts.prng.pick(to.targets)
  if (target === undefined) return undefined
  const input = inputOf(parts)
  const { flaw } = options
  return seal(parts, to, target, { input, flaw, invocation: invoke(parts, to, sender, { input, block: options.block ?? to.block, flaw }) })
}

/** In the reference's form, to the contract's own key. */
const encrypted = (parts: Parts, to: Addressee): SentCommand => {
  const { crypto, prng } = parts
  const own = crypto.sr25519.pairFromSeed(prng.bytes(32))
  const input = inputOf(parts)
  const value = sealEncryptedData(crypto, { own, recipient: to.publicKey, iv: prng.bytes(12), plaintext: commandOf(input, prng.bytes(8)) })
  const target = { genesis: to.genesis, epoch: 0n, anchor: to.genesis, publicKey: to.publicKey }
  return describeSent(crypto, CommandPayload.encode({ kind: 'Encrypted', value }), { contract: to.contract, input, own, target, invocation: undefined, flaw: undefined })
}

const garbage = ({ crypto, prng }: Parts, to: Addressee): SentCommand =>
  describeSent(crypto, Uint8Array.of(prng.pick([0, 2, 3, 200]), ...prng.bytes(prng.below(60))), { contract: to.contract, input: undefined, own: undefined, target: undefined, invocation: undefined, flaw: undefined })

/** The same again, or the same invocation sealed anew, perhaps for another epoch. */
const replayed = (parts: Parts, to: Addressee, sent: readonly SentCommand[]): SentCommand | undefined => {
  const earlier = sent.filter(({ contract, invocation }) => toHex(contract) === toHex(to.contract) && invocation !== undefined)
  const target = to.targets.at(-1)
  if (earlier.length === 0 || target === undefined) return undefined
  const found = parts.prng.pick(earlier)
  if (found.invocation === undefined || parts.prng.chance(500)) return found
  return seal(parts, to, target, { input: found.input, flaw: found.flaw === 'SEALED_NOT_OPENED' ? undefined : found.flaw, invocation: found.invocation })
}

/** Makes the next command. `sent` are those so far; undefined where there is nothing to seal to. */
export const makeCommand = (parts: Parts, to: Addressee, people: { readonly senders: readonly Sr25519Pair[]; readonly sent: readonly SentCommand[] }): SentCommand | undefined => {
  const { prng } = parts
  const sender = prng.pick(people.senders)
  const kind = prng.below(100)
  if (kind < 64) return sealed(parts, to, sender)
  if (kind < 72) return encrypted(parts, to)
  if (kind < 82) return replayed(parts, to, people.sent)
  if (kind < 86) return sealed(parts, to, sender, { flaw: 'INVOCATION_SIGNATURE_INVALID' })
  if (kind < 89) return sealed(parts, to, sender, { flaw: 'INVOCATION_RECIPIENT_MISMATCH' })
  if (kind < 92) return sealed(parts, to, sender, { flaw: 'SEALED_NOT_OPENED' })
  if (kind < 94) return sealed(parts, to, sender, { block: to.block + FAR_BLOCKS })
  if (kind < 96) return sealed(parts, to, sender, { block: Math.max(0, to.block - FAR_BLOCKS) })
  return garbage(parts, to)
}
