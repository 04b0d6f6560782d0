/** Queries in the reference's form, as its clients make them: certificates, the log server's JSON, and what is refused. */
import { EMPTY, parseUtf8, toHex, utf8 } from '@phalanx/primitives/bytes'
import {
  CertificateBody, certificateSigningPayload, ContractExecResult, openReferenceReply, sealReferenceQuery, SignatureType, type ReferenceQuery, type ReferenceReply,
  type SignatureTypeName,
} from '@phalanx/primitives/contracts'
import type { Sr25519Pair } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { CommandPayload } from '@phalanx/primitives/messages'
import { beforeAll, describe, expect, test } from 'vitest'
import type { RequestSignature } from '../api/contracts.ts'
import { failureOf, QueryWorld } from '../testing/query-world.ts'
import { SCRIPT } from '../testing/script-vm.ts'

const crypto = await loadCrypto()
const fill = (byte: number): Uint8Array => new Uint8Array(32).fill(byte)
let world: QueryWorld
let contract: Uint8Array
let system: Uint8Array
beforeAll(async () => {
  world = await QueryWorld.create(crypto, { seed: 'reference' })
  await world.deploy()
  contract = await world.instantiate({ deployer: world.user.publicKey })
  const { contracts } = await world.client.PhactoryAPI.GetContractInfo({ contracts: [] })
  system = Uint8Array.from(Buffer.from((contracts.find(({ id }) => id !== toHex(contract))?.id ?? '').slice(2), 'hex'))
})

const kindNumber = (kind: SignatureTypeName): number => SignatureType.encode({ kind })[0] as number

/** A signature as the reference's clients make it: a leaf key that the account has signed for. */
const signFor = (message: Uint8Array, options: { readonly account?: Sr25519Pair; readonly ttl?: number } = {}): RequestSignature => {
  const account = options.account ?? world.user
  const leafPair = crypto.sr25519.pairFromSeed(fill(0x51))
  const body = (pubkey: Uint8Array): CertificateBody => ({ pubkey, ttl: options.ttl ?? 0x7fff_ffff, configBits: 0 })
  const leaf = body(leafPair.publicKey)
  const sign = (pair: Sr25519Pair, bytes: Uint8Array): { readonly signatureType: number; readonly signature: Uint8Array } =>
    ({ signatureType: kindNumber('Sr25519'), signature: crypto.sr25519.sign(pair.secret, bytes, fill(0)) })
  const root = { encodedBody: CertificateBody.encode(body(account.publicKey)) }
  return {
    ...sign(leafPair, message),
    signedBy: { encodedBody: CertificateBody.encode(leaf), signature: { ...sign(account, certificateSigningPayload(leaf)), signedBy: root } },
  }
}

const ask = async (
  query: ReferenceQuery, options: { readonly id?: Uint8Array; readonly sign?: (message: Uint8Array) => RequestSignature | undefined } = {},
): Promise<ReferenceReply['result']> => {
  const own = crypto.sr25519.pairFromSeed(world.random.bytes(32))
  const nonce = world.random.bytes(32)
  const content = { head: { id: options.id ?? contract, nonce }, query }
  const encodedEncryptedData = sealReferenceQuery(crypto, { own, worker: world.identity, iv: world.random.bytes(12), content })
  const signature = (options.sign ?? signFor)(encodedEncryptedData)
  const answered = await world.client.PhactoryAPI.ContractQuery({ encodedEncryptedData, ...(signature === undefined ? {} : { signature }) })
  expect(answered.blocknum).toBe(world.chain.chain.head.number)
  return openReferenceReply(crypto, { own, worker: world.identity, nonce, encoded: answered.encodedEncryptedData })
}
const inkMessage = (input: readonly number[], estimating = false): ReferenceQuery =>
  ({ kind: 'InkMessage', value: { payload: Uint8Array.from(input), deposit: 0n, transfer: 0n, estimating } })
const ink = (result: ReferenceReply['result']): ContractExecResult | string => (result.ok ? ContractExecResult.decode(result.value.value) : result.error.kind)
const log = async (request: unknown, sign?: (message: Uint8Array) => RequestSignature | undefined): Promise<unknown> => {
  const result = await ask({ kind: 'SidevmQuery', value: utf8(JSON.stringify(request)) }, { id: system, ...(sign === undefined ? {} : { sign }) })
  return result.ok ? JSON.parse(parseUtf8(result.value.value)) : result.error.kind
}

describe('a query in the reference\'s form', () => {
  test('calls a contract, or only estimates', async () => {
    expect(ink(await ask(inkMessage([SCRIPT.count])))).toMatchObject({ result: { ok: true } })
    expect(ink(await ask(inkMessage([SCRIPT.count], true)))).toMatchObject({ result: { ok: true } })
  })
  test('tries an instantiation, asked of the system contract', async () => {
    const { contracts } = await world.client.PhactoryAPI.GetContractInfo({ contracts: [toHex(contract)] })
    const codeHash = Uint8Array.from(Buffer.from((contracts[0]?.codeHash ?? '').slice(2), 'hex'))
    const result = await ask({ kind: 'InkInstantiate', value: { codeHash, salt: utf8('salt'), instantiateData: EMPTY, deposit: 10n ** 20n, transfer: 0n } }, { id: system })
    expect(result.ok).toBe(true)
  })
  test('without a signature has no origin', async () => {
    expect(ink(await ask(inkMessage([]), { sign: () => undefined }))).toBe('BadOrigin')
  })
  test('of no contract is refused before it is sealed', async () => {
    expect(await failureOf(ask(inkMessage([]), { id: fill(0x66) }))).toBe('QUERY_CONTRACT_UNKNOWN')
    expect(ink(await ask({ kind: 'SidevmQuery', value: EMPTY }))).toBe('SidevmNotFound')
  })
  test('with certificates that do not hold is refused', async () => {
    const withChange = (change: (signature: RequestSignature) => RequestSignature): Promise<string> => failureOf(ask(inkMessage([]), { sign: (message) => change(signFor(message)) }))
    expect(await failureOf(ask(inkMessage([]), { sign: (message) => signFor(message, { ttl: 3 }) }))).toBe('CERTIFICATE_EXPIRED')
    expect(await failureOf(ask(inkMessage([]), { sign: () => signFor(utf8('another message')) }))).toBe('CERTIFICATE_SIGNATURE_INVALID')
    expect(await withChange(({ signatureType, signature }) => ({ signatureType, signature }))).toBe('CERTIFICATE_MISSING')
    expect(await withChange((signature) => ({ ...signature, signatureType: 9 }))).toBe('CODEC_INVALID_VARIANT')
    expect(await withChange((signature) => ({ ...signature, signatureType: 257 }))).toBe('CODEC_OUT_OF_RANGE')
    const root = { encodedBody: CertificateBody.encode({ pubkey: world.user.publicKey, ttl: 1, configBits: 0 }), signature: { signatureType: 1, signature: EMPTY } }
    expect(await withChange((signature) => ({ ...signature, signedBy: { encodedBody: signature.signedBy?.encodedBody ?? EMPTY, signature: { signatureType: 1, signature: EMPTY, signedBy: root } } })))
      .toBe('CERTIFICATE_CHAIN_TOO_LONG')
  })
  test('can be switched off', async () => {
    const strict = await QueryWorld.create(crypto, { seed: 'strict', contracts: { referenceForm: false } })
    expect(await failureOf(strict.client.PhactoryAPI.ContractQuery({ encodedEncryptedData: EMPTY }))).toBe('QUERY_REFERENCE_FORM_OFF')
  })
})

describe('the log server', () => {
  beforeAll(async () => {
    const value = { nonce: utf8('n'), message: Uint8Array.of(SCRIPT.say, 5), transfer: 0n, gasLimit: 10n ** 11n, storageDepositLimit: undefined }
    world.chain.push(contract, CommandPayload.encode({ kind: 'Plain', value: { kind: 'InkMessage', value } }), { kind: 'AccountId', value: world.user.publicKey })
    await world.rounds(1)
  })

  test('gives its records to who deployed the contract', async () => {
    const { records, next } = (await log({ action: 'GetLog', contract: toHex(contract), from: 0, count: 0 })) as { records: Record<string, unknown>[]; next: number }
    const types = records.map(({ type }) => type)
    expect(types).toContain('Log')
    expect(types).toContain('Event')
    expect(records.find(({ type }) => type === 'Log')).toMatchObject({ contract: toHex(contract), execMode: 'transaction', level: 3, message: 'hello' })
    expect(records.every((record) => Object.keys(record)[0] === 'sequence' && Object.keys(record)[1] === 'type')).toBe(true)
    expect(next).toBeGreaterThan(Number(records.at(-1)?.['sequence']))
    expect(await log({ action: 'GetLog', from: next, count: 10 })).toEqual({ records: [], next })
  })
  test('gives them to nobody else', async () => {
    const stranger = crypto.sr25519.pairFromSeed(fill(0x71))
    expect(await log({ action: 'GetLog', from: 0, count: 0 }, (message) => signFor(message, { account: stranger }))).toMatchObject({ records: [] })
    expect(await log({ action: 'GetLog', from: 0, count: 0 }, () => undefined)).toMatchObject({ records: [] })
  })
  test('counts from the end, and up to a number', async () => {
    const { records } = (await log({ action: 'GetLog', from: -1, count: 5 })) as { records: unknown[] }
    expect(records.length).toBeLessThanOrEqual(1)
    expect(((await log({ action: 'GetLog', from: 0, count: 1 })) as { records: unknown[] }).records.length).toBe(1)
  })
  test('tells of itself', async () => {
    expect(await log({ action: 'GetInfo' })).toMatchObject({ programVersion: [0, 1, 0], memoryCapacity: 8 * 1024 * 1024 })
  })
  test.each([[{ action: 'Other' }], [[]], [null], ['text'], [{ action: 'GetLog', from: 'x', count: 0 }], [{ action: 'GetLog', from: 0, count: -1 }], [{ action: 'GetLog', contract: 'zz' }], [{ action: 'GetLog', contract: 5 }]])(
    'does not take %j', async (request) => {
      expect(await log(request)).toEqual({ error: 'Invalid input' })
    })
})
