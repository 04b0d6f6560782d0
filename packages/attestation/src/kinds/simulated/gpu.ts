/** Owns GPU reports of the simulated vendor: the layout of nvidia/spdm.ts, signed by a key below the one simulated root. */
import type { Crypto } from '@phalanx/primitives/crypto'
import { concatBytes, utf8 } from '@phalanx/primitives/bytes'
import { derInteger, derOctets, derOid, derSequence } from '../../x509/der-writer.ts'
import { GPU_FIELD } from '../nvidia/spdm.ts'
import type { GpuEvidence } from '../nvidia.ts'
import { deriveIssuer, deriveReportKey, extension, serialOf, writeCertificate, type Issuer } from './certificates.ts'

/** What a report is to say. */
export interface GpuOptions {
  /** The requester's nonce: 32 bytes. */
  readonly nonce: Uint8Array
  readonly measurements?: readonly Uint8Array[]
  /** Firmware identity in the report; the certified one unless given, none if null. */
  readonly firmwareId?: Uint8Array | null
  /** Changes to the signed bytes before signing. */
  readonly edit?: (signed: Uint8Array) => Uint8Array
}

const SHA384_OID = '2.16.840.1.101.3.4.2.2'
const u16 = (value: number): Uint8Array => Uint8Array.of(value & 0xff, value >> 8)
const u24 = (value: number): Uint8Array => Uint8Array.of(value & 0xff, (value >> 8) & 0xff, value >> 16)

const field = (number: number, value: Uint8Array): Uint8Array => concatBytes(u16(number), u16(value.length), value)
const block = (index: number, value: Uint8Array): Uint8Array => concatBytes(Uint8Array.of(index, 1), u16(value.length + 3), Uint8Array.of(1), u16(value.length), value)

/** Makes reports of one GPU. */
export const createSimulatedGpu = (options: { readonly seed: Uint8Array; readonly root: Issuer; readonly rootCertificate: Uint8Array; readonly crypto: Crypto }): ((options: GpuOptions) => GpuEvidence) => {
  const { seed, root, rootCertificate, crypto } = options
  const device = deriveIssuer(seed, 'gpu/device', 'GX100 A01 GSP BROM', crypto)
  const key = deriveReportKey(seed, 'gpu/attestation', 'GX100 A01 GSP FMC LF', crypto)
  const certified = crypto.sha384(utf8('simulated GPU firmware'))
  const identity = extension('2.23.133.5.4.1', derSequence(derInteger(1), derSequence(), derSequence(derOid(SHA384_OID), derOctets(certified))), false)
  const certificates = [
    writeCertificate({ subject: key, issuer: device, serial: serialOf('gpu/attestation', crypto), extensions: [identity] }, crypto),
    writeCertificate({ subject: device, issuer: root, serial: serialOf('gpu/device', crypto), pathLength: 0 }, crypto),
    rootCertificate,
  ]
  return ({ nonce, measurements = [new Uint8Array(48).fill(1), new Uint8Array(48).fill(2)], firmwareId = certified, edit }) => {
    const record = concatBytes(...measurements.map((value, i) => block(i + 1, value)))
    const fields = concatBytes(field(GPU_FIELD.driverVersion, utf8('1.0\0')), ...(firmwareId === null ? [] : [field(GPU_FIELD.firmwareId, firmwareId)]))
    const request = concatBytes(Uint8Array.of(0x11, 0xe0, 1, 0xff), nonce, Uint8Array.of(0))
    const head = concatBytes(Uint8Array.of(0x11, 0x60, 0, 0, measurements.length), u24(record.length))
    const right = concatBytes(request, head, record, crypto.sha256(nonce), u16(fields.length), fields)
    const signed = edit?.(right) ?? right
    return { report: concatBytes(signed, crypto.p384.sign(key.secret, signed)), certificates }
  }
}
