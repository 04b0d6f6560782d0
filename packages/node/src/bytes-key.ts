/** Owns map keys made of bytes, the quick way that Node has: one character per byte in one flat string. */

const { latin1Slice } = Buffer.prototype

/** Map key of bytes; equal to `bytesToKey`. */
export const bytesKey = (bytes: Uint8Array): string => latin1Slice.call(bytes, 0, bytes.length) as string as string
