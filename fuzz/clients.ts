/** Fuzz targets of what clients and the command line read: metadata, values by metadata, configuration and backup files. */
import { parseUtf8, utf8 } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { createPhalanxRuntime } from '@phalanx/runtime'
import { BackupContent } from '../apps/cli/src/backup.ts'
import { parseRelayConfig } from '../apps/cli/src/relay-config.ts'
import { createMetadataIndex } from '../packages/sdk/src/metadata-index.ts'
import { codecTarget } from './codec-target.ts'
import type { FuzzTarget } from './fuzzer.ts'

const crypto = await loadCrypto()
const runtime = createPhalanxRuntime({ stateVersion: 1 }, { crypto })

const metadata: FuzzTarget = { name: 'sdk.metadata', seeds: [runtime.metadata(14), runtime.metadata(15)], run: (input) => { createMetadataIndex(input, crypto) } }

const config: FuzzTarget = {
  name: 'cli.relayConfig',
  seeds: [
    utf8(JSON.stringify({ nodes: ['ws://127.0.0.1:9944'], signer: './relay.key', workers: [{ url: 'http://127.0.0.1:8100', endpoints: ['https://worker.example'] }], statusPort: 9615 })),
    utf8('{}'),
  ],
  run: (input) => { parseRelayConfig(parseUtf8(input), 'relay.json') },
}

/** Behind its deliberately slow key derivation, a backup is this codec. */
const backup = codecTarget('cli.backupContent', BackupContent)

/** What `npm run fuzz` and fuzz.test.ts run. */
export const targets: readonly FuzzTarget[] = [metadata, config, backup]
