/** Owns the client of the submission benchmark: sends extrinsics over one WebSocket and counts the answers. */
import { parentPort, workerData } from 'node:worker_threads'
import { WebSocket } from 'ws'

const { url, transfers } = workerData as { url: string; transfers: readonly string[] }
/** Requests sent ahead of their answers. */
const WINDOW = 512

const socket = new WebSocket(url)
let sent = 0
const sendNext = (): void => {
  const extrinsic = transfers[sent]
  if (extrinsic !== undefined) socket.send(`{"jsonrpc":"2.0","id":${sent++},"method":"author_submitExtrinsic","params":["${extrinsic}"]}`)
}
socket.on('open', () => parentPort?.postMessage('connected'))
socket.on('error', (error) => parentPort?.postMessage(error.message))
socket.on('message', (data) => {
  const text = String(data)
  if (text.includes('"error"')) parentPort?.postMessage(text)
  sendNext()
})
parentPort?.on('message', () => {
  for (let i = 0; i < WINDOW; i++) sendNext()
})
