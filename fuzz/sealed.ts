/** Fuzz targets of sealed commands, queries, replies and receipts: their codecs, and that nothing but what was sealed ever opens. */
import { assert } from '@phalanx/primitives/assert'
import { bytesEqual, concatBytes } from '@phalanx/primitives/bytes'
import {
  CertificateBody, ContractExecResult, ContractInstantiateResult, LogPage, openCommand, openQuery, openReceipt, openReply, QueryContent, QueryOutcome, Receipt, ReceiptLeaf,
  ReferenceQueryContent, ReferenceReply, SealedQuery, SealedReceipt, SealedReply, sealReceipt, sealReply, SignerChain, verifyReceiptProof, verifySignerChain,
} from '@phalanx/primitives/contracts'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { CommandPayload, Invocation } from '@phalanx/primitives/messages'
import { createContractParts } from '../packages/primitives/src/contracts/testing.ts'
import { codecTarget } from './codec-target.ts'
import type { FuzzTarget } from './fuzzer.ts'

const crypto = await loadCrypto()
const parts = createContractParts(crypto)
const fill = (byte: number, length = 32): Uint8Array => new Uint8Array(length).fill(byte)

const codecs: readonly FuzzTarget[] = [
  codecTarget('sealed.query', SealedQuery),
  codecTarget('sealed.queryContent', QueryContent),
  codecTarget('sealed.reply', SealedReply),
  codecTarget('sealed.queryOutcome', QueryOutcome),
  codecTarget('sealed.receipt', SealedReceipt),
  codecTarget('sealed.receiptContent', Receipt),
  codecTarget('sealed.receiptLeaf', ReceiptLeaf),
  codecTarget('sealed.logPage', LogPage),
  codecTarget('sealed.command', CommandPayload),
  codecTarget('sealed.invocation', Invocation),
  codecTarget('sealed.certificate', CertificateBody),
  codecTarget('sealed.signerChain', SignerChain),
  codecTarget('sealed.referenceQuery', ReferenceQueryContent),
  codecTarget('sealed.referenceReply', ReferenceReply),
  codecTarget('sealed.execResult', ContractExecResult),
  codecTarget('sealed.instantiateResult', ContractInstantiateResult),
]

const command = parts.prepareCommand()
const query = parts.prepareQuery()
const opened = openQuery(crypto, query.sealed.bytes, parts.queryKeys)
const reply = sealReply(crypto, opened, {
  point: { blockNumber: 100, blockHash: fill(30), stateRoot: fill(31) }, outcome: { ok: false, error: { code: 'A_CODE', text: 'why' } }, secret: parts.identity.secret,
  random: { nonce: fill(40), iv: fill(41, 12) },
})
const receipt = sealReceipt(crypto, { receipt: parts.receiptOf(command.commandHash), to: command.own.publicKey, holder: parts.contractHolder })

/** Whatever opens is what was sealed. */
const opening = (name: string, sealed: Uint8Array, open: (input: Uint8Array) => unknown): FuzzTarget => ({
  name,
  seeds: [sealed],
  run(input) {
    open(input)
    assert(bytesEqual(input, sealed), 'only what was sealed opens')
  },
})

const openings: readonly FuzzTarget[] = [
  opening('sealed.openQuery', query.sealed.bytes, (input) => openQuery(crypto, input, parts.queryKeys)),
  opening('sealed.openReply', reply, (input) => openReply(crypto, query, input)),
  opening('sealed.openReceipt', receipt, (input) => {
    // Receipts in the clear open for everybody: they are proven, not secret.
    if (SealedReceipt.decode(input).kind === 'Sealed') openReceipt(crypto, input, { commandHash: command.commandHash, own: command.own, target: command.target })
    else openReceipt(crypto, receipt.subarray(0, 1), { commandHash: command.commandHash, own: undefined, target: undefined })
  }),
  {
    name: 'sealed.openCommand',
    seeds: [command.payload.bytes, CommandPayload.encode({ kind: 'Plain', value: parts.command })],
    run(input) {
      const { kind } = openCommand(crypto, parts.commandKeys, input)
      assert(kind === 'Plain' || bytesEqual(input, command.payload.bytes), 'only what was sealed opens')
    },
  },
  {
    name: 'sealed.verifySignerChain',
    seeds: [SignerChain.encode(parts.signerOf(parts.content))],
    run(input) {
      verifySignerChain(crypto, SignerChain.decode(input), { message: fill(1, 10), blockNumber: 1 })
      assert(false, 'nobody signed this')
    },
  },
  {
    name: 'sealed.receiptProof',
    seeds: [concatBytes(fill(1, 64)), receipt],
    run(input) {
      const leaf = { contract: fill(1), commandHash: fill(2), receiptHash: crypto.blake2b256(input) }
      verifyReceiptProof(crypto, { sealed: input, index: 0, leaf, proof: [input] }, { receiptsRoot: fill(3), commandHash: fill(2) })
      assert(false, 'nothing leads to this root')
    },
  },
]

/** What `npm run fuzz` and fuzz.test.ts run. */
export const targets: readonly FuzzTarget[] = [...codecs, ...openings]
