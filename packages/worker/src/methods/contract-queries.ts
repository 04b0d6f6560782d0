/** Owns the handlers that ask contracts: sealed queries, queries in the reference's form, receipts. What a query yields is under seal, its refusal too once it was opened. */
import { bytesEqual, toHex } from '@phalanx/primitives/bytes'
import {
  CertificateBody, LOG_RECORDS_MAX, QUERY_LOGS_MAX, openQuery, openReferenceQuery, queryNonceKey, ReceiptLeaf, REFERENCE_QUERY_BYTES_MAX, sealReferenceReply,
  sealReply, SignatureType, verifyQuery, verifySignerChain, type ClusterQuery, type OpenedQuery, type QueryAnswer, type QueryOutcome, type ReferenceQuery,
  type ReferenceReply, type SignerChain, type TypedSignature,
} from '@phalanx/primitives/contracts'
import { u8 } from '@phalanx/primitives/codec'
import type { Crypto } from '@phalanx/primitives/crypto'
import { AppError, isAppError } from '@phalanx/primitives/errors'
import type { contractMethods, ContractQueryRequest, ContractQueryResponse, GetReceiptRequest, GetReceiptResponse, RequestSignature, sealedQueryMethods } from '../api/contracts.ts'
import type { Handlers } from '../api/schema.ts'
import { findDeployed } from '../contracts/cluster/records.ts'
import { readConfig } from '../contracts/execution/execute.ts'
import { logRights, readLogPage } from '../contracts/query/read-logs.ts'
import { hasContract, type QueryJob, type QueryResult } from '../contracts/query/run-query.ts'
import { assertServing, replyPointOf, snapshotOf, standingOf, type Serving } from '../contracts/query/serving.ts'
import { createReceiptFinder } from '../queries/receipt-proofs.ts'
import { channelKeyOfEpoch } from '../system/rotation.ts'
import type { MethodContext } from './context.ts'
import { answerLogger } from './contract-logger.ts'

const NONCE_BYTES = 32
const IV_BYTES = 12
const HASH_BYTES = 32
/** Characters of a text that are told; each is at most four bytes of the room there is. */
const TEXT_MAX = 1000

const shorten = (text: string): string => (text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)}…` : text)

/** Runs a job in the turn of a contract. */
const runJob = (context: MethodContext, serving: Serving, { job, contract }: { readonly job: QueryJob; readonly contract: Uint8Array }): Promise<QueryResult> =>
  context.contracts.queries.answer({
    snapshot: snapshotOf(serving), job, contract, weight: findDeployed(serving.cluster, contract)?.weight ?? 0, workerPublicKey: serving.state.keys.identity.publicKey,
    signal: context.signal,
  })

/** Contract in whose turn instantiations are tried: the system contract, as in the reference. */
const systemContractOf = (crypto: Crypto, { cluster }: Serving): Uint8Array => readConfig(cluster.contracts, crypto).systemContract ?? cluster.id

/** What is told of a run: logs only to who may read them. */
const toldOf = (crypto: Crypto, { cluster }: Serving, { origin, result }: { readonly origin: Uint8Array; readonly result: QueryResult }) => {
  // Most queries log nothing: then nobody's rights are looked up.
  const mayRead = result.logs.length === 0 ? (): boolean => false : logRights(crypto, cluster, origin)
  return {
    output: result.output,
    failure: result.failure === undefined ? undefined : shorten(result.failure),
    logs: result.logs.filter(({ contract }) => mayRead(contract)).slice(0, QUERY_LOGS_MAX)
      .map(({ contract, level, message }) => ({ contract, level, message: shorten(message) })),
  }
}

const answerQuery = async (context: MethodContext, serving: Serving, { query, origin }: { readonly query: ClusterQuery; readonly origin: Uint8Array }): Promise<QueryAnswer> => {
  const { crypto } = context.core
  if (query.kind === 'Logs') {
    const { contract, start, count } = query.value
    const from = start.kind === 'From' ? start.value : -BigInt(start.value)
    return { kind: 'Logs', value: readLogPage(crypto, serving.cluster, { reader: origin, contract, from, count: Math.min(count, LOG_RECORDS_MAX) }) }
  }
  if (query.kind === 'EstimateInstantiate') {
    const job: QueryJob = { kind: 'instantiate', value: { origin, ...query.value } }
    const result = await runJob(context, serving, { job, contract: systemContractOf(crypto, serving) })
    return { kind: 'Instantiated', value: toldOf(crypto, serving, { origin, result }) }
  }
  const { contract } = query.value
  if (!hasContract(serving.cluster.contracts, crypto, contract)) throw new AppError('QUERY_CONTRACT_UNKNOWN', { contract: toHex(contract) })
  const job: QueryJob = { kind: 'call', value: { mode: query.kind === 'Estimate' ? 'Estimating' : 'Query', origin, ...query.value } }
  const result = await runJob(context, serving, { job, contract })
  return { kind: 'Called', value: toldOf(crypto, serving, { origin, result }) }
}

/** Checks an opened query and answers it; refusals have codes, faults of ours are thrown on. */
const outcomeOf = async (context: MethodContext, serving: Serving, opened: OpenedQuery): Promise<QueryOutcome> => {
  const { crypto } = context.core
  try {
    const standing = standingOf(serving)
    const origin = verifyQuery(crypto, opened, standing, context.contracts.issued)
    context.contracts.nonces.use(queryNonceKey(crypto, opened), { notAfter: opened.content.notAfter, blockNumber: standing.blockNumber })
    return { ok: true, value: await answerQuery(context, serving, { query: opened.content.query, origin }) }
  } catch (error) {
    if (!isAppError(error)) throw error
    return { ok: false, error: { code: error.code, text: shorten(error.message) } }
  }
}

const query = async (context: MethodContext, { sealed }: { readonly sealed: Uint8Array }): Promise<{ readonly sealed: Uint8Array }> => {
  const { crypto, build } = context.core
  const serving = assertServing(build, context.state())
  const { state } = serving
  const opened = openQuery(crypto, sealed, {
    genesis: state.follow.genesisHash,
    keyOfEpoch(epoch) {
      const { key, anchor } = channelKeyOfEpoch(state, epoch)
      return { pair: { publicKey: key.publicKey, secret: key.secret.reveal() }, anchor }
    },
  })
  try {
    const outcome = await outcomeOf(context, serving, opened)
    const random = { nonce: context.entropy().slice(0, NONCE_BYTES), iv: context.entropy().slice(0, IV_BYTES) }
    return { sealed: sealReply(crypto, opened, { point: replyPointOf(serving), outcome, secret: state.keys.identity.secret.reveal(), random }) }
  } finally {
    opened.channel.wipe()
  }
}

const typedSignature = ({ signatureType, signature }: { readonly signatureType: number; readonly signature: Uint8Array }): TypedSignature =>
  ({ type: SignatureType.decode(u8.encode(signatureType)), signature })

/** The chain of signers in a request of the reference's form. @throws CERTIFICATE_MISSING, CERTIFICATE_CHAIN_TOO_LONG, CODEC_ codes */
const chainOf = (signature: RequestSignature): SignerChain => {
  const leaf = signature.signedBy
  if (leaf === undefined) throw new AppError('CERTIFICATE_MISSING', {})
  const issued = leaf.signature
  const base = { signature: typedSignature(signature), leaf: CertificateBody.decode(leaf.encodedBody) }
  if (issued === undefined) return { ...base, issuer: undefined }
  const root = issued.signedBy
  if (root === undefined) throw new AppError('CERTIFICATE_MISSING', {})
  if (root.signature !== undefined) throw new AppError('CERTIFICATE_CHAIN_TOO_LONG', { max: 2 })
  return { ...base, issuer: { signature: typedSignature(issued), root: CertificateBody.decode(root.encodedBody) } }
}

/** The reference's error for a refusal that it knows; others are told in words. */
const referenceError = (error: AppError): Extract<ReferenceReply['result'], { ok: false }>['error'] => {
  if (error.code === 'QUERY_OVERLOADED') return { kind: 'ServiceUnavailable' }
  if (error.code === 'QUERY_TIMED_OUT') return { kind: 'Timeout' }
  return { kind: 'RuntimeError', value: shorten(error.message) }
}

const answerReference = async (
  context: MethodContext, serving: Serving, { id, query: asked, origin }: { readonly id: Uint8Array; readonly query: ReferenceQuery; readonly origin: Uint8Array | undefined },
): Promise<ReferenceReply['result']> => {
  const { crypto } = context.core
  const payload = (value: Uint8Array): ReferenceReply['result'] => ({ ok: true, value: { kind: 'Payload', value } })
  if (asked.kind === 'SidevmQuery') {
    const isLogger = bytesEqual(id, systemContractOf(crypto, serving))
    return isLogger ? payload(answerLogger(crypto, serving.cluster, { reader: origin, input: asked.value })) : { ok: false, error: { kind: 'SidevmNotFound' } }
  }
  if (origin === undefined) return { ok: false, error: { kind: 'BadOrigin' } }
  const job: QueryJob = asked.kind === 'InkMessage'
    ? {
        kind: 'call',
        value: {
          mode: asked.value.estimating ? 'Estimating' : 'Query', origin, contract: id, input: asked.value.payload, transfer: asked.value.transfer, deposit: asked.value.deposit,
        },
      }
    : {
        kind: 'instantiate',
        value: {
          origin, codeHash: asked.value.codeHash, salt: asked.value.salt, input: asked.value.instantiateData, transfer: asked.value.transfer, deposit: asked.value.deposit,
        },
      }
  try {
    return payload((await runJob(context, serving, { job, contract: id })).output)
  } catch (error) {
    if (!isAppError(error)) throw error
    return { ok: false, error: referenceError(error) }
  }
}

const contractQuery = async (context: MethodContext, { encodedEncryptedData, signature }: ContractQueryRequest): Promise<ContractQueryResponse> => {
  const { crypto, build } = context.core
  if (!context.contracts.referenceForm) throw new AppError('QUERY_REFERENCE_FORM_OFF', {})
  if (encodedEncryptedData.length > REFERENCE_QUERY_BYTES_MAX) throw new AppError('CODEC_LENGTH_EXCEEDED', { length: encodedEncryptedData.length, max: REFERENCE_QUERY_BYTES_MAX })
  const serving = assertServing(build, context.state())
  const { keys, follow } = serving.state
  const own = { publicKey: keys.identity.publicKey, secret: keys.identity.secret.reveal() }
  const { head, query: asked, client } = openReferenceQuery(crypto, own.secret, encodedEncryptedData)
  if (!hasContract(serving.cluster.contracts, crypto, head.id)) throw new AppError('QUERY_CONTRACT_UNKNOWN', { contract: toHex(head.id) })
  const blockNumber = follow.head.number
  const origin = signature === undefined ? undefined : verifySignerChain(crypto, chainOf(signature), { message: encodedEncryptedData, blockNumber, issued: context.contracts.issued })
  const result = await answerReference(context, serving, { id: head.id, query: asked, origin })
  const reply = { nonce: head.nonce, result }
  return { encodedEncryptedData: sealReferenceReply(crypto, { own, client, iv: context.entropy().slice(0, IV_BYTES), reply }), blocknum: blockNumber }
}

const getReceipt = async (context: MethodContext, { contract, commandHash, waitMs }: GetReceiptRequest): Promise<GetReceiptResponse> => {
  const { core: { build }, contracts: { proofs, receipts } } = context
  const find = createReceiptFinder({ contract, commandHash })
  const { block, index, receipt } = await receipts.wait({
    find: () => find(assertServing(build, context.state()).cluster.receipts),
    waitMs,
    signal: context.signal,
    commandHash: toHex(commandHash.slice(0, HASH_BYTES)),
  })
  const { leaf, proof } = proofs.prove({ block, index })
  return { sealed: receipt.envelope, index, encodedLeaf: ReceiptLeaf.encode(leaf), proof, block: block.block, receiptsRoot: block.root }
}

/** The asking handlers of `contractMethods`. */
export const contractQueryHandlers: Pick<Handlers<typeof contractMethods, MethodContext>, 'ContractQuery'> = { ContractQuery: contractQuery }

/** Handlers of `sealedQueryMethods`. */
export const sealedQueryHandlers: Handlers<typeof sealedQueryMethods, MethodContext> = { Query: query, GetReceipt: getReceipt }
