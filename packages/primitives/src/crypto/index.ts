/** Public names of `@phalanx/primitives/crypto`: interfaces and pure helpers. Backends load from `@phalanx/primitives/crypto/backend`. */
export type * from './crypto.ts'
export * from './channel.ts'
export * from './key-tree.ts'
export * from './mnemonic.ts'
export * from './secret.ts'
export * from './ss58.ts'
export * from './suri.ts'
