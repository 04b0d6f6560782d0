/** Owns building of extrinsics: call bytes by name, mortality, and the signature over them. Sending is chain-client.ts. */
import { createMortalEra, encodeExtrinsic, SignedExtra, signingPayload, type Era } from '@phalanx/primitives/chain'
import type { Crypto } from '@phalanx/primitives/crypto'
import { concatBytes } from '@phalanx/primitives/bytes'
import { AppError } from '@phalanx/primitives/errors'
import type { MetadataIndex } from './metadata-index.ts'
import type { Signer } from './signer.ts'

/** Extensions this client knows how to fill, with those that write nothing of their own (runtime.md). */
const KNOWN_EXTENSIONS: readonly string[] = [
  'CheckNonZeroSender', 'CheckSpecVersion', 'CheckTxVersion', 'CheckGenesis', 'CheckMortality', 'CheckNonce', 'CheckWeight',
  'CheckMqSequence', 'ChargeTransactionPayment',
]
/** Those that write, in the order in which `SignedExtra` has them. */
const WRITING_EXTENSIONS: readonly string[] = ['CheckMortality', 'CheckNonce', 'ChargeTransactionPayment']

/** Blocks for which an extrinsic stays valid unless told otherwise. */
export const DEFAULT_PERIOD = 64

/** What binds an extrinsic to a chain and a moment. */
export interface SigningContext {
  readonly genesisHash: Uint8Array
  readonly specVersion: number
  readonly transactionVersion: number
  /** Block at which the extrinsic's life begins; none makes it immortal. */
  readonly birth?: { readonly number: number; readonly hash: Uint8Array }
}

/** Bytes of a call: pallet index ‖ call index ‖ encoded arguments. @throws SDK_METADATA_NAME_NOT_FOUND */
export const encodeCall = (metadata: MetadataIndex, name: { readonly pallet: string; readonly call: string }, args: Uint8Array): Uint8Array => {
  const { pallet, call } = metadata.call(name.pallet, name.call)
  return concatBytes(Uint8Array.of(pallet, call), args)
}

/** @throws SDK_EXTENSIONS_UNSUPPORTED when the chain wants something signed that this client does not know */
export const checkExtensions = (extensions: readonly string[]): void => {
  const unknown = extensions.find((name) => !KNOWN_EXTENSIONS.includes(name))
  if (unknown !== undefined) throw new AppError('SDK_EXTENSIONS_UNSUPPORTED', { name: unknown })
  const writing = extensions.filter((name) => WRITING_EXTENSIONS.includes(name))
  const missing = WRITING_EXTENSIONS.find((name, i) => writing[i] !== name)
  if (missing !== undefined) throw new AppError('SDK_EXTENSIONS_UNSUPPORTED', { name: `order of ${missing}` })
}

/** How long an extrinsic that begins at this block is valid; without a block for ever. */
export const eraOf = (birth: SigningContext['birth'], period = DEFAULT_PERIOD): Era =>
  birth === undefined ? { kind: 'Immortal' } : createMortalEra({ period, current: birth.number })

/** A signed extrinsic, ready to submit. `tip` in the chain's smallest unit. */
export const signExtrinsic = (
  crypto: Pick<Crypto, 'blake2b256'>,
  parts: {
    readonly call: Uint8Array
    readonly signer: Signer
    readonly nonce: number
    readonly tip?: bigint
    readonly period?: number
    readonly context: SigningContext
  },
): Uint8Array => {
  const { call, signer, nonce, context } = parts
  const { birth } = context
  const era = eraOf(birth, parts.period)
  const extra: SignedExtra = { era, nonce, tip: parts.tip ?? 0n }
  const payload = signingPayload(crypto, {
    call,
    extraBytes: SignedExtra.encode(extra),
    additional: {
      specVersion: context.specVersion,
      transactionVersion: context.transactionVersion,
      genesisHash: context.genesisHash,
      eraHash: birth === undefined ? context.genesisHash : birth.hash,
    },
  })
  return encodeExtrinsic({ signed: { address: { kind: 'Id', value: signer.accountId }, signature: signer.sign(payload), extra }, call })
}
