/** Owns the thread that checks signatures: gets batches, answers with one byte per check. Everything it is sent may be hostile. */
import { parentPort } from 'node:worker_threads'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { unpackChecks } from './batch.ts'
import { checkSignature } from './check.ts'

const port = parentPort
if (port !== null) {
  const crypto = await loadCrypto()
  port.on('message', ({ id, batch }: { id: number; batch: Uint8Array }) => {
    const verdicts = Uint8Array.from(unpackChecks(batch), (check) => (checkSignature(crypto, check) ? 1 : 0))
    port.postMessage({ id, verdicts }, [verdicts.buffer])
  })
  port.postMessage({ ready: true })
}
