/** Owns the simulator's error codes. */
import { defineErrors, describe, type ErrorsOf } from '@phalanx/primitives/errors'

/** Codes of the simulation. */
export const simulationErrors = defineErrors({
  SIM_PROCESS_DEAD: describe('The simulated process was killed.', 'Nothing: the simulator started another one.'),
  SIM_INVARIANT_BROKEN: describe<{ what: string; block: number }>(
    'An invariant does not hold at block {block}: {what}.', 'Replay the seed and look at the events before it.'),
  SIM_USAGE: describe<{ reason: string }>('{reason}.', 'Example: npm run sim -- 42 --blocks 500'),
})

declare module '@phalanx/primitives/errors' {
  interface ErrorContexts extends ErrorsOf<typeof simulationErrors> {}
}
