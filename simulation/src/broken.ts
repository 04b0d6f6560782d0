/** Owns deliberate defects, to show that the simulator would find them, and how each is put into the real code. */
import { concatBytes, startsWith, utf8 } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import type { BlobStore } from '@phalanx/primitives/ports'
import { createRuntime, type AssembledRuntime, type Context } from '@phalanx/runtime/frame'
import { phalaWrappedBalancesStorage } from '@phalanx/runtime/storage'
import type { BlobDisk } from './blobs.ts'
import { CLUSTER_FILE } from './cluster-view.ts'

/** Names of the defects; `none` is none. */
export const BROKEN = ['none', 'skip-signature', 'drop-fsync', 'biased-gatekeeper', 'plain-shares', 'biased-economy', 'stray-planck', 'gossiping-machine', 'plain-files',
  'kept-epochs'] as const
/** One of them. */
export type Broken = (typeof BROKEN)[number]

/** Block in which a stray planck appears. */
const STRAY_BLOCK = 50

/** Every signature is taken for good. */
export const withoutSignatures = (crypto: Crypto): Crypto => ({
  ...crypto,
  sr25519: { ...crypto.sr25519, verify: () => true },
  ed25519: { ...crypto.ed25519, verify: () => true },
})

/** Sealed files can be read by anyone. */
export const withoutSealing = (crypto: Crypto): Crypto => ({
  ...crypto,
  aesGcmSeal: (options) => (isFile(options.aad) ? concatBytes(options.plaintext, new Uint8Array(16)) : crypto.aesGcmSeal(options)),
  aesGcmOpen: (options) => (isFile(options.aad) ? options.ciphertext.slice(0, -16) : crypto.aesGcmOpen(options)),
})

const FILE_MAGIC = utf8('PHXS')
const isFile = (aad: Uint8Array): boolean => startsWith(aad, FILE_MAGIC)

/** A disk on which the secrets of a cluster only ever become more. */
export const withKeptEpochs = (blobs: BlobStore, disk: BlobDisk): BlobStore => {
  const isLess = (name: string, bytes: Uint8Array): boolean => name === CLUSTER_FILE && bytes.length <= (disk.peek(name)?.length ?? 0)
  return { ...blobs, write: (name, bytes) => (isLess(name, bytes) ? Promise.resolve() : blobs.write(name, bytes)), remove: (name) => (name === CLUSTER_FILE ? Promise.resolve() : blobs.remove(name)) }
}

/** Bytes that the beacon hashes: last value, round, secret. */
const BEACON_INPUT_BYTES = 32 + 4 + 64

/** One gatekeeper's beacon gives other values than the others'. */
export const withOwnBeacon = (crypto: Crypto): Crypto => ({
  ...crypto, blake2b256: (message) => crypto.blake2b256(message.length === BEACON_INPUT_BYTES ? concatBytes(message, Uint8Array.of(0)) : message),
})

/** What is sealed can be read by anyone. */
export const withoutEncryption = (crypto: Crypto): Crypto => ({
  ...crypto, aesGcmSeal: ({ plaintext }) => concatBytes(plaintext, new Uint8Array(16)), aesGcmOpen: ({ ciphertext }) => ciphertext.slice(0, -16),
})

/** A runtime whose stake goes wrong by one planck in one block. */
export const withStrayPlanck = (runtime: AssembledRuntime, crypto: Crypto): AssembledRuntime => {
  const { apis: _apis, stateVersion, ...version } = runtime.version
  const pallets = runtime.parts.pallets.map(({ index, pallet }) => pallet.name !== 'PhalaWrappedBalances' ? { index, pallet } : {
    index,
    pallet: {
      ...pallet,
      hooks: { ...pallet.hooks, onFinalize: (ctx: Context) => { if (ctx.block.number === STRAY_BLOCK) phalaWrappedBalancesStorage.unmintableDust.mutate(ctx, (dust) => dust + 1n) } },
    },
  })
  return createRuntime({ pallets, version, stateVersion }, { crypto })
}
