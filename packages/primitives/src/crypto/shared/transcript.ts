/**
 * Owns merlin transcripts over STROBE-128 (merlin.cool; the subset merlin uses), and schnorrkel's witness derivation.
 * Little-endian machines only, as every JavaScript engine we run on. Does not own what is appended.
 */
import { utf8 } from '../../bytes.ts'

/** STROBE-128 rate: 200 - 128/4 bytes of state, less two bytes of framing. */
const RATE = 166

const FLAG_I = 1
const FLAG_A = 1 << 1
const FLAG_C = 1 << 2
const FLAG_M = 1 << 4
const META_AD = FLAG_M | FLAG_A
const PRF = FLAG_I | FLAG_A | FLAG_C
const KEY = FLAG_A | FLAG_C

const RNG_LABEL = utf8('rng')

/** keccak-f[1600] in place on 200 bytes: 25 lanes, little-endian. */
export type Permutation = (state: Uint8Array) => void

/** The STROBE duplex: state, position, and begin of the running operation. */
export class Strobe128 {
  private readonly permutation: Permutation
  private readonly state = new Uint8Array(200)
  private position = 0
  private begin = 0

  /** Begins a protocol of this name, or stands where another duplex does. */
  constructor(permutation: Permutation, start: Uint8Array | Strobe128) {
    this.permutation = permutation
    if (start instanceof Strobe128) {
      this.copyFrom(start)
      return
    }
    this.state.set([1, RATE + 2, 1, 0, 1, 96])
    this.state.set(utf8('STROBEv1.0.2'), 6)
    permutation(this.state)
    this.metaAd(start, false)
  }

  /** Takes over the whole state of `other`. */
  copyFrom(other: Strobe128): void {
    this.state.set(other.state)
    this.position = other.position
    this.begin = other.begin
  }

  /** Forgets everything absorbed. */
  wipe(): void {
    this.state.fill(0)
    this.position = 0
    this.begin = 0
  }

  metaAd(data: Uint8Array, more: boolean): void {
    if (!more) this.beginOperation(META_AD)
    this.absorb(data)
  }

  /** Continues a meta-AD with a 32-bit little-endian length. */
  metaLength(length: number, more: boolean): void {
    if (!more) this.beginOperation(META_AD)
    this.absorbByte(length & 0xff)
    this.absorbByte((length >>> 8) & 0xff)
    this.absorbByte((length >>> 16) & 0xff)
    this.absorbByte(length >>> 24)
  }

  ad(data: Uint8Array, more: boolean): void {
    if (!more) this.beginOperation(FLAG_A)
    this.absorb(data)
  }

  prf(out: Uint8Array): void {
    this.beginOperation(PRF)
    const { state } = this
    for (let i = 0; i < out.length; i++) {
      out[i] = state[this.position] as number
      state[this.position++] = 0
      if (this.position === RATE) this.permute()
    }
  }

  key(data: Uint8Array): void {
    this.beginOperation(KEY)
    for (let i = 0; i < data.length; i++) {
      this.state[this.position++] = data[i] as number
      if (this.position === RATE) this.permute()
    }
  }

  private beginOperation(flags: number): void {
    const previous = this.begin
    this.begin = this.position + 1
    this.absorbByte(previous)
    this.absorbByte(flags)
    if ((flags & FLAG_C) !== 0 && this.position !== 0) this.permute()
  }

  private absorbByte(byte: number): void {
    ;(this.state[this.position] as number) ^= byte
    if (++this.position === RATE) this.permute()
  }

  private absorb(data: Uint8Array): void {
    const { state } = this
    let at = this.position
    for (let i = 0; i < data.length; i++) {
      ;(state[at] as number) ^= data[i] as number
      if (++at === RATE) {
        this.position = at
        this.permute()
        at = 0
      }
    }
    this.position = at
  }

  private permute(): void {
    const { state, position } = this
    ;(state[position] as number) ^= this.begin
    ;(state[position + 1] as number) ^= 0x04
    ;(state[RATE + 1] as number) ^= 0x80
    this.permutation(this.state)
    this.position = 0
    this.begin = 0
  }
}

const MERLIN = utf8('Merlin v1.0')
const DOMAIN_SEPARATOR = utf8('dom-sep')

/** A merlin transcript. Labels are bytes prepared once, since verification is hot. */
export class Transcript {
  private readonly permutation: Permutation
  private readonly strobe: Strobe128

  /** Begins under a label, or stands where another transcript does. */
  constructor(permutation: Permutation, start: Uint8Array | Transcript) {
    this.permutation = permutation
    this.strobe = new Strobe128(permutation, start instanceof Transcript ? start.strobe : MERLIN)
    if (!(start instanceof Transcript)) this.append(DOMAIN_SEPARATOR, start)
  }

  /** A transcript that goes on from here by itself: the cheap way to reuse a common prefix. */
  copy(): Transcript {
    return new Transcript(this.permutation, this)
  }

  /** Starts again from where `other` stands, without room of its own. */
  resetTo(other: Transcript): this {
    this.strobe.copyFrom(other.strobe)
    return this
  }

  /** Commits a message under a label. */
  append(label: Uint8Array, message: Uint8Array): this {
    this.strobe.metaAd(label, false)
    this.strobe.metaLength(message.length, true)
    this.strobe.ad(message, false)
    return this
  }

  /** Draws challenge bytes. */
  challenge(label: Uint8Array, length: number): Uint8Array {
    const out = new Uint8Array(length)
    this.strobe.metaAd(label, false)
    this.strobe.metaLength(length, true)
    this.strobe.prf(out)
    return out
  }

  /** Draws secret bytes from a copy of the transcript re-keyed by the nonce seeds and 32 bytes of randomness (merlin `TranscriptRng`). */
  witness(label: Uint8Array, length: number, { seeds, random }: { seeds: readonly Uint8Array[]; random: Uint8Array }): Uint8Array {
    const rng = new Strobe128(this.permutation, this.strobe)
    for (const seed of seeds) {
      rng.metaAd(label, false)
      rng.metaLength(seed.length, true)
      rng.key(seed)
    }
    rng.metaAd(RNG_LABEL, false)
    rng.key(random)
    rng.metaLength(length, false)
    const out = new Uint8Array(length)
    rng.prf(out)
    rng.wipe()
    return out
  }

  /** Forgets everything committed; for transcripts that saw secrets. */
  wipe(): void {
    this.strobe.wipe()
  }
}
