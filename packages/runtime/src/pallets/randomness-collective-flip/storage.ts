/** Owns RandomnessCollectiveFlip's storage item. */
import { Hash } from '@phalanx/primitives/chain'
import { vecUpTo } from '@phalanx/primitives/codec'
import { palletStorage } from '../../frame/storage.ts'

/** How many parent hashes are kept. */
export const RANDOM_MATERIAL_LENGTH = 81

const randomness = palletStorage('RandomnessCollectiveFlip')

export const randomMaterial = randomness.value('RandomMaterial', {
  type: vecUpTo(Hash, RANDOM_MATERIAL_LENGTH), default: [], doc: 'The last 81 parent hashes, a ring: weak randomness that the author can influence.' })
