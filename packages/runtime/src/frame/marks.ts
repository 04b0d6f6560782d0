/** Owns stand-ins for types that only the assembled runtime knows, where storage or APIs mention them; the metadata builder puts the real ones in. */
import { bytes, createCodec, plainInfo, type Codec, type TypeInfo } from '@phalanx/primitives/codec'

const mark = (): TypeInfo => plainInfo({ kind: 'tuple', elements: [] })

/** The runtime's event type. */
export const RUNTIME_EVENT_MARK: TypeInfo = mark()
/** The runtime's call type. */
export const RUNTIME_CALL_MARK: TypeInfo = mark()
/** The runtime's extrinsic type. */
export const EXTRINSIC_MARK: TypeInfo = mark()

/** An extrinsic whose bytes are kept: decoded as the bytes after its length prefix, described as the runtime's extrinsic. */
export const OpaqueExtrinsic: Codec<Uint8Array> = createCodec<Uint8Array>({ info: () => EXTRINSIC_MARK, minSize: 1, write: bytes.write, read: bytes.read })

/** A call kept as its bytes, without a length of their own: described as the runtime's call, read and made with `runtime.RuntimeCall`. */
export const OpaqueCall: Codec<Uint8Array> = createCodec<Uint8Array>({ info: () => RUNTIME_CALL_MARK, minSize: 2, write: (out, value) => out.raw(value), read: (input) => input.raw(input.left) })
