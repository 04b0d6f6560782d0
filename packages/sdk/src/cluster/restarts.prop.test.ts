/** Whatever moments a node is killed at: every extrinsic comes into the chain once, and whoever submitted it learns so. */
import { Secret } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { codeOfRejection } from '@phalanx/primitives/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createSigner } from '../signer.ts'
import { constantRandom } from '../testing.ts'
import { createNetwork } from './network.ts'
import { connectFakeNode, settled } from './testing.ts'

const crypto = await loadCrypto()
const METHODS = [
  'chain_getBlockHash', 'chain_getFinalizedHead', 'chain_getHeader', 'chain_getBlock', 'chain_subscribeFinalizedHeads', 'state_getStorage', 'state_getRuntimeVersion',
  'system_accountNextIndex', 'author_submitExtrinsic', 'author_submitAndWatchExtrinsic',
] as const
const HOUR_MS = 3_600_000
const STEP_MS = 2000

const step = fc.oneof(
  fc.constant({ kind: 'submit' } as const), fc.constant({ kind: 'kill' } as const), fc.constant({ kind: 'start' } as const), fc.constant({ kind: 'block' } as const),
  fc.record({ kind: fc.constant('killBy' as const), method: fc.constantFrom(...METHODS), isDone: fc.boolean() }),
)

test('counts every extrinsic once, however often and whenever the node dies', async () => {
  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 24 }), async (steps) => {
    const { node, clock, chain, surroundings } = connectFakeNode(crypto)
    const network = await createNetwork({ chain, surroundings, policy: 'chain' })
    const alice = network.account(createSigner({ suri: new Secret('//Alice') }, { crypto, random: constantRandom(1) }))
    const fates: Promise<string>[] = []
    const pass = async (ms: number): Promise<void> => {
      for (let passedMs = 0; passedMs < ms; passedMs += STEP_MS / 4) {
        clock.advance(STEP_MS / 4)
        await settled()
      }
    }
    const act = (each: (typeof steps)[number]): void => {
      switch (each.kind) {
        case 'submit': fates.push(codeOfRejection(network.submit(alice, [{ pallet: 'System', call: 'remark', args: new Uint8Array(1) }], { timeoutMs: HOUR_MS }))); break
        case 'kill': node.kill(); break
        case 'start': node.start(); break
        case 'block': node.makeBlock(); break
        case 'killBy': node.killedBy = each
      }
    }
    for (const each of steps) {
      act(each)
      await pass(STEP_MS)
    }
    node.killedBy = undefined
    // Each may have to wait for the one before, and the next connection for its turn.
    for (let i = 0; i <= fates.length + 1; i++) {
      node.start()
      await pass(8 * STEP_MS)
      node.makeBlock()
    }
    await settled()
    network.close()
    expect(await Promise.all(fates)).toEqual(fates.map(() => 'none'))
    expect([node.included().length, new Set(node.included()).size]).toEqual([fates.length, fates.length])
  }), { numRuns: 40 })
})
