/** Owns CRC-32C (Castagnoli), the checksum inside LevelDB's files, eight bytes at a time. */

const POLYNOMIAL = 0x82f63b78

const buildTables = (): readonly Uint32Array[] => {
  const first = new Uint32Array(256)
  for (let i = 0; i < 256; i++) {
    let value = i
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1
    first[i] = value >>> 0
  }
  const tables = [first]
  for (let t = 1; t < 8; t++) {
    const previous = tables[t - 1] as Uint32Array
    tables.push(previous.map((value) => (value >>> 8) ^ (first[value & 255] as number)))
  }
  return tables
}

const [T0, T1, T2, T3, T4, T5, T6, T7] = buildTables() as [Uint32Array, Uint32Array, Uint32Array, Uint32Array, Uint32Array, Uint32Array, Uint32Array, Uint32Array]

/** Checksum of `bytes[start..end]`, unsigned. */
export const crc32c = (bytes: Uint8Array, start: number, end: number): number => {
  let crc = 0xffff_ffff
  let at = start
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (; at + 8 <= end; at += 8) {
    const low = view.getUint32(at, true) ^ crc
    const high = view.getUint32(at + 4, true)
    crc =
      (T7[low & 255] as number) ^ (T6[(low >>> 8) & 255] as number) ^ (T5[(low >>> 16) & 255] as number) ^ (T4[low >>> 24] as number) ^
      (T3[high & 255] as number) ^ (T2[(high >>> 8) & 255] as number) ^ (T1[(high >>> 16) & 255] as number) ^ (T0[high >>> 24] as number)
  }
  for (; at < end; at++) crc = (crc >>> 8) ^ (T0[(crc ^ (bytes[at] as number)) & 255] as number)
  return (crc ^ 0xffff_ffff) >>> 0
}

/** LevelDB stores checksums rotated and offset; this takes that back. */
export const unmaskCrc = (masked: number): number => {
  const rotated = (masked - 0xa282ead8) >>> 0
  return ((rotated >>> 17) | (rotated << 15)) >>> 0
}
