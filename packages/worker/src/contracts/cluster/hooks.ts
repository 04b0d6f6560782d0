/** Owns the calls that contracts have at the end of every block: in the order of their ids, each as a call of the contract by itself that it pays for. */
import type { Draft } from '../../system/draft.ts'
import { callContract } from '../execution/execute.ts'
import { commandEnv, runTransaction } from './execute.ts'
import { applyEffects } from './side-effects.ts'
import type { BlockEndHook } from './state.ts'
import { runningCluster, setCluster } from './work.ts'

const NO_NONCE = new Uint8Array(0)

const selectorBytes = (selector: number): Uint8Array => Uint8Array.of(selector >>> 24, (selector >>> 16) & 0xff, (selector >>> 8) & 0xff, selector & 0xff)

const runHook = (draft: Draft, contract: Uint8Array, hook: BlockEndHook): void => {
  const cluster = runningCluster(draft)
  if (cluster === undefined) return
  const done = runTransaction(() => callContract(cluster.contracts, commandEnv(draft, cluster), {
    contract, origin: contract, transfer: 0n, gasLimit: hook.gasLimit, gasFree: false, storageDepositLimit: undefined, deposit: 0n, input: selectorBytes(hook.selector),
  }))
  setCluster(draft, { ...cluster, contracts: done.state })
  applyEffects(draft, done.effects, { blockNumber: draft.block.number, runtimeVersion: cluster.runtimeVersion, callNonce: NO_NONCE, entry: contract, origin: contract })
}

/** Runs the hooks that stood when the block's messages were done. @throws CONTRACT_ENGINE_FAILED */
export const runBlockEndHooks = (draft: Draft): void => {
  for (const { id, hook } of runningCluster(draft)?.deployed ?? []) if (hook !== undefined) runHook(draft, id, hook)
}
