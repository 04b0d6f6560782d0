/**
 * Owns the judgement of DCAP collateral, done once: chains, revocation lists, TCB info and QE identity with their signatures.
 * The result is an immutable value to reuse across quotes; whatever depends on the time is left as windows.
 */
import type { Crypto } from '@phalanx/primitives/crypto'
import { bytesEqual, parseHex, utf8 } from '@phalanx/primitives/bytes'
import { isAppError } from '@phalanx/primitives/errors'
import { attestationError, type AttestationErrorCode } from '../../errors.ts'
import { certificateWindow, type Window } from '../../validity.ts'
import { createCheckRecorder, type Check, type CheckRecorder } from '../../verdict.ts'
import { parseCertificate, type Certificate } from '../../x509/certificate.ts'
import { checkChain, parseRoots, type TrustRoot, type VerifiedChain } from '../../x509/chain.ts'
import { parseRevocationList, type RevocationList } from '../../x509/crl.ts'
import { parsePem } from '../../x509/pem.ts'
import { checkNotRevoked, checkRevocationList } from '../../x509/revocation.ts'
import { parseQeIdentity, type QeIdentity } from './qe-identity.ts'
import { parseTcbInfo, type TcbInfo } from './tcb-info.ts'
import type { SgxV30QuoteCollateral } from './wire.ts'

/** Who is trusted when collateral is judged. */
export interface CollateralTrust {
  /** Pinned roots, DER. */
  readonly roots: readonly Uint8Array[]
  readonly simulated: boolean
}

/** Judged collateral. Parts are undefined when they did not stand; `check` then says why. */
export interface PreparedCollateral {
  readonly kind: 'SgxV30'
  readonly check: Check
  readonly windows: readonly Window[]
  readonly roots: readonly TrustRoot[]
  readonly root: TrustRoot | undefined
  /** The authority that issues PCK certificates, and its list. */
  readonly pckAuthority: Certificate | undefined
  readonly pckCrl: RevocationList | undefined
  readonly rootCrl: RevocationList | undefined
  readonly tcbInfo: TcbInfo | undefined
  readonly qeIdentity: QeIdentity | undefined
}

/** Words of the vendor's common names (Intel SGX PCK Certificate and CRL Profile, section 1.2); the authorities are Processor and Platform. */
export const ROLE = { tcbSigning: 'SGX TCB Signing', pckAuthority: 'SGX PCK P', pck: 'SGX PCK Certificate' } as const

const CHAIN_RULE = 'Intel SGX PCK Certificate and CRL Profile Specification, section 1'

/** Parses a PEM chain of certificates; those among `known` (equal bytes) are not read again. */
export const parseChain = (text: string, known: readonly (Certificate | undefined)[] = []): readonly Certificate[] =>
  parsePem(text).map((der) => known.find((one) => one !== undefined && bytesEqual(one.der, der)) ?? parseCertificate(der))

/** Reads a revocation list given as hex of its DER (as caching services hand it out) or as PEM. */
const parseListText = (text: string): RevocationList => {
  if (text.startsWith('-----BEGIN')) {
    const blocks = parsePem(text, 'X509 CRL')
    if (blocks.length !== 1) throw attestationError('ATTESTATION_CRL_MALFORMED', `${blocks.length} lists in one PEM`)
    return parseRevocationList(blocks[0] as Uint8Array)
  }
  try {
    return parseRevocationList(parseHex(text))
  } catch (error) {
    if (isAppError(error, 'HEX_MALFORMED')) throw attestationError('ATTESTATION_CRL_MALFORMED', 'neither hex nor PEM', { cause: error })
    throw error
  }
}

/** What every part of the collateral is judged with. */
interface Context {
  readonly checks: CheckRecorder
  readonly trust: { readonly roots: readonly TrustRoot[]; readonly simulated: boolean }
  readonly crypto: Crypto
}

/** A chain of two: the role of its leaf is checked by name, so that a PCK certificate can never sign TCB info. */
const readChain = (context: Context, options: { name: string; text: string; leafIsAuthority: boolean; leafRole: string }): VerifiedChain | undefined =>
  context.checks.group({ name: options.name, rule: CHAIN_RULE }, (checks) => {
    const certificates = checks.attempt({ name: 'form', rule: 'RFC 7468, RFC 5280 in DER' }, () => parseChain(options.text, context.trust.roots.map((root) => root.certificate)))
    if (certificates === undefined) return undefined
    const shape = { certificates, length: 2, rootPresented: true, leafIsAuthority: options.leafIsAuthority, leafRole: options.leafRole }
    return checkChain(checks, shape, context.trust, context.crypto)
  })

/**
 * A list counts only under the key of the authority it is used for. The name alone proves nothing: the vendor's sample PKI carries
 * the same names, and verifiers that stop at the name accept its lists.
 */
const readList = (context: Context, options: { name: string; text: string; authority: Certificate | undefined }): RevocationList | undefined =>
  context.checks.group({ name: options.name, rule: 'RFC 5280 section 5' }, (checks) => {
    const list = checks.attempt({ name: 'form', rule: 'RFC 5280 section 5.1 in DER, version 2' }, () => parseListText(options.text))
    if (list === undefined) return undefined
    if (options.authority === undefined) return void checks.skip({ name: 'issuer', rule: 'RFC 5280 section 6.3.3' }, 'its authority did not stand')
    return checkRevocationList(checks, list, options.authority, context.crypto) ? list : undefined
  })

interface DocumentOptions<T> {
  readonly name: string
  readonly text: string
  readonly signature: Uint8Array
  readonly chain: VerifiedChain | undefined
  readonly code: AttestationErrorCode
  readonly parse: (text: string) => T
}

/** Signature over the exact text first, then its meaning: nothing unsigned is interpreted. */
const readDocument = <T>(context: Context, options: DocumentOptions<T>): T | undefined =>
  context.checks.group({ name: options.name, rule: 'Intel PCS API: signed JSON' }, (checks) => {
    const rule = 'Intel PCS API: ECDSA P-256 over the exact text by the TCB signing key'
    const key = options.chain?.leaf.publicKey
    if (key === undefined) checks.skip({ name: 'signature', rule }, 'its signer did not stand')
    else {
      const valid = key.kind === 'p256' && context.crypto.p256.verify(options.signature, utf8(options.text), key.value)
      checks.check({ name: 'signature', rule, seen: options.signature }, { pass: valid, code: options.code, detail: `over ${options.text.length} characters` })
    }
    return checks.attempt({ name: 'form', rule: 'RFC 8259 without duplicate keys; Intel PCS API fields' }, () => options.parse(options.text))
  })

const documentWindow = (name: 'TCB info' | 'QE identity', document: TcbInfo | QeIdentity): Window => ({
  name,
  rule: 'Intel PCS API: issueDate ≤ now ≤ nextUpdate (registry.md §2.3.3: equality passes)',
  notBefore: document.issueDate,
  notAfter: document.nextUpdate,
  early: name === 'TCB info' ? 'ATTESTATION_TCB_INFO_NOT_YET_VALID' : 'ATTESTATION_QE_IDENTITY_NOT_YET_VALID',
  late: name === 'TCB info' ? 'ATTESTATION_TCB_INFO_EXPIRED' : 'ATTESTATION_QE_IDENTITY_EXPIRED',
  grace: 'collateral',
})

const listWindow = (name: string, list: RevocationList): Window => ({
  name,
  rule: 'RFC 5280 section 5.1.2: thisUpdate ≤ now ≤ nextUpdate',
  notBefore: list.thisUpdate,
  notAfter: list.nextUpdate,
  early: 'ATTESTATION_CRL_NOT_YET_VALID',
  late: 'ATTESTATION_CRL_EXPIRED',
  grace: 'revocation',
})

/** Certificates whose dates count, each once: the same root stands in all three chains. */
const uniqueCertificates = (chains: readonly (VerifiedChain | undefined)[]): readonly Certificate[] => {
  const out: Certificate[] = []
  for (const chain of chains)
    for (const certificate of chain?.certificates ?? []) if (!out.some(({ der }) => bytesEqual(der, certificate.der))) out.push(certificate)
  return out
}

/** With several roots pinned (real and simulated, say), documents of one must not be combined with lists of the other. */
const checkSameRoot = (checks: CheckRecorder, chains: readonly (VerifiedChain | undefined)[]): TrustRoot | undefined => {
  const spec = { name: 'one root', rule: 'All collateral of one set hangs from one root' }
  const roots = chains.flatMap((chain) => (chain === undefined ? [] : [chain.root]))
  const root = roots[0]
  if (root === undefined || roots.length !== chains.length) return void checks.skip(spec, 'a chain did not stand')
  const same = roots.every(({ fingerprint }) => bytesEqual(fingerprint, root.fingerprint))
  checks.check({ ...spec, seen: root.fingerprint }, { pass: same, code: 'ATTESTATION_CHAIN_MIXED', detail: roots.map(({ certificate }) => certificate.commonName).join(', ') })
  return same ? root : undefined
}

/** Signing certificates and the PCK authority hang directly from the root, so its list is the one that can revoke them. */
const checkRevocation = (context: Context, rootCrl: RevocationList | undefined, certificates: readonly (Certificate | undefined)[]): void =>
  context.checks.group({ name: 'revocation by the root', rule: 'RFC 5280 section 6.3' }, (checks) => {
    for (const certificate of certificates) {
      if (certificate === undefined || rootCrl === undefined) checks.skip({ name: 'not revoked', rule: 'RFC 5280 section 6.3.3' }, 'list or certificate did not stand')
      else checkNotRevoked(checks, certificate, rootCrl)
    }
  })

/** Judges collateral once, for use with any number of quotes. Total: faults are in the result. */
export const prepareSgxCollateral = (collateral: SgxV30QuoteCollateral, trust: CollateralTrust, crypto: Crypto): PreparedCollateral => {
  const checks = createCheckRecorder()
  const roots = checks.attempt({ name: 'pinned roots', rule: 'Policy: every pinned root is a certificate' }, () => parseRoots(trust.roots, crypto)) ?? []
  const context: Context = { checks, trust: { roots, simulated: trust.simulated }, crypto }
  const signing = { leafIsAuthority: false, leafRole: ROLE.tcbSigning }
  const tcbChain = readChain(context, { name: 'TCB info chain', text: collateral.tcbInfoIssuerChain, ...signing })
  const qeChain = readChain(context, { name: 'QE identity chain', text: collateral.qeIdentityIssuerChain, ...signing })
  const pckChain = readChain(context, { name: 'PCK CRL chain', text: collateral.pckCrlIssuerChain, leafIsAuthority: true, leafRole: ROLE.pckAuthority })
  const root = checkSameRoot(checks, [tcbChain, qeChain, pckChain])
  const rootCrl = readList(context, { name: 'root CRL', text: collateral.rootCaCrl, authority: root?.certificate })
  const pckCrl = readList(context, { name: 'PCK CRL', text: collateral.pckCrl, authority: pckChain?.leaf })
  checkRevocation(context, rootCrl, [tcbChain?.leaf, qeChain?.leaf, pckChain?.leaf])
  const tcbInfo = readDocument(context, {
    name: 'TCB info', text: collateral.tcbInfo, signature: collateral.tcbInfoSignature, chain: tcbChain,
    code: 'ATTESTATION_TCB_INFO_SIGNATURE_INVALID', parse: parseTcbInfo,
  })
  const qeIdentity = readDocument(context, {
    name: 'QE identity', text: collateral.qeIdentity, signature: collateral.qeIdentitySignature, chain: qeChain,
    code: 'ATTESTATION_QE_IDENTITY_SIGNATURE_INVALID', parse: parseQeIdentity,
  })
  const windows = [
    ...uniqueCertificates([pckChain, tcbChain, qeChain]).map(certificateWindow),
    ...(rootCrl === undefined ? [] : [listWindow('root CRL', rootCrl)]),
    ...(pckCrl === undefined ? [] : [listWindow('PCK CRL', pckCrl)]),
    ...(tcbInfo === undefined ? [] : [documentWindow('TCB info', tcbInfo)]),
    ...(qeIdentity === undefined ? [] : [documentWindow('QE identity', qeIdentity)]),
  ]
  const check = checks.finish({ name: 'collateral', rule: 'Intel SGX DCAP: TCB info, QE identity and revocation lists, each signed' })
  return { kind: 'SgxV30', check, windows, roots, root, pckAuthority: pckChain?.leaf, pckCrl, rootCrl, tcbInfo, qeIdentity }
}
