/**
 * Owns the state of the economy between blocks and its sealed form. Immutable: a block works on a draft (replay.ts), so that one that is
 * dropped leaves nothing behind. V and what of it is deductible stand in arrays of their own, since they alone change every block.
 */
import { bytesToKey, compareBytes } from '@phalanx/primitives/bytes'
import { bool, createCodec, struct, tuple, u128, vecUpTo, type Codec, type TypeOf } from '@phalanx/primitives/codec'
import { EconomicsParameters, INITIAL_PARAMETERS } from './parameters.ts'
import { withRates, WorkerRecord, type Worker } from './worker-record.ts'

/** Most workers that are kept. */
const WORKERS_MAX = 1_000_000

/** The economy. `workers`, `v` and `deductible` share positions, in order of registration. */
export interface EconomicsState {
  /** Whether the master key is on the chain: before that, workers are learned but nothing is earned or lost. */
  readonly launched: boolean
  readonly parameters: EconomicsParameters
  readonly workers: readonly Worker[]
  readonly v: readonly bigint[]
  readonly deductible: readonly bigint[]
  /** Position by key of the public key. */
  readonly positions: ReadonlyMap<string, number>
  /** Positions of workers with a session; idle and left workers cost nothing. */
  readonly active: readonly number[]
}

/** Before the first block. `launched`: for replays that begin after the launch. */
export const createEconomics = (options: { readonly launched?: boolean } = {}): EconomicsState => ({
  launched: options.launched ?? false, parameters: INITIAL_PARAMETERS, workers: [], v: [], deductible: [], positions: new Map(), active: [],
})

/** Positions of workers with a session. */
export const activePositions = (workers: readonly Worker[]): readonly number[] => {
  const active: number[] = []
  for (let at = 0; at < workers.length; at++) if (workers[at]?.session !== undefined) active.push(at)
  return active
}

/** Workers ascending by public key with V and deductible: equal economies have equal bytes. */
const Snapshot = struct({ launched: bool, parameters: EconomicsParameters, workers: vecUpTo(tuple(WorkerRecord, u128, u128), WORKERS_MAX) })

const toSnapshot = ({ launched, parameters, workers, v, deductible }: EconomicsState): TypeOf<typeof Snapshot> => ({
  launched,
  parameters,
  workers: workers
    .map((worker, at) => [worker, v[at] as bigint, deductible[at] as bigint] as const)
    .sort(([a], [b]) => compareBytes(a.pubkey, b.pubkey)),
})

const fromSnapshot = ({ launched, parameters, workers: entries }: TypeOf<typeof Snapshot>): EconomicsState => {
  const workers = entries.map(([record]) => withRates(record, parameters))
  return {
    launched, parameters, workers, v: entries.map(([, v]) => v), deductible: entries.map(([, , deductible]) => deductible),
    positions: new Map(workers.map(({ pubkey }, at) => [bytesToKey(pubkey), at])), active: activePositions(workers),
  }
}

/** SCALE form of the economy, for checkpoints and for comparing gatekeepers. */
export const Economics: Codec<EconomicsState> = createCodec<EconomicsState>({
  info: Snapshot.info,
  minSize: Snapshot.minSize,
  write: (out, state) => Snapshot.write(out, toSnapshot(state)),
  read: (input) => fromSnapshot(Snapshot.read(input)),
})

/** What is known of one worker, for people. */
export const economicsOf = (state: EconomicsState, pubkey: Uint8Array): { readonly worker: WorkerRecord; readonly v: bigint; readonly deductible: bigint } | undefined => {
  const at = state.positions.get(bytesToKey(pubkey))
  return at === undefined ? undefined : { worker: state.workers[at] as Worker, v: state.v[at] as bigint, deductible: state.deductible[at] as bigint }
}
