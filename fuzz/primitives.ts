/** Fuzz targets of @phalanx/primitives: codecs, chain types, messages, proofs and the texts people type. */
import { assert } from '@phalanx/primitives/assert'
import { bytesEqual, concatBytes, parseHex, parseUtf8, toHex, utf8 } from '@phalanx/primitives/bytes'
import {
  AdditionalSigned, AuthoritySet, BlockMessages, ChainCheckpoint, createPhlxItem, decodeExtrinsic, encodeExtrinsic, Era, FollowedBlocks, GrandpaLog, grandpaLogs, Header, Justification,
  precommitPayload, readPhlx, SignedExtra, verifyJustification,
} from '@phalanx/primitives/chain'
import {
  bool, bytes, compactU128, compactU32, late, option, result, sortedMap, struct, text, tuple, u128, u32, u64, u8, variant, vec, type Codec,
} from '@phalanx/primitives/codec'
import { mnemonicToEntropy, parseAccountAddress, parseSs58, parseSuri } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { Message, SignedMessage, TOPICS } from '@phalanx/primitives/messages'
import { createTrie, readProof } from '@phalanx/primitives/trie'
import { codecTarget, sampleSeeds } from './codec-target.ts'
import type { FuzzTarget } from './fuzzer.ts'

const crypto = await loadCrypto()

const Tree: Codec<unknown> = variant('Tree', {
  Leaf: { index: 0, value: text },
  Branch: { index: 7, fields: { left: late<unknown>(() => Tree, 1), right: option(late<unknown>(() => Tree, 1)) } },
})

const everyCombinator = struct({
  flag: bool, small: compactU32, wide: compactU128, list: vec(tuple(u8, u64)), maybe: option(bytes), outcome: result(u128, text), map: sortedMap(u32, text), tree: Tree,
})

const codecs: readonly FuzzTarget[] = [
  codecTarget('codec.combinators', everyCombinator),
  codecTarget('chain.header', Header),
  codecTarget('chain.era', Era, [Uint8Array.of(0), Uint8Array.of(0x85, 0x02)]),
  codecTarget('chain.signedExtra', SignedExtra, [Uint8Array.of(0, 4, 0)]),
  codecTarget('chain.additionalSigned', AdditionalSigned),
  codecTarget('chain.authoritySet', AuthoritySet),
  codecTarget('chain.grandpaLog', GrandpaLog),
  codecTarget('chain.justification', Justification),
  codecTarget('chain.blockMessages', BlockMessages),
  codecTarget('chain.followedBlocks', FollowedBlocks),
  codecTarget('chain.checkpoint', ChainCheckpoint),
  codecTarget('messages.message', Message),
  codecTarget('messages.signedMessage', SignedMessage),
  ...Object.entries(TOPICS).map(([name, { payload }]) => codecTarget(`messages.${name}`, payload as Codec<any>)),
]

const account = new Uint8Array(32).fill(7)
const signedExtrinsic = encodeExtrinsic({
  signed: { address: { kind: 'Id', value: account }, signature: { kind: 'Sr25519', value: new Uint8Array(64) }, extra: { era: Era.decode(Uint8Array.of(0)), nonce: 1, tip: 0n } },
  call: Uint8Array.of(0, 1, 2, 3),
})

const extrinsic: FuzzTarget = {
  name: 'chain.extrinsic',
  seeds: [signedExtrinsic, encodeExtrinsic({ call: Uint8Array.of(2, 0, 0x0b) })],
  run(input) {
    const again = encodeExtrinsic(decodeExtrinsic(input))
    assert(bytesEqual(again, input), `re-encodes as ${toHex(again)}`)
  },
}

const plainHeader: Header = { parentHash: account, number: 7, stateRoot: account, extrinsicsRoot: account, digest: { logs: [] } }
const followableHeader: Header = {
  ...plainHeader,
  digest: { logs: [createPhlxItem(crypto, { number: 7, timeMs: 1n, messages: [], acks: [] }), { kind: 'Consensus', value: [utf8('FRNK'), Uint8Array.of(4, 1, 0, 0, 0)] }] },
}

const headerMeaning: FuzzTarget = {
  name: 'chain.headerMeaning',
  seeds: [Header.encode(followableHeader), ...sampleSeeds('chain.headerMeaning', Header)],
  run(input) {
    const header = Header.decode(input)
    grandpaLogs(header)
    readPhlx(header)
  },
}

const authoritySeed = new Uint8Array(32).fill(3)
const authorityId = crypto.ed25519.publicKey(authoritySeed)
const authorities: AuthoritySet = { list: [[authorityId, 1n]], id: 0n }
const precommit = { targetHash: account, targetNumber: 7 }
const genuine = Justification.encode({
  round: 1n,
  commit: { ...precommit, precommits: [{ precommit, signature: crypto.ed25519.sign(authoritySeed, precommitPayload({ precommit, round: 1n, setId: 0n })), id: authorityId }] },
  votesAncestries: [],
})

const finality: FuzzTarget = {
  name: 'chain.verifyJustification',
  seeds: [genuine, ...sampleSeeds('chain.verifyJustification', Justification)],
  run(input) {
    const justification = Justification.decode(input)
    const target = { hash: justification.commit.targetHash, number: justification.commit.targetNumber }
    verifyJustification(crypto, { justification, authorities, target })
    assert(bytesEqual(target.hash, account) && target.number === 7, 'a block nobody voted for was taken as final')
  },
}

const entries = Array.from({ length: 40 }, (_, i) => [crypto.blake2b256(Uint8Array.of(i)), new Uint8Array(i).fill(i)] as const)
const trie = createTrie({ crypto, version: 1 }).apply(entries)
const provenKey = entries[5]?.[0] ?? account
const Proof = vec(bytes)

const proof: FuzzTarget = {
  name: 'trie.readProof',
  seeds: [Proof.encode(trie.prove([provenKey])), Proof.encode(trie.prove(entries.map(([key]) => key)))],
  run(input) {
    const reader = readProof({ crypto, root: trie.root, proof: Proof.decode(input) })
    const value = reader.get(provenKey)
    assert(value !== undefined && bytesEqual(value, entries[5]?.[1] ?? account), 'a forged proof was believed')
  },
}

const rootOfInput: FuzzTarget = {
  name: 'trie.readProofOfAnyNode',
  seeds: trie.prove(entries.map(([key]) => key)),
  run(input) {
    readProof({ crypto, root: crypto.blake2b256(input), proof: [input] }).get(provenKey)
  },
}

/** A parser of text people type; bytes that are not UTF-8 are refused before it. */
const textTarget = (name: string, seeds: readonly string[], run: (input: string) => void): FuzzTarget => ({
  name, seeds: seeds.map(utf8), run: (input) => run(parseUtf8(input)),
})

const ALICE = '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY'
const PHRASE = 'bottom drive obey lake curtain smoke basket hold race lonely fit walk'

const texts: readonly FuzzTarget[] = [
  textTarget('text.hex', ['0x00ff', 'abcd', '0x'], (input) => {
    const value = parseHex(input)
    assert(toHex(value).slice(2) === input.replace(/^0x/, '').toLowerCase(), 'hex came back different')
  }),
  textTarget('text.ss58', [ALICE, 'F7Hs', '25GUyv'], (input) => { parseSs58(crypto, input) }),
  textTarget('text.accountAddress', [ALICE], (input) => {
    assert(parseAccountAddress(crypto, input).length === 32, 'an account of another length')
  }),
  textTarget('text.suri', ['//Alice', `${PHRASE}//stash/soft///password`, `0x${'ab'.repeat(32)}//0`], (input) => { parseSuri(crypto, input) }),
  textTarget('text.mnemonic', [PHRASE], (input) => { mnemonicToEntropy(input) }),
]

/** Verification of signatures and points from outside never traps and never accepts noise. */
const signatures: FuzzTarget = {
  name: 'crypto.verify',
  seeds: [concatBytes(new Uint8Array(64), account), new Uint8Array(97)],
  run(input) {
    const signature = input.subarray(0, Math.min(64, input.length))
    const publicKey = input.subarray(signature.length)
    const message = utf8('message')
    const accepted = [
      crypto.sr25519.verify(signature, message, publicKey),
      crypto.ed25519.verify(signature, message, publicKey) && input.some((byte) => byte !== 0) && publicKey.some((byte) => byte > 1),
      crypto.p256.verify(signature, message, publicKey),
    ]
    assert(accepted[0] === false && accepted[2] === false, 'noise was accepted as a signature')
    crypto.secp256k1.recover(input.subarray(0, 65), crypto.blake2b256(message))
    crypto.sr25519.isValidPoint(publicKey)
  },
}

/** What `npm run fuzz` and fuzz.test.ts run. */
export const targets: readonly FuzzTarget[] = [...codecs, extrinsic, headerMeaning, finality, proof, rootOfInput, ...texts, signatures]
