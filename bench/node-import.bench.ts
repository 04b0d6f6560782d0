/**
 * Owns the figures for signed transfers: importing finished blocks with signatures checked in threads, beside the same import that
 * checks them on the main thread; and the same transfers submitted one by one over WebSocket until they are final.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createNode, openDisk, startThread, type ForeignBlock, type Node, type NodeOptions } from '@phalanx/node'
import { buildBlocks, createTestChain, signTransfers, wallClock, type TestChain } from '@phalanx/node/testing'
import { toHex } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { silentLogger } from '@phalanx/primitives/ports'
import type { Figure } from './goals.ts'

const TRANSFERS = 12_000
const PER_BLOCK = 1_000
const ACCOUNTS = 1_000
/** Blocks imported before the clock starts: code is compiled and threads are up then. */
const WARM_BLOCKS = 2

interface Bench {
  readonly chain: TestChain
  readonly transfers: readonly Uint8Array[]
  readonly blocks: readonly ForeignBlock[]
}

const withNode = async <T>(chain: TestChain, options: Partial<NodeOptions>, run: (node: Node) => Promise<T>): Promise<T> => {
  const folder = mkdtempSync(join(tmpdir(), 'phalanx-bench-'))
  const kv = await openDisk({ folder })
  const node = await createNode(
    { chainSpec: chain.spec, sealing: { kind: 'manual' }, authoritySeed: chain.authoritySeed, ...options },
    { kv, crypto: chain.crypto, clock: wallClock, logger: silentLogger, runtime: chain.runtime },
  )
  try {
    return await run(node)
  } finally {
    await node.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

const importRate = ({ chain, blocks }: Bench, threads: number): Promise<number> =>
  withNode(chain, { threads }, async (node) => {
    await node.importer.importBlocks(blocks.slice(0, WARM_BLOCKS))
    const from = performance.now()
    await node.importer.importBlocks(blocks.slice(WARM_BLOCKS))
    return ((blocks.length - WARM_BLOCKS) * PER_BLOCK * 1000) / (performance.now() - from)
  })

/** Sends from another thread, as a client would from another process; until all are in finalised blocks. */
const submitRate = ({ chain, transfers }: Bench): Promise<number> =>
  withNode(chain, { sealing: { kind: 'interval', blockTimeMs: 200 } }, async (node) => {
    const { port } = await node.listen({ port: 0 })
    let included = 0
    let from = 0
    const done = new Promise<number>((resolve) => {
      node.chain.onBlock(({ body }) => {
        included += body.length - 1
        if (included === transfers.length) resolve((transfers.length * 1000) / (performance.now() - from))
      })
    })
    const client = startThread(new URL('./node-import-client.thread.ts', import.meta.url), { data: { url: `ws://127.0.0.1:${port}`, transfers: transfers.map(toHex) } })
    await new Promise<void>((resolve, reject) => {
      client.on('error', reject)
      client.on('message', (message) => (message === 'connected' ? resolve() : reject(new RangeError(String(message)))))
    })
    from = performance.now()
    client.postMessage('go')
    const rate = await done
    await client.terminate()
    return rate
  })

/** Measures. */
export const bench = async (): Promise<readonly Figure[]> => {
  const crypto = await loadCrypto()
  const chain = createTestChain(crypto, ACCOUNTS)
  const transfers = signTransfers(chain, TRANSFERS)
  const material: Bench = { chain, transfers, blocks: buildBlocks(chain, transfers, PER_BLOCK) }
  const threaded = await importRate(material, 2)
  const inline = await importRate(material, 0)
  const submitted = await submitRate(material)
  return [
    { name: 'transfers: import of signed blocks, 2 checker threads', figure: threaded, unit: '/s', against: `the same import checking on the main thread (${Math.round(inline)}/s)`, ratio: threaded / inline },
    { name: 'transfers: submitted over RPC until final', figure: submitted, unit: '/s', against: 'the import of the same as finished blocks', ratio: submitted / threaded },
  ]
}
