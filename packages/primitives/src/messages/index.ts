/** Public face of the messages folder. */
export * from './gatekeeper.ts'
export * from './message.ts'
export * from './registry.ts'
export * from './system.ts'
export * from './topics.ts'
export * from './working.ts'
