/**
 * Owns the client of the query benchmark, in a thread of its own: asks at a steady rate over HTTP, seals and opens, and tells how long each query took. One thread runs
 * load after load, as a client asks query after query: its start is no query's cost.
 */
import { Agent, request } from 'node:http'
import { performance } from 'node:perf_hooks'
import { parentPort } from 'node:worker_threads'
import {
  openReferenceReply, openReply, querySigningPayload, sealQuery, sealReferenceQuery, SignatureType, CertificateBody, certificateSigningPayload, type ChannelTarget, type QueryContent,
} from '@phalanx/primitives/contracts'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { assert } from '@phalanx/primitives/assert'
import { workerApi } from '@phalanx/worker/api'
import { decodeMessage, encodeMessage } from '@phalanx/worker/wire'

/** What the client asks: in the reference's form with a chain of two signatures, else sealed without or with one. */
export interface QueryLoad {
  readonly port: number
  /** Undefined: one after another, as fast as they are answered. */
  readonly perSecond: number | undefined
  readonly count: number
  readonly form: 'anonymous' | 'signed' | 'reference'
  readonly target: ChannelTarget
  readonly content: QueryContent
  readonly contract: Uint8Array
  readonly input: Uint8Array
}

const crypto = await loadCrypto()
const agent = new Agent({ keepAlive: true, maxSockets: 64 })
const random = (length: number): Uint8Array => globalThis.crypto.getRandomValues(new Uint8Array(length))
const user = crypto.sr25519.pairFromSeed(random(32))
const leaf = crypto.sr25519.pairFromSeed(random(32))

const post = ({ port }: QueryLoad, path: string, body: Uint8Array): Promise<Uint8Array> =>
  new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path, method: 'POST', agent, headers: { 'content-type': 'application/octet-stream', 'content-length': body.length } }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => (response.statusCode === 200 ? resolve(new Uint8Array(Buffer.concat(chunks))) : reject(new Error(Buffer.concat(chunks).toString()))))
    })
    sent.on('error', reject)
    sent.end(body)
  })

const { Query } = workerApi.PhalanxAPI
const { ContractQuery } = workerApi.PhactoryAPI

/** Asks once. @returns whether the query was answered; false where the worker had no room for it */
const askSealed = async (load: QueryLoad, isSigned: boolean): Promise<boolean> => {
  const content = { ...load.content, nonce: random(32) }
  const signer = isSigned
    ? {
        signature: { type: { kind: 'Sr25519' as const }, signature: crypto.sr25519.sign(user.secret, querySigningPayload(content), random(32)) },
        leaf: { pubkey: user.publicKey, ttl: 0x7fff_ffff, configBits: 0 }, issuer: undefined,
      }
    : undefined
  const prepared = sealQuery(crypto, { target: load.target, content, signer, random: { seed: random(32), iv: random(12) } })
  const answered = decodeMessage(Query.result, await post(load, '/prpc/PhalanxAPI.Query', encodeMessage(Query.params, { sealed: prepared.sealed.bytes })))
  const { outcome } = openReply(crypto, prepared, answered.sealed)
  assert(outcome.ok || outcome.error.code === 'QUERY_OVERLOADED', 'the query is answered')
  return outcome.ok
}

const signatureType = SignatureType.encode({ kind: 'Sr25519' })[0] as number
const body = (pubkey: Uint8Array): CertificateBody => ({ pubkey, ttl: 0x7fff_ffff, configBits: 0 })
const certificate = {
  encodedBody: CertificateBody.encode(body(leaf.publicKey)),
  signature: {
    signatureType, signature: crypto.sr25519.sign(user.secret, certificateSigningPayload(body(leaf.publicKey)), random(32)),
    signedBy: { encodedBody: CertificateBody.encode(body(user.publicKey)) },
  },
}

/** As `askSealed`, in the reference's form. */
const askReference = async (load: QueryLoad): Promise<boolean> => {
  const own = crypto.sr25519.pairFromSeed(random(32))
  const nonce = random(32)
  const query = { kind: 'InkMessage' as const, value: { payload: load.input, deposit: 0n, transfer: 0n, estimating: false } }
  const encodedEncryptedData = sealReferenceQuery(crypto, { own, worker: load.content.worker, iv: random(12), content: { head: { id: load.contract, nonce }, query } })
  const signature = { signatureType, signature: crypto.sr25519.sign(leaf.secret, encodedEncryptedData, random(32)), signedBy: certificate }
  const answered = decodeMessage(ContractQuery.result, await post(load, '/prpc/PhactoryAPI.ContractQuery', encodeMessage(ContractQuery.params, { encodedEncryptedData, signature })))
  const result = openReferenceReply(crypto, { own, worker: load.content.worker, nonce, encoded: answered.encodedEncryptedData })
  assert(result.ok || result.error.kind === 'ServiceUnavailable', 'the query is answered')
  return result.ok
}

const ask = (load: QueryLoad): Promise<boolean> => (load.form === 'reference' ? askReference(load) : askSealed(load, load.form === 'signed'))

/** Milliseconds of each query that was answered. */
const runLoad = async (load: QueryLoad): Promise<readonly number[]> => {
  const tookMs: number[] = []
  const askOnce = async (): Promise<void> => {
    const beganMs = performance.now()
    if (await ask(load)) tookMs.push(performance.now() - beganMs)
  }
  const { perSecond, count } = load
  if (perSecond === undefined) {
    for (let i = 0; i < count; i++) await askOnce()
    return tookMs
  }
  const startedMs = performance.now()
  await Promise.all(Array.from({ length: count }, async (_, i) => {
    await new Promise((resolve) => setTimeout(resolve, startedMs + (i * 1000) / perSecond - performance.now()))
    await askOnce()
  }))
  return tookMs
}

assert(parentPort !== null, 'the client is a thread')
const port = parentPort
port.on('message', (load: QueryLoad) => {
  void runLoad(load).then((tookMs) => port.postMessage(tookMs))
})
