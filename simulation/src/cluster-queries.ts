/** Owns queries as the people of the simulated world ask them, in both forms: proper ones with fresh canaries, and all kinds that must be refused; and how each ends. */
import { bytesEqual } from '@phalanx/primitives/bytes'
import {
  CertificateBody, certificateSigningPayload, ContractExecResult, openReferenceReply, openReply, querySigningPayload, sealQuery, sealReferenceQuery, SignatureType,
  type ChannelTarget, type ClusterQuery, type KnownBlock, type LogPage, type PreparedQuery, type QueryAnswer, type QueryContent, type ReplyPoint, type SignerChain,
} from '@phalanx/primitives/contracts'
import type { Crypto, Sr25519Pair } from '@phalanx/primitives/crypto'
import { isAppError } from '@phalanx/primitives/errors'
import type { RequestSignature } from '@phalanx/worker/api'
import type { WorkerClient } from '@phalanx/worker/wire'
import type { Prng } from './prng.ts'
import { DEEDS } from './scripted-contract.ts'
import type { SecretHunt } from './secrets.ts'

/** What is wrong with a query; the code with which it is refused. */
export type QueryFlaw = 'SEALED_NOT_OPENED' | 'QUERY_WORKER_MISMATCH' | 'QUERY_CLUSTER_MISMATCH' | 'QUERY_EXPIRED' | 'QUERY_LIFE_EXCEEDED' | 'QUERY_STATE_BEHIND'
  | 'QUERY_BLOCK_UNKNOWN' | 'QUERY_CONTRACT_UNKNOWN' | 'QUERY_REPLAYED' | 'CERTIFICATE_SIGNATURE_INVALID' | 'CERTIFICATE_EXPIRED'

/** How a query travels: sealed in our own form, or in the reference's. */
type Way =
  | { readonly kind: 'Sealed'; readonly value: PreparedQuery }
  | { readonly kind: 'Reference'; readonly value: { readonly own: Sr25519Pair; readonly nonce: Uint8Array; readonly encoded: Uint8Array; readonly signature: RequestSignature } }

/** A query that somebody asks. */
export interface SentQuery {
  /** Identity of the worker that is asked. */
  readonly worker: Uint8Array
  readonly cluster: Uint8Array
  readonly query: ClusterQuery
  readonly asker: Uint8Array
  readonly flaw: QueryFlaw | undefined
  readonly way: Way
}

/** Whom a query is for, and what who asks knows of the chain. */
export interface QueryAddressee {
  readonly worker: Uint8Array
  /** The worker's ECDH key as the chain has it. */
  readonly key: ChannelTarget
  readonly cluster: Uint8Array
  /** Undefined where the cluster has no contract yet. */
  readonly contract: Uint8Array | undefined
  /** A block that the worker should have followed, and the newest one. */
  readonly known: KnownBlock
  readonly head: number
}

/** Who asks. */
export interface AskingPeople {
  readonly senders: readonly Sr25519Pair[]
  /** Owner of the cluster, who may read the logs. */
  readonly owner: Sr25519Pair
  /** Under these the contract may hold something. */
  readonly keys: readonly Uint8Array[]
  /** Queries that were answered. */
  readonly answered: readonly SentQuery[]
}

/** How a query ended. `point` is what the worker signed for: a reply in the reference's form names a block only. */
export type QueryEnd =
  | { readonly kind: 'Lost' }
  | { readonly kind: 'Refused'; readonly value: string }
  | { readonly kind: 'Answered'; readonly value: { readonly block: number; readonly point: ReplyPoint | undefined; readonly answer: CalledAnswer | LogsAnswer } }

/** What came of a call; `logs` are undefined where the form has no place for them. */
export interface CalledAnswer {
  readonly kind: 'Called'
  readonly value: { readonly result: ContractExecResult['result']; readonly failure: string | undefined; readonly logs: readonly string[] | undefined }
}

interface LogsAnswer {
  readonly kind: 'Logs'
  readonly value: LogPage
}

interface Parts {
  readonly crypto: Crypto
  readonly prng: Prng
  readonly hunt: SecretHunt
}

const CANARY_BYTES = 32
const KEY_BYTES = 32
const LOGS_WANTED = 64
const LIFE_BLOCKS = 20
/** Blocks that a query from afar lies off. */
const FAR_BLOCKS = 1000
const FOREVER = 0x7fff_ffff
/** Lent to who asks: changes of a query cost nothing, but somebody must be able to pay. */
const LOAN = 10n ** 24n
const KINDS: readonly (readonly [weight: number, deed: number])[] =
  [[8, DEEDS.read], [2, DEEDS.keep], [2, DEEDS.say], [1, DEEDS.trap], [1, DEEDS.revert], [1, DEEDS.derive]]
const FLAWS: readonly QueryFlaw[] = [
  'SEALED_NOT_OPENED', 'QUERY_WORKER_MISMATCH', 'QUERY_CLUSTER_MISMATCH', 'QUERY_EXPIRED', 'QUERY_LIFE_EXCEEDED', 'QUERY_STATE_BEHIND', 'QUERY_BLOCK_UNKNOWN',
  'QUERY_CONTRACT_UNKNOWN', 'CERTIFICATE_SIGNATURE_INVALID', 'CERTIFICATE_EXPIRED',
]

/** Per thousand: queries with a flaw, asked again, in the reference's form, for logs, by nobody in particular. */
const FLAWED = 150
const AGAIN = 60
const IN_REFERENCE_FORM = 200
const FOR_LOGS = 120
const ANONYMOUS = 250

const inputOf = ({ prng, hunt }: Parts, keys: readonly Uint8Array[]): Uint8Array => {
  const deed = prng.pickWeighted(KINDS)
  const canaries = [prng.bytes(CANARY_BYTES), prng.bytes(CANARY_BYTES)]
  for (const canary of canaries) hunt.plant(canary, 'a canary in the arguments of a query')
  if (deed === DEEDS.read && keys.length > 0 && prng.chance(850)) canaries[0] = prng.pick(keys)
  return Uint8Array.of(deed, ...canaries.flatMap((canary) => [...canary]))
}

/** What is asked: of the contract where there is one. */
const questionOf = (parts: Parts, { contract }: QueryAddressee, keys: readonly Uint8Array[]): ClusterQuery => {
  if (contract === undefined || parts.prng.chance(FOR_LOGS)) return { kind: 'Logs', value: { contract, start: { kind: 'FromEnd', value: LOGS_WANTED }, count: LOGS_WANTED } }
  const kind = parts.prng.chance(800) ? 'Call' : 'Estimate'
  return { kind, value: { contract, input: inputOf(parts, keys), transfer: 0n, deposit: LOAN } }
}

/** An account signs itself, or through a key to which it gave a certificate. */
const signerOf = ({ crypto, prng }: Parts, account: Sr25519Pair, message: Uint8Array, ttl: number): SignerChain => {
  const sign = (pair: Sr25519Pair, bytes: Uint8Array): SignerChain['signature'] =>
    ({ type: { kind: 'Sr25519' }, signature: crypto.sr25519.sign(pair.secret, bytes, prng.bytes(KEY_BYTES)) })
  const bodyOf = (pair: Sr25519Pair): CertificateBody => ({ pubkey: pair.publicKey, ttl, configBits: 0 })
  if (prng.chance(500)) return { signature: sign(account, message), leaf: bodyOf(account), issuer: undefined }
  const pair = crypto.sr25519.pairFromSeed(prng.bytes(KEY_BYTES))
  const leaf = bodyOf(pair)
  return { signature: sign(pair, message), leaf, issuer: { signature: sign(account, certificateSigningPayload(leaf)), root: bodyOf(account) } }
}

/** The same in the reference's words. */
const requestSignatureOf = ({ signature, leaf, issuer }: SignerChain): RequestSignature => {
  const plain = (one: SignerChain['signature']): { readonly signatureType: number; readonly signature: Uint8Array } =>
    ({ signatureType: SignatureType.encode(one.type)[0] ?? 0, signature: one.signature })
  const encodedBody = CertificateBody.encode(leaf)
  if (issuer === undefined) return { ...plain(signature), signedBy: { encodedBody } }
  return { ...plain(signature), signedBy: { encodedBody, signature: { ...plain(issuer.signature), signedBy: { encodedBody: CertificateBody.encode(issuer.root) } } } }
}

/** Conditions as they should be, but for what is wrong with them. */
const contentOf = ({ prng }: Parts, to: QueryAddressee, query: ClusterQuery, flaw: QueryFlaw | undefined): QueryContent => {
  const content = {
    genesis: to.key.genesis, worker: to.worker, cluster: to.cluster, atLeast: to.known, notAfter: to.head + LIFE_BLOCKS, nonce: prng.bytes(KEY_BYTES), query,
  }
  const elsewhere = prng.bytes(KEY_BYTES)
  if (flaw === 'QUERY_WORKER_MISMATCH') return { ...content, worker: elsewhere }
  if (flaw === 'QUERY_CLUSTER_MISMATCH') return { ...content, cluster: elsewhere }
  if (flaw === 'QUERY_EXPIRED') return { ...content, notAfter: 0 }
  if (flaw === 'QUERY_LIFE_EXCEEDED') return { ...content, notAfter: to.head + FAR_BLOCKS }
  if (flaw === 'QUERY_STATE_BEHIND') return { ...content, atLeast: { number: to.head + FAR_BLOCKS, hash: elsewhere } }
  if (flaw === 'QUERY_BLOCK_UNKNOWN') return { ...content, atLeast: { ...to.known, hash: elsewhere } }
  if (flaw !== 'QUERY_CONTRACT_UNKNOWN') return content
  return { ...content, query: { kind: 'Call', value: { contract: elsewhere, input: new Uint8Array(0), transfer: 0n, deposit: 0n } } }
}

const sealed = (parts: Parts, to: QueryAddressee, asked: { readonly query: ClusterQuery; readonly account: Sr25519Pair; readonly flaw: QueryFlaw | undefined }): SentQuery => {
  const { crypto, prng } = parts
  const { account, flaw } = asked
  const content = contentOf(parts, to, asked.query, flaw)
  const random = { seed: prng.bytes(KEY_BYTES), iv: prng.bytes(12) }
  const isFalse = flaw === 'CERTIFICATE_SIGNATURE_INVALID'
  const isAnonymous = flaw === undefined && prng.chance(ANONYMOUS)
  const signed = isFalse ? prng.bytes(KEY_BYTES) : querySigningPayload(content)
  const signer = isAnonymous ? undefined : signerOf(parts, account, signed, flaw === 'CERTIFICATE_EXPIRED' ? 0 : FOREVER)
  const publicKey = flaw === 'SEALED_NOT_OPENED' ? crypto.sr25519.pairFromSeed(prng.bytes(KEY_BYTES)).publicKey : to.key.publicKey
  const asker = isAnonymous ? crypto.sr25519.pairFromSeed(random.seed).publicKey : account.publicKey
  const value = sealQuery(crypto, { target: { ...to.key, publicKey }, content, signer, random })
  // Whatever the query says, the worker that was asked must have signed the reply.
  return { worker: to.worker, cluster: to.cluster, query: content.query, asker, flaw, way: { kind: 'Sealed', value: { ...value, content: { ...content, worker: to.worker } } } }
}

/** A call in the reference's form. */
const inReferenceForm = (parts: Parts, to: QueryAddressee, query: ClusterQuery & { readonly kind: 'Call' | 'Estimate' }, account: Sr25519Pair): SentQuery => {
  const { crypto, prng } = parts
  const { contract, input, transfer, deposit } = query.value
  const own = crypto.sr25519.pairFromSeed(prng.bytes(KEY_BYTES))
  const nonce = prng.bytes(KEY_BYTES)
  const content = { head: { id: contract, nonce }, query: { kind: 'InkMessage', value: { payload: input, deposit, transfer, estimating: query.kind === 'Estimate' } } } as const
  const encoded = sealReferenceQuery(crypto, { own, worker: to.worker, iv: prng.bytes(12), content })
  const signature = requestSignatureOf(signerOf(parts, account, encoded, FOREVER))
  return { worker: to.worker, cluster: to.cluster, query, asker: account.publicKey, flaw: undefined, way: { kind: 'Reference', value: { own, nonce, encoded, signature } } }
}

/** Makes the next query. In trouble only proper ones count: `isProper`. */
export const makeQuery = (parts: Parts, to: QueryAddressee, people: AskingPeople, { isProper }: { readonly isProper: boolean }): SentQuery => {
  const { prng } = parts
  const earlier = people.answered.filter(({ worker, way }) => way.kind === 'Sealed' && bytesEqual(worker, to.worker))
  if (!isProper && earlier.length > 0 && prng.chance(AGAIN)) return { ...prng.pick(earlier), flaw: 'QUERY_REPLAYED' }
  const query = questionOf(parts, to, people.keys)
  const account = prng.chance(250) ? people.owner : prng.pick(people.senders)
  if (!isProper && prng.chance(FLAWED)) return sealed(parts, to, { query, account, flaw: prng.pick(FLAWS) })
  if ((query.kind === 'Call' || query.kind === 'Estimate') && prng.chance(IN_REFERENCE_FORM)) return inReferenceForm(parts, to, query, account)
  return sealed(parts, to, { query, account, flaw: undefined })
}

const answerOf = (answer: QueryAnswer): CalledAnswer | LogsAnswer => {
  if (answer.kind === 'Logs') return answer
  const { output, failure, logs } = answer.value
  return { kind: 'Called', value: { result: ContractExecResult.decode(output).result, failure, logs: logs.map(({ message }) => message) } }
}

const sendSealed = async (api: WorkerClient, crypto: Crypto, prepared: PreparedQuery): Promise<() => QueryEnd> => {
  const reply = await api.PhalanxAPI.Query({ sealed: prepared.sealed.bytes })
  return () => {
    const { point, outcome } = openReply(crypto, prepared, reply.sealed)
    if (!outcome.ok) return { kind: 'Refused', value: outcome.error.code }
    return { kind: 'Answered', value: { block: point.blockNumber, point, answer: answerOf(outcome.value) } }
  }
}

const sendReference = async (api: WorkerClient, crypto: Crypto, worker: Uint8Array, asked: Extract<Way, { kind: 'Reference' }>['value']): Promise<() => QueryEnd> => {
  const { own, nonce, encoded, signature } = asked
  const { blocknum, encodedEncryptedData } = await api.PhactoryAPI.ContractQuery({ encodedEncryptedData: encoded, signature })
  return () => {
    const result = openReferenceReply(crypto, { own, worker, nonce, encoded: encodedEncryptedData })
    if (!result.ok) return { kind: 'Refused', value: result.error.kind }
    const answer: CalledAnswer = { kind: 'Called', value: { result: ContractExecResult.decode(result.value.value).result, failure: undefined, logs: undefined } }
    return { kind: 'Answered', value: { block: blocknum, point: undefined, answer } }
  }
}

/**
 * Sends a query and opens what comes back.
 * @throws SEALED_NOT_OPENED, REPLY_ and CODEC_ codes where that is no reply to it from the worker that was asked
 */
export const sendQuery = async (api: WorkerClient, crypto: Crypto, { worker, way }: SentQuery): Promise<QueryEnd> => {
  let open: () => QueryEnd
  try {
    open = way.kind === 'Sealed' ? await sendSealed(api, crypto, way.value) : await sendReference(api, crypto, worker, way.value)
  } catch (error) {
    if (isAppError(error, 'WIRE_CALL_FAILED')) return { kind: 'Refused', value: error.context.code }
    if (isAppError(error, 'SDK_HTTP_FAILED')) return { kind: 'Lost' }
    throw error
  }
  return open()
}
