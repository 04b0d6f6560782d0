/** Public face of the relay. */
export { createAccount, type Account } from './account.ts'
export { answerCacheQuestion, createCacheClient, type BlockServer, type CacheClient } from './cache-client.ts'
export type { BatchLimits } from './courier.ts'
export * from './create-relay.ts'
export * from './errors.ts'
export * from './snapshot.ts'
export { PHASES, type Phase, type Status } from './state.ts'
