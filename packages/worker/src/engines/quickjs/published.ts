/** Owns reading the published QuickJS module from its package. A build into one file puts the bytes in this file's place (apps/cli/bin/build-worker.mjs). */
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'

const MODULE = '@jitl/quickjs-wasmfile-release-sync/wasm'

/** Bytes of the published module. */
export const readPublished = async (): Promise<Uint8Array> => new Uint8Array(await readFile(createRequire(import.meta.url).resolve(MODULE)))
