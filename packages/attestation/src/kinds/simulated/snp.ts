/** Owns SEV-SNP evidence of the simulated vendor: reports in the layout of snp/report.ts, endorsement certificates, the product's authority. */
import type { Crypto } from '@phalanx/primitives/crypto'
import { concatBytes, utf8 } from '@phalanx/primitives/bytes'
import { der, derInteger } from '../../x509/der-writer.ts'
import { TAG } from '../../x509/der.ts'
import { SNP_EXTENSION_OID } from '../snp/endorsement.ts'
import { writeTcb, type SnpProduct, type SnpTcb } from '../snp/products.ts'
import { AT, REPORT_LENGTH, SIGNED_LENGTH } from '../snp/report.ts'
import type { SnpCollateral, SnpEvidence } from '../snp/wire.ts'
import { deriveIssuer, deriveReportKey, extension, serialOf, writeCertificate, writeRevocationList, type Issuer } from './certificates.ts'

/** One deliberate fault of a report or its chain. */
export type SnpFault = 'reportSignature' | 'foreignChip' | 'foreignTcb' | 'vmpl' | 'migrationAgent' | 'debug' | 'unmarkedAuthority' | 'authorKey' | 'maskedKey' | 'lentKey' | 'rolledBack' | 'aliasing' | 'crlSigner' | 'foreignProcessor'

/** Security versions of a machine that does not say otherwise. */
export const SNP_TCB: SnpTcb = { fmc: 0, bootloader: 4, tee: 1, snp: 24, microcode: 219 }

/** What a report is to say. */
export interface SnpReportOptions {
  /** Launch digest: 48 bytes, or fewer, zero padded. */
  readonly measurement: Uint8Array
  /** Up to 64 bytes, zero padded. */
  readonly reportData: Uint8Array
  readonly hostData?: Uint8Array
  readonly nowSeconds: number
  /** Serial numbers that the root revokes. */
  readonly revoked?: readonly Uint8Array[]
  readonly fault?: SnpFault | undefined
}

/** A machine of the simulated vendor with SEV-SNP. */
export interface SimulatedSnpMachine {
  readonly chipId: Uint8Array
  readonly authoritySerial: Uint8Array
  evidence(options: SnpReportOptions): SnpEvidence
}

const DAY = 86_400
const CPUID: Readonly<Record<SnpProduct, readonly [number, number, number]>> = { Milan: [0x19, 1, 1], Genoa: [0x19, 0x11, 1], Turin: [0x1a, 2, 1] }

const put = (bytes: Uint8Array, at: { readonly offset: number; readonly length: number }, value: Uint8Array): void => bytes.set(value.subarray(0, at.length), at.offset)

/** A P-384 number as the report holds it: 72 bytes, little endian. */
const littleEndian = (half: Uint8Array): Uint8Array => concatBytes(half.slice().reverse(), new Uint8Array(24))

interface Machine {
  readonly product: SnpProduct
  /** Whether its key is a VLEK, lent to a provider, instead of the chip's own. */
  readonly lent: boolean
  readonly tcb: SnpTcb
  readonly chipId: Uint8Array
  readonly key: Issuer
}

/** Version 3 of a report, with every reserved byte zero. */
const writeReport = (machine: Machine, options: SnpReportOptions, crypto: Crypto): Uint8Array => {
  const { fault } = options
  const bytes = new Uint8Array(REPORT_LENGTH)
  const tcb = writeTcb(machine.product, machine.tcb)
  bytes[AT.version.offset] = 3
  put(bytes, AT.policy, Uint8Array.of(0, 0, 0x03 | (fault === 'migrationAgent' ? 4 : 0) | (fault === 'debug' ? 8 : 0), 0, 0, 0, 0, 0))
  bytes[AT.vmpl.offset] = fault === 'vmpl' ? 1 : 0
  bytes[AT.signatureAlgorithm.offset] = 1
  put(bytes, AT.platformInfo, Uint8Array.of(fault === 'aliasing' ? 0x05 : 0x25))
  put(bytes, AT.keyInfo, Uint8Array.of((fault === 'authorKey' ? 1 : 0) | (fault === 'maskedKey' ? 2 : 0) | (machine.lent !== (fault === 'lentKey') ? 4 : 0)))
  put(bytes, AT.reportData, options.reportData)
  put(bytes, AT.measurement, options.measurement)
  put(bytes, AT.hostData, options.hostData ?? new Uint8Array(0))
  put(bytes, AT.reportId, crypto.sha256(options.reportData))
  put(bytes, AT.migrationReportId, new Uint8Array(32).fill(0xff))
  const older = writeTcb(machine.product, { ...machine.tcb, snp: machine.tcb.snp - 1 })
  for (const field of ['currentTcb', 'committedTcb', 'reportedTcb', 'launchTcb'] as const) put(bytes, AT[field], fault === 'rolledBack' && field === 'currentTcb' ? older : tcb)
  put(bytes, AT.cpuid, Uint8Array.from(CPUID[fault === 'foreignProcessor' ? 'Turin' : machine.product]))
  put(bytes, AT.chipId, fault === 'foreignChip' ? machine.chipId.slice().reverse() : machine.chipId)
  const signature = crypto.p384.sign(machine.key.secret, bytes.subarray(0, SIGNED_LENGTH))
  if (fault === 'reportSignature') signature[5] = (signature[5] as number) ^ 1
  put(bytes, AT.signature, concatBytes(littleEndian(signature.subarray(0, 48)), littleEndian(signature.subarray(48))))
  return bytes
}

const svnExtension = (oid: string, value: number): Uint8Array => extension(oid, derInteger(value), false)

/** The extensions of a VCEK or VLEK certificate: a chip or a provider. */
const endorsementExtensions = (machine: Machine): readonly Uint8Array[] => {
  const { tcb } = machine
  return [
    svnExtension(SNP_EXTENSION_OID.structVersion, 0),
    extension(SNP_EXTENSION_OID.productName, der(TAG.ia5String, utf8(`${machine.product}-B0`)), false),
    svnExtension(SNP_EXTENSION_OID.bootloader, tcb.bootloader), svnExtension(SNP_EXTENSION_OID.tee, tcb.tee),
    svnExtension(SNP_EXTENSION_OID.snp, tcb.snp), svnExtension(SNP_EXTENSION_OID.microcode, tcb.microcode),
    ...(machine.product === 'Turin' ? [svnExtension(SNP_EXTENSION_OID.fmc, tcb.fmc)] : []),
    machine.lent
      ? extension(SNP_EXTENSION_OID.providerId, der(TAG.ia5String, utf8('simulated provider')), false)
      : extension(SNP_EXTENSION_OID.hardwareId, machine.chipId.subarray(0, machine.product === 'Turin' ? 8 : 64), false),
  ]
}

/** What the machines of one product share. */
export interface SimulatedSnpProduct {
  /** A machine; with a `lent` key it signs by a VLEK. */
  machine(options: { readonly id: string; readonly tcb?: SnpTcb; readonly lent?: boolean }): SimulatedSnpMachine
}

/** A product of the simulated vendor, below its one root. */
export const createSimulatedSnp = (options: { readonly seed: Uint8Array; readonly product: SnpProduct; readonly root: Issuer; readonly rootCertificate: Uint8Array; readonly crypto: Crypto }): SimulatedSnpProduct => {
  const { seed, product, root, rootCertificate, crypto } = options
  const authorityOf = (lent: boolean) => {
    const label = `snp/${product}${lent ? '/lent' : ''}`
    const subject = deriveIssuer(seed, label, `Simulated SEV-${lent ? 'VLEK-' : ''}${product}`, crypto)
    const signer = { subject, issuer: root, serial: serialOf(label, crypto), pathLength: 0 }
    return { signer, subject, certificate: writeCertificate(signer, crypto) }
  }
  const collateral = (authority: ReturnType<typeof authorityOf>, { nowSeconds, fault, revoked }: SnpReportOptions): SnpCollateral => {
    const thisUpdate = (Math.floor(nowSeconds / DAY) - 1) * DAY
    const list = { issuer: root, thisUpdate, nextUpdate: thisUpdate + 30 * DAY, revoked: revoked ?? [], ...(fault === 'crlSigner' ? { signer: authority.subject } : {}) }
    const certificate = fault === 'unmarkedAuthority' ? writeCertificate({ ...authority.signer, unmarked: true }, crypto) : authority.certificate
    return { kind: 'SevSnp', value: { authority: certificate, root: rootCertificate, revocationList: writeRevocationList(list, crypto) } }
  }
  return {
    machine({ id, tcb = SNP_TCB, lent = false }) {
      const authority = authorityOf(lent)
      const label = `${lent ? 'vlek' : 'vcek'}/${product}/${id}`
      const full = concatBytes(crypto.sha256(utf8(`chip a/${label}`)), crypto.sha256(utf8(`chip b/${label}`)))
      const chipId = product === 'Turin' ? concatBytes(full.subarray(0, 8), new Uint8Array(56)) : full
      const machine: Machine = { product, lent, tcb, chipId, key: deriveReportKey(seed, label, `Simulated SEV-${lent ? 'VLEK' : 'VCEK'}`, crypto) }
      const certificate = (certified: SnpTcb): Uint8Array =>
        writeCertificate({ subject: machine.key, issuer: authority.subject, serial: serialOf(label, crypto), extensions: endorsementExtensions({ ...machine, tcb: certified }) }, crypto)
      const endorsement = certificate(tcb)
      return {
        chipId, authoritySerial: authority.signer.serial,
        evidence: (report) => ({
          report: writeReport(machine, report, crypto),
          endorsement: report.fault === 'foreignTcb' ? certificate({ ...tcb, microcode: tcb.microcode - 1 }) : endorsement,
          collateral: collateral(authority, report),
        }),
      }
    },
  }
}
