/**
 * Owns what differs between AMD's SEV-SNP products: how eight TCB bytes are laid out, which processors belong to a product and what
 * it is called in certificates (AMD publications 56860 "TCB_VERSION" and 57230 "VCEK certificate and KDS interface").
 */
import { utf8 } from '@phalanx/primitives/bytes'

/** A product line with an endorsement hierarchy of its own. */
export type SnpProduct = 'Milan' | 'Genoa' | 'Turin'

/** All products. */
export const SNP_PRODUCTS: readonly SnpProduct[] = ['Milan', 'Genoa', 'Turin']

/** Security versions of the parts that a TCB version counts; `fmc` exists from Turin on and is 0 before. */
export interface SnpTcb {
  readonly fmc: number
  readonly bootloader: number
  readonly tee: number
  readonly snp: number
  readonly microcode: number
}

/** Names of the parts, in the order in which they are compared and shown. */
const TCB_PARTS = ['fmc', 'bootloader', 'tee', 'snp', 'microcode'] as const

interface Layout {
  readonly at: Readonly<Record<keyof SnpTcb, number | undefined>>
  readonly reserved: readonly number[]
}

const EARLIER: Layout = { at: { fmc: undefined, bootloader: 0, tee: 1, snp: 6, microcode: 7 }, reserved: [2, 3, 4, 5] }
const TURIN: Layout = { at: { fmc: 0, bootloader: 1, tee: 2, snp: 3, microcode: 7 }, reserved: [4, 5, 6] }

const layoutOf = (product: SnpProduct): Layout => (product === 'Turin' ? TURIN : EARLIER)

/** Parts of eight raw TCB bytes. */
export const readTcb = (product: SnpProduct, raw: Uint8Array): SnpTcb => {
  const { at } = layoutOf(product)
  const part = (name: keyof SnpTcb): number => {
    const offset = at[name]
    return offset === undefined ? 0 : (raw[offset] as number)
  }
  return { fmc: part('fmc'), bootloader: part('bootloader'), tee: part('tee'), snp: part('snp'), microcode: part('microcode') }
}

/** Eight raw bytes of a TCB version, the inverse of `readTcb`. */
export const writeTcb = (product: SnpProduct, tcb: SnpTcb): Uint8Array => {
  const { at } = layoutOf(product)
  const out = new Uint8Array(8)
  for (const name of TCB_PARTS) {
    const offset = at[name]
    if (offset !== undefined) out[offset] = tcb[name]
  }
  return out
}

/** Whether the reserved bytes of a raw TCB version are zero. */
export const isTcbCanonical = (product: SnpProduct, raw: Uint8Array): boolean => layoutOf(product).reserved.every((at) => raw[at] === 0)

/** Whether every part of one version is at least the other's. */
export const tcbAtLeast = (one: SnpTcb, other: SnpTcb): boolean => TCB_PARTS.every((name) => one[name] >= other[name])

/** Words for a TCB version. */
export const formatTcb = (product: SnpProduct, tcb: SnpTcb): string =>
  TCB_PARTS.filter((name) => layoutOf(product).at[name] !== undefined).map((name) => `${name} ${tcb[name]}`).join(', ')

/** Platform family by which policies admit and revoke: `snp:milan` and so on, as text. */
export const familyOf = (product: SnpProduct): Uint8Array => utf8(`snp:${product.toLowerCase()}`)

/** Product of a processor (CPUID family and model); undefined for one that is not known. */
export const productOfCpuid = (cpuid: { readonly family: number; readonly model: number }): SnpProduct | undefined => {
  const { family, model } = cpuid
  if (family === 0x19 && model <= 0x0f) return 'Milan'
  if (family === 0x19 && ((model >= 0x10 && model <= 0x1f) || (model >= 0xa0 && model <= 0xaf))) return 'Genoa'
  if (family === 0x1a && model <= 0x1f) return 'Turin'
  return undefined
}

/** Product of a name in an endorsement certificate, `Milan-B0`; Siena's keys are issued under Genoa. */
export const productOfName = (name: string): SnpProduct | undefined => {
  const line = name.split('-')[0] ?? ''
  return line === 'Siena' ? 'Genoa' : SNP_PRODUCTS.find((product) => product === line)
}
