/** Owns what is said about and to contracts: instantiation, keys, and the commands in their three forms (mq.md section 7; the third is ours). */
import { concatBytes, toHexPlain, utf8 } from '../bytes.ts'
import { bytesUpTo, fixedBytes, named, newtype, option, struct, tuple, u128, u32, u64, u8, variant, type Codec, type TypeOf } from '../codec/index.ts'
import { AccountId, Hash, MultiSignature, Sr25519Public } from '../chain/basics.ts'

/** Longest input of a contract's constructor or message. */
export const CONTRACT_INPUT_BYTES_MAX = 1024 * 1024
/** Longest salt. */
export const SALT_BYTES_MAX = 1024
/** Longest nonce of a command. */
export const COMMAND_NONCE_BYTES_MAX = 32
/** Room for the other fields, a signature and a tag around the input. */
const COMMAND_OVERHEAD_BYTES = 1024
/** Longest command, however wrapped. */
export const COMMAND_BYTES_MAX = CONTRACT_INPUT_BYTES_MAX + COMMAND_OVERHEAD_BYTES

/** Which code a contract runs: by blake2b-256 of the code. */
export const CodeIndex = named('phala_types::contract::CodeIndex', variant('CodeIndex', { WasmCode: { index: 0, value: Hash } }))
export type CodeIndex = TypeOf<typeof CodeIndex>

/** What a contract is made of. */
export const ContractInfo = named(
  'phala_types::contract::ContractInfo',
  struct({ deployer: AccountId, codeIndex: CodeIndex, salt: bytesUpTo(SALT_BYTES_MAX), clusterId: Hash, instantiateData: bytesUpTo(CONTRACT_INPUT_BYTES_MAX) }),
)
export type ContractInfo = TypeOf<typeof ContractInfo>

/** Payload of `phala/contract/op`. */
export const ContractOperation = named(
  'phala_types::contract::messaging::ContractOperation',
  variant('ContractOperation', {
    InstantiateCode: { index: 0, fields: { contractInfo: ContractInfo, transfer: u128, gasLimit: u64, storageDepositLimit: option(u128) } },
  }),
)
export type ContractOperation = TypeOf<typeof ContractOperation>

/** Payload of `^phala/registry/contract`, from a cluster: a contract runs and has a key. */
export const ContractRegistryEvent = named(
  'phala_pallets::phat::ContractRegistryEvent',
  variant('ContractRegistryEvent', { PubkeyAvailable: { index: 0, fields: { contract: Hash, pubkey: Sr25519Public, deployer: Hash } } }),
)
export type ContractRegistryEvent = TypeOf<typeof ContractRegistryEvent>

const CommandNonce = newtype('bounded_collections::bounded_vec::BoundedVec', bytesUpTo(COMMAND_NONCE_BYTES_MAX))

/** A call of a contract's message. */
export const InkCommand = named(
  'phala_types::contract::InkCommand',
  variant('InkCommand', {
    InkMessage: {
      index: 0,
      fields: { nonce: CommandNonce, message: bytesUpTo(CONTRACT_INPUT_BYTES_MAX), transfer: u128, gasLimit: u64, storageDepositLimit: option(u128) },
    },
  }),
)
export type InkCommand = TypeOf<typeof InkCommand>

/** The reference's envelope: AES-256-GCM under the bare agreement of sender and receiver, no associated data. `pubkey` is the sender's. */
export const EncryptedData = named(
  'phactory_api::crypto::EncryptedData',
  struct({ iv: fixedBytes(12), pubkey: Sr25519Public, data: bytesUpTo(COMMAND_BYTES_MAX) }),
)
export type EncryptedData = TypeOf<typeof EncryptedData>

/** Version of sealed commands that this code writes. */
export const SEALED_COMMAND_VERSION = 1

/** Our envelope: sealed over a channel from `from` (sr25519, fresh) to the contract's channel key of `epoch`; `data` ends with the tag. */
export const SealedCommand = named(
  'phalanx_types::SealedCommand',
  struct({ version: u8, epoch: u64, from: Sr25519Public, iv: fixedBytes(12), data: bytesUpTo(COMMAND_BYTES_MAX) }),
)
export type SealedCommand = TypeOf<typeof SealedCommand>

/** Payload of a contract's command topic, around commands of type `T`. */
export const commandPayload = <T>(command: Codec<T>) =>
  named(
    'phala_types::messaging::CommandPayload',
    variant('CommandPayload', {
      Plain: { index: 0, value: command },
      Encrypted: { index: 1, value: EncryptedData },
      Sealed: { index: 2, value: SealedCommand },
    }),
  )

/** Payload of the command topic of ink! contracts. */
export const CommandPayload = commandPayload(InkCommand)
export type CommandPayload = TypeOf<typeof CommandPayload>

const invoked = { from: AccountId, to: Sr25519Public, input: bytesUpTo(COMMAND_BYTES_MAX), nonce: CommandNonce, block: u32 } as const

/** What a sealed command holds: `to` is the contract's public key, `input` the SCALE of an `InkCommand`, `block` the height at which it was signed. */
export const Invocation = named(
  'phalanx_types::Invocation',
  struct({
    from: invoked.from,
    payload: named('phalanx_types::InvocationPayload', struct({ to: invoked.to, input: invoked.input })),
    nonce: invoked.nonce,
    block: invoked.block,
    sig: MultiSignature,
  }),
)
export type Invocation = TypeOf<typeof Invocation>

const INVOCATION_DOMAIN = utf8('phalanx/invocation/1')
const InvocationContent = tuple(invoked.from, invoked.to, invoked.input, invoked.nonce, invoked.block)

/** What the sender of an invocation signs: domain ‖ genesis hash ‖ SCALE(from, to, input, nonce, block). */
export const invocationSigningPayload = ({ from, payload, nonce, block }: Omit<Invocation, 'sig'>, genesisHash: Uint8Array): Uint8Array =>
  concatBytes(INVOCATION_DOMAIN, genesisHash, InvocationContent.encode([from, payload.to, payload.input, nonce, block]))

const COMMAND_TOPIC_START = 'phala/contract/'
const COMMAND_TOPIC_END = '/command'

/** Topic on which a contract hears commands: its id in lowercase hex. */
export const contractCommandTopic = (contract: Uint8Array): Uint8Array =>
  utf8(`${COMMAND_TOPIC_START}${toHexPlain(contract)}${COMMAND_TOPIC_END}`)
