/** Owns Nitro documents of the simulated vendor: the layout of nitro/document.ts, signed by a key below the one simulated root. */
import type { Crypto } from '@phalanx/primitives/crypto'
import { parseHex } from '@phalanx/primitives/bytes'
import { encodeCbor, type CborValue } from '../nitro/cbor.ts'
import { signedBytes } from '../nitro/document.ts'
import type { NitroEvidence } from '../nitro.ts'
import { deriveIssuer, deriveReportKey, serialOf, writeCertificate, type Issuer } from './certificates.ts'

/** What a document is to say. */
export interface NitroOptions {
  /** Registers by index; those not given are filled with their index plus one. */
  readonly pcrs?: Readonly<Record<number, Uint8Array>>
  readonly userData?: Uint8Array
  readonly nowSeconds: number
  /** Fields to add, replace, or leave out (undefined) before signing. */
  readonly fields?: Readonly<Record<string, CborValue | undefined>>
  /** Parts of the COSE message to put in place of the right ones, after signing. */
  readonly cose?: (parts: readonly CborValue[]) => readonly CborValue[]
}

const PROTECTED_ES384 = parseHex('a1013822')
const MODULE_ID = 'i-0simulated-enc0'

/** Makes documents of one enclave. */
export const createSimulatedNitro = (options: { readonly seed: Uint8Array; readonly root: Issuer; readonly rootCertificate: Uint8Array; readonly crypto: Crypto }): ((options: NitroOptions) => NitroEvidence) => {
  const { seed, root, rootCertificate, crypto } = options
  const zone = deriveIssuer(seed, 'nitro/zone', 'simulated.nitro-enclaves', crypto)
  const key = deriveReportKey(seed, 'nitro/enclave', `${MODULE_ID}.simulated`, crypto)
  const zoneCertificate = writeCertificate({ subject: zone, issuer: root, serial: serialOf('nitro/zone', crypto), pathLength: 0 }, crypto)
  return ({ pcrs, userData, nowSeconds, fields, cose }) => {
    const certificate = writeCertificate({ subject: key, issuer: zone, serial: serialOf('nitro/enclave', crypto), notBefore: nowSeconds - 60, notAfter: nowSeconds + 10_800 }, crypto)
    const registers = new Map<number, CborValue>(Array.from({ length: 16 }, (_, i) => [i, pcrs?.[i] ?? new Uint8Array(48).fill(i + 1)]))
    const document = new Map<string, CborValue>([
      ['module_id', MODULE_ID], ['digest', 'SHA384'], ['timestamp', nowSeconds * 1000], ['pcrs', registers],
      ['certificate', certificate], ['cabundle', [rootCertificate, zoneCertificate]], ['public_key', null], ['user_data', userData ?? null], ['nonce', null],
    ])
    for (const [name, value] of Object.entries(fields ?? {})) {
      if (value === undefined) document.delete(name)
      else document.set(name, value)
    }
    const payload = encodeCbor(document)
    const signature = crypto.p384.sign(key.secret, signedBytes({ protectedHeader: PROTECTED_ES384, payload, signature: new Uint8Array(0) }))
    const parts: readonly CborValue[] = [PROTECTED_ES384, new Map(), payload, signature]
    return { document: encodeCbor(cose?.(parts) ?? parts) }
  }
}
