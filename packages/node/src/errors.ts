/** Owns the error codes of the node: one line each with sentence and fix. What number a code gets on the wire is decided in rpc/errors.ts. */
import { defineErrors, describe, type ErrorsOf } from '@phalanx/primitives/errors'

/** Codes of `@phalanx/node`. */
export const nodeErrors = defineErrors({
  STORAGE_LOCKED: describe<{ folder: string }>(
    'The database {folder} is open in another process.', 'Stop the other node, or give this one its own --base-path.'),
  STORAGE_CORRUPT: describe<{ file: string; reason: string }>(
    'The database file {file} is damaged: {reason}. Nothing was changed or deleted.',
    'Restore the folder from a backup, or move it away and sync again; check the disk.'),
  STORAGE_VERSION_UNSUPPORTED: describe<{ folder: string; found: number; supported: number }>(
    'The database {folder} has format {found}; this version reads up to {supported}.',
    'Run the version that wrote it, or give this one a new --base-path.'),
  STORAGE_GENESIS_MISMATCH: describe<{ folder: string; stored: string; expected: string }>(
    'The database {folder} belongs to the chain with genesis {stored}, not {expected}.',
    'Give each chain its own --base-path, or start with the chain spec that made this one.'),
  STORAGE_OPEN_FAILED: describe<{ folder: string; reason: string }>(
    'The database {folder} cannot be opened: {reason}.', 'Check that the folder exists, may be written by this user and that the disk has room.'),
  STORAGE_CLOSED: describe('The database is closed.', 'Start the node again.'),
  STORAGE_WRITE_FAILED: describe<{ reason: string }>(
    'A block could not be written: {reason}.', 'Make room on the disk and start the node again; nothing committed is lost.'),
  BLOCK_UNKNOWN: describe<{ block: string }>('No block {block} is known.', 'Check the hash; or ask a node that has synced this far.'),
  BLOCK_STATE_PRUNED: describe<{ block: string; kept: number }>(
    'The state of block {block} is not kept any more; only the last {kept} blocks have theirs.', 'Ask a node that runs with --archive.'),
  BLOCK_NOT_NEXT: describe<{ number: number; head: number }>(
    'Block {number} cannot follow block {head}.', 'Import blocks one after another, each on its parent.'),
  BLOCK_JUSTIFICATION_MISSING: describe<{ number: number }>(
    'Block {number} comes without a finality proof.', 'Fetch it with its justification.'),
  ENGINE_NOT_AUTHOR: describe(
    'This node does not hold the key that finalises the next block.', 'Start with the key that the chain names as its GRANDPA authority.'),
  ENGINE_STOPPED: describe('The node is stopping.', 'Send the request again when it runs.'),
  TXPOOL_INVALID: describe<{ reason: string }>('{reason}', 'Correct the transaction and sign it again.'),
  TXPOOL_UNKNOWN_VALIDITY: describe<{ reason: string }>('{reason}', 'Sign the transaction with an account of this chain.'),
  TXPOOL_BANNED: describe<{ hash: string }>(
    'Transaction {hash} was refused a short while ago.', 'Change the transaction, or wait half an hour.'),
  TXPOOL_ALREADY_IMPORTED: describe<{ hash: string }>('Transaction {hash} is in the pool already.', 'Wait for it; sending it again changes nothing.'),
  TXPOOL_PRIORITY_TOO_LOW: describe<{ old: string; new: string }>(
    'The transaction has too low priority to replace another transaction already in the pool ({new} against {old}).',
    'Raise the tip, or use the next nonce.'),
  TXPOOL_LIMIT_EXCEEDED: describe<{ what: string; max: number }>(
    "The transaction couldn't enter the pool because of the limit of {max} {what}.", 'Wait for the next blocks, or raise the tip.'),
  TXPOOL_TOO_LARGE: describe<{ bytes: number; max: number }>(
    'The transaction has {bytes} bytes; {max} are the limit.', 'Split it into several transactions.'),
  TXPOOL_MALFORMED: describe('The bytes are not an extrinsic of this chain.', 'Encode the extrinsic by the metadata of this chain, format 4.'),
  RPC_PARSE_ERROR: describe<{ reason: string }>('The request is not JSON: {reason}.', 'Send one JSON-RPC 2.0 object, or an array of them.'),
  RPC_INVALID_REQUEST: describe<{ reason: string }>('Not a JSON-RPC 2.0 request: {reason}.', 'Send jsonrpc "2.0", a method, params and an id.'),
  RPC_METHOD_UNKNOWN: describe<{ method: string }>('There is no method {method}.', 'Ask rpc_methods for the list.'),
  RPC_INVALID_PARAMS: describe<{ field: string; expected: string }>(
    'The parameter {field} must be {expected}.', 'Correct it and send the request again.'),
  RPC_UNSAFE: describe<{ method: string }>(
    'The method {method} is unsafe and refused here.', 'Start the node with --rpc-methods unsafe, reachable by you alone.'),
  RPC_SUBSCRIPTIONS_UNSUPPORTED: describe<{ method: string }>(
    'The method {method} needs a connection that stays open.', 'Connect by WebSocket.'),
  RPC_SUBSCRIPTION_LIMIT: describe<{ max: number }>(
    'No more than {max} subscriptions are allowed here.', 'Unsubscribe from some, or use another connection.'),
  RPC_BATCH_LIMIT: describe<{ max: number }>('A batch may hold at most {max} requests.', 'Send several smaller batches.'),
  RPC_BUSY: describe<{ max: number }>('More than {max} requests wait on this connection.', 'Wait for answers before sending more.'),
  RPC_RESULT_LIMIT: describe<{ what: string; max: number }>('The answer would hold more than {max} {what}.', 'Ask for a smaller part.'),
  RPC_FOLLOW_LIMIT: describe<{ max: number }>('No more than {max} chainHead_v1_follow subscriptions are allowed per connection.', 'Unfollow one first.'),
  RPC_BLOCK_NOT_PINNED: describe<{ hash: string }>('Block {hash} is not pinned by this subscription.', 'Use a block that it reported and that you did not unpin.'),
  RPC_RUNTIME_NOT_FOLLOWED: describe('The subscription follows no runtime, so it makes no runtime calls.', 'Follow with withRuntime true.'),
  RPC_NOT_WAITING: describe('The operation does not wait to be continued.', 'Continue an operation only after its operationWaitingForContinue event.'),
  RPC_DUPLICATE_HASHES: describe('A hash occurs twice.', 'List every hash once.'),
  RPC_KEYSTORE_NONE: describe('This node keeps no keys that it would hand out or use on request.', 'Sign in a wallet; the authority key is given at start.'),
  RPC_PHA: describe<{ reason: string }>('{reason}', 'Correct the parameters of the pha_ method.'),
  RPC_INTERNAL: describe('The node failed to answer.', 'See its log; report it with the request.'),
  RPC_PAGE_UNKNOWN: describe<{ path: string }>('There is no page {path}.', 'GET /health, /ready or /metrics; POST JSON-RPC 2.0 to /.'),
  RPC_HTTP_METHOD: describe<{ method: string }>('HTTP {method} is not served.', 'POST JSON-RPC 2.0 to /, or GET /health, /ready or /metrics.'),
  RPC_PAYLOAD_LIMIT: describe<{ max: number }>('The request is longer than {max} bytes.', 'Send less at once.'),
  RPC_LISTEN_FAILED: describe<{ address: string; reason: string }>(
    'Cannot listen on {address}: {reason}.', 'Choose another --rpc-port, or stop what uses it.'),
  OPTIONS_INVALID: describe<{ field: string; expected: string }>('The option {field} must be {expected}.', 'Correct the option.'),
})

declare module '@phalanx/primitives/errors' {
  interface ErrorContexts extends ErrorsOf<typeof nodeErrors> {}
}
