/**
 * Owns AppError, the one operational error of the project, and the table that gives every stable
 * code its sentence and its fix. Does not own dispatch errors (runtime/frame) or assertions.
 *
 * A package declares its codes in its own `errors.ts`, one line each, and merges their context
 * types into `ErrorContexts`:
 *
 *   export const nodeErrors = defineErrors({
 *     RPC_BLOCK_UNKNOWN: describe<{ hash: string }>('No block has the hash {hash}.', 'Ask a node that keeps history (--archive).'),
 *   })
 *   declare module '@phalanx/primitives/errors' { interface ErrorContexts extends ErrorsOf<typeof nodeErrors> {} }
 */

/** What one code means: `text` and `fix` may name context fields in braces. */
export interface ErrorDescription<Context> {
  readonly text: string
  readonly fix: string
  /** Type carrier only; never set. */
  readonly context?: Context
}

/** Context type of each code in a table made by `defineErrors`. */
export type ErrorsOf<Table> = {
  readonly [Code in keyof Table]: Table[Code] extends ErrorDescription<infer Context> ? Context : never
}

/** Context of every error code of the project; packages extend it by declaration merging. */
 
export interface ErrorContexts extends ErrorsOf<typeof primitivesErrors> {}

/** A stable error code, `AREA_WHAT`. */
export type ErrorCode = keyof ErrorContexts & string

// tidy-allow purity: filled once while modules load, read for messages only; no result depends on it.
const descriptions = new Map<string, ErrorDescription<unknown>>()

/** One line of an error table: the sentence with the cause, and what to do about it. */
export const describe = <Context extends object = Record<never, never>>(text: string, fix: string): ErrorDescription<Context> => ({
  text,
  fix,
})

/** Registers a package's error codes and returns the table for `ErrorsOf`. */
export const defineErrors = <Table extends Record<string, ErrorDescription<any>>>(table: Table): Table => {
  for (const [code, description] of Object.entries(table)) descriptions.set(code, description as ErrorDescription<unknown>)
  return table
}

/** All codes loaded so far with their sentences, sorted; `docs/errors.md` is checked against it. */
export const allErrors = (): readonly { code: string; text: string; fix: string }[] =>
  [...descriptions]
    .map(([code, { text, fix }]) => ({ code, text, fix }))
    .sort((a, b) => (a.code < b.code ? -1 : 1))

const fill = (template: string, context: Readonly<Record<string, unknown>>): string =>
  template.replace(/\{(\w+)\}/g, (whole, name: string) => (name in context ? String(context[name]) : whole))

/** The world said no: a stable code, a sentence with cause and fix, and the field path where it was found. */
export class AppError<Code extends ErrorCode = ErrorCode> extends Error {
  readonly code: Code
  readonly context: Readonly<ErrorContexts[Code]>
  /** Where in the decoded value it happened, outermost first, for example `registration.features[3]`. */
  path: string

  constructor(code: Code, context: ErrorContexts[Code], options: { readonly cause?: unknown; readonly path?: string } = {}) {
    super(undefined, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'AppError'
    this.code = code
    this.context = context
    this.path = options.path ?? ''
  }

  /** `CODE at path: sentence Fix.` Built when read, so that decoders may still extend the path. */
  override get message(): string {
    const description = descriptions.get(this.code)
    const context = this.context as Readonly<Record<string, unknown>>
    const where = this.path === '' ? '' : ` at ${this.path}`
    return description === undefined
      ? `${this.code}${where}`
      : `${this.code}${where}: ${fill(description.text, context)} ${fill(description.fix, context)}`
  }

  /** The remedy alone. */
  get fix(): string {
    return fill(descriptions.get(this.code)?.fix ?? '', this.context as Readonly<Record<string, unknown>>)
  }
}

/** Whether `error` is an AppError, and of that code where one is named. */
export const isAppError = <Code extends ErrorCode>(error: unknown, code?: Code): error is AppError<Code> =>
  error instanceof AppError && (code === undefined || error.code === code)

/** Prefixes a field name or index to the path of an AppError passing through a decoder; others pass unchanged. */
export const atPath = (error: unknown, segment: string | number): unknown => {
  if (error instanceof AppError) {
    const head = typeof segment === 'number' ? `[${segment}]` : segment
    error.path = error.path === '' ? head : error.path.startsWith('[') ? head + error.path : `${head}.${error.path}`
  }
  return error
}

/** Codes of `@phalanx/primitives`. */
export const primitivesErrors = defineErrors({
  CODEC_UNEXPECTED_END: describe<{ needed: number; left: number }>(
    'The bytes end early: {needed} needed, {left} left.', 'Send the whole value; it was cut or another type was meant.'),
  CODEC_TRAILING_BYTES: describe<{ count: number }>(
    '{count} bytes follow the value.', 'Send exactly one value; nothing may follow it.'),
  CODEC_OUT_OF_RANGE: describe<{ expected: string; got: string }>(
    'Expected {expected}, got {got}.', 'Use a value inside the type\'s range.'),
  CODEC_COMPACT_NOT_CANONICAL: describe<{ mode: number }>(
    'A compact integer uses more bytes than it needs (mode {mode}).', 'Encode compact integers in their shortest form.'),
  CODEC_LENGTH_EXCEEDED: describe<{ length: number; max: number }>(
    'A length of {length} exceeds the limit of {max}.', 'Send fewer elements.'),
  CODEC_INVALID_VARIANT: describe<{ index: number; type: string }>(
    'No variant of {type} has the index {index}.', 'Use the index the metadata lists; sender and receiver may run different versions.'),
  CODEC_UNKNOWN_VARIANT: describe<{ kind: string; type: string }>(
    '{type} has no variant named {kind}.', 'Use a name the type declares.'),
  CODEC_INVALID_BOOL: describe<{ byte: number }>(
    'A boolean must be 0 or 1, got {byte}.', 'Encode false as 00 and true as 01.'),
  CODEC_INVALID_OPTION: describe<{ byte: number }>(
    'An option must begin with 0 or 1, got {byte}.', 'Encode none as 00 and some as 01 and the value.'),
  CODEC_INVALID_UTF8: describe('Text is not valid UTF-8.', 'Encode text as UTF-8.'),
  CODEC_DEPTH_EXCEEDED: describe<{ max: number }>(
    'The value is nested deeper than {max} levels.', 'Flatten the value.'),
  CODEC_NOT_SORTED: describe<Record<never, never>>(
    'The keys of a map or set are not strictly ascending.', 'Sort the keys by their encoded order and remove duplicates.'),
  CRYPTO_INVALID_KEY: describe<{ what: string }>(
    'Not a valid {what}.', 'Use a key of the right kind and length; points must be canonical and not the identity.'),
  CRYPTO_INVALID_LENGTH: describe<{ what: string; expected: string; got: number }>(
    '{what} must be {expected} bytes, got {got}.', 'Hand in exactly the number of bytes the operation names.'),
  CRYPTO_DECRYPTION_FAILED: describe(
    'The ciphertext does not belong to this key, IV and context.', 'Check both keys, the epoch and the context; or the bytes were altered.'),
  CRYPTO_INVALID_ADDRESS: describe<{ why: string }>(
    'Not a valid SS58 address: {why}.', 'Copy the whole address; check which network it is for.'),
  CRYPTO_INVALID_SURI: describe<{ why: string }>(
    'Not a valid secret URI: {why}.', 'Write a mnemonic or 0x seed, then //hard and /soft junctions, then ///password.'),
  CRYPTO_INVALID_MNEMONIC: describe<{ why: string }>(
    'Not a valid BIP39 mnemonic: {why}.', 'Write 12, 15, 18, 21 or 24 words of the English list with a right checksum.'),
  SEALED_NOT_OPENED: describe<{ what: string }>(
    'The {what} does not open: it was altered, or sealed by or to another key, epoch or chain.', 'Seal it again, with the key and anchor of the epoch in force on the chain.'),
  SEALED_VERSION_UNSUPPORTED: describe<{ what: string; version: number; supported: number }>(
    'The sealed {what} has the format {version}, this code reads {supported}.', 'Use client and worker of matching versions.'),
  COMMAND_EPOCH_UNKNOWN: describe<{ epoch: string }>(
    'No channel key of epoch {epoch} is held: it has not begun, or its time is over.', 'Seal the command again, to the contract\'s channel key of the epoch in force.'),
  INVOCATION_RECIPIENT_MISMATCH: describe<{ expected: string; got: string }>(
    'The command is for {got}, but this contract is {expected}.', 'Sign the command for the public key of the contract that it is sent to.'),
  INVOCATION_SIGNATURE_INVALID: describe<{ from: string }>(
    'The command is not signed by {from}.', 'Sign it with the key of the account it names, for this chain.'),
  INVOCATION_FROM_FUTURE: describe<{ block: number; blockNumber: number }>(
    'The command names block {block}, which is not there at block {blockNumber}.', 'Sign it with the number of a finalised block.'),
  INVOCATION_EXPIRED: describe<{ block: number; blockNumber: number; life: number }>(
    'The command was signed at block {block} and arrived at block {blockNumber}; it lives for {life} blocks.', 'Sign and send it again.'),
  INVOCATION_REPLAYED: describe<{ from: string }>(
    'The command of {from} has a nonce that was used before.', 'Nothing is to be done if it is a copy; else sign it again with a fresh nonce.'),
  CERTIFICATE_MISSING: describe(
    'The request is signed, but names no certificate.', 'Send the certificate of the signing key.'),
  CERTIFICATE_EXPIRED: describe<{ ttl: number; blockNumber: number }>(
    'The certificate was good until block {ttl}; this is block {blockNumber}.', 'Sign a new certificate.'),
  CERTIFICATE_CHAIN_TOO_LONG: describe<{ max: number }>(
    'The chain of certificates has more than {max} members.', 'Have the account sign the key that signs queries, without others between.'),
  CERTIFICATE_SIGNATURE_INVALID: describe<{ signed: 'query' | 'certificate'; type: string }>(
    'The {signed} is not signed ({type}) by the key it names.', 'Sign it with that key, in the way the signature\'s type says.'),
  QUERY_CHAIN_MISMATCH: describe<{ expected: string; got: string }>(
    'The query is for the chain with genesis {got}; this worker follows {expected}.', 'Use a worker of that chain.'),
  QUERY_WORKER_MISMATCH: describe<{ expected: string; got: string }>(
    'The query is for worker {got}; this is {expected}.', 'Send it to the worker that it was made for.'),
  QUERY_CLUSTER_MISMATCH: describe<{ expected: string; got: string }>(
    'The query is for cluster {got}; this worker runs {expected}.', 'Choose a worker of that cluster from PhalaPhatContracts.ClusterWorkers.'),
  QUERY_EXPIRED: describe<{ notAfter: number; blockNumber: number }>(
    'The query was good until block {notAfter}; this is block {blockNumber}.', 'Make it again.'),
  QUERY_LIFE_EXCEEDED: describe<{ notAfter: number; latest: number }>(
    'The query would be good until block {notAfter}; {latest} is the latest that is taken.', 'Name a block no more than 128 after the worker\'s.'),
  QUERY_STATE_BEHIND: describe<{ wanted: number; blockNumber: number }>(
    'The state after block {wanted} is wanted; this worker is at block {blockNumber}.', 'Wait for the worker to follow, or ask another one.'),
  QUERY_BLOCK_UNKNOWN: describe<{ number: number; hash: string }>(
    'This worker does not know block {number} as {hash}.', 'Name one of the last 256 finalised blocks, or genesis. If it is one, worker and client follow different chains.'),
  QUERY_REPLAYED: describe(
    'The query was answered before, or its nonce used.', 'Make it again with a fresh nonce.'),
  REPLY_MISMATCH: describe<{ what: string }>(
    'The reply belongs to another request: its {what} differs.', 'Ask again; if it stays wrong, ask another worker.'),
  REPLY_SIGNATURE_INVALID: describe(
    'The reply is not signed by the worker that was asked.', 'Ask another worker, and report this one.'),
  REPLY_BLOCK_UNKNOWN: describe<{ number: number; hash: string }>(
    'The worker answered for block {number} with the hash {hash}, but the chain has no such final block.', 'Do not trust this worker; ask another one.'),
  REPLY_STATE_OLD: describe<{ wanted: number; blockNumber: number }>(
    'The reply is about block {blockNumber}, but {wanted} was demanded.', 'Ask another worker, and report this one.'),
  RECEIPT_MISMATCH: describe<{ what: string }>(
    'The receipt is not the one asked for: its {what} differs.', 'Ask again, another worker of the cluster if it stays wrong.'),
  RECEIPT_NOT_PROVEN: describe<{ index: number; root: string }>(
    'The receipts under {root} do not have this one at index {index}.', 'Ask another worker of the cluster; the chain says which root was agreed on.'),
  EXTRINSIC_VERSION_UNSUPPORTED: describe<{ version: number }>(
    'Extrinsic format {version} is not supported.', 'Build an extrinsic of format 4 (first byte 0x84 signed, 0x04 bare).'),
  HEADER_PHLX_MALFORMED: describe<{ number: number; found: number }>(
    'Header {number} must hold exactly one readable PHLX digest item of version 1; it holds {found}.', 'Follow a chain of this network, with a node of the same version.'),
  JUSTIFICATION_INVALID: describe<{ reason: string; number: number }>(
    'The finality proof of block {number} is refused: {reason}.', 'Fetch the justification again, from another node if it stays wrong.'),
  CHECKPOINT_TOO_LARGE: describe<{ size: number; max: number }>(
    'The checkpoint has {size} bytes; {max} are allowed.', 'Follow the chain from genesis, or use a build of the worker with a newer trusted block.'),
  CHECKPOINT_VERSION_UNSUPPORTED: describe<{ version: number; supported: number }>(
    'The checkpoint has the format {version}, this code reads {supported}.', 'Use node and worker of matching versions.'),
  TRIE_KEY_TOO_LONG: describe<{ length: number; max: number }>(
    'A storage key of {length} bytes exceeds the limit of {max}.', 'Hash long keys before they become storage keys.'),
  TRIE_NODE_CORRUPT: describe<{ id: string; reason: string }>(
    'The stored state node {id} is corrupt: {reason}.', 'Restore the data folder from a backup or sync it anew; check the disk.'),
  TRIE_NODE_MALFORMED: describe<{ reason: string }>(
    'An encoded trie node is malformed: {reason}.', 'Send the node as Substrate encodes it.'),
  TRIE_NODE_MISSING: describe<{ id: string }>(
    'The state node {id} is not in the store.', 'The state of that block was pruned, or the data folder is damaged; ask a node that keeps history (--archive).'),
  TRIE_PROOF_INCOMPLETE: describe(
    'The state proof does not cover the key.', 'Request a proof that names this key.'),
  TRIE_PROOF_INVALID: describe<{ reason: string }>(
    'The state proof is refused: {reason}.', 'Request the proof again, for exactly this state root, from another node if it stays wrong.'),
  HEX_MALFORMED: describe<{ length: number }>(
    'Not an even-length hexadecimal string ({length} characters).', 'Write bytes as 0x followed by two hex digits each.'),
})
