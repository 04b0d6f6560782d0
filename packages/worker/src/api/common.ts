/** Owns messages that several areas share. */
import { bool, message, nested, string, uint32, uint64, type MessageOf } from './schema.ts'

/** Nothing. */
export const Empty = message('Empty', {})
export type Empty = MessageOf<typeof Empty>

/** Number of the last block that was taken in (not of the next). */
export const SyncedTo = message('SyncedTo', { syncedTo: uint32(1) })
export type SyncedTo = MessageOf<typeof SyncedTo>

/** Body of a binary error answer. */
export const PrpcError = message('PrpcError', { message: string(1) })
export type PrpcError = MessageOf<typeof PrpcError>

/** Role of the worker among gatekeepers: 0 none, 1 dummy, 2 active; key in hex. */
export const GatekeeperStatus = message('GatekeeperStatus', { role: uint32(1), masterPublicKey: string(2) })
export type GatekeeperStatus = MessageOf<typeof GatekeeperStatus>

/** Bytes of memory. */
export const MemoryUsage = message('MemoryUsage', {
  rustUsed: uint64(1), rustPeakUsed: uint64(2), totalPeakUsed: uint64(3), free: uint64(4), rustSpike: uint64(5),
})
export type MemoryUsage = MessageOf<typeof MemoryUsage>

/** What the worker's system knows of itself; keys in hex without 0x. */
export const SystemInfo = message('SystemInfo', {
  registered: bool(1), publicKey: string(2), ecdhPublicKey: string(3), gatekeeper: nested(4, GatekeeperStatus),
  numberOfClusters: uint64(5), numberOfContracts: uint64(6), maxSupportedConsensusVersion: uint32(7), genesisBlock: uint32(8),
})
export type SystemInfo = MessageOf<typeof SystemInfo>
