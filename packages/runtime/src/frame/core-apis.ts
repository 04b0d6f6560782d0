/** Owns the runtime APIs that belong to execution itself: Core, Metadata, BlockBuilder, TaggedTransactionQueue. */
import { Hash, Header } from '@phalanx/primitives/chain'
import { bool, bytes, fixedBytes, named, option, result, struct, tuple, u32, u64, unit, vec, vecUpTo, type TypeOf } from '@phalanx/primitives/codec'
import { bytesEqual, utf8 } from '@phalanx/primitives/bytes'
import { isAppError } from '@phalanx/primitives/errors'
import { RuntimeVersionCodec } from '../pallets/system/limits.ts'
import { apiMethod, runtimeApi, type ApiSpec } from './api.ts'
import { DISPATCH_OK, DispatchResult } from './dispatch-error.ts'
import { buildBlock, createInherents, enterBlock, executeBlock, validateTransaction, type ExecutiveParts } from './executive.ts'
import { OpaqueExtrinsic } from './marks.ts'
import { TransactionSource, TransactionValidity, TransactionValidityError } from './validity.ts'

const EXTRINSICS_MAX = 100_000
const INHERENT_DATA_MAX = 64

const Block = named('sp_runtime::generic::block::Block', struct({ header: Header, extrinsics: vecUpTo(OpaqueExtrinsic, EXTRINSICS_MAX) }))
const InherentData = named('sp_inherents::InherentData', struct({ data: vecUpTo(tuple(fixedBytes(8), bytes), INHERENT_DATA_MAX) }))
const CheckInherentsResult = named('sp_inherents::CheckInherentsResult', struct({ okay: bool, fatalError: bool, errors: InherentData }))
const ApplyExtrinsicResult = result(DispatchResult, TransactionValidityError)
const DONE: TypeOf<typeof unit> = []
const TIMESTAMP_ID = utf8('timstap0')

/** Extrinsics as the executive takes them, length prefix included. */
const withPrefix = (extrinsic: Uint8Array): Uint8Array => bytes.encode(extrinsic)

const timeOf = ({ data }: TypeOf<typeof InherentData>): bigint => {
  const found = data.find(([id]) => bytesEqual(id, TIMESTAMP_ID))
  return found === undefined ? 0n : u64.decode(found[1])
}

const coreApi = (parts: ExecutiveParts): ApiSpec =>
  runtimeApi({
    name: 'Core', version: 4, doc: 'Identity of the runtime and execution of blocks. A call\'s writes are thrown away.',
    methods: {
      version: apiMethod({ doc: 'Version of the runtime.', params: {}, result: RuntimeVersionCodec, call: () => parts.services.version }),
      executeBlock: apiMethod({
        doc: 'Run a block on this state; fails if it is bad.', params: { block: Block }, result: unit,
        call(_ctx, { block }, { state, at, env }) {
          executeBlock(parts, { state, parent: at, block: { header: block.header, extrinsics: block.extrinsics.map(withPrefix) }, env })
          return DONE
        },
      }),
      initializeBlock: apiMethod({
        doc: 'Enter a block on this state.', params: { header: Header }, result: unit,
        call(_ctx, { header }, { state, at, env }) {
          enterBlock(parts, { state, parent: at, env, digest: header.digest.logs })
          return DONE
        },
      }),
    },
  })

const metadataApi = (parts: ExecutiveParts): ApiSpec =>
  runtimeApi({
    name: 'Metadata', version: 2, doc: 'Description of the runtime.',
    methods: {
      metadata: apiMethod({ doc: 'Metadata of version 14.', params: {}, result: bytes, call: () => parts.services.metadata(14) }),
      metadataAtVersion: apiMethod({
        doc: 'Metadata of a version, if there is one.', params: { version: u32 }, result: option(bytes),
        call: (_ctx, { version }) => (version === 14 || version === 15 || version === 16 ? parts.services.metadata(version) : undefined),
      }),
      metadataVersions: apiMethod({ doc: 'Metadata versions there are.', params: {}, result: vec(u32), call: () => [14, 15, 16] }),
    },
  })

const blockBuilderApi = (parts: ExecutiveParts): ApiSpec =>
  runtimeApi({
    name: 'BlockBuilder', version: 6, doc: 'Trying extrinsics in the next block. A call\'s writes are thrown away.',
    methods: {
      applyExtrinsic: apiMethod({
        doc: 'What would become of an extrinsic in the next block.', params: { extrinsic: OpaqueExtrinsic }, result: ApplyExtrinsicResult,
        call(_ctx, { extrinsic }, { state, at, env }): TypeOf<typeof ApplyExtrinsicResult> {
          const outcome = buildBlock(parts, { state, parent: at, timeMs: 0n, env }).apply(withPrefix(extrinsic))
          if (outcome.kind === 'full') return { ok: false, error: { kind: 'Invalid', value: { kind: 'ExhaustsResources' } } }
          if (outcome.kind === 'invalid') return { ok: false, error: outcome.error }
          return { ok: true, value: outcome.dispatchError === undefined ? DISPATCH_OK : { ok: false, error: outcome.dispatchError } }
        },
      }),
      inherentExtrinsics: apiMethod({
        doc: 'The inherents of the next block.', params: { inherent: InherentData }, result: vecUpTo(OpaqueExtrinsic, EXTRINSICS_MAX),
        call: (_ctx, { inherent }, { state, at, env }) =>
          createInherents(enterBlock(parts, { state, parent: at, env, digest: [] }), parts, timeOf(inherent)).map((extrinsic) => bytes.decode(extrinsic)),
      }),
      checkInherents: apiMethod({
        doc: 'Whether a block begins with the right inherents.', params: { block: Block, data: InherentData }, result: CheckInherentsResult,
        call(_ctx, { block }, { state, at, env }) {
          try {
            executeBlock(parts, { state, parent: at, block: { header: block.header, extrinsics: block.extrinsics.map(withPrefix) }, env })
          } catch (error) {
            if (isAppError(error, 'BLOCK_INHERENT_INVALID')) return { okay: false, fatalError: true, errors: { data: [] } }
            if (!isAppError(error)) throw error
          }
          return { okay: true, fatalError: false, errors: { data: [] } }
        },
      }),
    },
  })

const poolApi = (parts: ExecutiveParts): ApiSpec =>
  runtimeApi({
    name: 'TaggedTransactionQueue', version: 3, doc: 'Judging transactions for the pool.',
    methods: {
      validateTransaction: apiMethod({
        doc: 'Whether a transaction is valid in the next block, and its place in the pool.',
        params: { source: TransactionSource, tx: OpaqueExtrinsic, blockHash: Hash }, result: TransactionValidity,
        call: (_ctx, { tx }, { state, at, env }) => validateTransaction(parts, { state, parent: at, extrinsic: withPrefix(tx), env }),
      }),
    },
  })

/** APIs that every runtime has. */
export const createCoreApis = (parts: ExecutiveParts): readonly ApiSpec[] => [coreApi(parts), metadataApi(parts), blockBuilderApi(parts), poolApi(parts)]
