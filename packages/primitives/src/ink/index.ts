/** Public face of the ink folder: contracts' interfaces, their metadata, the interface of system contracts. */
export * from './abi.ts'
export * from './metadata.ts'
export * from './system-types.ts'
export * from './system.ts'
export * from './type-list.ts'
