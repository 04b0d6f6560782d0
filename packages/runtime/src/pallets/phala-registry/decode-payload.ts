/** Owns the decoding of messages from outside: what does not decode fails the message, as in the reference. */
import type { Codec, TypeOf } from '@phalanx/primitives/codec'
import { isAppError } from '@phalanx/primitives/errors'
import { failWith } from '../../frame/dispatch-error.ts'

/** The payload. Fails with DispatchError::Other. */
export const decodePayload = <C extends Codec<any>>(codec: C, payload: Uint8Array): TypeOf<C> => {
  try {
    return codec.decode(payload) as TypeOf<C>
  } catch (error) {
    if (isAppError(error)) return failWith({ kind: 'Other' })
    throw error
  }
}
