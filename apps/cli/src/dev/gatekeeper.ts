/** Owns the gatekeeper of a development network: a worker with a relay of its own that root lists and that launches the master key. */
import { bytesEqual, toHex } from '@phalanx/primitives/bytes'
import { Sr25519Public } from '@phalanx/primitives/chain'
import { Secret } from '@phalanx/primitives/crypto'
import { AppError } from '@phalanx/primitives/errors'
import type { Relay } from '@phalanx/relay'
import { phalaRegistryStorage as registry } from '@phalanx/runtime/storage'
import { createSigner } from '@phalanx/sdk/signer'
import { software } from '@phalanx/worker/platform'
import '../errors.ts'
import { startRelay } from '../start-relay.ts'
import { systemClock, systemRandom } from '../system.ts'
import { GATEKEEPER_PAYER, SUDO } from './accounts.ts'
import type { DevChain } from './dev-chain.ts'
import { createDevWorker, type DevWorker } from './dev-worker.ts'
import type { Network } from './network.ts'

/** A gatekeeper that runs. */
export interface DevGatekeeper {
  readonly url: string
  readonly identity: Uint8Array
}

/** Resolves with the identity once the relay's only worker runs. */
const untilRunning = (relay: Relay, worker: DevWorker): Promise<Uint8Array> =>
  new Promise((resolve) => {
    const look = (): void => {
      const [row] = relay.snapshot().workers
      const identity = worker.identity()
      if (row?.phase !== 'running' || identity === undefined) return
      stop()
      resolve(identity)
    }
    const stop = relay.onChange(look)
    look()
  })

/** Starts the worker and its relay and waits until it is registered. @throws as startWorker */
export const startGatekeeper = async (network: Network, rpc: string): Promise<DevGatekeeper> => {
  const { base, crypto, logger, shutdown } = network
  const dependencies = { crypto, clock: systemClock, random: systemRandom, logger }
  const worker = await createDevWorker({ folder: base.folder('gatekeeper'), port: 0, portOption: '--worker-port' }, { ...dependencies, platform: software })
  shutdown.add(() => worker.stop())
  const signer = createSigner({ suri: new Secret(GATEKEEPER_PAYER) }, { crypto, random: systemRandom })
  const relay = await startRelay({ nodes: [rpc], workers: [{ url: worker.url }], signer, operator: signer.accountId }, dependencies)
  shutdown.add(() => relay.close())
  return { url: worker.url, identity: await untilRunning(relay, worker) }
}

const includes = (list: readonly Uint8Array[], one: Uint8Array): boolean => list.some((other) => bytesEqual(other, one))

/** Lists the gatekeeper where the list is empty. @throws CLI_DEV_GATEKEEPER_LOST, CLI_DEV_STEP_REFUSED */
export const listGatekeeper = async (chain: DevChain, identity: Uint8Array): Promise<void> => {
  const listed = await chain.read(registry.gatekeeper)
  if (includes(listed, identity)) return
  const [other] = listed
  if (other !== undefined) throw new AppError('CLI_DEV_GATEKEEPER_LOST', { gatekeeper: toHex(other) })
  const call = await chain.encode({ pallet: 'PhalaRegistry', call: 'register_gatekeeper', args: Sr25519Public.encode(identity) })
  await chain.dispatch(chain.account(SUDO), 'register the gatekeeper', [{ pallet: 'Sudo', call: 'sudo', args: call }])
  if (!includes(await chain.read(registry.gatekeeper), identity)) throw new AppError('CLI_DEV_STEP_REFUSED', { step: 'register the gatekeeper', reason: 'root\'s call failed' })
}

/** Whether the gatekeeper holds the master key and has shown it on the chain: from now on its settlements count. */
export const isLaunched = async (chain: DevChain, identity: Uint8Array): Promise<boolean> =>
  (await chain.read(registry.confirmedGatekeepers)).some(([pubkey]) => bytesEqual(pubkey, identity))
