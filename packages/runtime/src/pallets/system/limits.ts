/** Owns the limits of a block: weight and length, per dispatch class, and how their constants look in metadata. */
import { fixedBytes, named, option, struct, text, u8, u32, u64, tuple, vec, type TypeOf } from '@phalanx/primitives/codec'
import type { DispatchClassName } from '../../frame/weight.ts'
import { Weight, READ_REF_TIME, WRITE_REF_TIME } from '../../frame/weight.ts'

/** How many ancestors' hashes the state keeps; also the longest mortality. */
export const BLOCK_HASH_COUNT = 256

const classWeights = struct({ baseExtrinsic: Weight, maxExtrinsic: option(Weight), maxTotal: option(Weight), reserved: option(Weight) })
const perClass = <T>(path: string, inner: Parameters<typeof named<T>>[1]) => named(path, struct({ normal: inner, operational: inner, mandatory: inner }))

/** Weight limits. */
export const BlockWeights = named(
  'frame_system::limits::BlockWeights',
  struct({ baseBlock: Weight, maxBlock: Weight, perClass: perClass('frame_support::dispatch::PerDispatchClass', named('frame_system::limits::WeightsPerClass', classWeights)) }),
)
export type BlockWeights = TypeOf<typeof BlockWeights>

/** Length limits in bytes. */
export const BlockLength = named('frame_system::limits::BlockLength', struct({ max: perClass('frame_support::dispatch::PerDispatchClass', u32) }))
export type BlockLength = TypeOf<typeof BlockLength>

const MEBIBYTE = 1024 * 1024
const MAX_BLOCK: Weight = { refTime: 2_000_000_000_000n, proofSize: BigInt(5 * MEBIBYTE) }
const part = (weight: Weight, percent: bigint): Weight => ({ refTime: (weight.refTime * percent) / 100n, proofSize: (weight.proofSize * percent) / 100n })
const NORMAL = part(MAX_BLOCK, 75n)
/** Decoding, signature check and bookkeeping of any extrinsic. */
const BASE_EXTRINSIC: Weight = { refTime: 100_000_000n, proofSize: 0n }
const minus = (a: Weight, b: Weight): Weight => ({ refTime: a.refTime - b.refTime, proofSize: a.proofSize - b.proofSize })

/** Two seconds of computation and 5 MiB of proof a block; normal extrinsics take at most three quarters. */
export const BLOCK_WEIGHTS: BlockWeights = {
  baseBlock: { refTime: 500_000_000n, proofSize: 0n },
  maxBlock: MAX_BLOCK,
  perClass: {
    normal: { baseExtrinsic: BASE_EXTRINSIC, maxExtrinsic: minus(part(MAX_BLOCK, 65n), BASE_EXTRINSIC), maxTotal: NORMAL, reserved: { refTime: 0n, proofSize: 0n } },
    operational: { baseExtrinsic: BASE_EXTRINSIC, maxExtrinsic: minus(part(MAX_BLOCK, 90n), BASE_EXTRINSIC), maxTotal: MAX_BLOCK, reserved: part(MAX_BLOCK, 25n) },
    mandatory: { baseExtrinsic: BASE_EXTRINSIC, maxExtrinsic: undefined, maxTotal: undefined, reserved: undefined },
  },
}

/** 5 MiB a block; normal extrinsics take at most three quarters. */
export const BLOCK_LENGTH: BlockLength = { max: { normal: (5 * MEBIBYTE * 3) / 4, operational: 5 * MEBIBYTE, mandatory: 5 * MEBIBYTE } }

/** Field of the per-class records. */
export const classField = (name: DispatchClassName): 'normal' | 'operational' | 'mandatory' =>
  name === 'Normal' ? 'normal' : name === 'Operational' ? 'operational' : 'mandatory'

/** Cost of the database. */
export const RuntimeDbWeight = named('sp_weights::RuntimeDbWeight', struct({ read: u64, write: u64 }))
/** Picoseconds of a read and a write. */
export const DB_WEIGHT: TypeOf<typeof RuntimeDbWeight> = { read: READ_REF_TIME, write: WRITE_REF_TIME }

/** Versions as the `System.Version` constant and `Core_version` carry them. */
export const RuntimeVersionCodec = named(
  'sp_version::RuntimeVersion',
  struct({
    specName: text, implName: text, authoringVersion: u32, specVersion: u32, implVersion: u32,
    apis: vec(tuple(fixedBytes(8), u32)), transactionVersion: u32, stateVersion: u8,
  }),
)
