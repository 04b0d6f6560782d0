/** Public face of the codec folder. */
export * from './bytes.ts'
export * from './codec.ts'
export * from './collections.ts'
export * from './cursor.ts'
export * from './numbers.ts'
export * from './structs.ts'
export * from './type-info.ts'
