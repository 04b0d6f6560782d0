/** Owns the SGX extension of PCK certificates (Intel SGX PCK Certificate and CRL Profile Specification, section 1.3.5). */
import { attestationError } from '../../errors.ts'
import type { Certificate } from '../../x509/certificate.ts'
import { TAG, contentOf, oidText, readDer, smallInteger, type DerElement, type DerReader } from '../../x509/der.ts'

/** Object identifier of the extension; its members hang below it. */
export const SGX_EXTENSION = '1.2.840.113741.1.13.1'

/** What a PCK certificate says about its platform. */
export interface PlatformExtension {
  readonly ppid: Uint8Array
  /** The 16 SVNs that TCB levels are compared with. */
  readonly components: readonly number[]
  readonly pceSvn: number
  readonly cpuSvn: Uint8Array
  readonly pceId: Uint8Array
  readonly fmspc: Uint8Array
}

const bad = (what: string) => attestationError('ATTESTATION_PLATFORM_EXTENSION', what)

/** Reads SEQUENCE OF { OID, value } into a map, each identifier once. */
const readMembers = (list: DerReader): ReadonlyMap<string, { readonly value: DerElement; readonly reader: DerReader }> => {
  const out = new Map<string, { value: DerElement; reader: DerReader }>()
  while (!list.done) {
    const entry = list.enter()
    const oid = oidText(entry.next(TAG.oid))
    if (!oid.startsWith(`${SGX_EXTENSION}.`) || out.has(oid)) throw bad(`member ${oid} is foreign or repeated`)
    out.set(oid, { value: entry.next(), reader: entry })
    entry.finish()
  }
  return out
}

type Members = ReturnType<typeof readMembers>

const member = (members: Members, suffix: string, tag: number): { value: DerElement; reader: DerReader } => {
  const found = members.get(`${SGX_EXTENSION}.${suffix}`)
  if (found === undefined) throw bad(`member .${suffix} is missing`)
  if (found.value.tag !== tag) throw bad(`member .${suffix} has tag ${found.value.tag}`)
  return found
}

const octets = (members: Members, suffix: string, length: number): Uint8Array => {
  const content = contentOf(member(members, suffix, TAG.octetString).value)
  if (content.length !== length) throw bad(`member .${suffix} has ${content.length} bytes, ${length} expected`)
  return content.slice()
}

const svn = (members: Members, suffix: string, max: number): number => {
  const value = smallInteger(member(members, suffix, TAG.integer).value)
  if (value > max) throw bad(`member .${suffix} is ${value}`)
  return value
}

/** Reads the extension of a PCK certificate. @throws ATTESTATION_PLATFORM_EXTENSION and ATTESTATION_DER_ codes */
export const parsePlatformExtension = (certificate: Certificate): PlatformExtension => {
  const extension = certificate.extensions.get(SGX_EXTENSION)
  if (extension === undefined) throw bad('it is missing')
  return readDer(extension.value, TAG.sequence, (content) => {
    const members = readMembers(content)
    const tcb = member(members, '2', TAG.sequence)
    const levels = readMembers(tcb.reader.into(tcb.value))
    const components = Array.from({ length: 16 }, (_, i) => svn(levels, `2.${i + 1}`, 255))
    return {
      ppid: octets(members, '1', 16),
      components,
      pceSvn: svn(levels, '2.17', 65535),
      cpuSvn: octets(levels, '2.18', 16),
      pceId: octets(members, '3', 2),
      fmspc: octets(members, '4', 6),
    }
  })
}
