/** Owns the real machine: its files, sockets, disk and clock, its platform, and the nodes and services it reaches. */
import { constants } from 'node:fs'
import { access, mkdir, open, rm, statfs } from 'node:fs/promises'
import { createServer } from 'node:net'
import { performance } from 'node:perf_hooks'
import { join } from 'node:path'
import { u64 } from '@phalanx/primitives/codec'
import type { Crypto } from '@phalanx/primitives/crypto'
import { createChainClient, createCollateralFiller, createRpcClient, fetchPolicy, type ChainClient } from '@phalanx/sdk'
import type { BlobStore } from '@phalanx/primitives/ports'
import { systemDeviceFiles, systemGuestSocket } from '@phalanx/worker/platform/devices'
import { platformTable } from '@phalanx/worker/platform/table'
import { assert } from '@phalanx/primitives/assert'
import { createHttpClient, loadSockets, systemClock, systemRandom } from '../system.ts'
import type { DiskView, Machine, NodeView, PathView } from './machine.ts'
import { askTimeServer } from './time-server.ts'

const SYSTEM_FILE_BYTES_MAX = 4 * 1024 * 1024
const SYNCS = 9
const SYNC_BYTES = 4096

const may = (path: string, mode: number): Promise<boolean> => access(path, mode).then(() => true, () => false)

const look = async (path: string): Promise<PathView | undefined> => {
  if (!(await may(path, constants.F_OK))) return undefined
  return { isReadable: await may(path, constants.R_OK), isWritable: await may(path, constants.W_OK) }
}

const isPortFree = (port: number): Promise<boolean> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => (error.code === 'EADDRINUSE' ? resolve(false) : reject(error)))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })

const measureDisk = async (folder: string): Promise<DiskView> => {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const probe = join(folder, `.phalanx-doctor-${process.pid}`)
  const file = await open(probe, 'wx', 0o600)
  try {
    const took: number[] = []
    for (let i = 0; i < SYNCS; i++) {
      const from = performance.now()
      await file.write(new Uint8Array(SYNC_BYTES), 0, SYNC_BYTES, 0)
      await file.sync()
      took.push(performance.now() - from)
    }
    const { bavail, bsize } = await statfs(folder)
    return { freeBytes: bavail * bsize, syncMs: took.sort((a, b) => a - b)[SYNCS >> 1] as number }
  } finally {
    await file.close()
    await rm(probe, { force: true })
  }
}

const blockTime = async (chain: ChainClient, at: Uint8Array): Promise<number | undefined> => {
  const bytes = await chain.storage((await chain.metadata()).storagePrefix('Timestamp', 'Now'), at)
  const timeMs = bytes === undefined ? 0 : Number(u64.decode(bytes))
  return timeMs === 0 ? undefined : timeMs
}

const connectTo = async (url: string, crypto: Crypto): Promise<NodeView> => {
  const chain = createChainClient(createRpcClient({ url }, { clock: systemClock, random: systemRandom, createSocket: await loadSockets() }), { crypto })
  try {
    const { specName, specVersion } = await chain.runtimeVersion()
    const head = await chain.finalizedHead()
    return {
      genesisHash: await chain.genesisHash(), specName, specVersion, finalizedNumber: head.number, blockTimeMs: await blockTime(chain, head.hash),
      policy: () => fetchPolicy(chain), close: () => chain.close(),
    }
  } catch (error) {
    chain.close()
    throw error
  }
}

/** Blobs that go when the doctor goes: looking must leave nothing behind. */
const createForgettingBlobs = (): BlobStore => {
  const files = new Map<string, Uint8Array>()
  return {
    read: (name) => Promise.resolve(files.get(name)),
    write: (name, bytes) => Promise.resolve(void files.set(name, bytes)),
    remove: (name) => Promise.resolve(void files.delete(name)),
  }
}

/** The machine that this process runs on. */
export const createSystemMachine = (dependencies: { readonly crypto: Crypto }): Machine => {
  const { crypto } = dependencies
  return {
    random: systemRandom,
    nowMs: () => systemClock.nowMs(),
    readText: async (path) => new TextDecoder().decode(await systemDeviceFiles.read(path, SYSTEM_FILE_BYTES_MAX)),
    look, isPortFree,
    disk: measureDisk,
    clockOffsetMs: (server) => askTimeServer(server, () => systemClock.nowMs()),
    connect: (url) => connectTo(url, crypto),
    async openPlatform(name) {
      const entry = platformTable.find((one) => one.name === name)
      assert(entry !== undefined, 'the platform is one of the table')
      return (await entry.load()).open({ crypto, blobs: createForgettingBlobs(), random: systemRandom, files: systemDeviceFiles, socket: systemGuestSocket })
    },
    async complete(evidence, serviceUrl) {
      const http = createHttpClient()
      try {
        return await createCollateralFiller({ url: serviceUrl }, { http: http.request })(evidence)
      } finally {
        http.close()
      }
    },
  }
}
