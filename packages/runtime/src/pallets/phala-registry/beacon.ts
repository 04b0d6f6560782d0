/** Owns the chain's copy of the gatekeepers' random beacon. Does not own who may send it: only messages of origin Gatekeeper arrive here. */
import type { RandomNumberEvent } from '@phalanx/primitives/messages'
import type { StorageHost } from '../../frame/overlay.ts'
import * as storage from './storage.ts'

/** Keeps a value if its round is newer. */
export const takeRandomNumber = (host: StorageHost, { blockNumber, randomNumber }: RandomNumberEvent): void => {
  const known = storage.beacon.get(host)
  if (known === undefined || known[0] < blockNumber) storage.beacon.set(host, [blockNumber, randomNumber])
}

/** Latest round (block number) and 32 random bytes; undefined before the first. */
export const latestBeacon = (host: StorageHost): { readonly round: number; readonly value: Uint8Array } | undefined => {
  const known = storage.beacon.get(host)
  return known === undefined ? undefined : { round: known[0], value: known[1] }
}
