import { beforeAll, describe, expect, test } from 'vitest'
import { utf8 } from '@phalanx/primitives/bytes'
import { Secret, type Crypto } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import type { KeyPair } from '../core/keys.ts'
import { clusterSecret, sealShare } from '../root-secret/share.ts'
import { clusterEpochContext, clusterKeyContext, openClusterSecret, sealClusterSecret } from './cluster-shares.ts'

const GENESIS = new Uint8Array(32).fill(3)
const CLUSTER = new Uint8Array(32).fill(1)
const CONTEXT = clusterEpochContext(GENESIS, { cluster: CLUSTER, epoch: 2n })
let crypto: Crypto

beforeAll(async () => {
  crypto = await loadCrypto()
})
const pair = (name: string): KeyPair => {
  const { secret, publicKey } = crypto.sr25519.pairFromSeed(crypto.sha256(utf8(name)))
  return { publicKey, secret: new Secret(secret) }
}
const secretOf = (name: string): Uint8Array => pair(name).secret.reveal()
const seal = (name: string, change: Partial<Parameters<typeof sealClusterSecret>[1]> = {}) =>
  sealClusterSecret(crypto, { secret: secretOf('epoch'), recipient: pair(name).publicKey, seed: crypto.sha256(utf8(`seed ${name}`)), context: CONTEXT, ...change })

describe('a share of an epoch\'s secret', () => {
  test('opens with any of its receiver\'s keys and with no other', () => {
    const sealed = seal('member')
    expect(openClusterSecret(crypto, { keys: [pair('newer'), pair('member')], sealed, context: CONTEXT })).toEqual(secretOf('epoch'))
    expect(openClusterSecret(crypto, { keys: [pair('newer')], sealed, context: CONTEXT })).toBeUndefined()
    expect(openClusterSecret(crypto, { keys: [], sealed, context: CONTEXT })).toBeUndefined()
  })

  test('opens for its cluster, epoch and chain only', () => {
    const sealed = seal('member')
    const others = [
      clusterEpochContext(GENESIS, { cluster: CLUSTER, epoch: 3n }), clusterEpochContext(GENESIS, { cluster: GENESIS, epoch: 2n }),
      clusterEpochContext(CLUSTER, { cluster: CLUSTER, epoch: 2n }), clusterKeyContext(GENESIS, CLUSTER),
    ]
    for (const context of others) expect(openClusterSecret(crypto, { keys: [pair('member')], sealed, context })).toBeUndefined()
  })

  test('is made by a key of its own, whose seed is erased', () => {
    const seed = crypto.sha256(utf8('fresh'))
    const sealed = seal('member', { seed })
    expect(seed).toEqual(new Uint8Array(32))
    expect(sealed.ecdhPubkey).toEqual(crypto.sr25519.pairFromSeed(crypto.sha256(utf8('fresh'))).publicKey)
    expect(sealed.ecdhPubkey).not.toEqual(seal('other').ecdhPubkey)
    expect(sealed.encryptedKey).toHaveLength(80)
  })

  test('that was altered, or whose sender is nobody or the receiver, opens to nothing', () => {
    const sealed = seal('member')
    const bad = [
      { ...sealed, encryptedKey: sealed.encryptedKey.map((byte, i) => (i === 7 ? byte ^ 1 : byte)) }, { ...sealed, iv: new Uint8Array(12) }, { ...sealed, encryptedKey: new Uint8Array(0) },
      { ...sealed, ecdhPubkey: new Uint8Array(32) }, { ...sealed, ecdhPubkey: new Uint8Array(32).fill(255) }, { ...sealed, ecdhPubkey: pair('member').publicKey },
    ]
    for (const one of bad) expect(openClusterSecret(crypto, { keys: [pair('member')], sealed: one, context: CONTEXT })).toBeUndefined()
  })

  test('of another length than a secret\'s is none', () => {
    expect(openClusterSecret(crypto, { keys: [pair('member')], sealed: seal('member', { secret: new Uint8Array(32) }), context: CONTEXT })).toBeUndefined()
  })
})

test('a share of a cluster\'s key as the root secret makes it opens to that key', () => {
  const master = secretOf('master')
  const context = clusterKeyContext(GENESIS, CLUSTER)
  const sealed = sealShare(crypto, { master, sharing: 'cluster_key_sharing', recipient: pair('member').publicKey, secret: clusterSecret(crypto, master, CLUSTER), context })
  expect(openClusterSecret(crypto, { keys: [pair('member')], sealed, context })).toEqual(clusterSecret(crypto, master, CLUSTER))
})
