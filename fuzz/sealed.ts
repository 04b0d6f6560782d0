/** Fuzz targets of sealed commands, queries, replies and receipts: their codecs, and that nothing but what was sealed ever opens. */
import { assert } from '@phalanx/primitives/assert'
import { bytesEqual } from '@phalanx/primitives/bytes'
import { bytes, vec } from '@phalanx/primitives/codec'
import {
  CertificateBody, ContractExecResult, ContractInstantiateResult, LogPage, openCommand, openQuery, openReceipt, openReply, proveReceipt, QueryContent, QueryOutcome, querySigningPayload, Receipt, ReceiptLeaf, receiptLeaf, receiptsRoot,
  ReferenceQueryContent, ReferenceReply, SealedQuery, SealedReceipt, SealedReply, SignerChain, verifyReceiptProof, verifySignerChain,
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
const reply = parts.refuse(query)
const receipt = parts.acknowledge(command)

const Proof = vec(bytes)
const leaves = [receiptLeaf(crypto, { contract: fill(1), commandHash: fill(2) }, fill(3)), receiptLeaf(crypto, parts.receiptOf(command.commandHash), receipt)]
const proof = Proof.encode(proveReceipt(crypto, leaves, 1))

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
      // How long a leaf without an issuer lasts is its own word; who it is, is not.
      const account = verifySignerChain(crypto, SignerChain.decode(input), { message: querySigningPayload(parts.content), blockNumber: 1 })
      assert(bytesEqual(account, parts.account.publicKey), 'nobody else signed this')
    },
  },
  {
    name: 'sealed.receiptProof',
    seeds: [proof],
    run(input) {
      verifyReceiptProof(crypto, { sealed: receipt, index: 1, leaf: leaves[1] as ReceiptLeaf, proof: Proof.decode(input) }, { receiptsRoot: receiptsRoot(crypto, leaves), commandHash: command.commandHash })
      assert(bytesEqual(input, proof), 'only the proof leads to the leaf')
    },
  },
]

/** What `npm run fuzz` and fuzz.test.ts run. */
export const targets: readonly FuzzTarget[] = [...codecs, ...openings]
