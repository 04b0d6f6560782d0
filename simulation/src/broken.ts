/** Owns deliberate defects, to show that the simulator would find them, and how each is put into the real code. */
import { concatBytes, startsWith, toHexPlain, utf8 } from '@phalanx/primitives/bytes'
import { u32 } from '@phalanx/primitives/codec'
import type { Crypto } from '@phalanx/primitives/crypto'
import { createRuntime, type AssembledRuntime, type Context } from '@phalanx/runtime/frame'
import { phalaWrappedBalancesStorage } from '@phalanx/runtime/storage'
import { CLUSTER_FILE } from './cluster-view.ts'

/** Names of the defects; `none` is none. */
export const BROKEN = ['none', 'skip-signature', 'drop-fsync', 'biased-gatekeeper', 'plain-shares', 'biased-economy', 'stray-planck', 'gossiping-machine', 'plain-files',
  'kept-epochs', 'plain-replies', 'logged-queries'] as const
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
const isClusterFile = (aad: Uint8Array): boolean => isFile(aad) && toHexPlain(aad).includes(toHexPlain(utf8(CLUSTER_FILE)))

const LENGTH_BYTES = 4

/**
 * Every file of a cluster's secrets holds, behind what it should, all that any worker ever sealed as such. Whoever opens it as a worker notices nothing, so that the
 * run is that of the same seed without the defect: each epoch that is over stays on a disk, whichever the history closes.
 */
export const withKeptEpochs = (crypto: Crypto): Crypto => {
  const kept: Uint8Array[] = []
  return {
    ...crypto,
    aesGcmSeal: (options) => {
      if (!isClusterFile(options.aad)) return crypto.aesGcmSeal(options)
      // A copy: who has something sealed erases it.
      const content = options.plaintext.slice()
      const plaintext = concatBytes(content, ...kept, u32.encode(content.length))
      kept.push(content)
      return crypto.aesGcmSeal({ ...options, plaintext })
    },
    aesGcmOpen: (options) => {
      const opened = crypto.aesGcmOpen(options)
      return isClusterFile(options.aad) ? opened.slice(0, u32.decode(opened.subarray(-LENGTH_BYTES))) : opened
    },
  }
}

const QUERY_PURPOSE = toHexPlain(utf8('phalanx/query'))
const TAG_BYTES = 16

/** The same crypto, and whether a key was derived with it for queries or their replies. */
const watchingQueryKeys = (crypto: Crypto): { readonly crypto: Crypto; isOfQuery(key: Uint8Array): boolean } => {
  const keys = new Set<string>()
  return {
    isOfQuery: (key) => keys.has(toHexPlain(key)),
    crypto: {
      ...crypto,
      hkdfSha256: (options) => {
        const key = crypto.hkdfSha256(options)
        if (toHexPlain(options.info).includes(QUERY_PURPOSE)) keys.add(toHexPlain(key))
        return key
      },
    },
  }
}

/** A worker whose replies to queries anybody can read. */
export const withPlainReplies = (crypto: Crypto): Crypto => {
  const watching = watchingQueryKeys(crypto)
  return { ...watching.crypto, aesGcmSeal: (options) => (watching.isOfQuery(options.key) ? concatBytes(options.plaintext, new Uint8Array(TAG_BYTES)) : crypto.aesGcmSeal(options)) }
}

/** A worker that tells its log what it was asked. */
export const withLoggedQueries = (crypto: Crypto, log: (text: string) => void): Crypto => {
  const watching = watchingQueryKeys(crypto)
  return {
    ...watching.crypto,
    aesGcmOpen: (options) => {
      const opened = crypto.aesGcmOpen(options)
      if (watching.isOfQuery(options.key)) log(Buffer.from(opened).toString('base64'))
      return opened
    },
  }
}

/** Who asks workers with plain replies reads these as others would sealed ones, so that only whoever looks for secrets notices. */
export const cryptoOfAskers = (crypto: Crypto, broken: Broken): Crypto => broken !== 'plain-replies' ? crypto : {
  ...crypto,
  aesGcmOpen: (options) => (options.ciphertext.subarray(-TAG_BYTES).every((byte) => byte === 0) ? options.ciphertext.slice(0, -TAG_BYTES) : crypto.aesGcmOpen(options)),
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
