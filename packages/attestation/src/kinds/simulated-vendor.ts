/**
 * Owns the simulated vendor: certificates, collateral and quotes in the real formats under a root of its own, all derived from a
 * seed. The ordinary verifier judges them; only a policy with the genesis flag `simulated` and this root pinned accepts them.
 */
import type { Crypto } from '@phalanx/primitives/crypto'
import { toHexPlain, utf8 } from '@phalanx/primitives/bytes'
import { formatPem } from '../x509/pem.ts'
import type { AttestationReport } from './index.ts'
import { deriveIssuer, serialOf, writeCertificate, writePlatformExtension, writeRevocationList, type Issuer } from './simulated/certificates.ts'
import { DEFAULT_LEVELS, GUEST_QE_PRODUCT, PCE_SVN, QE, qeIdentityText, tcbInfoText, type DocumentTee, type SimulatedLevel } from './simulated/documents.ts'
import { createSimulatedGpu, type SimulatedGpu } from './simulated/gpu.ts'
import { DEBUG_GUEST_ATTRIBUTES, writeGuestReport, type GuestFields } from './simulated/guest.ts'
import { createSimulatedNitro, type NitroOptions } from './simulated/nitro.ts'
import { createSimulatedSnp, type SimulatedSnpMachine, type SimulatedSnpProduct } from './simulated/snp.ts'
import type { NitroEvidence } from './nitro.ts'
import { familyOf, type SnpProduct } from './snp/products.ts'
import { DEBUG_ATTRIBUTES, writeQuote, writeReport, type QuoteFault, type ReportFields } from './simulated/quote.ts'
import { TEE_TYPE } from './dcap/quote.ts'
import type { Collateral } from './dcap/wire.ts'

export { SNP_TCB, type SnpFault } from './simulated/snp.ts'
export { DEBUG_ATTRIBUTES, PRODUCTION_ATTRIBUTES } from './simulated/quote.ts'

/** The two authorities that issue platform certificates. */
export type AuthorityName = 'processor' | 'platform'

/** One deliberate fault of the collateral. */
export type CollateralFault = 'tcbInfoSignature' | 'qeIdentitySignature' | 'rootCrlSigner' | 'pckCrlSigner' | 'unmarkedSigner'

/** What collateral is to say. */
export interface CollateralOptions {
  /** Time it is fetched at. Documents are dated to the day before, so that all of one day are equal bytes. */
  readonly nowSeconds: number
  readonly authority?: AuthorityName
  /** Lifetime of documents and lists; 30 days unless given. */
  readonly lifetimeSeconds?: number
  /** 20 unless given. */
  readonly evaluationNumber?: number
  readonly qeEvaluationNumber?: number
  readonly levels?: readonly SimulatedLevel[]
  /** Whether the documents are about enclaves, as unless given, or about guests. */
  readonly tee?: DocumentTee
  /** Levels of the module that runs guests. */
  readonly moduleLevels?: readonly SimulatedLevel[]
  /** Serial numbers of revoked PCK certificates. */
  readonly revoked?: readonly Uint8Array[]
  /** Serial numbers that the root revokes. */
  readonly revokedByRoot?: readonly Uint8Array[]
  readonly fault?: CollateralFault
}

/** What a platform is. */
export interface PlatformOptions {
  /** Any text; the same text is the same machine. */
  readonly id: string
  readonly authority?: AuthorityName
  /** Every SVN of the machine; picks its TCB level. 12 (up to date) unless given. */
  readonly svn?: number
  readonly qeIsvSvn?: number
  readonly notBefore?: number
  readonly notAfter?: number
}

/** What a quote is to say. */
export interface QuoteOptions {
  readonly report: ReportFields
  /** Up to 64 bytes, zero padded. */
  readonly reportData: Uint8Array
  readonly debug?: boolean
  readonly fault?: QuoteFault
  /** 3 unless given. */
  readonly version?: 3 | 4
}

/** What a guest's quote is to say. */
export interface GuestQuoteOptions {
  readonly report: GuestFields
  /** Up to 64 bytes, zero padded. */
  readonly reportData: Uint8Array
  readonly debug?: boolean
  readonly fault?: QuoteFault
  /** Quote version and form of the report: 4 always has 1.0, 5 has 1.5 unless given. */
  readonly version?: 4 | 5
  readonly reportVersion?: '1.0' | '1.5'
}

/** A machine of the simulated vendor. */
export interface SimulatedPlatform {
  readonly fmspc: Uint8Array
  readonly ppid: Uint8Array
  readonly pckSerial: Uint8Array
  readonly authority: AuthorityName
  /** A sealing root of this machine for code of this measurement: 32 secret bytes. */
  sealingKey(measurement: Uint8Array): Uint8Array
  quote(options: QuoteOptions): Uint8Array
  /** A quote about a guest on this machine. */
  guestQuote(options: GuestQuoteOptions): Uint8Array
}

/** Platform families that the vendor makes machines of, by the name under which a machine is asked for. */
export type SimulatedFamilyName = 'sgx-1' | 'sgx-2' | 'snp-milan' | 'snp-genoa' | 'tdx-1'

/** All of them, the usual one first. */
export const SIMULATED_FAMILY_NAMES: readonly SimulatedFamilyName[] = ['sgx-1', 'sgx-2', 'snp-milan', 'snp-genoa', 'tdx-1']

/** What a machine's evidence is to say, whatever its kind. */
export interface MachineEvidenceOptions {
  /** Measurement of the code: 32 bytes. */
  readonly code: Uint8Array
  /** Measurement of the code's signer, where the kind has one: 32 bytes. */
  readonly signer: Uint8Array
  /** Up to 64 bytes, zero padded. */
  readonly reportData: Uint8Array
  readonly nowSeconds: number
}

/** A machine of any family. */
export interface SimulatedMachine {
  readonly kind: 'SgxDcap' | 'Tdx' | 'SevSnp'
  /** Family as policies list it. */
  readonly family: Uint8Array
  evidence(options: MachineEvidenceOptions): AttestationReport
}

/** A simulated vendor. */
export interface SimulatedVendor {
  /** DER; independent of time and family, so that a genesis can pin it. */
  readonly rootCertificate: Uint8Array
  readonly fmspc: Uint8Array
  readonly authoritySerial: Readonly<Record<AuthorityName, Uint8Array>>
  readonly signingSerial: Uint8Array
  collateral(options: CollateralOptions): Collateral
  platform(options: PlatformOptions): SimulatedPlatform
  /** A machine of any of the families, the vendor's own unless named; the same id is the same machine. */
  machine(options: { readonly id: string; readonly family?: SimulatedFamilyName }): SimulatedMachine
  /** A SEV-SNP product, whose machines can be made with faults. */
  snp(product: SnpProduct): SimulatedSnpProduct
  /** A Nitro document. */
  nitro(options: NitroOptions): NitroEvidence
  /** A GPU, its reports and manifests. */
  gpu(): SimulatedGpu
  /** A quote with fresh collateral as evidence. */
  evidence(options: { readonly platform: SimulatedPlatform; readonly quote: QuoteOptions; readonly nowSeconds: number }): AttestationReport
}

const DAY = 86_400

const CA_NAME: Readonly<Record<AuthorityName, string>> = { processor: 'Simulated SGX PCK Processor CA', platform: 'Simulated SGX PCK Platform CA' }

interface Hierarchy {
  readonly root: Issuer
  readonly rootCertificate: Uint8Array
  readonly authorities: Readonly<Record<AuthorityName, Issuer>>
  readonly authorityCertificates: Readonly<Record<AuthorityName, Uint8Array>>
  readonly signing: Issuer
  readonly signingCertificate: Uint8Array
  readonly unmarkedSigningCertificate: Uint8Array
  readonly authoritySerial: Readonly<Record<AuthorityName, Uint8Array>>
  readonly signingSerial: Uint8Array
}

const createHierarchy = (seed: Uint8Array, crypto: Crypto): Hierarchy => {
  const root = deriveIssuer(seed, 'root', 'Simulated SGX Root CA', crypto)
  const authorities = { processor: deriveIssuer(seed, 'processor', CA_NAME.processor, crypto), platform: deriveIssuer(seed, 'platform', CA_NAME.platform, crypto) }
  const signing = deriveIssuer(seed, 'tcb signing', 'Simulated SGX TCB Signing', crypto)
  const authoritySerial = { processor: serialOf('processor', crypto), platform: serialOf('platform', crypto) }
  const signingSerial = serialOf('tcb signing', crypto)
  const authority = (name: AuthorityName): Uint8Array =>
    writeCertificate({ subject: authorities[name], issuer: root, serial: authoritySerial[name], pathLength: 0 }, crypto)
  const leaf = { subject: signing, issuer: root, serial: signingSerial }
  return {
    root, authorities, signing, authoritySerial, signingSerial,
    rootCertificate: writeCertificate({ subject: root, issuer: root, serial: serialOf('root', crypto), pathLength: 1 }, crypto),
    authorityCertificates: { processor: authority('processor'), platform: authority('platform') },
    signingCertificate: writeCertificate(leaf, crypto),
    unmarkedSigningCertificate: writeCertificate({ ...leaf, unmarked: true }, crypto),
  }
}

const flip = (bytes: Uint8Array): Uint8Array => bytes.map((byte, i) => (i === 3 ? byte ^ 1 : byte))

const writeCollateral = (hierarchy: Hierarchy, fmspc: Uint8Array, options: CollateralOptions, crypto: Crypto): Collateral => {
  const { fault, tee = 'SGX' } = options
  const name = options.authority ?? 'processor'
  const issueDate = (Math.floor(options.nowSeconds / DAY) - 1) * DAY
  const nextUpdate = issueDate + (options.lifetimeSeconds ?? 30 * DAY)
  const evaluationNumber = options.evaluationNumber ?? 20
  const dates = { issueDate, nextUpdate }
  const list = (issuer: Issuer, revoked: readonly Uint8Array[] | undefined, foreign: boolean): string =>
    toHexPlain(writeRevocationList({ issuer, thisUpdate: issueDate, nextUpdate, revoked: revoked ?? [], ...(foreign ? { signer: hierarchy.signing } : {}) }, crypto))
  const tcbInfo = tcbInfoText({ ...dates, evaluationNumber, fmspc, levels: options.levels ?? DEFAULT_LEVELS, tee, ...(options.moduleLevels === undefined ? {} : { moduleLevels: options.moduleLevels }) })
  const qeIdentity = qeIdentityText({ ...dates, tee, evaluationNumber: options.qeEvaluationNumber ?? evaluationNumber })
  const signed = (text: string, broken: boolean): Uint8Array => {
    const signature = crypto.p256.sign(hierarchy.signing.secret, utf8(text))
    return broken ? flip(signature) : signature
  }
  const signer = fault === 'unmarkedSigner' ? hierarchy.unmarkedSigningCertificate : hierarchy.signingCertificate
  const signingChain = formatPem([signer, hierarchy.rootCertificate])
  return {
    kind: 'SgxV30',
    value: {
      pckCrlIssuerChain: formatPem([hierarchy.authorityCertificates[name], hierarchy.rootCertificate]),
      rootCaCrl: list(hierarchy.root, options.revokedByRoot, fault === 'rootCrlSigner'),
      pckCrl: list(hierarchy.authorities[name], options.revoked, fault === 'pckCrlSigner'),
      tcbInfoIssuerChain: signingChain,
      tcbInfo,
      tcbInfoSignature: signed(tcbInfo, fault === 'tcbInfoSignature'),
      qeIdentityIssuerChain: signingChain,
      qeIdentity,
      qeIdentitySignature: signed(qeIdentity, fault === 'qeIdentitySignature'),
    },
  }
}

const createPlatform = (seed: Uint8Array, hierarchy: Hierarchy, fmspc: Uint8Array, options: PlatformOptions, crypto: Crypto): SimulatedPlatform => {
  const authority = options.authority ?? 'processor'
  const label = `${toHexPlain(fmspc)}/${options.id}`
  const pck = deriveIssuer(seed, `pck/${label}`, 'Simulated SGX PCK Certificate', crypto)
  const attestationKey = deriveIssuer(seed, `attestation key/${label}`, 'attestation key', crypto)
  const svn = options.svn ?? 12
  const cpuSvn = new Uint8Array(16).fill(svn)
  const pckSerial = serialOf(`pck/${label}`, crypto)
  const ppid = crypto.sha256(utf8(`ppid/${label}`)).slice(0, 16)
  const extension = writePlatformExtension({ ppid, cpuSvn, components: [...cpuSvn], pceSvn: PCE_SVN, pceId: new Uint8Array(2), fmspc })
  const validity = { ...(options.notBefore === undefined ? {} : { notBefore: options.notBefore }), ...(options.notAfter === undefined ? {} : { notAfter: options.notAfter }) }
  const certificate = writeCertificate({ subject: pck, issuer: hierarchy.authorities[authority], serial: pckSerial, extensions: [extension], ...validity }, crypto)
  const chain = [certificate, hierarchy.authorityCertificates[authority], hierarchy.rootCertificate]
  const signers = { pck, attestationKey, chain, cpuSvn, qeIsvSvn: options.qeIsvSvn ?? QE.isvSvn }
  const sealingRoot = deriveIssuer(seed, `sealing/${label}`, 'sealing', crypto).secret
  return {
    fmspc, ppid, pckSerial, authority,
    sealingKey: (measurement) => crypto.hkdfSha256({ ikm: sealingRoot, salt: utf8('phalanx simulated sealing'), info: measurement, length: 32 }),
    quote(quote) {
      const report = quote.debug === true ? { ...quote.report, attributes: DEBUG_ATTRIBUTES } : quote.report
      const body = writeReport({ cpuSvn, ...report }, quote.reportData)
      return writeQuote({ version: quote.version ?? 3, teeType: TEE_TYPE.enclave, bodyType: 1, body, qeIsvProdId: QE.isvProdId, fault: quote.fault }, signers, crypto)
    },
    guestQuote(quote) {
      const version = quote.version ?? 4
      const isLong = version === 5 && quote.reportVersion !== '1.0'
      const report = quote.debug === true ? { ...quote.report, tdAttributes: DEBUG_GUEST_ATTRIBUTES } : quote.report
      const body = writeGuestReport(report, { reportData: quote.reportData, svn, isLong })
      return writeQuote({ version, teeType: TEE_TYPE.guest, bodyType: isLong ? 3 : 2, body, qeIsvProdId: GUEST_QE_PRODUCT, fault: quote.fault }, signers, crypto)
    },
  }
}

type DcapFamilyName = 'sgx-1' | 'sgx-2' | 'tdx-1'

const fmspcOf = (number: number): Uint8Array => Uint8Array.of(0x51, 0x4d, 0, 0, 0, number)
const FMSPC: Readonly<Record<DcapFamilyName, Uint8Array>> = { 'sgx-1': fmspcOf(1), 'sgx-2': fmspcOf(2), 'tdx-1': fmspcOf(3) }
const PRODUCT: Readonly<Record<'snp-milan' | 'snp-genoa', SnpProduct>> = { 'snp-milan': 'Milan', 'snp-genoa': 'Genoa' }

/** Collateral is dated to the day, so one set serves every quote of that day. */
const createDcapMachine = (kind: 'SgxDcap' | 'Tdx', platform: SimulatedPlatform, collateralAt: (nowSeconds: number) => Collateral): SimulatedMachine => {
  let known: { readonly day: number; readonly value: Collateral } | undefined
  return {
    kind, family: platform.fmspc,
    evidence({ code, signer, reportData, nowSeconds }) {
      const day = Math.floor(nowSeconds / DAY)
      if (known?.day !== day) known = { day, value: collateralAt(nowSeconds) }
      const quote = kind === 'Tdx' ? platform.guestQuote({ report: { mrTd: code, mrOwner: signer }, reportData }) : platform.quote({ report: { mrEnclave: code, mrSigner: signer }, reportData })
      return { kind, value: { quote, collateral: known.value } }
    },
  }
}

const createSnpMachine = (product: SnpProduct, machine: SimulatedSnpMachine): SimulatedMachine => ({
  kind: 'SevSnp', family: familyOf(product),
  evidence: ({ code, reportData, nowSeconds }) => ({ kind: 'SevSnp', value: machine.evidence({ measurement: code, reportData, nowSeconds }) }),
})

/**
 * Creates a vendor from 32 secret bytes. `family` is the FMSPC (6 bytes) of what `platform` and `collateral` make; the root depends on
 * neither, so that a genesis pins one root for all families.
 */
export const createSimulatedVendor = (options: { readonly seed: Uint8Array; readonly family?: Uint8Array; readonly crypto: Crypto }): SimulatedVendor => {
  const { seed, crypto } = options
  const hierarchy = createHierarchy(seed, crypto)
  const fmspc = options.family ?? FMSPC['sgx-1']
  const below = { seed, root: hierarchy.root, rootCertificate: hierarchy.rootCertificate, crypto }
  const products = new Map<SnpProduct, SimulatedSnpProduct>()
  let nitro: ReturnType<typeof createSimulatedNitro> | undefined
  let gpu: SimulatedGpu | undefined
  const snp = (product: SnpProduct): SimulatedSnpProduct => {
    const made = products.get(product) ?? createSimulatedSnp({ ...below, product })
    products.set(product, made)
    return made
  }
  const dcapMachine = (id: string, family: Uint8Array, tee: DocumentTee = 'SGX'): SimulatedMachine => {
    const platform = createPlatform(seed, hierarchy, family, { id }, crypto)
    return createDcapMachine(tee === 'TDX' ? 'Tdx' : 'SgxDcap', platform, (nowSeconds) => writeCollateral(hierarchy, family, { nowSeconds, authority: platform.authority, tee }, crypto))
  }
  const vendor: SimulatedVendor = {
    rootCertificate: hierarchy.rootCertificate,
    fmspc,
    authoritySerial: hierarchy.authoritySerial,
    signingSerial: hierarchy.signingSerial,
    collateral: (collateral) => writeCollateral(hierarchy, fmspc, collateral, crypto),
    platform: (platform) => createPlatform(seed, hierarchy, fmspc, platform, crypto),
    machine: ({ id, family }) => {
      if (family === undefined) return dcapMachine(id, fmspc)
      if (family === 'tdx-1') return dcapMachine(id, FMSPC[family], 'TDX')
      return family === 'sgx-1' || family === 'sgx-2' ? dcapMachine(id, FMSPC[family]) : createSnpMachine(PRODUCT[family], snp(PRODUCT[family]).machine({ id }))
    },
    snp,
    nitro: (document) => (nitro ??= createSimulatedNitro(below))(document),
    gpu: () => (gpu ??= createSimulatedGpu(below)),
    evidence: ({ platform, quote, nowSeconds }) => ({
      kind: 'SgxDcap',
      value: { quote: platform.quote(quote), collateral: vendor.collateral({ nowSeconds, authority: platform.authority }) },
    }),
  }
  return vendor
}
