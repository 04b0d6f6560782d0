/** Owns the error codes of the SDK: connections, RPC answers, metadata look-ups, transactions and worker calls. */
import { defineErrors, describe, type ErrorsOf } from '@phalanx/primitives/errors'
import './contract/errors.ts'
import './contract-testing/errors.ts'

/** Codes of `@phalanx/sdk`. */
export const sdkErrors = defineErrors({
  SDK_CONNECTION_FAILED: describe<{ url: string; reason: string }>(
    'No connection to {url}: {reason}.', 'Check that the node runs and that address and port are right; the client keeps trying.'),
  SDK_CONNECTION_LOST: describe<{ url: string }>(
    'The connection to {url} was lost before the answer came.', 'Ask again; the client reconnects by itself.'),
  SDK_CLIENT_CLOSED: describe<{ url: string }>(
    'The client of {url} was closed.', 'Create a new client.'),
  SDK_REQUEST_TIMEOUT: describe<{ url: string; method: string; timeoutMs: number }>(
    '{url} did not answer {method} within {timeoutMs} ms.', 'Ask again later or another node; this one is overloaded or cut off.'),
  SDK_RESPONSE_MALFORMED: describe<{ url: string; what: string }>(
    '{url} answered with something unreadable: {what}.', 'Check that the address is that of a Phalanx node or worker of this version.'),
  SDK_RPC_REFUSED: describe<{ method: string; rpcCode: number; reason: string }>(
    '{method} was refused ({rpcCode}): {reason}.', 'Mend the request as the reason says.'),
  SDK_METADATA_UNSUPPORTED: describe<{ version: number }>(
    'Metadata of version {version} cannot be read here.', 'Ask the node for metadata version 14 or 15.'),
  SDK_METADATA_MALFORMED: describe<{ what: string }>(
    'The metadata is malformed: {what}.', 'Fetch the metadata again, from another node if it stays so.'),
  SDK_METADATA_NAME_NOT_FOUND: describe<{ what: string; name: string }>(
    'The chain has no {what} {name}.', 'Check the spelling; or the chain runs another version than this client.'),
  SDK_EXTENSIONS_UNSUPPORTED: describe<{ name: string }>(
    'The chain asks for the transaction extension {name}, which this client cannot fill.', 'Update this client.'),
  SDK_EXTRINSIC_DROPPED: describe<{ status: string }>(
    'The extrinsic will not get into a block: the pool calls it {status}.', 'Build it again with a fresh nonce and era and submit it again.'),
  SDK_SIGNER_MALFORMED: describe<{ what: string }>(
    'Not a usable signer: {what}.', 'Write sr25519, ed25519 or ecdsa and a secret URI such as //Alice.'),
  SDK_WORKER_UNREACHABLE: describe<{ url: string; reason: string }>(
    'No worker answers at {url}: {reason}.', 'Start the worker, or correct its address.'),
  SDK_COLLATERAL_FAILED: describe<{ url: string; reason: string }>(
    'The collateral that the evidence lacks cannot be fetched from {url}: {reason}.', 'Give the address of a caching service for collateral (--pccs-url) that can be reached from here.'),
  SDK_EVIDENCE_NONE: describe<{ url: string; pubkey: string; item: string }>(
    'The node at {url} has no evidence of the worker {pubkey} ({item}).', 'Check the public key; workers that root registered without evidence have none.'),
  SDK_EVIDENCE_FOREIGN: describe<{ url: string; pubkey: string; named: string }>(
    'The evidence that the node at {url} gives for the worker {pubkey} names another worker, {named}.', 'Do not trust this node; ask another one.'),
  SDK_POLICY_REFUSED: describe<{ url: string; name: string }>(
    'The chain at {url} cannot have this policy: {name}.', 'Start from the policy in force (phalanx policy show) and change what is to differ.'),
  SDK_HTTP_FAILED: describe<{ url: string; reason: string }>(
    'No answer from {url}: {reason}.', 'Check the address and that it can be reached from here.'),
})

declare module '@phalanx/primitives/errors' {
   
  interface ErrorContexts extends ErrorsOf<typeof sdkErrors> {}
}
