/** Owns the seal functions that tell a contract about itself and its surroundings, hash, verify, emit events and write messages. */
import { bigintToLe } from '@phalanx/primitives/bytes'
import { compactU64, fixedBytes, struct, vecUpTo } from '@phalanx/primitives/codec'
import { evmAddressOf } from '@phalanx/primitives/contracts'
import { isAppError } from '@phalanx/primitives/errors'
import { CODE, outputOf, type SealFunction } from './abi.ts'
import { PAYLOAD_MAX, trap, type InkCrypto, type InkFrame } from './frame.ts'
import { HASH_GAS, WORK_GAS } from './gas.ts'

const TOPICS_MAX = 4
const SUBJECT_MAX = 32
const UINT64_MAX = (1n << 64n) - 1n
const UINT128_MAX = (1n << 128n) - 1n
const Weight = struct({ refTime: compactU64, proofSize: compactU64 })
const Topics = vecUpTo(fixedBytes(32), 1024)

const balance = (value: bigint): Uint8Array => bigintToLe(value, 16)

const hashWith = (hash: (crypto: InkCrypto, message: Uint8Array) => Uint8Array): SealFunction => ({
  signature: 'iii>',
  run(frame, args) {
    frame.host.gas.charge(WORK_GAS.hash + BigInt(args.n(1)) * HASH_GAS)
    frame.write(args.n(2), hash(frame.crypto, frame.read(args.n(0), args.n(1))))
  },
})

const callerOf = (frame: InkFrame): Uint8Array => {
  if (frame.host.caller === undefined) throw trap('ContractTrapped', 'nobody called: there is no caller')
  return frame.host.caller
}

const readTopics = (frame: InkFrame, pointer: number, length: number): readonly Uint8Array[] => {
  if (length === 0) return []
  if (length > TOPICS_MAX * 32 + 4) throw trap('TooManyTopics', `an event may have ${TOPICS_MAX} topics`)
  try {
    const topics = Topics.decode(frame.read(pointer, length))
    if (topics.length <= TOPICS_MAX) return topics
  } catch (error) {
    throw isAppError(error, 'CONTRACT_TRAPPED') ? error : trap('DecodingFailed', 'the topics of an event are malformed')
  }
  throw trap('TooManyTopics', `an event may have ${TOPICS_MAX} topics`)
}

const randomOf = (frame: InkFrame, pointer: number, length: number): Uint8Array => {
  if (length > SUBJECT_MAX) throw trap('RandomSubjectTooLong', `the subject may have ${SUBJECT_MAX} bytes`)
  return frame.host.randomSeed(frame.read(pointer, length))
}

const ecdsaRecover: SealFunction = {
  signature: 'iii>i',
  run(frame, args) {
    frame.host.gas.charge(WORK_GAS.ecdsaRecover)
    const signature = frame.read(args.n(0), 65)
    const v = signature[64] as number
    if (v >= 27) signature[64] = v - 27
    const key = frame.crypto.secp256k1.recover(signature, frame.read(args.n(1), 32))
    if (key === undefined) return CODE.ecdsaRecoveryFailed
    frame.write(args.n(2), key)
    return CODE.success
  },
}

const sr25519Verify: SealFunction = {
  signature: 'iiii>i',
  run(frame, args) {
    frame.host.gas.charge(WORK_GAS.sr25519Verify + BigInt(args.n(2)) * HASH_GAS)
    const [signature, publicKey, message] = [frame.read(args.n(0), 64), frame.read(args.n(1), 32), frame.read(args.n(3), args.n(2))]
    return frame.crypto.sr25519.verify(signature, message, publicKey) ? CODE.success : CODE.sr25519VerifyFailed
  },
}

const callChainExtension: SealFunction = {
  signature: 'iiiii>i',
  run(frame, args) {
    const id = args.n(0)
    if (id >>> 16 !== 0) throw trap('NoChainExtension', `there is no chain extension ${id >>> 16}`)
    if (args.n(2) > 2 * PAYLOAD_MAX) throw trap('ValueTooLarge', 'the input of a chain extension is too long')
    const { status, output } = frame.host.chainExtension(id & 0xffff, frame.read(args.n(1), args.n(2)))
    frame.writeOutput({ pointer: args.n(3), lengthPointer: args.n(4), mayBeLeftOut: true }, output)
    return status
  },
}

const dependency = (change: (frame: InkFrame, hash: Uint8Array) => boolean): SealFunction => ({
  signature: 'i>',
  run(frame, args) {
    if (!change(frame, frame.read(args.n(0), 32))) throw trap('CodeNotFound', 'no such dependency, or it cannot be one')
  },
})

/** Functions of context, hashing and events by interface and name. */
export const CONTEXT_FUNCTIONS: Readonly<Record<string, SealFunction>> = {
  'seal0.input': outputOf((frame) => frame.takeInput()),
  'seal0.caller': outputOf(callerOf),
  'seal0.address': outputOf((frame) => frame.host.address),
  'seal0.own_code_hash': outputOf((frame) => frame.host.codeHash),
  'seal0.value_transferred': outputOf((frame) => balance(frame.host.valueTransferred)),
  'seal0.balance': outputOf((frame) => balance(frame.host.balance())),
  'seal0.minimum_balance': outputOf((frame) => balance(frame.host.minimumBalance)),
  'seal0.tombstone_deposit': outputOf(() => balance(0n)),
  'seal0.rent_allowance': outputOf(() => balance(UINT128_MAX)),
  'seal0.set_rent_allowance': { signature: 'ii>', run: () => undefined },
  'seal1.set_rent_allowance': { signature: 'i>', run: () => undefined },
  'seal0.now': outputOf((frame) => bigintToLe(frame.host.nowMs, 8)),
  'seal0.block_number': outputOf((frame) => bigintToLe(BigInt(frame.host.blockNumber), 4)),
  'seal0.gas_left': outputOf((frame) => bigintToLe(frame.host.gas.left, 8)),
  'seal1.gas_left': outputOf((frame) => Weight.encode({ refTime: frame.host.gas.left, proofSize: UINT64_MAX })),
  'seal0.weight_to_fee': {
    signature: 'jii>',
    run: (frame, args) => frame.writeOutput({ pointer: args.n(1), lengthPointer: args.n(2) }, balance(frame.host.weightToFee(args.big(0)))),
  },
  'seal1.weight_to_fee': {
    signature: 'jjii>',
    run: (frame, args) => frame.writeOutput({ pointer: args.n(2), lengthPointer: args.n(3) }, balance(frame.host.weightToFee(args.big(0)))),
  },
  'seal0.random': { signature: 'iiii>', run: (frame, args) => frame.writeOutput({ pointer: args.n(2), lengthPointer: args.n(3) }, randomOf(frame, args.n(0), args.n(1))) },
  'seal1.random': {
    signature: 'iiii>',
    run(frame, args) {
      const out = new Uint8Array(36)
      out.set(randomOf(frame, args.n(0), args.n(1)))
      out.set(bigintToLe(BigInt(frame.host.blockNumber), 4), 32)
      frame.writeOutput({ pointer: args.n(2), lengthPointer: args.n(3) }, out)
    },
  },
  'seal0.caller_is_origin': { signature: '>i', run: (frame) => (frame.host.isCallerOrigin ? 1 : 0) },
  'seal0.caller_is_root': { signature: '>i', run: (frame) => (frame.host.caller === undefined ? 1 : 0) },
  'seal0.instantiation_nonce': { signature: '>j', run: (frame) => frame.host.instantiationNonce() },
  'seal0.deposit_event': {
    signature: 'iiii>',
    run(frame, args) {
      if (args.n(3) > PAYLOAD_MAX) throw trap('ValueTooLarge', 'the data of an event is too long')
      frame.host.emitEvent(readTopics(frame, args.n(0), args.n(1)), frame.read(args.n(2), args.n(3)))
    },
  },
  'seal0.debug_message': {
    signature: 'ii>i',
    run(frame, args) {
      if (args.n(1) > PAYLOAD_MAX) throw trap('ValueTooLarge', 'a debug message is too long')
      return frame.host.debugMessage(frame.read(args.n(0), args.n(1))) ? CODE.success : CODE.loggingDisabled
    },
  },
  'seal0.call_chain_extension': callChainExtension,
  'seal1.call_chain_extension': callChainExtension,
  'seal0.call_runtime': { signature: 'ii>i', run: () => CODE.callRuntimeFailed },
  'seal0.hash_sha2_256': hashWith((crypto, message) => crypto.sha256(message)),
  'seal0.hash_keccak_256': hashWith((crypto, message) => crypto.keccak256(message)),
  'seal0.hash_blake2_256': hashWith((crypto, message) => crypto.blake2b256(message)),
  'seal0.hash_blake2_128': hashWith((crypto, message) => crypto.blake2b128(message)),
  'seal0.ecdsa_recover': ecdsaRecover,
  'seal0.ecdsa_to_eth_address': {
    signature: 'ii>i',
    run(frame, args) {
      frame.host.gas.charge(WORK_GAS.ecdsaAddress)
      const address = evmAddressOf(frame.crypto, frame.read(args.n(0), 33))
      if (address === undefined) return CODE.ecdsaRecoveryFailed
      frame.write(args.n(1), address)
      return CODE.success
    },
  },
  'seal0.sr25519_verify': sr25519Verify,
  'seal0.lock_delegate_dependency': dependency((frame, hash) => frame.host.lockDependency(hash)),
  'seal0.unlock_delegate_dependency': dependency((frame, hash) => frame.host.unlockDependency(hash)),
  'seal0.add_delegate_dependency': dependency((frame, hash) => frame.host.lockDependency(hash)),
  'seal0.remove_delegate_dependency': dependency((frame, hash) => frame.host.unlockDependency(hash)),
}
