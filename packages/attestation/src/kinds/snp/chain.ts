/** Owns the endorsement chain of a report: VCEK or VLEK, the product's intermediate, its pinned root, and the root's revocation list. */
import { bytesEqual } from '@phalanx/primitives/bytes'
import { certificateWindow, type Window } from '../../validity.ts'
import type { CheckRecorder } from '../../verdict.ts'
import { parseCertificate, type Certificate } from '../../x509/certificate.ts'
import { checkChain, parseRoots, type VerifiedChain } from '../../x509/chain.ts'
import { parseRevocationList, type RevocationList } from '../../x509/crl.ts'
import { checkNotRevoked, checkRevocationList } from '../../x509/revocation.ts'
import type { VerifyInput } from '../kind.ts'
import { parseEndorsement, type SnpEndorsement } from './endorsement.ts'
import { SNP_PRODUCTS, familyOf, productOfName, type SnpProduct } from './products.ts'
import type { SnpReport } from './report.ts'
import type { SnpCertificates, SnpEvidence } from './wire.ts'

const KDS = 'VCEK certificate and KDS interface (AMD 57230)'

/** A chain that stands, what its leaf says, and every window that bounds it. */
export interface EndorsementChain {
  readonly chain: VerifiedChain
  readonly endorsement: SnpEndorsement
  readonly product: SnpProduct
  readonly family: Uint8Array
  readonly windows: readonly Window[]
}

/** Which hierarchy the presented intermediate stands for, by its common name: `SEV-Milan` or `SEV-VLEK-Milan`. */
const readAuthority = (authority: Certificate): { readonly product: SnpProduct; readonly lent: boolean } | undefined => {
  const product = SNP_PRODUCTS.find((name) => authority.commonName.endsWith(`SEV-${name}`) || authority.commonName.endsWith(`SEV-VLEK-${name}`))
  return product === undefined ? undefined : { product, lent: authority.commonName.endsWith(`SEV-VLEK-${product}`) }
}

const readCertificates = (checks: CheckRecorder, evidence: SnpEvidence, given: SnpCertificates) => {
  const spec = { rule: 'RFC 5280 in DER' }
  const leaf = checks.attempt({ ...spec, name: 'endorsement certificate' }, () => parseCertificate(evidence.endorsement))
  const authority = checks.attempt({ ...spec, name: 'intermediate certificate' }, () => parseCertificate(given.authority))
  const root = checks.attempt({ ...spec, name: 'root certificate' }, () => parseCertificate(given.root))
  return leaf === undefined || authority === undefined || root === undefined ? undefined : { leaf, authority, root }
}

/** One product per chain: root, intermediate, leaf and, where the report names its processor, the report agree. */
const checkProduct = (checks: CheckRecorder, chain: VerifiedChain, authority: { readonly product: SnpProduct; readonly lent: boolean }, report: SnpReport | undefined): SnpEndorsement | undefined => {
  const { product, lent } = authority
  const endorsement = checks.attempt({ name: 'endorsement extensions', rule: `${KDS}, section 3` }, () => parseEndorsement(chain.leaf))
  if (endorsement === undefined) return undefined
  const rootName = chain.root.certificate.commonName
  checks.check(
    { name: 'product', rule: `${KDS}: the key, its issuer and its root are of one product`, seen: endorsement.productName, expected: product },
    {
      pass: productOfName(endorsement.productName) === product && (chain.root.simulated || rootName === `ARK-${product}`),
      code: 'ATTESTATION_PRODUCT_MISMATCH', detail: `key of ${endorsement.productName}, issuer of ${product}, root "${rootName}"`,
    },
  )
  const expected = lent ? 'VLEK' : 'VCEK'
  if (report !== undefined)
    checks.check(
      { name: 'kind of key', rule: 'SEV-SNP firmware ABI: SIGNING_KEY names the key that signed, and its issuer issues keys of that kind', seen: report.signingKey, expected },
      { pass: report.signingKey === expected, code: 'ATTESTATION_SIGNING_KEY', detail: `the report names ${report.signingKey}, the chain is of ${expected}` },
    )
  return endorsement
}

/** A chip is not revoked by list; its product's intermediate is, after which nothing under it counts. */
const checkRevocation = (checks: CheckRecorder, chain: VerifiedChain, given: SnpCertificates, input: VerifyInput<SnpEvidence>): RevocationList | undefined => {
  const der = given.revocationList
  const spec = { name: 'revocation list', rule: `${KDS}: the root's list names revoked intermediates` }
  if (der === undefined) return void checks.skip(spec, 'the collateral carries none')
  return checks.group(spec, (inner) => {
    const list = inner.attempt({ name: 'form', rule: 'RFC 5280 section 5 in DER' }, () => parseRevocationList(der))
    if (list === undefined) return undefined
    checkRevocationList(inner, list, chain.root.certificate, input.crypto)
    checkNotRevoked(inner, chain.issuer, list)
    return list
  })
}

const listWindow = (list: RevocationList): Window => ({
  name: `revocation list of ${list.issuerCommonName}`, rule: 'RFC 5280 section 6.3.3: thisUpdate ≤ now ≤ nextUpdate',
  notBefore: list.thisUpdate, notAfter: list.nextUpdate, early: 'ATTESTATION_CRL_NOT_YET_VALID', late: 'ATTESTATION_CRL_EXPIRED', grace: 'revocation',
})

/** Judges the chain of a report apart from time; undefined when it does not stand. `report` undefined when it could not be read. */
export const checkEndorsementChain = (checks: CheckRecorder, input: VerifyInput<SnpEvidence>, report: SnpReport | undefined): EndorsementChain | undefined => {
  const given = input.evidence.collateral?.value
  if (given === undefined) {
    const spec = { name: 'collateral given', rule: `${KDS}: a report is judged together with its product's certificates` }
    checks.check(spec, { pass: false, code: 'ATTESTATION_COLLATERAL_ABSENT', detail: 'no certificates above the endorsement key' })
    return undefined
  }
  return checks.group({ name: 'endorsement chain', rule: KDS }, (inner) => {
    const parsed = readCertificates(inner, input.evidence, given)
    if (parsed === undefined) return undefined
    const { leaf, authority, root } = parsed
    const hierarchy = readAuthority(authority)
    const role = { name: 'intermediate', rule: `${KDS}: SEV-<product> issues VCEKs, SEV-VLEK-<product> issues VLEKs`, seen: authority.commonName }
    const known = inner.check(role, { pass: hierarchy !== undefined, code: 'ATTESTATION_CERTIFICATE_ROLE', detail: `"${authority.commonName}"` })
    if (!known || hierarchy === undefined) return undefined
    const pinned = inner.attempt({ name: 'pinned roots', rule: 'Policy: every pinned root is a certificate' }, () => parseRoots(input.policy.roots.filter((der) => bytesEqual(der, root.der)), input.crypto))
    if (pinned === undefined) return undefined
    const leafRole = hierarchy.lent ? 'SEV-VLEK' : 'SEV-VCEK'
    const shape = { certificates: [leaf, authority, root], length: 3, rootPresented: true, leafIsAuthority: false, leafRole, leafUsageOptional: true }
    const chain = checkChain(inner, shape, { roots: pinned, simulated: input.policy.simulated }, input.crypto)
    if (chain === undefined) return undefined
    const endorsement = checkProduct(inner, chain, hierarchy, report)
    const list = checkRevocation(inner, chain, given, input)
    if (endorsement === undefined) return undefined
    const windows = [leaf, authority, root].map(certificateWindow)
    return { chain, endorsement, product: hierarchy.product, family: familyOf(hierarchy.product), windows: list === undefined ? windows : [...windows, listWindow(list)] }
  })
}
