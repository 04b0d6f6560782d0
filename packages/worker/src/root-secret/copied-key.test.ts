import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { bytesEqual, concatBytes, toHex, utf8 } from '@phalanx/primitives/bytes'
import { deriveKeyPair, Secret, type Crypto } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import type { EncryptedKey, KeyDistribution } from '@phalanx/primitives/messages'
import { codeOfRejection as codeOf } from '@phalanx/primitives/testing'
import type { KeyPair } from '../core/keys.ts'
import { clusterKeyContext } from '../gatekeeper/cluster-shares.ts'
import { createSealer } from '../platform/seal.ts'
import { createSoftwarePlatform } from '../platform/software.ts'
import { createMemoryBlobStore, createTestRandom, type MemoryBlobStore } from '../testing/outside.ts'
import { createCopiedKey, MASTER_KEY_FILE } from './copied-key.ts'
import { performRootCall } from './perform.ts'
import type { RootSecret } from './root-secret.ts'
import { openShare } from './share.ts'

const GENESIS = new Uint8Array(32).fill(3)
const FIRST = { rotationId: 0n, since: 4 }
let crypto: Crypto
let blobs: MemoryBlobStore
let a: RootSecret
let starts = 0

beforeAll(async () => {
  crypto = await loadCrypto()
})
/** A process on this disk; `seed` is what its randomness comes from. */
const open = async (disk: MemoryBlobStore, seed = `start ${starts++}`): Promise<RootSecret> => {
  const random = createTestRandom(crypto, seed)
  const platform = await createSoftwarePlatform({}, { crypto, blobs: disk, random })
  return createCopiedKey({ genesisHash: GENESIS }, { crypto, random, sealer: createSealer({ platform, blobs: disk, random, crypto }) })
}
beforeEach(async () => {
  blobs = createMemoryBlobStore()
  a = await open(blobs)
})

const pair = (name: string): KeyPair => {
  const { secret, publicKey } = crypto.sr25519.pairFromSeed(crypto.sha256(utf8(name)))
  return { publicKey, secret: new Secret(secret) }
}
const worker = (name: string) => ({ pubkey: pair(`${name} identity`).publicKey, ecdhPubkey: pair(name).publicKey })
const sharesOf = (event: KeyDistribution): readonly (readonly [bigint, EncryptedKey])[] => {
  if (event.kind === 'MasterKeyRotation') return []
  if (event.kind === 'MasterKeyHistory') return event.value.encryptedMasterKeyHistory.map(([id, , key]) => [id, key] as const)
  const { ecdhPubkey, encryptedMasterKey, iv } = event.value
  return [[0n, { ecdhPubkey, encryptedKey: encryptedMasterKey, iv }]]
}
/** A second holder of the same keys. */
const join = async (epochs = [FIRST], from = a): Promise<{ readonly root: RootSecret; readonly disk: MemoryBlobStore }> => {
  const disk = createMemoryBlobStore()
  const root = await open(disk)
  await root.accept({ block: 9, keys: sharesOf(await from.admit({ recipient: worker('b'), epochs })), ecdh: [pair('b')] })
  return { root, disk }
}
const settle = async (): Promise<void> => {
  for (let i = 0; i < 200; i++) await Promise.resolve()
}

describe('the first master key', () => {
  test('is made once, kept, and found again', async () => {
    expect(await a.held()).toEqual([])
    await a.launch({ block: 4 })
    const [made] = await a.held()
    await a.launch({ block: 5 })
    expect(await (await open(blobs)).held()).toEqual([made])
    expect(made).toEqual({ rotationId: 0n, publicKey: await a.publicKey(0n) })
  })

  test('is not there before it is durable', async () => {
    blobs.dropWrites = true
    let answered = false
    void a.launch({ block: 4 }).then(() => (answered = true))
    await settle()
    expect(answered).toBe(false)
    expect(await (await open(createMemoryBlobStore(blobs.files))).held()).toEqual([])
  })

  test('is never made in place of one that cannot be read', async () => {
    await a.launch({ block: 4 })
    const file = blobs.files.get(MASTER_KEY_FILE) as Uint8Array
    file[file.length - 1] = (file.at(-1) as number) ^ 1
    const damaged = file.slice()
    const again = await open(blobs)
    expect(await codeOf(again.launch({ block: 5 }))).toBe('SEAL_TAMPERED')
    expect(await again.held()).toEqual([])
    expect(await performRootCall(again, { kind: 'launch', value: { block: 5 } })).toEqual({ kind: 'failed', value: { code: 'SEAL_TAMPERED' } })
    expect(blobs.files.get(MASTER_KEY_FILE)).toEqual(damaged)
  })

  test('of another chain is refused', async () => {
    await a.launch({ block: 4 })
    const random = createTestRandom(crypto, 'other')
    const platform = await createSoftwarePlatform({}, { crypto, blobs, random })
    const other = createCopiedKey({ genesisHash: new Uint8Array(32) }, { crypto, random, sealer: createSealer({ platform, blobs, random, crypto }) })
    expect(await codeOf(other.launch({ block: 1 }))).toBe('SEAL_FOREIGN')
  })

  test('cannot be used before it is held', async () => {
    for (const act of [a.publicKey(0n), a.sign({ message: GENESIS, epoch: 0n, random: GENESIS }), a.admit({ recipient: worker('b'), epochs: [FIRST] }), a.admit({ recipient: worker('b'), epochs: [] })])
      expect(await codeOf(act)).toBe('ROOT_KEY_MISSING')
    expect(await performRootCall(a, { kind: 'beacon', value: { round: 5, last: GENESIS, epoch: 0n } })).toEqual({ kind: 'missing', value: [] })
  })
})

describe('a share', () => {
  beforeEach(() => a.launch({ block: 4 }))

  test('gives another gatekeeper the same key, and is the same from every holder', async () => {
    const { root: b } = await join()
    expect(await b.held()).toEqual(await a.held())
    for (const recipient of [worker('c'), worker('d')]) expect(await b.admit({ recipient, epochs: [FIRST] })).toEqual(await a.admit({ recipient, epochs: [FIRST] }))
    const label = { kind: 'cluster', id: GENESIS } as const
    expect(await b.sealTo({ recipient: worker('c').ecdhPubkey, label, epoch: 0n })).toEqual(await a.sealTo({ recipient: worker('c').ecdhPubkey, label, epoch: 0n }))
  })

  test('differs in key and IV with its receiver and its label', async () => {
    const seal = (name: string, id: number) => a.sealTo({ recipient: worker(name).ecdhPubkey, label: { kind: 'cluster', id: new Uint8Array(32).fill(id) }, epoch: 0n })
    const shares = await Promise.all([seal('c', 1), seal('c', 2), seal('d', 1)])
    expect(new Set(shares.map(({ iv }) => toHex(iv))).size).toBe(3)
    expect(new Set(shares.map(({ encryptedKey }) => toHex(encryptedKey))).size).toBe(3)
    expect(shares.map(({ encryptedKey }) => encryptedKey.length)).toEqual([80, 80, 80])
  })

  test('of a cluster opens to the key that derives from the master key', async () => {
    const id = new Uint8Array(32).fill(7)
    const share = await a.sealTo({ recipient: pair('w').publicKey, label: { kind: 'cluster', id }, epoch: 0n })
    const context = { genesisHash: GENESIS, label: concatBytes(utf8('cluster_key'), id), epoch: 0n }
    const secret = openShare(crypto, { ecdh: [pair('x'), pair('w')], share, context })
    expect(secret).toHaveLength(64)
    expect(openShare(crypto, { ecdh: [pair('x')], share, context })).toBeUndefined()
    expect(openShare(crypto, { ecdh: [pair('w')], share, context: { ...context, epoch: 1n } })).toBeUndefined()
    expect(openShare(crypto, { ecdh: [pair('w')], share: { ...share, ecdhPubkey: new Uint8Array(32).fill(255) }, context })).toBeUndefined()
  })

  test('of a cluster has the cluster\'s public key, and is made for all workers at once but those whose ECDH key is none', async () => {
    const id = new Uint8Array(32).fill(7)
    const label = { kind: 'cluster', id } as const
    const own = (await a.sealTo({ recipient: pair('w').publicKey, label, epoch: 0n })).ecdhPubkey
    expect(await codeOf(a.sealTo({ recipient: own, label, epoch: 0n }))).toBe('CRYPTO_INVALID_KEY')
    const recipients = [worker('v'), { pubkey: id, ecdhPubkey: own }, { pubkey: id, ecdhPubkey: new Uint8Array(32).fill(255) }, worker('w')]
    const { root: b } = await join()
    const answers = await Promise.all([a, b].map((root) => performRootCall(root, { kind: 'sealCluster', value: { cluster: id, epoch: 0n, recipients } })))
    expect(answers[0]).toEqual(answers[1])
    const [answer] = answers
    if (answer?.kind !== 'clusterSealed') throw new Error('not sealed')
    expect(answer.value.secretKeys.map(([pubkey]) => pubkey)).toEqual([worker('v').pubkey, worker('w').pubkey])
    for (const [index, name] of ['v', 'w'].entries()) {
      const share = answer.value.secretKeys[index]?.[1] as EncryptedKey
      const secret = openShare(crypto, { ecdh: [pair(name)], share, context: clusterKeyContext(GENESIS, id) }) as Uint8Array
      expect(crypto.sr25519.pairFromSecret(secret).publicKey).toEqual(answer.value.publicKey)
    }
    expect(answer.value.publicKey).not.toEqual(await a.publicKey(0n))
    expect(await performRootCall(a, { kind: 'sealCluster', value: { cluster: id, epoch: 1n, recipients } })).toEqual({ kind: 'missing', value: await a.held() })
  })

  test('for another key or altered on its way leaves everything as it was', async () => {
    const disk = createMemoryBlobStore()
    const b = await open(disk)
    const [[id, share]] = sharesOf(await a.admit({ recipient: worker('b'), epochs: [FIRST] })) as [readonly [bigint, EncryptedKey]]
    const altered = { ...share, encryptedKey: share.encryptedKey.map((byte, i) => (i === 5 ? byte ^ 1 : byte)) }
    await b.accept({ block: 9, keys: [[id, share]], ecdh: [pair('c')] })
    await b.accept({ block: 9, keys: [[id, altered], [1n, share]], ecdh: [pair('b')] })
    expect(await b.held()).toEqual([])
    expect(disk.files.has(MASTER_KEY_FILE)).toBe(false)
  })

  test('takes the place of a file that cannot be read', async () => {
    const { disk } = await join()
    disk.files.set(MASTER_KEY_FILE, new Uint8Array(40))
    const b = await open(disk)
    expect(await b.held()).toEqual([])
    await b.accept({ block: 9, keys: sharesOf(await a.admit({ recipient: worker('b'), epochs: [FIRST] })), ecdh: [pair('b')] })
    expect(await (await open(disk)).held()).toEqual(await a.held())
  })
})

describe('the beacon', () => {
  test('follows from last value, round and key alone', async () => {
    await a.launch({ block: 4 })
    const { root: b } = await join()
    const options = { round: 0x01020304, last: GENESIS, epoch: 0n }
    const { value, proof } = await a.beacon(options)
    expect([(await b.beacon(options)).value, proof]).toEqual([value, new Uint8Array(0)])
    for (const change of [{ round: 5 }, { last: new Uint8Array(32) }]) expect((await a.beacon({ ...options, ...change })).value).not.toEqual(value)
    // The reference's formula, once more by hand, over the master secret of a share.
    const share = await a.sealTo({ recipient: pair('w').publicKey, label: { kind: 'master' }, epoch: 0n })
    const master = openShare(crypto, { ecdh: [pair('w')], share, context: { genesisHash: GENESIS, label: utf8('master_key'), epoch: 0n } }) as Uint8Array
    const { secret } = deriveKeyPair(crypto, master, [utf8('random_number')])
    expect(value).toEqual(crypto.blake2b256(concatBytes(GENESIS, Uint8Array.of(1, 2, 3, 4), secret)))
  })
})

describe('a rotation', () => {
  const rotate = (root: RootSecret, rotationId = 1n, names = ['a', 'b']) => root.rotate({ rotationId, epoch: 0n, recipients: names.map(worker) })
  beforeEach(() => a.launch({ block: 4 }))

  test('proposes a fresh key to all, kept before anybody is sent it', async () => {
    const first = await rotate(a)
    const again = await open(blobs)
    expect(await rotate(again)).toEqual(first)
    await again.accept({ block: 20, keys: [[1n, (first as NonNullable<typeof first>)[0]?.[1] as EncryptedKey]], ecdh: [pair('a')] })
    expect((await again.held()).map(({ rotationId }) => rotationId)).toEqual([0n, 1n])
    expect(bytesEqual(await again.publicKey(0n), await again.publicKey(1n))).toBe(false)
    expect(await rotate(again)).toBeUndefined()
  })

  test('answers nothing that would not survive a crash, and after one never seals another key under the same IV', async () => {
    blobs.dropWrites = true
    let answered = false
    void rotate(a).then(() => (answered = true))
    await settle()
    expect(answered).toBe(false)
    const files = new Map(blobs.files)
    const proposals = await Promise.all(['one', 'two'].map(async (seed) => rotate(await open(createMemoryBlobStore(files), seed))))
    const [one, two] = proposals.map((shares) => shares?.[0]?.[1]) as [EncryptedKey, EncryptedKey]
    expect(one.ecdhPubkey).toEqual(two.ecdhPubkey)
    expect(one.encryptedKey).not.toEqual(two.encryptedKey)
    expect(one.iv).not.toEqual(two.iv)
  })

  test('that was given up leaves room for the next', async () => {
    await rotate(a)
    expect(await rotate(a, 3n)).toHaveLength(2)
    expect(await rotate(a, 2n)).toBeUndefined()
  })

  test('is opened by whoever holds the key before it, also when the ECDH key is gone for which it was sealed; by nobody else, and not altered', async () => {
    const { root: b, disk } = await join()
    const stranger = await open(createMemoryBlobStore())
    const shares = (await rotate(a)) ?? []
    const share = shares[1]?.[1] as EncryptedKey
    const altered = { ...share, encryptedKey: share.encryptedKey.map((byte, i) => (i === 5 ? byte ^ 1 : byte)) }
    const opened = async (root: RootSecret, key: EncryptedKey, sealedTo?: Uint8Array): Promise<readonly bigint[]> => {
      await root.accept({ block: 20, keys: [[1n, key]], ecdh: [pair('b later')], ...(sealedTo === undefined ? {} : { sealedTo }) })
      return (await root.held()).map(({ rotationId }) => rotationId)
    }
    const { ecdhPubkey } = worker('b')
    expect(await opened(stranger, share, ecdhPubkey)).toEqual([])
    for (const [key, sealedTo] of [[share, undefined], [share, worker('c').ecdhPubkey], [share, share.ecdhPubkey], [share, new Uint8Array(32).fill(0xff)], [altered, ecdhPubkey]] as const)
      expect(await opened(b, key, sealedTo)).toEqual([0n])
    expect(await opened(b, share, ecdhPubkey)).toEqual([0n, 1n])
    await a.accept({ block: 20, keys: [[1n, shares[0]?.[1] as EncryptedKey]], ecdh: [pair('a')] })
    expect(await (await open(disk)).held()).toEqual(await a.held())
  })

  test('makes a history, which joins and messages of every epoch come from', async () => {
    const shares = (await rotate(a)) ?? []
    await a.accept({ block: 20, keys: [[1n, shares[0]?.[1] as EncryptedKey]], ecdh: [pair('a')] })
    const epochs = [FIRST, { rotationId: 1n, since: 21 }]
    const event = await a.admit({ recipient: worker('b'), epochs })
    expect(event.kind === 'MasterKeyHistory' && event.value.encryptedMasterKeyHistory.map(([id, block]) => [id, block])).toEqual([[0n, 4], [1n, 21]])
    const { root: b } = await join(epochs)
    expect(await b.held()).toEqual(await a.held())
    expect((await a.admit({ recipient: worker('b'), epochs: [FIRST] })).kind).toBe('MasterKeyDistribution')
    const signature = await b.sign({ message: GENESIS, epoch: 1n, random: new Uint8Array(32) })
    expect(crypto.sr25519.verify(signature, GENESIS, await a.publicKey(1n))).toBe(true)
  })
})

describe('retirement', () => {
  test('erases file and memory, unless the key was received after that block', async () => {
    await a.launch({ block: 4 })
    await a.retire({ block: 3 })
    expect(await a.held()).toHaveLength(1)
    await a.retire({ block: 4 })
    expect([await a.held(), blobs.files.has(MASTER_KEY_FILE)]).toEqual([[], false])
    await a.launch({ block: 9 })
    expect(await a.held()).toHaveLength(1)
  })

  test('closing keeps the file', async () => {
    await a.launch({ block: 4 })
    const held = await a.held()
    a.close()
    expect(await a.held()).toEqual(held)
  })
})
