/** Commands, queries, replies and receipts: each opens for whom it is, and for nobody else. */
import { describe, expect, test } from 'vitest'
import { EMPTY } from '../bytes.ts'
import { loadCrypto } from '../crypto/node/index.ts'
import { CommandPayload, InkCommand } from '../messages/contract.ts'
import { codeOf } from '../testing.ts'
import { openCommand, openOwnCommand, verifyInvocation } from './command.ts'
import { openQuery, SealedQuery, sealQuery, verifyQuery, type QueryContent } from './query.ts'
import { openReceipt, plainReceipt, proveReceipt, receiptLeaf, receiptsRoot, SealedReceipt, sealReceipt, verifyReceiptProof } from './receipt.ts'
import {
  openEncryptedData, openReferenceQuery, openReferenceReply, referenceCommandPayload, sealEncryptedData, sealReferenceQuery, sealReferenceReply, type ReferenceQueryContent,
} from './reference.ts'
import { openReply, sealReply, type QueryOutcome } from './reply.ts'
import { SealedBytes } from './sealed-bytes.ts'
import { wrapBytes } from './signature.ts'
import { createContractParts } from './testing.ts'
import { invocationSigningPayload } from '../messages/contract.ts'

const crypto = await loadCrypto()
const parts = createContractParts(crypto)
const stranger = crypto.sr25519.pairFromSeed(new Uint8Array(32).fill(99))
const fill = (byte: number, length = 32): Uint8Array => new Uint8Array(length).fill(byte)

describe('a sealed command', () => {
  const prepared = parts.prepareCommand()
  const open = (change: Partial<typeof parts.commandKeys> = {}): string => codeOf(() => openCommand(crypto, { ...parts.commandKeys, ...change }, prepared.payload.bytes))

  test('opens at the contract, with everything that was sealed', () => {
    const opened = openCommand(crypto, parts.commandKeys, prepared.payload.bytes)
    expect(opened).toEqual({ kind: 'Sealed', value: { command: parts.command, invocation: parts.invocation, sender: prepared.own.publicKey, epoch: parts.epoch } })
    expect(prepared.commandHash).toEqual(crypto.blake2b256(prepared.payload.bytes))
  })
  test('opens for its sender, too, as long as the key that was made for it is kept', () => {
    const { own, target, payload } = prepared
    expect(openOwnCommand(crypto, payload.bytes, { own, target })).toEqual({ command: parts.command, invocation: parts.invocation })
    expect(codeOf(() => openOwnCommand(crypto, payload.bytes, { own: stranger, target }))).toBe('SEALED_NOT_OPENED')
    expect(codeOf(() => openOwnCommand(crypto, payload.bytes, { own: { ...own, secret: stranger.secret }, target }))).toBe('SEALED_NOT_OPENED')
    expect(codeOf(() => openOwnCommand(crypto, payload.bytes, { own, target: { ...target, anchor: fill(8) } }))).toBe('SEALED_NOT_OPENED')
  })
  test('opens with no other key, chain, anchor or epoch', () => {
    expect(open({ channelOf: () => ({ pair: stranger, anchor: parts.anchor }) })).toBe('SEALED_NOT_OPENED')
    expect(open({ channelOf: () => ({ pair: parts.channelPair, anchor: fill(8) }) })).toBe('SEALED_NOT_OPENED')
    expect(open({ genesis: fill(8) })).toBe('SEALED_NOT_OPENED')
    expect(open({ channelOf: () => undefined })).toBe('COMMAND_EPOCH_UNKNOWN')
  })
  test('does not hold the plaintext anywhere', () => {
    const hex = Buffer.from(prepared.payload.bytes).toString('hex')
    expect(hex).not.toContain(Buffer.from(InkCommand.encode(parts.command)).toString('hex'))
    expect(hex).not.toContain(Buffer.from(parts.account.publicKey).toString('hex'))
  })
  test('of an unknown version is refused by that', () => {
    const decoded = CommandPayload.decode(prepared.payload.bytes)
    if (decoded.kind !== 'Sealed') throw new TypeError('a sealed command is sealed')
    const newer = CommandPayload.encode({ kind: 'Sealed', value: { ...decoded.value, version: 2 } })
    expect(codeOf(() => openCommand(crypto, parts.commandKeys, newer))).toBe('SEALED_VERSION_UNSUPPORTED')
  })
  test('cannot be made of plain bytes', () => {
    expect(prepared.payload).toBeInstanceOf(SealedBytes)
    expect(() => new SealedBytes(Symbol('another') as never, 'command', fill(1))).toThrow()
    // @ts-expect-error what sends takes sealed bytes only; an object of the same shape is none
    const forged: SealedBytes<'command'> = { purpose: 'command', bytes: fill(1) }
    expect(forged).toBeDefined()
  })
})

describe('an invocation', () => {
  const check = (change: { to?: Uint8Array; blockNumber?: number; genesis?: Uint8Array }, invocation = parts.invocation): string =>
    codeOf(() => verifyInvocation(crypto, invocation, { genesis: parts.genesis, to: parts.contractKey.publicKey, blockNumber: 120, ...change }))

  test('is taken from its sender, for its contract, for 256 blocks', () => {
    expect([check({}), check({ blockNumber: 100 }), check({ blockNumber: 356 })]).toEqual(['none', 'none', 'none'])
    expect(check({ blockNumber: 357 })).toBe('INVOCATION_EXPIRED')
    expect(check({ blockNumber: 99 })).toBe('INVOCATION_FROM_FUTURE')
    expect(check({ to: stranger.publicKey })).toBe('INVOCATION_RECIPIENT_MISMATCH')
    expect(check({ genesis: fill(8) })).toBe('INVOCATION_SIGNATURE_INVALID')
  })
  test('with a forged sender is refused', () => {
    expect(check({}, { ...parts.invocation, from: stranger.publicKey })).toBe('INVOCATION_SIGNATURE_INVALID')
  })
  test.each(['nonce', 'block', 'input'] as const)('signs its %s', (field) => {
    const { payload } = parts.invocation
    const changed = field === 'nonce' ? { nonce: fill(1) } : field === 'block' ? { block: 101 } : { payload: { ...payload, input: fill(1, 3) } }
    expect(check({}, { ...parts.invocation, ...changed })).toBe('INVOCATION_SIGNATURE_INVALID')
  })
  test('may be signed as wallets sign, by each scheme of the chain', () => {
    const seed = fill(50)
    const accounts = [
      { from: parts.account.publicKey, sign: (message: Uint8Array) => ({ kind: 'Sr25519' as const, value: crypto.sr25519.sign(parts.account.secret, message, fill(0)) }) },
      { from: crypto.ed25519.publicKey(seed), sign: (message: Uint8Array) => ({ kind: 'Ed25519' as const, value: crypto.ed25519.sign(seed, message) }) },
      {
        from: crypto.blake2b256(crypto.secp256k1.publicKey(seed)),
        sign: (message: Uint8Array) => ({ kind: 'Ecdsa' as const, value: crypto.secp256k1.sign(seed, crypto.blake2b256(message)) }),
      },
    ]
    for (const { from, sign } of accounts) {
      const content = { ...parts.unsigned, from }
      const message = invocationSigningPayload(content, parts.genesis)
      expect(check({}, { ...content, sig: sign(message) })).toBe('none')
      expect(check({}, { ...content, sig: sign(wrapBytes(message)) })).toBe('none')
      expect(check({}, { ...content, sig: sign(wrapBytes(wrapBytes(message))) })).toBe('INVOCATION_SIGNATURE_INVALID')
    }
  })
})

describe('a command in the reference\'s form', () => {
  test('opens with the contract\'s own key, and plain ones are told as such', () => {
    const sealed = sealEncryptedData(crypto, { own: stranger, recipient: parts.contractKey.publicKey, iv: fill(3, 12), plaintext: InkCommand.encode(parts.command) })
    expect(openCommand(crypto, parts.commandKeys, referenceCommandPayload(sealed))).toEqual({ kind: 'Encrypted', value: { command: parts.command, sender: stranger.publicKey } })
    const plain = CommandPayload.encode({ kind: 'Plain', value: parts.command })
    expect(openCommand(crypto, parts.commandKeys, plain)).toEqual({ kind: 'Plain', value: { command: parts.command } })
    expect(codeOf(() => openEncryptedData(crypto, stranger.secret, sealed))).toBe('SEALED_NOT_OPENED')
    expect(codeOf(() => openEncryptedData(crypto, parts.contractKey.secret, { ...sealed, pubkey: new Uint8Array(32) }))).toBe('SEALED_NOT_OPENED')
  })
})

describe('a sealed query', () => {
  const prepared = parts.prepareQuery()
  const opened = openQuery(crypto, prepared.sealed.bytes, parts.queryKeys)

  test('opens at the worker and names its sender', () => {
    expect(opened.content).toEqual(parts.content)
    expect(verifyQuery(crypto, opened, parts.standing)).toEqual(parts.account.publicKey)
  })
  test('without a signer is asked by the key that sealed it', () => {
    const anonymous = sealQuery(crypto, { target: parts.workerTarget, content: parts.content, signer: undefined, random: parts.random })
    expect(verifyQuery(crypto, openQuery(crypto, anonymous.sealed.bytes, parts.queryKeys), parts.standing)).toEqual(crypto.sr25519.pairFromSeed(parts.random.seed).publicKey)
  })
  test.each([
    ['another chain', { genesis: fill(9) }, 'QUERY_CHAIN_MISMATCH'],
    ['another worker', { worker: stranger.publicKey }, 'QUERY_WORKER_MISMATCH'],
    ['another cluster', { cluster: fill(9) }, 'QUERY_CLUSTER_MISMATCH'],
    ['a block that is over', { notAfter: 99 }, 'QUERY_EXPIRED'],
    ['too long a life', { notAfter: 229 }, 'QUERY_LIFE_EXCEEDED'],
    ['a state of the future', { atLeast: { number: 101, hash: fill(7) } }, 'QUERY_STATE_BEHIND'],
    ['an unknown hash', { atLeast: { number: 90, hash: fill(8) } }, 'QUERY_BLOCK_UNKNOWN'],
    ['a block that nobody remembers', { atLeast: { number: 80, hash: fill(7) } }, 'QUERY_BLOCK_UNKNOWN'],
    ['another genesis as known block', { atLeast: { number: 0, hash: fill(7) } }, 'QUERY_BLOCK_UNKNOWN'],
  ] as const)('for %s is refused', (_name, change, code) => {
    const content: QueryContent = { ...parts.content, ...change }
    const asked = openQuery(crypto, parts.prepareQuery(content).sealed.bytes, parts.queryKeys)
    expect(codeOf(() => verifyQuery(crypto, asked, parts.standing))).toBe(code)
  })
  test('at the edges of its life is taken', () => {
    for (const change of [{ notAfter: 100 }, { notAfter: 228 }, { atLeast: { number: 0, hash: parts.genesis } }]) {
      const asked = openQuery(crypto, parts.prepareQuery({ ...parts.content, ...change }).sealed.bytes, parts.queryKeys)
      expect(codeOf(() => verifyQuery(crypto, asked, parts.standing))).toBe('none')
    }
  })
  test('signed for other content is refused', () => {
    const signer = parts.signerOf({ ...parts.content, notAfter: 140 })
    const sealed = sealQuery(crypto, { target: parts.workerTarget, content: parts.content, signer, random: parts.random }).sealed.bytes
    expect(codeOf(() => verifyQuery(crypto, openQuery(crypto, sealed, parts.queryKeys), parts.standing))).toBe('CERTIFICATE_SIGNATURE_INVALID')
  })
  test('of another version, or too large, is refused by that', () => {
    const newer = SealedQuery.encode({ ...SealedQuery.decode(prepared.sealed.bytes), version: 9 })
    expect(codeOf(() => openQuery(crypto, newer, parts.queryKeys))).toBe('SEALED_VERSION_UNSUPPORTED')
    expect(codeOf(() => openQuery(crypto, new Uint8Array(2 ** 21), parts.queryKeys))).toBe('CODEC_LENGTH_EXCEEDED')
  })
})

describe('a reply', () => {
  const prepared = parts.prepareQuery()
  const opened = openQuery(crypto, prepared.sealed.bytes, parts.queryKeys)
  const point = { blockNumber: 100, blockHash: fill(30), stateRoot: fill(31) }
  const outcome: QueryOutcome = { ok: true, value: { kind: 'Called', value: { output: fill(1, 20), failure: undefined, logs: [] } } }
  const random = { nonce: fill(40), iv: fill(41, 12) }
  const sealed = sealReply(crypto, opened, { point, outcome, secret: parts.identity.secret, random })

  test('opens for who asked, with the block that it is about', () => {
    expect(openReply(crypto, prepared, sealed)).toMatchObject({ point, outcome })
  })
  test('is bound to the very request', () => {
    const other = parts.prepareQuery({ ...parts.content, nonce: fill(66) })
    expect(codeOf(() => openReply(crypto, other, sealed))).toBe('SEALED_NOT_OPENED')
    expect(codeOf(() => openReply(crypto, { ...prepared, requestHash: fill(1) }, sealed))).toBe('SEALED_NOT_OPENED')
  })
  test('signed by another key is refused', () => {
    const lie = sealReply(crypto, opened, { point, outcome, secret: stranger.secret, random })
    expect(codeOf(() => openReply(crypto, prepared, lie))).toBe('REPLY_SIGNATURE_INVALID')
  })
  test('about an older block than demanded is refused', () => {
    const old = sealReply(crypto, opened, { point: { ...point, blockNumber: 89 }, outcome, secret: parts.identity.secret, random })
    expect(codeOf(() => openReply(crypto, prepared, old))).toBe('REPLY_STATE_OLD')
  })
})

describe('a receipt', () => {
  const prepared = parts.prepareCommand()
  const receipt = parts.receiptOf(prepared.commandHash)
  const sealed = sealReceipt(crypto, { receipt, to: prepared.own.publicKey, holder: parts.contractHolder })
  const mine = { commandHash: prepared.commandHash, own: prepared.own, target: prepared.target }

  test('opens for the sender of the command, and has equal bytes on every worker', () => {
    expect(openReceipt(crypto, sealed, mine)).toEqual(receipt)
    expect(sealReceipt(crypto, { receipt, to: prepared.own.publicKey, holder: parts.contractHolder })).toEqual(sealed)
    const other = sealReceipt(crypto, { receipt: { ...receipt, gas: 18n }, to: prepared.own.publicKey, holder: parts.contractHolder })
    expect(SealedReceipt.decode(other).value).not.toMatchObject({ iv: (SealedReceipt.decode(sealed).value as { iv: Uint8Array }).iv })
  })
  test('opens for nobody else', () => {
    expect(codeOf(() => openReceipt(crypto, sealed, { ...mine, own: stranger }))).toBe('RECEIPT_MISMATCH')
    expect(codeOf(() => openReceipt(crypto, sealed, { ...mine, commandHash: fill(1) }))).toBe('SEALED_NOT_OPENED')
    expect(codeOf(() => openReceipt(crypto, sealed, { ...mine, target: { ...prepared.target, epoch: 4n } }))).toBe('RECEIPT_MISMATCH')
    expect(codeOf(() => openReceipt(crypto, sealed, { ...mine, target: { ...prepared.target, anchor: fill(1) } }))).toBe('SEALED_NOT_OPENED')
    expect(codeOf(() => openReceipt(crypto, sealed, { ...mine, own: undefined }))).toBe('RECEIPT_MISMATCH')
  })
  test('in the clear is told for its command only', () => {
    expect(openReceipt(crypto, plainReceipt(receipt), { commandHash: prepared.commandHash, own: undefined, target: undefined })).toEqual(receipt)
    expect(codeOf(() => openReceipt(crypto, plainReceipt(receipt), { commandHash: fill(1), own: undefined, target: undefined }))).toBe('RECEIPT_MISMATCH')
  })
  test('is proven among the others of its block, and only where it stands', () => {
    const all = [1, 2, 3].map((byte) => plainReceipt({ ...receipt, commandHash: fill(byte) }))
    const leaves = [...all.map((bytes, i) => receiptLeaf(crypto, { contract: parts.contract, commandHash: fill(i + 1) }, bytes)), receiptLeaf(crypto, receipt, sealed)]
    const root = receiptsRoot(crypto, leaves)
    const proven = { sealed, index: 3, leaf: leaves[3] as NonNullable<(typeof leaves)[number]>, proof: proveReceipt(crypto, leaves, 3) }
    const check = (change: Partial<typeof proven>, options: { receiptsRoot?: Uint8Array; commandHash?: Uint8Array } = {}): string =>
      codeOf(() => verifyReceiptProof(crypto, { ...proven, ...change }, { receiptsRoot: root, commandHash: prepared.commandHash, ...options }))
    expect(check({})).toBe('none')
    expect(check({ index: 2 })).toMatch(/^(TRIE_PROOF_|RECEIPT_NOT_PROVEN)/)
    expect(check({ index: 4 })).toMatch(/^(TRIE_PROOF_|RECEIPT_NOT_PROVEN)/)
    expect(check({ sealed: plainReceipt(receipt) })).toBe('RECEIPT_MISMATCH')
    expect(check({}, { commandHash: fill(1) })).toBe('RECEIPT_MISMATCH')
    expect(check({}, { receiptsRoot: fill(9) })).toMatch(/^TRIE_PROOF_/)
    expect(check({ proof: [] })).toMatch(/^TRIE_PROOF_/)
    expect(receiptsRoot(crypto, [])).toEqual(new Uint8Array(32))
  })
})

describe('a query in the reference\'s form', () => {
  const content: ReferenceQueryContent = {
    head: { id: parts.contract, nonce: fill(44) }, query: { kind: 'InkMessage', value: { payload: fill(1, 4), deposit: 0n, transfer: 0n, estimating: false } },
  }
  const encoded = sealReferenceQuery(crypto, { own: stranger, worker: parts.identity.publicKey, iv: fill(3, 12), content })

  test('opens with the identity and is answered under seal', () => {
    const { client, ...opened } = openReferenceQuery(crypto, parts.identity.secret, encoded)
    expect(opened).toEqual(content)
    const reply = { nonce: content.head.nonce, result: { ok: true, value: { kind: 'Payload', value: fill(2, 9) } } } as const
    const answered = sealReferenceReply(crypto, { own: parts.identity, client, iv: fill(4, 12), reply })
    const open = (change: { worker?: Uint8Array; nonce?: Uint8Array } = {}): unknown =>
      openReferenceReply(crypto, { own: stranger, worker: parts.identity.publicKey, nonce: content.head.nonce, encoded: answered, ...change })
    expect(open()).toEqual(reply.result)
    expect(codeOf(() => open({ nonce: fill(45) }))).toBe('REPLY_MISMATCH')
    expect(codeOf(() => open({ worker: stranger.publicKey }))).toBe('REPLY_MISMATCH')
  })
  test('opens with no other key, and has a size', () => {
    expect(codeOf(() => openReferenceQuery(crypto, stranger.secret, encoded))).toBe('SEALED_NOT_OPENED')
    expect(codeOf(() => openReferenceQuery(crypto, parts.identity.secret, EMPTY))).toBe('CODEC_UNEXPECTED_END')
    expect(codeOf(() => openReferenceQuery(crypto, parts.identity.secret, new Uint8Array(600 * 1024)))).toBe('CODEC_LENGTH_EXCEEDED')
  })
})
