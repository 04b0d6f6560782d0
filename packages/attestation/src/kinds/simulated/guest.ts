/** Owns writing guests' reports for the simulated vendor: the layout of tdx/report.ts, and what a guest of this vendor usually says. */
import { concatBytes, parseHex } from '@phalanx/primitives/bytes'

/** What a guest's report is to say; the rest is zero. */
export interface GuestFields {
  readonly mrTd: Uint8Array
  /** 8 bytes; production attributes unless given. */
  readonly tdAttributes?: Uint8Array
  readonly xfam?: Uint8Array
  readonly mrConfigId?: Uint8Array
  readonly mrOwner?: Uint8Array
  readonly mrOwnerConfig?: Uint8Array
  /** Up to four run-time registers. */
  readonly rtmrs?: readonly Uint8Array[]
  /** SVN of the module, its version, SVN of late microcode; the platform's SVN and version 1 unless given. */
  readonly teeTcbSvn?: readonly number[]
  /** The same of the module that runs now; equal unless given. Version 1.5 of the report. */
  readonly teeTcbSvn2?: readonly number[]
  readonly mrSignerSeam?: Uint8Array
  readonly seamAttributes?: Uint8Array
  readonly mrServiceTd?: Uint8Array
}

/** SEPT_VE_DISABLE and nothing else. */
const GUEST_ATTRIBUTES = parseHex('0000001000000000')
/** The same with the debug bit. */
export const DEBUG_GUEST_ATTRIBUTES = parseHex('0100001000000000')
const XFAM = parseHex('e702060000000000')

const padTo = (bytes: Uint8Array | undefined, length: number): Uint8Array => {
  const out = new Uint8Array(length)
  out.set((bytes ?? out).subarray(0, length))
  return out
}

/** A report of version 1.0 (584 bytes) or 1.5 (648 bytes). */
export const writeGuestReport = (fields: GuestFields, options: { readonly reportData: Uint8Array; readonly svn: number; readonly isLong: boolean }): Uint8Array => {
  const svn = fields.teeTcbSvn ?? [options.svn, 1, options.svn]
  const bytes = (list: readonly number[]): Uint8Array => padTo(Uint8Array.from(list), 16)
  const short = concatBytes(
    bytes(svn), padTo(undefined, 48), padTo(fields.mrSignerSeam, 48), padTo(fields.seamAttributes, 8), padTo(fields.tdAttributes ?? GUEST_ATTRIBUTES, 8),
    padTo(fields.xfam ?? XFAM, 8), padTo(fields.mrTd, 48), padTo(fields.mrConfigId, 48), padTo(fields.mrOwner, 48), padTo(fields.mrOwnerConfig, 48),
    ...[0, 1, 2, 3].map((i) => padTo(fields.rtmrs?.[i], 48)), padTo(options.reportData, 64),
  )
  return options.isLong ? concatBytes(short, bytes(fields.teeTcbSvn2 ?? svn), padTo(fields.mrServiceTd, 48)) : short
}
