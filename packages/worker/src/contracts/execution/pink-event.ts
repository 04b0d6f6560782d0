/** Owns the part of the events for the worker that execution itself makes: operations of a contract's local cache. Those of contracts are passed on as bytes. */
import { bytes, u64, variant } from '@phalanx/primitives/codec'

const CacheOp = variant('CacheOp', {
  Set: { index: 0, fields: { key: bytes, value: bytes } },
  SetExpiration: { index: 1, fields: { key: bytes, expiration: u64 } },
  Remove: { index: 2, fields: { key: bytes } },
})

/** `PinkEvent::CacheOp`. */
export const PinkCacheEvent = variant('PinkEvent', { CacheOp: { index: 5, value: CacheOp } })
