/** Owns a thread of the fleet benchmark: its share of the worker cores, moved by requests of the main thread, one answer each. */
import { parentPort, workerData } from 'node:worker_threads'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { createFleetCores, type CoresOptions } from './fleet-cores.ts'
import type { FarmRequest } from './fleet-farm.ts'

const cores = createFleetCores(await loadCrypto(), workerData as CoresOptions)

const answer = (request: FarmRequest): unknown => {
  switch (request.kind) {
    case 'join': return void request.checkpoints.forEach((checkpoint) => cores.join(checkpoint))
    case 'feed': return cores.feed(request.blocks, request)
    case 'memory': {
      ;(globalThis as { gc?: () => void }).gc?.()
      return process.memoryUsage().heapUsed
    }
  }
}

parentPort?.on('message', (request: FarmRequest) => parentPort?.postMessage(answer(request)))
parentPort?.postMessage('ready')
