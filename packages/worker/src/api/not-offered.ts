/** Owns the names of the reference's methods that this worker knows of but does not offer: they get an error of their own, never a false success. */
import { KIB, MIB } from './schema.ts'

/** A known method that is answered with WORKER_METHOD_NOT_OFFERED. */
export interface NotOfferedMethod {
  readonly limitBytes: number
  readonly access: 'public' | 'private'
}

const closed = (limitBytes: number): NotOfferedMethod => ({ limitBytes, access: 'private' })
const open = (limitBytes: number): NotOfferedMethod => ({ limitBytes, access: 'public' })

/** By wire name, all of the service PhactoryAPI. Headers and blocks in the reference's form have a successor: PhalanxAPI.FeedBlocks. */
export const METHODS_NOT_OFFERED: Readonly<Record<string, NotOfferedMethod>> = {
  SyncHeader: closed(100 * MIB),
  SyncParaHeader: closed(100 * MIB),
  SyncCombinedHeaders: closed(100 * MIB),
  DispatchBlocks: closed(100 * MIB),
  DerivePhalaI2pKey: closed(10 * KIB),
  DcapHandoverCreateChallenge: closed(10 * KIB),
  DcapHandoverStart: closed(10 * KIB),
  DcapHandoverAcceptChallenge: closed(10 * KIB),
  DcapHandoverReceive: closed(10 * KIB),
  ConfigNetwork: closed(10 * KIB),
  GetNetworkConfig: closed(KIB),
  HttpFetch: closed(100 * MIB),
  UploadSidevmCode: open(32 * MIB),
  LoadChainState: closed(500 * MIB),
  LoadStorageProof: closed(10 * MIB),
  TryUpgradePinkRuntime: closed(KIB),
}
