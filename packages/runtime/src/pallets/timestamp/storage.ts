/** Owns Timestamp's storage items. */
import { bool, u64 } from '@phalanx/primitives/codec'
import { palletStorage } from '../../frame/storage.ts'

const timestamp = palletStorage('Timestamp')

export const now = timestamp.value('Now', { type: u64, default: 0n, doc: 'Milliseconds since the Unix epoch that the block claims.' })
export const didUpdate = timestamp.value('DidUpdate', { type: bool, default: false, doc: 'Whether the time was set in the block being run.' })
