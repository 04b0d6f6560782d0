/** Owns the runtime APIs that belong to execution itself: Core, Metadata, BlockBuilder, TaggedTransactionQueue. */
import { bytes, option, u32, vec } from '@phalanx/primitives/codec'
import { apiMethod, runtimeApi, type ApiSpec } from './api.ts'
import type { ExecutiveParts } from './executive.ts'
import { RuntimeVersionCodec } from '../pallets/system/limits.ts'

/** APIs that every runtime has. */
export const createCoreApis = (parts: ExecutiveParts): readonly ApiSpec[] => [
  runtimeApi({
    name: 'Core', version: 5, doc: 'Identity of the runtime.',
    methods: {
      version: apiMethod({ doc: 'Version of the runtime.', params: {}, result: RuntimeVersionCodec, call: () => parts.services.version }),
    },
  }),
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
  }),
]
