/** Public face of `@phalanx/worker/wire`: bytes and JSON of the worker API, and a client for it. Isomorphic. */
import '../errors.ts'
export { createWorkerClient, type WorkerClient, type WorkerTransport } from './client.ts'
export { decodeJson, encodeJson } from './json.ts'
export { decodeMessage, encodeMessage } from './protobuf.ts'
