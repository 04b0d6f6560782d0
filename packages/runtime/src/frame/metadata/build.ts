/** Owns building metadata (being written). */
import { unreachable } from '@phalanx/primitives/assert'
export const encodeMetadata = (_: unknown): Uint8Array => unreachable(undefined as never)
