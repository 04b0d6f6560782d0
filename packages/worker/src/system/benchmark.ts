/** Owns the benchmark that follows every registration: ask the shell after the asked-for blocks, report its count to the chain. */
import { TOPICS } from '@phalanx/primitives/messages'
import { send, updateSystem, type Draft } from './draft.ts'

/** The chain asks for a benchmark over `duration` blocks. */
export const startBench = (draft: Draft, duration: number): void => {
  updateSystem(draft, { bench: { startBlock: draft.block.number, startTimeMs: draft.block.timeMs, duration, asked: false } })
  draft.effects.push({ kind: 'startBenchmark' })
}

/** After the last block of a step: asks for the count of a benchmark whose time is over. Repeated after a restart. */
export const askForResult = (draft: Draft): void => {
  const { bench } = draft.state.system
  if (bench === undefined || bench.asked || draft.block.number - bench.startBlock < bench.duration) return
  updateSystem(draft, { bench: { ...bench, asked: true } })
  draft.effects.push({ kind: 'readBenchmark', value: { startTimeMs: bench.startTimeMs, elapsedMs: draft.block.timeMs - bench.startTimeMs } })
}

/** The shell's count. One for another benchmark than the open one is too late and forgotten. */
export const reportResult = (draft: Draft, result: { readonly startTimeMs: bigint; readonly iterations: bigint }): void => {
  const { bench, session } = draft.state.system
  if (bench === undefined || !bench.asked || bench.startTimeMs !== result.startTimeMs) return
  send(draft, TOPICS.registryEvent, { kind: 'BenchReport', value: { startTime: bench.startTimeMs, iterations: result.iterations } })
  updateSystem(draft, { bench: undefined })
  if (session === undefined) draft.effects.push({ kind: 'stopBenchmark' })
}
