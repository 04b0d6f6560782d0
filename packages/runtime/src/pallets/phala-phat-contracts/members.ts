/** Owns the question who is in which cluster. Does not own how one comes in and goes (membership.ts). */
import { bytesEqual } from '@phalanx/primitives/bytes'
import type { StorageHost } from '../../frame/overlay.ts'
import * as storage from './storage.ts'

/** A worker and a cluster. */
export interface Membership {
  readonly worker: Uint8Array
  readonly cluster: Uint8Array
}

/** Whether a worker is in this cluster. */
export const isMember = (host: StorageHost, { worker, cluster }: Membership): boolean => {
  const found = storage.clusterByWorkers.get(host, worker)
  return found !== undefined && bytesEqual(found, cluster)
}
