import { bytesEqual, toHex } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { beforeAll, describe, expect, test } from 'vitest'
import type { ForeignBlock } from '../engine/import.ts'
import { buildBlocks, createTestChain, createTestNode, rpcCall, signTransfers, type TestChain } from '../testing.ts'
import { openBlockStore, STORE_VERSION } from './block-store.ts'
import { createMemoryDisk, type MemoryDisk } from './memory.ts'
import { sealRecord, singleKey } from './records.ts'

let chain: TestChain
let blocks: readonly ForeignBlock[]
beforeAll(async () => {
  chain = createTestChain(await loadCrypto())
  blocks = buildBlocks(chain, signTransfers(chain, 60), 2)
})

const openStore = (disk: MemoryDisk, keepStates: number | 'archive' = 256) => {
  const kv = disk.open()
  return { kv, store: openBlockStore({ folder: 'memory', keepStates }, { kv, crypto: chain.crypto }) }
}

describe('a crash', () => {
  test('at any write keeps every block that was reported, whole and provable', async () => {
    for (let keep = 0; keep <= 1; keep++) {
      const syncs: (() => void)[] = []
      const disk = createMemoryDisk({ sync: (complete) => void syncs.push(complete) })
      const pump = setInterval(() => syncs.shift()?.(), 0)
      let node = await createTestNode(chain, {}, { kv: disk.open() })
      clearInterval(pump)
      for (let number = 1; number <= 8; number++) {
        const sealing = node.seal().catch(() => 'lost')
        while (syncs.length === 0) await new Promise((resolve) => setImmediate(resolve))
        const before = node.head().number
        syncs.length = 0
        disk.crash(keep)
        await sealing
        expect(node.head().number).toBe(before)
        const again = setInterval(() => syncs.shift()?.(), 0)
        node = await createTestNode(chain, {}, { kv: disk.open() })
        clearInterval(again)
        expect(node.head().number).toBe(before + keep)
        const { state, header, number: head } = node.chain.head()
        expect(bytesEqual(state.root, header.stateRoot)).toBe(true)
        if (head > 0) expect(node.chain.store.justification(head)).toBeDefined()
      }
    }
  })

  test('between a block and its proof makes the same proof again', async () => {
    const disk = createMemoryDisk()
    const node = await createTestNode(chain, {}, { kv: disk.open() })
    await node.seal()
    const proof = node.chain.store.justification(1)
    disk.crash()
    const again = await createTestNode(chain, {}, { kv: disk.open() })
    expect(again.head().number).toBe(1)
    expect(toHex(again.chain.store.justification(1) as Uint8Array)).toBe(toHex(proof as Uint8Array))
  })
})

describe('pruning', () => {
  test('keeps the states of the window, all blocks, and no unused node', async () => {
    const disk = createMemoryDisk()
    const node = await createTestNode(chain, { keepStates: 16 }, { kv: disk.open() })
    await node.importer.importBlocks(blocks)
    const { store } = node.chain
    expect(node.head().number).toBe(30)
    expect(store.firstState).toBe(15)
    expect(() => store.state(14)).toThrow(expect.objectContaining({ code: 'BLOCK_STATE_PRUNED' }))
    for (let number = 15; number <= 30; number++) expect(bytesEqual(store.state(number).root, store.header(number)?.stateRoot as Uint8Array)).toBe(true)
    for (let number = 0; number <= 30; number++) expect(store.changes(number)).toBeDefined()
    await node.stop()
    const { store: reopened, kv } = openStore(disk, 16)
    // Every node on disk is reachable from a kept state: walking all of them touches each id.
    const touched = new Set<string>()
    const reader = { ...kv, get: (key: Uint8Array) => { if (key[0] === 0x74) touched.add(toHex(key)); return kv.get(key) } }
    const walker = openBlockStore({ folder: 'memory', keepStates: 16 }, { kv: reader, crypto: chain.crypto })
    for (let number = 15; number <= 30; number++) for (const entry of walker.state(number).entries(new Uint8Array(0))) expect(entry).toBeDefined()
    const stored = [...disk.durable.keys()].filter((key) => key.charCodeAt(0) === 0x74)
    expect(stored.length).toBeGreaterThan(20)
    expect(touched.size).toBe(stored.length)
    expect(reopened.head()?.number).toBe(30)
  })

  test('an archive keeps every state', async () => {
    const node = await createTestNode(chain, { isArchive: true })
    await node.importer.importBlocks(blocks)
    for (let number = 0; number <= 30; number++) expect(bytesEqual(node.chain.store.state(number).root, node.chain.store.header(number)?.stateRoot as Uint8Array)).toBe(true)
  })

  test('an archive can be opened pruned later, in steps', async () => {
    const disk = createMemoryDisk()
    const archive = await createTestNode(chain, { isArchive: true }, { kv: disk.open() })
    await archive.importer.importBlocks(blocks.slice(0, 28))
    await archive.stop()
    const pruned = await createTestNode(chain, { keepStates: 16 }, { kv: disk.open() })
    await pruned.importer.importBlocks(blocks.slice(28))
    expect(pruned.chain.store.firstState).toBe(15)
  })
})

describe('opening', () => {
  const filled = async (): Promise<MemoryDisk> => {
    const disk = createMemoryDisk()
    const node = await createTestNode(chain, {}, { kv: disk.open() })
    await node.importer.importBlocks(blocks.slice(0, 3))
    await node.stop()
    return disk
  }

  test('finds the same chain', async () => {
    const disk = await filled()
    const { store } = openStore(disk)
    expect(store.head()?.number).toBe(3)
    expect(toHex(store.genesisHash as Uint8Array)).toBe(toHex(chain.genesisHash))
    expect(store.body(3)?.length).toBe(3)
    expect(store.numberOf(store.hashOf(2) as Uint8Array)).toBe(2)
    expect(store.placeOf(chain.crypto.blake2b256(store.body(2)?.[1] as Uint8Array))).toEqual({ number: 2, index: 1 })
    expect(store.placeOf(new Uint8Array(32))).toBeUndefined()
  })

  test('refuses a newer format', async () => {
    const disk = await filled()
    const kv = disk.open()
    const key = singleKey('meta')
    const bytes = (kv.get(key) as Uint8Array).slice(0, -4)
    bytes[0] = STORE_VERSION + 1
    await kv.write([{ key, value: sealRecord(key, bytes) }])
    expect(() => openBlockStore({ folder: 'f', keepStates: 256 }, { kv, crypto: chain.crypto })).toThrow(expect.objectContaining({ code: 'STORAGE_VERSION_UNSUPPORTED' }))
  })

  test('refuses a flipped bit in any record of the head', async () => {
    for (const table of [0x6d, 0x68, 0x72, 0x74]) {
      const disk = await filled()
      for (const [key, value] of disk.durable) {
        if (key.charCodeAt(0) !== table) continue
        const damaged = value.slice()
        damaged[damaged.length >> 1] = (damaged[damaged.length >> 1] as number) ^ 1
        disk.durable.set(key, damaged)
      }
      const kv = disk.open()
      const read = (): unknown => openBlockStore({ folder: 'f', keepStates: 256 }, { kv, crypto: chain.crypto }).head()?.state.get(Uint8Array.of(1))
      expect(read).toThrow(expect.objectContaining({ code: 'STORAGE_CORRUPT' }))
    }
  })

  test('refuses the database of another chain', async () => {
    const disk = await filled()
    const other = createTestChain(chain.crypto, 2)
    await expect(createTestNode(other, {}, { kv: disk.open() })).rejects.toMatchObject({ code: 'STORAGE_GENESIS_MISMATCH' })
  })
})

test('a state that is not kept is an error with a fix over RPC', async () => {
  const node = await createTestNode(chain, { keepStates: 16 })
  await node.importer.importBlocks(blocks)
  const { error } = await rpcCall(node, 'state_getStorage', ['0x00', toHex(chain.genesisHash)])
  expect(error).toMatchObject({ code: 4003, data: { code: 'BLOCK_STATE_PRUNED' } })
})
