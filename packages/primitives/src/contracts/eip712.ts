/** Owns the two typed-data digests (EIP-712) under which Ethereum wallets sign certificates and queries (worker_api.md section 7). Their texts are signed data. */
import { bigintToLe, concatBytes, utf8 } from '../bytes.ts'
import type { Crypto } from '../crypto/crypto.ts'

type Hashing = Pick<Crypto, 'keccak256'>

/** What is signed: a certificate that ends at block `ttl`, or a query. */
export type SignedSubject = { readonly kind: 'certificate'; readonly ttl: number } | { readonly kind: 'query' }

const PREFIX = Uint8Array.of(0x19, 0x01)
const DOMAIN_TYPE = 'EIP712Domain(string name,string version,bytes32 salt)'
const SALT_TEXT = 'phala/phat-contract'
const VERSION = '1'

/** The typed data, also for wallets that want it as an object. */
export const TYPED_DATA = {
  certificate: {
    domainName: 'Phat Query Certificate',
    primaryType: 'IssueQueryCertificate',
    type: 'IssueQueryCertificate(string description,string timeToLive,bytes encodedCert)',
    description: 'You are signing a Certificate that can be used to query Phat Contracts using your identity without further prompts.',
    timeToLive: (ttl: number): string => `The Certificate will be valid till block ${ttl}.`,
  },
  query: {
    domainName: 'Phat Contract Query',
    primaryType: 'PhatContractQuery',
    type: 'PhatContractQuery(string description,bytes encodedQuery)',
    description: 'You are signing a query request that would be sent to a Phat Contract.',
  },
} as const

const hashText = (crypto: Hashing, text: string): Uint8Array => crypto.keccak256(utf8(text))

const domainHash = (crypto: Hashing, name: string): Uint8Array =>
  crypto.keccak256(concatBytes(hashText(crypto, DOMAIN_TYPE), hashText(crypto, name), hashText(crypto, VERSION), hashText(crypto, SALT_TEXT)))

const structHash = (crypto: Hashing, subject: SignedSubject, message: Uint8Array): Uint8Array => {
  const encoded = crypto.keccak256(message)
  if (subject.kind === 'query') return crypto.keccak256(concatBytes(hashText(crypto, TYPED_DATA.query.type), hashText(crypto, TYPED_DATA.query.description), encoded))
  const { type, description, timeToLive } = TYPED_DATA.certificate
  return crypto.keccak256(concatBytes(hashText(crypto, type), hashText(crypto, description), hashText(crypto, timeToLive(subject.ttl)), encoded))
}

/** Hash (32 bytes) that the wallet signs for these bytes. */
export const typedDataHash = (crypto: Hashing, subject: SignedSubject, message: Uint8Array): Uint8Array =>
  crypto.keccak256(concatBytes(PREFIX, domainHash(crypto, TYPED_DATA[subject.kind].domainName), structHash(crypto, subject, message)))

/** Salt of the domain: keccak-256 of a fixed text. */
export const typedDataSalt = (crypto: Hashing): Uint8Array => hashText(crypto, SALT_TEXT)

/** The low bytes of a signature's recovery id: wallets write 27 and 28 for 0 and 1. */
export const normaliseRecovery = (signature: Uint8Array): Uint8Array => {
  const v = signature[64]
  return v === 27 || v === 28 ? concatBytes(signature.subarray(0, 64), bigintToLe(BigInt(v - 27), 1)) : signature
}
