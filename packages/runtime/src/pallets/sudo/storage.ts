/** Owns Sudo's storage item. */
import { AccountId } from '@phalanx/primitives/chain'
import { palletStorage } from '../../frame/storage.ts'

const sudo = palletStorage('Sudo')

export const key = sudo.value('Key', { type: AccountId, doc: 'The account that may act as root.' })
