/** Owns the error codes of the worker, each with its sentence and its fix. */
import { defineErrors, describe, type ErrorsOf } from '@phalanx/primitives/errors'

/** Codes of `@phalanx/worker`. LIGHT_ codes refuse a feed, WIRE_ codes a request's form, SEAL_ codes a file, the rest a request's content. */
export const workerErrors = defineErrors({
  LIGHT_GENESIS_INVALID: describe<{ reason: string }>(
    'The genesis information is refused: {reason}.', 'Ask a node of the network for phalanx_genesisInfo and hand it over unchanged.'),
  LIGHT_GENESIS_MISMATCH: describe<{ expected: string; got: string }>(
    'This is another chain: genesis {got}, but the worker follows {expected}.', 'Point the relay at a node of the worker\'s network; a new network needs a new base path.'),
  LIGHT_FEED_EMPTY: describe('The feed holds no block.', 'Send at least one block, beginning at GetInfo.blocknum.'),
  LIGHT_FEED_STALE: describe<{ first: number; next: number }>(
    'The feed begins at block {first}, which is already final here; block {next} comes next.', 'Begin the feed at GetInfo.blocknum.'),
  LIGHT_FEED_REPLAYED: describe<{ last: number; next: number }>(
    'Every block of the feed (up to {last}) is already final here; block {next} comes next.', 'Continue from GetInfo.blocknum.'),
  LIGHT_FEED_FUTURE: describe<{ first: number; next: number }>(
    'The feed begins at block {first}, but block {next} comes next.', 'Send the blocks from GetInfo.headernum on, without a gap.'),
  LIGHT_NUMBER_MISMATCH: describe<{ expected: number; got: number }>(
    'Block {got} follows where block {expected} belongs.', 'Send consecutive blocks in ascending order.'),
  LIGHT_PARENT_MISMATCH: describe<{ number: number }>(
    'Block {number} does not descend from the block before it.', 'Fetch the blocks again from GetInfo.blocknum on, from another node if it stays wrong.'),
  LIGHT_MESSAGES_MISMATCH: describe<{ number: number }>(
    'Messages or acks of block {number} are not the ones its header commits to.', 'Send all of them unchanged and in order; fetch them from another node if it stays wrong.'),
  LIGHT_SET_CHANGE_UNJUSTIFIED: describe<{ number: number }>(
    'Block {number} changes the authorities but has no finality proof of its own.', 'Send the justification of that very block with it.'),
  LIGHT_SET_CHANGE_REFUSED: describe<{ number: number; reason: string }>(
    'Block {number} carries an authority change that light clients refuse: {reason}.', 'The chain must schedule changes with delay 0 and a sound, non-empty set; nothing else is followed.'),
  LIGHT_PENDING_EXCEEDED: describe<{ blocks: number; max: number }>(
    '{blocks} blocks (or more than their size limit) would wait for finality; {max} are allowed.', 'Send shorter feeds that end with a justified block, beginning at GetInfo.blocknum.'),
  LIGHT_CHECKPOINT_OLD: describe<{ number: number; known: number }>(
    'The checkpoint is at block {number}, but block {known} is known here already.', 'Ask a node that has caught up for phalanx_getCheckpoint, or feed the blocks themselves.'),
  LIGHT_CHECKPOINT_HOP: describe<{ number: number; reason: string }>(
    'The way to the checkpoint is refused at block {number}: {reason}.', 'Fetch the checkpoint again, from another node if it stays wrong.'),
  LIGHT_CHECKPOINT_SET: describe<{ number: number; reason: string }>(
    'The authorities at the checkpoint (block {number}) are refused: {reason}.', 'Fetch the checkpoint again, from another node if it stays wrong.'),
  LIGHT_CHECKPOINT_PROOF: describe<{ number: number; code: string }>(
    'The state at the checkpoint (block {number}) is not proven ({code}).', 'Fetch the checkpoint again for this very worker, from another node if it stays wrong.'),
  LIGHT_CHECKPOINT_ANCESTORS: describe<{ number: number; reason: string }>(
    'The headers before the checkpoint (block {number}) are refused: {reason}.', 'Fetch the checkpoint again, from another node if it stays wrong.'),
  LIGHT_CHECKPOINT_WORKER: describe<{ expected: string; got: string }>(
    'The checkpoint was made for {got}; this worker is {expected}.', 'Ask for a checkpoint of the worker that PhalanxAPI.Status names, or of none where it names none.'),
  LIGHT_CHECKPOINT_GATEKEEPER: describe<{ number: number }>(
    'At the checkpoint (block {number}) this worker is a gatekeeper, and what those replay is not in the state.', 'Feed it the blocks; the relay does so by itself.'),
  LIGHT_CHECKPOINT_CLUSTER: describe<{ number: number }>(
    'A cluster runs on this worker (at block {number}), and what its contracts keep is not in the chain\'s state.', 'Feed it the blocks; the relay does so by itself.'),
  LIGHT_ANCHOR_OTHER_CHAIN: describe<{ got: string }>(
    'This build follows the chains that it was made for, not the one with genesis {got}.', 'Use a build for that network, or point the relay at a node of this one\'s.'),
  LIGHT_ANCHOR_MISMATCH: describe<{ number: number; expected: string; got: string }>(
    'At block {number} this build trusts {expected}, but is shown {got}.', 'This is another history of the chain: find out where the node got it, and use another node.'),
  WORKER_HALTED: describe<{ reason: string }>(
    'The worker has stopped: {reason}.', 'Two histories of this chain claim to be final: find out which is true. To follow it again, delete the checkpoint files; the identity stays.'),
  WORKER_UNINITIALIZED: describe('The worker has no chain and no keys in use yet.', 'Call InitRuntime with the genesis information first; the relay does it by itself.'),
  WORKER_ALREADY_INITIALIZED: describe('Runtime already initialized.', 'Go on with FeedBlocks; GetInfo says which block comes next.'),
  WORKER_IDENTITY_OTHER_CHAIN: describe<{ expected: string; got: string }>(
    'The sealed identity belongs to the chain with genesis {expected}, not {got}.', 'Use the base path of that chain, or another base path for this one.'),
  WORKER_HANDOVER_REFUSED: describe<{ reason: string }>(
    'The handover of the identity is refused: {reason}.', 'Mend what the reason names and begin again with HandoverCreateChallenge; nothing was given or taken.'),
  WORKER_HANDED_OVER: describe<{ reason: string }>(
    'This worker has no identity any more: {reason}.', 'Use its successor. For a new worker, choose an empty base path.'),
  WORKER_ECDH_NOT_ANCHORED: describe(
    'The ECDH key in use is not final on the chain yet, so there is nothing to rotate.', 'Wait until PhalanxAPI.Status shows an ecdh_epoch, then try again.'),
  WORKER_ECDH_EPOCH_UNKNOWN: describe<{ epoch: string; current: string }>(
    'This worker holds no ECDH key of epoch {epoch}; epoch {current} is in force.', 'Encrypt again, to the key that PhalaRegistry.EcdhKeys holds for the epoch in force.'),
  WORKER_DEBUG_KEY_REFUSED: describe('The worker takes no keys from outside.', 'Leave debug_set_key out: keys are generated inside.'),
  WORKER_NOT_GATEKEEPER: describe('Only gatekeepers know the state of other workers.', 'Ask a gatekeeper, or read the chain.'),
  WORKER_METHOD_NOT_OFFERED: describe<{ method: string }>(
    'This worker does not offer {method}.', 'Use a worker of a version that does; /help lists what this one offers.'),
  WORKER_METHOD_UNKNOWN: describe<{ method: string }>('Method Not Found: {method}.', 'See /help for the methods of this worker.'),
  WORKER_METHOD_PRIVATE: describe<{ method: string }>(
    '{method} is not open to the public.', 'Call it on the private listener.'),
  WORKER_ENDPOINT_INVALID: describe<{ reason: string }>('The endpoint is refused: {reason}.', 'Send one http(s) URL of at most 2,048 characters, 2,048 encoded bytes in all.'),
  WORKER_ENDPOINT_NONE: describe('No endpoint has been added.', 'Call AddEndpoint first.'),
  WORKER_QUOTE_FAILED: describe<{ platform: string }>(
    'The platform {platform} gave no evidence.', 'Check the platform with phalanx doctor, then try again.'),
  PLATFORM_DEVICE_FAILED: describe<{ platform: string; device: string; reason: string }>(
    'The platform {platform} cannot use {device}: {reason}.', 'Run phalanx doctor --platform {platform} on this machine; it names what is missing.'),
  PLATFORM_DEVICE_ANSWER: describe<{ device: string; reason: string }>(
    'The device {device} cannot be worked with: {reason}.', 'Update kernel and guest tools to versions that docs/deploy names, then run phalanx doctor.'),
  PLATFORM_ANSWER_INVALID: describe<{ platform: string; reason: string }>(
    'The platform {platform} gave an answer that cannot be used: {reason}.', 'Compare the set-up with docs/deploy, then run phalanx doctor --platform {platform}.'),
  PLATFORM_CONTENDED: describe<{ platform: string; attempts: number }>(
    'The platform {platform} was busy or written to by others {attempts} times in a row.', 'Find the other program that asks for reports on this machine, stop it, and try again.'),
  WORKER_STOPPED: describe('The worker is stopping.', 'Start it again.'),
  WORKER_INTERNAL: describe('The worker could not finish the request because of a fault of its own.', 'Look into the worker\'s log and report it; the worker\'s state is unchanged.'),
  WORKER_BLOB_NAME_INVALID: describe<{ name: string }>('No file may be called {name}.', 'Use lower-case letters, digits, dots and dashes.'),
  ROOT_KEY_MISSING: describe<{ epoch: string }>(
    'This gatekeeper does not hold the master key of epoch {epoch}.', 'Wait: it asks the other gatekeepers for it. Where none of them holds it, restore master-key.seal from a back-up.'),
  CONTRACT_CODE_REFUSED: describe<{ reason: string }>(
    'The contract code is refused: {reason}.', 'Build it with the tool chain of ink! 4 or 5 (or phalanx contract build), in release mode.'),
  CONTRACT_IMPORT_UNKNOWN: describe<{ name: string }>(
    'The contract code imports {name}, which contracts cannot have here.', 'Build it for the stable host functions of ink! 4 or 5, without unstable features.'),
  CONTRACT_TRAPPED: describe<{ error: string; reason: string }>(
    'The contract stopped ({error}): {reason}.', 'Look at the debug message; send more gas where it ran out.'),
  CONTRACT_NEEDS_EFFECT: describe<{ round: number }>(
    'The query waits for an answer from outside (number {round}).', 'Perform the request and run the query again with the recorded answers.'),
  CONTRACT_ENGINE_FAILED: describe<{ reason: string }>(
    'The machine that runs contracts gave out: {reason}.', 'Give the worker more memory and restart it; the result of this block is not known until then.'),
  CLUSTER_STATE_REFUSED: describe<{ reason: string }>(
    'The cluster\'s state, or the request for it, is refused: {reason}.', 'Let the worker that joins ask again, and another member answer.'),
  CLUSTER_STATE_NOT_YET: describe<{ wanted: number; agreed: number }>(
    'The members agreed on no state of block {wanted} or later yet (last: {agreed}).', 'Try again in some blocks; states are compared every few minutes, and after commands.'),
  COMMAND_ORIGIN_REFUSED: describe<{ origin: string }>(
    'Contracts take no commands from {origin}.', 'Send the command from an account, by PhalaPhatContracts.pushContractMessage.'),
  QUERY_NOT_SERVING: describe<{ reason: string }>(
    'This worker answers no queries: {reason}.', 'Wait until PhalanxAPI.Status shows that it serves, or ask another worker of the cluster.'),
  QUERY_NO_CLUSTER: describe('No cluster found: this worker runs none.', 'Choose a worker of the cluster from PhalaPhatContracts.ClusterWorkers; a new one needs some blocks until it runs.'),
  QUERY_GATEKEEPER: describe('This worker is a gatekeeper, and gatekeepers talk to no contract.', 'Choose another worker of the cluster.'),
  QUERY_STATE_DIFFERS: describe<{ cluster: string; block: number }>(
    'Since block {block} this worker\'s state of cluster {cluster} is not the one that its other workers agreed on.', 'Ask another worker of the cluster; the operator is to look into this one.'),
  QUERY_CONTRACT_UNKNOWN: describe<{ contract: string }>(
    'ContractNotFound: this worker\'s cluster has no contract {contract}.', 'Check the contract\'s id and cluster; a new one is there some blocks after it was instantiated.'),
  QUERY_OVERLOADED: describe('The worker has more queries than it can take.', 'Try again, or ask another worker of the cluster; stake on the contract gives it a larger share.'),
  QUERY_TIMED_OUT: describe<{ limitMs: number }>(
    'The query took longer than {limitMs} ms and was stopped.', 'Make the contract\'s message do less, or what it fetches answer sooner.'),
  QUERY_CANCELLED: describe('The query was stopped, because nobody waited for it any more or the worker is stopping.', 'Ask again.'),
  QUERY_ROUNDS_EXCEEDED: describe<{ max: number }>(
    'The query asked the outside more than {max} times, one after another.', 'Put requests that do not depend on each other into one batch.'),
  QUERY_ENGINE_FAILED: describe<{ reason: string }>(
    'The machine that ran the query gave out: {reason}.', 'Make the contract need less memory; other queries are not affected.'),
  QUERY_HTTP_FAILED: describe<{ kind: string }>('A request of a contract to the outside failed: {kind}.', 'Look at the request: contracts reach public addresses by http and https only.'),
  QUERY_REFERENCE_FORM_OFF: describe('This worker takes queries in its own form only.', 'Use PhalanxAPI.Query, as @phalanx/sdk does.'),
  RECEIPT_NOT_YET: describe<{ commandHash: string; waitedMs: number }>(
    'No receipt of command {commandHash} came in {waitedMs} ms.', 'Ask again; receipts of the last few hundred blocks are kept. If none comes, the command was not sent to this worker\'s cluster.'),
  RECEIPT_WAITS_EXCEEDED: describe<{ max: number }>(
    '{max} requests wait for receipts here already.', 'Ask again in a moment, or another worker of the cluster.'),
  SEAL_MALFORMED: describe<{ name: string; reason: string }>(
    'The sealed file {name} cannot be read: {reason}. It was left as it is.', 'Restore it from a back-up. Without one, move it away; a lost identity means a new worker.'),
  SEAL_VERSION_UNSUPPORTED: describe<{ name: string; version: number }>(
    'The sealed file {name} has the format {version}, which this version does not read. It was left as it is.', 'Start the version of the worker that wrote it.'),
  SEAL_FOREIGN: describe<{ name: string; reason: string }>(
    'The sealed file {name} is not this worker\'s: {reason}. It was left as it is.', 'Run the same code on the same machine that sealed it, or choose another base path.'),
  SEAL_TAMPERED: describe<{ name: string }>(
    'The sealed file {name} does not open: it was altered, or sealed under another platform secret. It was left as it is.', 'Restore both it and the platform secret from one back-up. Without one, move it away; a lost identity means a new worker.'),
  SEAL_WRITE_FAILED: describe<{ name: string; reason: string }>(
    'The sealed file {name} could not be written ({reason}).', 'Free disk space and check the permissions of the base path, then try again; nothing has changed.'),
  SEAL_KEY_MALFORMED: describe<{ name: string }>(
    'The platform secret {name} is damaged. It was left as it is.', 'Restore it from a back-up; what it sealed cannot be opened without it.'),
  WIRE_PROTOBUF_MALFORMED: describe<{ type: string; reason: string }>(
    'The bytes are not a {type} in protobuf: {reason}.', 'Encode the request as the description in /help says.'),
  WIRE_JSON_MALFORMED: describe<{ type: string; reason: string }>(
    'The text is not a {type} in JSON: {reason}.', 'Write the fields in snake_case; bytes as an array of numbers or a 0x string.'),
  WIRE_BODY_TOO_LARGE: describe<{ max: number }>('Entity too large: more than {max} bytes.', 'Send a smaller request.'),
  WIRE_BODY_UNREADABLE: describe('Read body failed.', 'Send the whole body without long pauses.'),
  WIRE_CALL_FAILED: describe<{ method: string; status: number; code: string; text: string }>(
    '{method} failed ({status}): {text}', 'Do what the worker\'s message says.'),
})

declare module '@phalanx/primitives/errors' {
  interface ErrorContexts extends ErrorsOf<typeof workerErrors> {}
}
