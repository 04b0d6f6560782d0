/** Owns the extensions of VCEK and VLEK certificates (AMD publication 57230, section 3): product, security versions, chip. Does not judge them. */
import { attestationError } from '../../errors.ts'
import type { Certificate } from '../../x509/certificate.ts'
import { DerReader, TAG, contentOf, smallInteger } from '../../x509/der.ts'
import type { SnpTcb } from './products.ts'

/** Arc under which all of them lie. */
const SNP_EXTENSION = '1.3.6.1.4.1.3704.1'

/** Suffixes of the extensions. */
export const SNP_EXTENSION_OID = {
  structVersion: `${SNP_EXTENSION}.1`,
  productName: `${SNP_EXTENSION}.2`,
  bootloader: `${SNP_EXTENSION}.3.1`,
  tee: `${SNP_EXTENSION}.3.2`,
  snp: `${SNP_EXTENSION}.3.3`,
  microcode: `${SNP_EXTENSION}.3.8`,
  fmc: `${SNP_EXTENSION}.3.9`,
  hardwareId: `${SNP_EXTENSION}.4`,
  providerId: `${SNP_EXTENSION}.5`,
} as const

/** What an endorsement certificate says about its key. */
export interface SnpEndorsement {
  readonly productName: string
  readonly tcb: SnpTcb
  /** Chip the key belongs to (VCEK): 64 bytes, or the 8 that Turin uses; undefined in a VLEK. */
  readonly hardwareId: Uint8Array | undefined
  /** Provider the key was lent to (VLEK). */
  readonly providerId: string | undefined
}

const bad = (what: string): never => {
  throw attestationError('ATTESTATION_PLATFORM_EXTENSION', what)
}

const valueOf = (certificate: Certificate, oid: string): Uint8Array => certificate.extensions.get(oid)?.value ?? bad(`extension ${oid} is missing`)

const svn = (certificate: Certificate, oid: string): number => {
  const reader = new DerReader(valueOf(certificate, oid))
  const value = smallInteger(reader.next(TAG.integer))
  reader.finish()
  return value > 255 ? bad(`extension ${oid} is ${value}`) : value
}

const text = (bytes: Uint8Array, oid: string): string => {
  const reader = new DerReader(bytes)
  const element = reader.next()
  reader.finish()
  const content = contentOf(element)
  const isText = (element.tag === TAG.ia5String || element.tag === TAG.utf8String) && content.length <= 64 && content.every((byte) => byte >= 0x20 && byte < 0x7f)
  return isText ? String.fromCharCode(...content) : bad(`extension ${oid} is no short text`)
}

const readHardwareId = (certificate: Certificate): Uint8Array | undefined => {
  const value = certificate.extensions.get(SNP_EXTENSION_OID.hardwareId)?.value
  return value === undefined || value.length === 64 || value.length === 8 ? value : bad(`chip id of ${value.length} bytes`)
}

/** Reads the extensions of an endorsement certificate. @throws ATTESTATION_PLATFORM_EXTENSION and ATTESTATION_DER_ codes */
export const parseEndorsement = (certificate: Certificate): SnpEndorsement => {
  const provider = certificate.extensions.get(SNP_EXTENSION_OID.providerId)?.value
  const oid = SNP_EXTENSION_OID
  return {
    productName: text(valueOf(certificate, oid.productName), oid.productName),
    tcb: {
      fmc: certificate.extensions.has(oid.fmc) ? svn(certificate, oid.fmc) : 0,
      bootloader: svn(certificate, oid.bootloader),
      tee: svn(certificate, oid.tee),
      snp: svn(certificate, oid.snp),
      microcode: svn(certificate, oid.microcode),
    },
    hardwareId: readHardwareId(certificate),
    providerId: provider === undefined ? undefined : text(provider, oid.providerId),
  }
}
