/** Owns Grandpa's storage items. */
import { AuthorityList } from '@phalanx/primitives/chain'
import { u32, u64 } from '@phalanx/primitives/codec'
import { palletStorage } from '../../frame/storage.ts'

const grandpa = palletStorage('Grandpa')

export const pendingChange = grandpa.value('PendingChange', { type: AuthorityList, doc: 'The set that takes over when this block ends.' })
export const currentSetId = grandpa.value('CurrentSetId', { type: u64, default: 0n, doc: 'Number of the set that finalises the next block.' })
export const setIdSession = grandpa.map('SetIdSession', { hasher: 'Twox64Concat', key: u64, type: u32, doc: 'Block in which a set took over.' })
export const authorities = grandpa.value('Authorities', { type: AuthorityList, default: [], doc: 'The set that finalises the next block.' })
