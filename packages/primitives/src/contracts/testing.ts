/** Owns one of everything that travels between clients and workers, for tests: sealed with fixed randomness, beside what opens it. */
import type { Crypto } from '../crypto/crypto.ts'
import { InkCommand, invocationSigningPayload, type Invocation } from '../messages/contract.ts'
import type { SignerChain } from './certificate.ts'
import type { ChannelHolder, ChannelTarget } from './channel-ends.ts'
import { sealCommand, type CommandKeys, type PreparedCommand } from './command.ts'
import { openQuery, querySigningPayload, sealQuery, type PreparedQuery, type QueryContent, type QueryStanding } from './query.ts'
import { sealReceipt, type Receipt } from './receipt.ts'
import { sealReply } from './reply.ts'

const fill = (byte: number, length = 32): Uint8Array => new Uint8Array(length).fill(byte)

/** Everything that the tests share. */
export const createContractParts = (crypto: Crypto) => {
  const genesis = fill(1)
  const anchor = fill(2)
  const epoch = 3n
  const account = crypto.sr25519.pairFromSeed(fill(10))
  const contractKey = crypto.sr25519.pairFromSeed(fill(11))
  const channelPair = crypto.sr25519.pairFromSeed(fill(12))
  const identity = crypto.sr25519.pairFromSeed(fill(13))
  const ecdh = crypto.sr25519.pairFromSeed(fill(14))
  const cluster = fill(4)
  const contract = fill(5)
  const nonce = fill(6)
  const contractTarget: ChannelTarget = { genesis, epoch, anchor, publicKey: channelPair.publicKey }
  const workerTarget: ChannelTarget = { genesis, epoch, anchor, publicKey: ecdh.publicKey }
  const contractHolder: ChannelHolder = { genesis, epoch, anchor, pair: channelPair }
  const commandKeys: CommandKeys = { genesis, contractKey, channelOf: (asked) => (asked === epoch ? { pair: channelPair, anchor } : undefined) }
  const command: InkCommand = { kind: 'InkMessage', value: { nonce, message: fill(9, 8), transfer: 0n, gasLimit: 1000n, storageDepositLimit: undefined } }
  const unsigned: Omit<Invocation, 'sig'> = { from: account.publicKey, payload: { to: contractKey.publicKey, input: InkCommand.encode(command) }, nonce, block: 100 }
  const signInvocation = (content: Omit<Invocation, 'sig'>): Invocation =>
    ({ ...content, sig: { kind: 'Sr25519', value: crypto.sr25519.sign(account.secret, invocationSigningPayload(content, genesis), fill(0)) } })
  const invocation = signInvocation(unsigned)
  const random = { seed: fill(20), iv: fill(21, 12) }
  const content: QueryContent = {
    genesis, cluster, worker: identity.publicKey, atLeast: { number: 90, hash: fill(7) }, notAfter: 150, nonce,
    query: { kind: 'Call', value: { contract, input: fill(9, 8), transfer: 0n, deposit: 0n } },
  }
  const signerOf = (asked: QueryContent): SignerChain => ({
    signature: { type: { kind: 'Sr25519' }, signature: crypto.sr25519.sign(account.secret, querySigningPayload(asked), fill(0)) },
    leaf: { pubkey: account.publicKey, ttl: 1000, configBits: 0 },
    issuer: undefined,
  })
  const standing: QueryStanding = { genesis, worker: identity.publicKey, cluster, blockNumber: 100, hashOf: (number) => (number === 90 ? fill(7) : undefined) }
  const queryKeys = { genesis, keyOfEpoch: () => ({ pair: ecdh, anchor }) }
  const receiptOf = (commandHash: Uint8Array): Receipt => ({
    contract, commandHash, block: 101, index: 0, outcome: { kind: 'Executed', value: fill(1, 40) }, failure: undefined,
    logs: [{ contract, level: 3, message: 'a line' }], events: [{ contract, topics: [fill(8)], data: fill(3, 5) }], gas: 17n,
  })
  return {
    genesis, anchor, epoch, account, contractKey, channelPair, identity, ecdh, cluster, contract, contractTarget, workerTarget, contractHolder, commandKeys, command, unsigned,
    invocation, signInvocation, random, content, signerOf, standing, queryKeys,
    prepareCommand: (): PreparedCommand => sealCommand(crypto, { target: contractTarget, invocation, random }),
    prepareQuery: (asked: QueryContent = content): PreparedQuery => sealQuery(crypto, { target: workerTarget, content: asked, signer: signerOf(asked), random }),
    receiptOf,
    /** The worker's sealed refusal of a query. */
    refuse: (query: PreparedQuery): Uint8Array => sealReply(crypto, openQuery(crypto, query.sealed.bytes, queryKeys), {
      point: { blockNumber: 100, blockHash: fill(30), stateRoot: fill(31) }, outcome: { ok: false, error: { code: 'A_CODE', text: 'why' } }, secret: identity.secret,
      random: { nonce: fill(40), iv: fill(41, 12) },
    }),
    /** The contract's receipt of a command, sealed to its sender. */
    acknowledge: ({ commandHash, own }: PreparedCommand): Uint8Array => sealReceipt(crypto, { receipt: receiptOf(commandHash), to: own.publicKey, holder: contractHolder }),
  }
}
