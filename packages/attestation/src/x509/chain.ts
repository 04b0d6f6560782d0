/**
 * Owns the judgement of certificate chains: links, authority rights, roles and the pinned root (RFC 5280 section 6, narrowed to
 * the fixed shapes of attestation vendors). Time is judged apart (validity.ts), so that everything here can be done once.
 */
import type { Crypto } from '@phalanx/primitives/crypto'
import { bytesEqual, toHexPlain } from '@phalanx/primitives/bytes'
import type { CheckRecorder } from '../verdict.ts'
import { parseCertificate, unknownCritical, type Certificate } from './certificate.ts'
import { describeKey, isOnCurve, publicKeysEqual, verifySignature } from './signature.ts'

/**
 * Critical extension that marks every certificate of a simulated vendor: arc 2.25 (a UUID without registration), whose number is
 * the ASCII text "Phalanx-simulate". Verifiers that do not know it must refuse the certificate, and so do we without the flag.
 */
export const SIMULATED_OID = '2.25.106880214516607592973477126514678002789'

/** A pinned root certificate. */
export interface TrustRoot {
  readonly certificate: Certificate
  /** SHA-256 of its DER. */
  readonly fingerprint: Uint8Array
  readonly simulated: boolean
}

/** Whether a certificate carries the mark of a simulated vendor. */
const isSimulated = (certificate: Certificate): boolean => certificate.extensions.has(SIMULATED_OID)

/** Reads pinned roots. @throws ATTESTATION_ codes when the policy holds something that is no certificate */
export const parseRoots = (roots: readonly Uint8Array[], crypto: Crypto): readonly TrustRoot[] =>
  roots.map((der) => {
    const certificate = parseCertificate(der)
    return { certificate, fingerprint: crypto.sha256(der), simulated: isSimulated(certificate) }
  })

/** What a chain must look like. */
export interface ChainShape {
  /** Certificates as presented, leaf first. */
  readonly certificates: readonly Certificate[]
  /** How many must be presented. */
  readonly length: number
  /** Whether the pinned root is the last one presented; otherwise it is added. */
  readonly rootPresented: boolean
  /** Whether the leaf is itself an authority (the issuer chain of a revocation list). */
  readonly leafIsAuthority: boolean
  /** Words the leaf's common name must contain: its role in the vendor's hierarchy. */
  readonly leafRole: string
  /** Whether the vendor issues leaves without a key usage, which RFC 5280 section 4.2.1.3 leaves unrestricted. */
  readonly leafUsageOptional?: boolean
}

/** Who is trusted, and an authority whose link to its root was verified before. */
export interface ChainTrust {
  readonly roots: readonly TrustRoot[]
  readonly simulated: boolean
  readonly verified?: { readonly authority: Certificate; readonly root: TrustRoot }
}

/** A chain that stands: leaf, its issuer and the pinned root. */
export interface VerifiedChain {
  readonly leaf: Certificate
  readonly issuer: Certificate
  readonly root: TrustRoot
  /** Every certificate whose validity counts, the pinned root included. */
  readonly certificates: readonly Certificate[]
}

const named = (certificate: Certificate): string => `"${certificate.commonName}" (serial ${toHexPlain(certificate.serial)})`

/**
 * "Critical" means: who does not understand this must not trust the certificate. The mark of a simulated vendor is such an extension,
 * which is how the flag in genesis decides without any switch in the code.
 */
const checkCritical = (checks: CheckRecorder, certificate: Certificate, simulated: boolean): void => {
  const spec = { name: 'critical extensions', rule: 'RFC 5280 section 4.2: a certificate with an unknown critical extension is refused', seen: certificate.commonName }
  const unknown = unknownCritical(certificate.extensions).filter((oid) => oid !== SIMULATED_OID)
  if (isSimulated(certificate) && !simulated)
    checks.check(spec, { pass: false, code: 'ATTESTATION_SIMULATED_REFUSED', detail: named(certificate) })
  else checks.check(spec, { pass: unknown.length === 0, code: 'ATTESTATION_CERTIFICATE_UNKNOWN_CRITICAL', detail: `${unknown.join(', ')} in ${named(certificate)}` })
}

/** Without these three a leaf could issue further certificates: the classic forgery that basicConstraints exists to stop. */
const checkAuthority = (checks: CheckRecorder, authority: Certificate, authoritiesBelow: number): void => {
  checks.check(
    { name: 'authority', rule: 'RFC 5280 section 4.2.1.9: an issuer has basicConstraints cA', seen: authority.commonName },
    { pass: authority.basicConstraints?.ca === true, code: 'ATTESTATION_CERTIFICATE_NOT_CA', detail: named(authority) },
  )
  const limit = authority.basicConstraints?.pathLength
  checks.check(
    { name: 'path length', rule: 'RFC 5280 section 4.2.1.9: pathLenConstraint bounds the authorities below', seen: authoritiesBelow, ...(limit === undefined ? {} : { expected: limit }) },
    { pass: limit === undefined || authoritiesBelow <= limit, code: 'ATTESTATION_CERTIFICATE_PATH_TOO_LONG', detail: `${authoritiesBelow} below ${named(authority)}` },
  )
  checks.check(
    { name: 'may sign certificates', rule: 'RFC 5280 section 4.2.1.3: an issuer has keyCertSign', seen: authority.keyUsage?.certificateSign === true },
    { pass: authority.keyUsage?.certificateSign === true, code: 'ATTESTATION_CERTIFICATE_KEY_USAGE', detail: named(authority) },
  )
}

/** Judges a signature; where it fails, says whether the key was no point of its curve. */
const checkSignedBy = (checks: CheckRecorder, child: Certificate, issuer: Certificate, crypto: Crypto): void => {
  const spec = { name: 'signature', rule: 'RFC 5280 section 6.1.3 (a)(1): the issuer\'s key signed the certificate', seen: child.signature, expected: describeKey(issuer.publicKey) }
  const { algorithm, signature, tbs: message } = child
  const valid = verifySignature({ algorithm, signature, message, key: issuer.publicKey }, crypto)
  const key = issuer.publicKey
  const offCurve = !valid && key.kind !== 'rsa' && !isOnCurve(key.kind, key.value)
  checks.check(spec, {
    pass: valid,
    code: offCurve ? 'ATTESTATION_POINT_INVALID' : 'ATTESTATION_CERTIFICATE_SIGNATURE_INVALID',
    detail: offCurve ? `key of ${named(issuer)}` : `${named(child)} by ${named(issuer)}`,
  })
}

/** One certificate under the next. Names and key ids are unsigned hints to a chain builder, yet a mismatch is refused: it is never honest. */
const checkLink = (checks: CheckRecorder, child: Certificate, issuer: Certificate, authoritiesBelow: number, crypto: Crypto): void => {
  const rule = 'RFC 5280 section 4.2.1.1: authorityKeyIdentifier is the issuer\'s subjectKeyIdentifier'
  checks.check(
    { name: 'issuer name', rule: 'RFC 5280 section 6.1.3 (a)(4): issuer is the next certificate\'s subject', seen: child.issuerCommonName, expected: issuer.commonName },
    { pass: bytesEqual(child.issuer, issuer.subject), code: 'ATTESTATION_CERTIFICATE_ISSUER_MISMATCH', detail: `${named(child)} names "${child.issuerCommonName}"` },
  )
  const theirs = child.authorityKeyId
  const ours = issuer.subjectKeyId
  if (theirs === undefined || ours === undefined) checks.skip({ name: 'issuer key', rule }, 'no key identifiers')
  else
    checks.check(
      { name: 'issuer key', rule, seen: theirs, expected: ours },
      { pass: bytesEqual(theirs, ours), code: 'ATTESTATION_CERTIFICATE_KEY_ID_MISMATCH', detail: `${toHexPlain(theirs)} in ${named(child)}` },
    )
  checkAuthority(checks, issuer, authoritiesBelow)
  checkSignedBy(checks, child, issuer, crypto)
}

/** The presented root must be the pinned certificate, or a re-issue: same name and key, signed by that key. */
const checkRoot = (checks: CheckRecorder, presented: Certificate, trust: ChainTrust, crypto: Crypto): TrustRoot | undefined => {
  const root = trust.roots.find(
    ({ certificate }) => bytesEqual(certificate.subject, presented.subject) && publicKeysEqual(certificate.publicKey, presented.publicKey),
  )
  const spec = { name: 'pinned root', rule: 'Policy: a chain ends at a pinned root (same subject, same key)', seen: presented.commonName }
  if (root === undefined) {
    checks.check(spec, { pass: false, code: 'ATTESTATION_ROOT_UNKNOWN', detail: named(presented) })
    return undefined
  }
  checks.check({ ...spec, expected: root.fingerprint }, { pass: true, code: 'ATTESTATION_ROOT_UNKNOWN', detail: '' })
  if (!bytesEqual(root.certificate.der, presented.der)) checks.group({ name: 'root re-issue', rule: spec.rule }, (inner) => checkSignedBy(inner, presented, root.certificate, crypto))
  return root
}

/** The certificates from leaf to root by their names; undefined when they form no single chain. */
const orderByIssuer = (certificates: readonly Certificate[]): readonly Certificate[] | undefined => {
  const isIssuer = (one: Certificate): boolean => certificates.some((other) => other !== one && bytesEqual(other.issuer, one.subject))
  const out: Certificate[] = []
  for (let next = certificates.find((one) => !isIssuer(one)); next !== undefined && !out.includes(next); ) {
    out.push(next)
    const { issuer } = next
    next = certificates.find((one) => !out.includes(one) && bytesEqual(one.subject, issuer))
  }
  return out.length === certificates.length ? out : undefined
}

const isOrderedOtherwise = (certificates: readonly Certificate[]): boolean => {
  const ordered = orderByIssuer(certificates)
  return ordered !== undefined && ordered.some((one, i) => one !== certificates[i])
}

/** Chains have one shape per role. A fixed length leaves no search for paths, and with it no ambiguity for an attacker to use. */
const checkShape = (checks: CheckRecorder, shape: ChainShape): boolean => {
  const { certificates, length } = shape
  const long = checks.check(
    { name: 'length', rule: 'Vendor hierarchy: the chain of this role has a fixed length', seen: certificates.length, expected: length },
    { pass: certificates.length === length, code: 'ATTESTATION_CHAIN_LENGTH', detail: `${certificates.length} certificates, ${length} expected` },
  )
  if (!long) return false
  return checks.check(
    { name: 'order', rule: 'Vendor hierarchy: leaf first, root last', seen: certificates.map(({ commonName }) => commonName).join(' ← ') },
    { pass: !isOrderedOtherwise(certificates), code: 'ATTESTATION_CHAIN_ORDER', detail: certificates.map(({ commonName }) => commonName).join(', ') },
  )
}

/** The leaf's right to do what it is used for; the common name is the only place where vendors write a certificate's role. */
const checkLeaf = (checks: CheckRecorder, leaf: Certificate, shape: ChainShape): void => {
  checks.check(
    { name: 'role', rule: 'Vendor hierarchy: the common name states what the certificate is for', seen: leaf.commonName, expected: shape.leafRole },
    { pass: leaf.commonName.includes(shape.leafRole), code: 'ATTESTATION_CERTIFICATE_ROLE', detail: `${named(leaf)} is not a ${shape.leafRole}` },
  )
  if (shape.leafIsAuthority) return checkAuthority(checks, leaf, 0)
  checks.check(
    { name: 'end entity', rule: 'RFC 5280 section 4.2.1.9: a signer of evidence is no authority', seen: leaf.commonName },
    { pass: leaf.basicConstraints?.ca !== true, code: 'ATTESTATION_CERTIFICATE_IS_CA', detail: named(leaf) },
  )
  const usage = { name: 'may sign', rule: 'RFC 5280 section 4.2.1.3: a signer of evidence has digitalSignature' }
  if (leaf.keyUsage === undefined && shape.leafUsageOptional === true) return checks.skip(usage, 'this vendor issues leaves without a key usage')
  checks.check(
    { ...usage, seen: leaf.keyUsage?.digitalSignature === true },
    { pass: leaf.keyUsage?.digitalSignature === true, code: 'ATTESTATION_CERTIFICATE_KEY_USAGE', detail: named(leaf) },
  )
}

/** Judges a chain apart from time and revocation; undefined when it does not stand. */
export const checkChain = (checks: CheckRecorder, shape: ChainShape, trust: ChainTrust, crypto: Crypto): VerifiedChain | undefined => {
  if (!checkShape(checks, shape)) return undefined
  const { certificates, rootPresented } = shape
  const leaf = certificates[0] as Certificate
  const last = certificates[certificates.length - 1] as Certificate
  const root = rootPresented
    ? checkRoot(checks, last, trust, crypto)
    : trust.roots.find(({ certificate }) => bytesEqual(certificate.subject, last.issuer))
  if (root === undefined) {
    if (!rootPresented)
      checks.check(
        { name: 'pinned root', rule: 'Policy: a chain ends at a pinned root', seen: last.issuerCommonName },
        { pass: false, code: 'ATTESTATION_ROOT_UNKNOWN', detail: `"${last.issuerCommonName}"` },
      )
    return undefined
  }
  const path = [...(rootPresented ? certificates.slice(0, -1) : certificates), root.certificate]
  for (const certificate of path) checkCritical(checks, certificate, trust.simulated)
  checkLeaf(checks, leaf, shape)
  for (let i = 0; i + 1 < path.length; i++) {
    const child = path[i] as Certificate
    const verified = trust.verified !== undefined && bytesEqual(trust.verified.root.fingerprint, root.fingerprint) && bytesEqual(trust.verified.authority.der, child.der)
    const spec = { name: `link ${i + 1}`, rule: 'RFC 5280 section 6.1', seen: `${child.commonName} ← ${(path[i + 1] as Certificate).commonName}` }
    const below = shape.leafIsAuthority ? i + 1 : i
    if (verified) checks.check({ ...spec, expected: 'the authority of the collateral, verified there' }, { pass: true, code: 'ATTESTATION_CHAIN_MIXED', detail: '' })
    else checks.group(spec, (inner) => checkLink(inner, child, path[i + 1] as Certificate, below, crypto))
  }
  return checks.failed() ? undefined : { leaf, issuer: path[1] as Certificate, root, certificates: [...path, ...(rootPresented ? [last] : [])] }
}
