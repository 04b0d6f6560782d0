/** Public names of `@phalanx/primitives/crypto`: interfaces and pure helpers. Backends load from `@phalanx/primitives/crypto/backend`. */
export type * from './crypto.ts'
