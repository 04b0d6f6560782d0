/** Public face of the chain folder. */
export * from './basics.ts'
export * from './checkpoint.ts'
export * from './era.ts'
export * from './extrinsic.ts'
export * from './follow.ts'
export * from './grandpa.ts'
export * from './header.ts'
export * from './phlx.ts'
