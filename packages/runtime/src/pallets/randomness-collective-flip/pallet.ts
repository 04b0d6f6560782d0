/** Owns the ring of recent block hashes that serves as weak randomness. Never use it where the author gains by a choice. */
import { declarePallet } from '../../frame/pallet.ts'
import { writes } from '../../frame/weight.ts'
import * as storage from './storage.ts'

const parts = declarePallet({
  name: 'RandomnessCollectiveFlip',
  crate: 'pallet_insecure_randomness_collective_flip',
  doc: 'Weak randomness from recent block hashes.',
  storage,
})

/** RandomnessCollectiveFlip, index 27. */
export const randomnessCollectiveFlip = parts.withCalls({}, {
  hooks: {
    onInitialize(ctx) {
      const { number, parentHash } = ctx.block
      storage.randomMaterial.mutate(ctx, (ring) => {
        if (ring.length < storage.RANDOM_MATERIAL_LENGTH) return [...ring, parentHash]
        const at = (number - 1) % storage.RANDOM_MATERIAL_LENGTH
        return ring.map((hash, i) => (i === at ? parentHash : hash))
      })
      return writes(1)
    },
  },
})
