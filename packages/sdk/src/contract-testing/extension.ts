/** Owns the chain extension under test: the same wire forms as on a worker, answered from memory and with real cryptography. */
import { bytesEqual, bytesToKey, concatBytes, EMPTY, utf8 } from '@phalanx/primitives/bytes'
import { extensionForms, type ExtensionForm, type HttpRequest, HttpRequestError, type HttpResponse, type SigType } from '@phalanx/primitives/contracts/extension'
import { deriveKeyPair, type Crypto } from '@phalanx/primitives/crypto'
import type { ResultValue } from '@phalanx/primitives/codec'
import { AppError } from '@phalanx/primitives/errors'
import type { HostMode } from '../contract/host.ts'
import type { TestWorld } from './world.ts'

/** What answers HTTP requests of contracts under test: a response, or why there is none. */
export type TestHttp = (request: HttpRequest) => HttpResponse | HttpRequestError['kind']

/** What answers depend on. */
export interface ExtensionSurroundings {
  readonly crypto: Crypto
  readonly world: TestWorld
  readonly mode: HostMode
  readonly address: Uint8Array
  readonly clusterSecret: Uint8Array
  readonly http: TestHttp
  /** Next random bytes; 32. */
  readonly draw: () => Uint8Array
  readonly nowMs: bigint
}

type Answer = { readonly status: number; readonly output: Uint8Array }
type Extension = (surroundings: ExtensionSurroundings, input: Uint8Array) => Answer

const stopped = (reason: string): AppError => new AppError('SDK_CONTRACT_STOPPED', { reason })

const plain = <A, R>(form: ExtensionForm<A, R>, run: (surroundings: ExtensionSurroundings, args: A) => R): readonly [number, Extension] => [
  form.id, (surroundings, input) => ({ status: 0, output: form.output.encode(run(surroundings, form.args.decode(input))) }),
]

const DONE: readonly [] = []
const BATCH_MAX = 5
const ABORTING: readonly string[] = ['InvalidUrl', 'InvalidMethod', 'InvalidHeaderName', 'InvalidHeaderValue', 'FailedToCreateClient', 'Timeout']
const WORKER_KEY = new Uint8Array(32).fill(0xee)

const askOne = (http: TestHttp, request: HttpRequest): ResultValue<HttpResponse, HttpRequestError> => {
  const answer = http(request)
  return typeof answer === 'string' ? { ok: false, error: { kind: answer } } : { ok: true, value: answer }
}

const httpRequest = plain(extensionForms.httpRequest, ({ http }, [request]) => {
  const answer = askOne(http, request)
  if (answer.ok) return answer.value
  if (ABORTING.includes(answer.error.kind)) throw stopped(`HTTP request: ${answer.error.kind}`)
  return { statusCode: 524, reasonPhrase: 'IO Error', headers: [], body: utf8(answer.error.kind) }
})

const batch: readonly [number, Extension] = [extensionForms.batchHttpRequest.id, ({ http }, input) => {
  const [requests] = extensionForms.batchHttpRequest.args.decode(input)
  if (requests.length > BATCH_MAX) return { status: (HttpRequestError.encode({ kind: 'TooManyRequests' })[0] ?? 0) + 1, output: EMPTY }
  return { status: 0, output: extensionForms.batchHttpRequest.output.encode(requests.map((request) => askOne(http, request))) }
}]

const sign = (surroundings: ExtensionSurroundings, type: SigType['kind'], key: Uint8Array, message: Uint8Array): Uint8Array => {
  const { crypto, mode, draw } = surroundings
  if (type === 'Ed25519') return crypto.ed25519.sign(key, message)
  if (type === 'Ecdsa') return crypto.secp256k1.sign(key, crypto.blake2b256(message))
  return mode === 'Query' ? crypto.sr25519.sign(srPair(crypto, key).secret, message, draw()) : EMPTY
}

const srPair = (crypto: Crypto, key: Uint8Array) => (key.length === 32 ? crypto.sr25519.pairFromSeed(key) : crypto.sr25519.pairFromSecret(key))

const isEcdsaBy = (crypto: Crypto, signed: { readonly signature: Uint8Array; readonly hash: Uint8Array; readonly publicKey: Uint8Array }): boolean => {
  const recovered = signed.signature.length === 65 ? crypto.secp256k1.recover(signed.signature, signed.hash) : undefined
  return recovered !== undefined && bytesEqual(recovered, signed.publicKey)
}

const verify = (crypto: Crypto, type: SigType['kind'], signed: { readonly publicKey: Uint8Array; readonly message: Uint8Array; readonly signature: Uint8Array }): boolean => {
  const { publicKey, message, signature } = signed
  if (type === 'Ecdsa') return isEcdsaBy(crypto, { signature, hash: crypto.blake2b256(message), publicKey })
  return type === 'Ed25519' ? crypto.ed25519.verify(signature, message, publicKey) : crypto.sr25519.verify(signature, message, publicKey)
}

const publicKey = (crypto: Crypto, type: SigType['kind'], key: Uint8Array): Uint8Array => {
  if (type === 'Ed25519') return crypto.ed25519.publicKey(key)
  return type === 'Ecdsa' ? crypto.secp256k1.publicKey(key) : srPair(crypto, key).publicKey
}

const cacheKey = ({ address }: ExtensionSurroundings, key: Uint8Array): string => bytesToKey(concatBytes(address, key))

/** Takes a value out of the cache; commands are not told what there was. */
const removeCached = (surroundings: ExtensionSurroundings, key: Uint8Array): Uint8Array | undefined => {
  const { world, mode } = surroundings
  const before = world.cache.get(cacheKey(surroundings, key))
  world.cache.delete(cacheKey(surroundings, key))
  return mode === 'Query' ? before : undefined
}

/** Functions by number. */
const FUNCTIONS: ReadonlyMap<number, Extension> = new Map([
  httpRequest, batch,
  plain(extensionForms.sign, (surroundings, [type, key, message]) => sign(surroundings, type.kind, key, message)),
  plain(extensionForms.verify, ({ crypto }, [type, key, message, signature]) => verify(crypto, type.kind, { publicKey: key, message, signature })),
  plain(extensionForms.deriveSr25519Key, ({ crypto, clusterSecret, address }, [salt]) => deriveKeyPair(crypto, clusterSecret, [concatBytes(address, salt, utf8('keygen'))]).secret),
  plain(extensionForms.publicKey, ({ crypto }, [type, key]) => publicKey(crypto, type.kind, key)),
  plain(extensionForms.cacheSet, (surroundings, [key, value]) => {
    if (surroundings.mode !== 'Estimating') surroundings.world.cache.set(cacheKey(surroundings, key), value)
    return DONE
  }),
  plain(extensionForms.cacheSetExpiration, (surroundings, [key, seconds]) => {
    if (seconds === 0n && surroundings.mode !== 'Estimating') surroundings.world.cache.delete(cacheKey(surroundings, key))
    return DONE
  }),
  plain(extensionForms.cacheGet, (surroundings, [key]) => (surroundings.mode === 'Query' ? surroundings.world.cache.get(cacheKey(surroundings, key)) : undefined)),
  plain(extensionForms.cacheRemove, (surroundings, [key]) => (surroundings.mode === 'Estimating' ? undefined : removeCached(surroundings, key))),
  plain(extensionForms.random, ({ mode, draw, crypto }, [length]) => (mode === 'Query' ? crypto.hkdfSha256({ ikm: draw(), salt: EMPTY, info: EMPTY, length: Math.max(length, 1) }).slice(0, length) : EMPTY)),
  plain(extensionForms.ecdsaSignPrehashed, ({ crypto }, [key, hash]) => crypto.secp256k1.sign(key, hash)),
  plain(extensionForms.ecdsaVerifyPrehashed, ({ crypto }, [signature, hash, key]) => isEcdsaBy(crypto, { signature, hash, publicKey: key })),
  plain(extensionForms.balanceOf, ({ world }, [account]) => [world.balanceOf(account), world.balanceOf(account)] as const),
  plain(extensionForms.workerPublicKey, ({ mode }) => (mode === 'Query' ? WORKER_KEY : new Uint8Array(32))),
  plain(extensionForms.untrustedNowMs, ({ mode, nowMs }) => (mode === 'Query' ? nowMs : 0n)),
  plain(extensionForms.codeExists, ({ world }, [hash, isSideVm]) => !isSideVm && world.codes.has(bytesToKey(hash))),
])

/** Calls a function of the extension. @throws SDK_CONTRACT_STOPPED and CODEC_ codes, which stop the contract */
export const callTestExtension = (surroundings: ExtensionSurroundings, id: number, input: Uint8Array): Answer => {
  const found = FUNCTIONS.get(id)
  if (found === undefined) throw stopped(`tests answer no function ${id} of the chain extension`)
  return found(surroundings, input)
}
