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
  SDK_CHAIN_DIFFERS: describe<{ url: string; expected: string; got: string }>(
    'The node at {url} came back with another chain: its genesis is {got}, not {expected}.', 'Start the node of the chain that you were connected to, or connect anew if the other one is meant; nothing was sent to it.'),
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
  SDK_SOCKET_ABSENT: describe(
    'There is no WebSocket here to reach a node with.', 'Hand one in, for example the class of the npm package ws: connect({ node, WebSocket }).'),
  SDK_SIGNING_REFUSED: describe<{ address: string; reason: string }>(
    'The account {address} has not signed: {reason}.', 'Allow it in the wallet, or use another account.'),
  SDK_EXTRINSIC_FAILED: describe<{ name: string; docs: string; blockHash: string }>(
    'The call failed on the chain with {name}. {docs}', 'Mend what the error names and submit it again.'),
  SDK_WAIT_TIMEOUT: describe<{ what: string; waitedMs: number }>(
    'Within {waitedMs} ms there was no {what}.', 'See whether blocks are made and the cluster\'s workers run (phalanx dev, phalanx worker status), then ask again; nothing is lost.'),
  SDK_WAIT_ABORTED: describe<{ what: string }>(
    'The wait for the {what} was ended by its caller.', 'Wait again if you still want it: what was sent is on its way and is not taken back.'),
  SDK_EXTRINSIC_FATE_UNKNOWN: describe<{ url: string; hash: string; account: string; nonce: number; lastBlock: number; reason: string }>(
    'It is not known whether the extrinsic {hash} (account {account}, nonce {nonce}) gets into a block: {reason}.',
    'Do not build it again yet. When the node at {url} answers, look for its hash in the blocks up to {lastBlock}: in a block it counts; if that block is past without it, it never will, and can be built again.'),
  SDK_CLUSTER_NOT_FOUND: describe<{ url: string; cluster: string }>(
    'The chain at {url} has no cluster {cluster}.', 'Check the id; the network\'s clusters() lists those that are there.'),
  SDK_CONTRACT_NOT_FOUND: describe<{ url: string; contract: string }>(
    'The chain at {url} has no contract {contract}.', 'Check the id, and that the node follows the chain on which the contract was made.'),
  SDK_WORKER_NONE: describe<{ cluster: string; reasons: string }>(
    'No worker of the cluster {cluster} can be used: {reasons}.',
    'See the reason of each. Simulated workers count only where the client says so: connect({ node, policy: \'chain\' }) judges by the chain\'s own policy.'),
  SDK_WORKER_UNTRUSTED: describe<{ pubkey: string; code: string; reason: string }>(
    'The evidence of the worker {pubkey} does not prove what is asked for ({code}): {reason}.', 'Use another worker, or state which policy is to hold (connect({ node, policy })).'),
  SDK_WORKER_KEY_DIFFERS: describe<{ pubkey: string; url: string }>(
    'What answers at {url} does not hold the key that the chain has for the worker {pubkey}.', 'Ask again in a moment, as keys change; if it stays so, the address leads to somebody else.'),
  SDK_ARGUMENTS_MALFORMED: describe<{ entry: string; reason: string }>(
    'The arguments of {entry} do not fit: {reason}.', 'Give them as the contract\'s metadata describes them.'),
  SDK_ENTRY_NOT_FOUND: describe<{ contract: string; name: string; known: string }>(
    'The contract {contract} has no {name}; it has {known}.', 'Check the spelling.'),
  SDK_INK_METADATA_MALFORMED: describe<{ what: string }>(
    'The metadata of the contract is malformed: {what}.', 'Give the JSON that the contract was built with: version 4 or 5 of the layout of ink!.'),
  SDK_BUNDLE_WITHOUT_CODE: describe<{ contract: string }>(
    'The bundle of {contract} holds no code.', 'Give the .contract file of the build, not the metadata alone.'),
  SDK_CODE_REFUSED: describe<{ codeHash: string; reason: string }>(
    'The cluster does not take the code {codeHash}: {reason}.', 'Build the contract for what workers offer; imports that they do not know are named.'),
  SDK_MESSAGE_REVERTED: describe<{ entry: string; shown: string; error: unknown; receipt: unknown }>(
    '{entry} took everything back: {shown}.', 'The contract says no; the error is its own.'),
  SDK_MESSAGE_FAILED: describe<{ entry: string; reason: string; gas: bigint; receipt: unknown }>(
    '{entry} was stopped: {reason}.', 'Mend what the reason names: arguments, gas limit, the balance of the account in the cluster, or the contract.'),
  SDK_MESSAGE_REFUSED: describe<{ entry: string; code: string; reason: string; receipt: unknown }>(
    '{entry} was refused before it ran ({code}): {reason}.', 'Do as the code\'s own entry says (docs/errors.md).'),
  SDK_RECEIPT_NOT_AGREED: describe<{ block: number; told: string; agreed: string }>(
    'The worker shows receipts of block {block} under the root {told}, but the cluster agreed on {agreed}.', 'No other worker of the cluster could be asked. The command was executed or not whatever is shown here: see agreed state and later receipts.'),
  SDK_CLUSTER_BALANCE_LOW: describe<{ account: string; cluster: string; missing: bigint }>(
    'The account {account} lacks {missing} (smallest unit) in the cluster {cluster}, and bringing it along would name the sender.',
    'Move it there before, in an extrinsic of its own (transferToCluster), or say with deposit that the sender may be seen.'),
  SDK_PLAINTEXT_REFUSED: describe<{ what: string }>(
    'A {what} that is not sealed is not sent.', 'Seal it: contractOf(…).send and .query do.'),
  SDK_HTTP_FAILED: describe<{ url: string; reason: string }>(
    'No answer from {url}: {reason}.', 'Check the address and that it can be reached from here.'),
})

declare module '@phalanx/primitives/errors' {
   
  interface ErrorContexts extends ErrorsOf<typeof sdkErrors> {}
}
