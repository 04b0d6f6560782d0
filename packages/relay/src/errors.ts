/** Owns the error codes of the relay. */
import { defineErrors, describe, type ErrorsOf } from '@phalanx/primitives/errors'

/** Codes of `@phalanx/relay`. */
export const relayErrors = defineErrors({
  RELAY_NODE_NONE: describe<{ reason: string }>(
    'No node can be used: {reason}.', 'Start a node, or give another one with --node; the relay keeps trying.'),
  RELAY_GENESIS_MISMATCH: describe<{ worker: string; chain: string }>(
    'The worker follows the chain with genesis {worker}, the nodes serve {chain}.',
    'Give the relay a node of the worker\'s chain; or, if the chain was started anew, start the worker with an empty base path.'),
  RELAY_CHAIN_BEHIND: describe<{ worker: number; chain: number }>(
    'The worker has already seen block {worker}, the nodes have only {chain}.',
    'Wait until a node has caught up, or give another one; if blocks were lost for good, start the worker with an empty base path.'),
  RELAY_BLOCKS_MISSING: describe<{ from: number; url: string }>(
    '{url} says it has block {from} but does not give it.', 'The relay asks another node; remove this one if it stays so.'),
  RELAY_BLOCKS_MALFORMED: describe<{ url: string; reason: string }>(
    '{url} gives what are not the blocks asked for: {reason}.', 'The relay asks another node or cache; remove this one if it stays so.'),
  RELAY_CACHE_REFUSED: describe<{ url: string; reason: string }>(
    'The cache {url} gives no blocks: {reason}.', 'Nothing to do: the relay asks its nodes and tries the cache again later. Remove it from the nodes if it stays so.'),
  RELAY_WORKER_UNKNOWN: describe<{ name: string }>(
    'The relay drives no worker {name}.', 'See the names with phalanx relay status.'),
  RELAY_FEES_TOO_LOW: describe<{ account: string }>(
    'The relay\'s account {account} cannot pay fees.', 'Send it funds, or give another account with --signer.'),
  RELAY_POOL_REFUSED: describe<{ reason: string }>(
    'The node does not take the relay\'s extrinsic: {reason}.', 'The relay tries again; look at the node\'s pool if it stays so.'),
  RELAY_EXTRINSIC_STALE: describe<{ reason: string }>(
    'The chain is already past this extrinsic: {reason}.', 'Nothing to do: what it says has been said.'),
  RELAY_REGISTRATION_REFUSED: describe<{ name: string; docs: string }>(
    'The chain refused the registration: {name}. {docs}', 'Mend what the name says; the relay tries again with fresh evidence.'),
  RELAY_CLUSTER_STATE_NONE: describe<{ reason: string }>(
    'No member of the worker\'s cluster gave what it lacks ({reason}).', 'Wait: members compare their states every few minutes. See that they run and announce an endpoint.'),
  RELAY_EGRESS_GAP: describe<{ sender: string; expected: string; first: string }>(
    'The chain expects message {expected} of {sender}, the worker offers {first} onwards.',
    'Messages of the worker are lost: restore its newest checkpoint, or let it catch up.'),
  RELAY_EGRESS_REFUSED: describe<{ sender: string; sequence: string; name: string }>(
    'The chain refused message {sequence} of {sender}: {name}.', 'Check that worker and chain run matching versions; the relay tries again.'),
  RELAY_OPTIONS_INVALID: describe<{ what: string }>(
    'The relay cannot start: {what}.', 'Correct the option or the configuration file.'),
})

declare module '@phalanx/primitives/errors' {
   
  interface ErrorContexts extends ErrorsOf<typeof relayErrors> {}
}
