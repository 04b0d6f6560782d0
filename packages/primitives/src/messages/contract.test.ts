/** Bytes of what is said to clusters and contracts, held to the reference's layout, and the identities that follow from it. */
import { concatBytes, parseHex, toHex, utf8 } from '../bytes.ts'
import type { AppError } from '../errors.ts'
import { loadCrypto } from '../crypto/node/index.ts'
import { describe, expect, test } from 'vitest'
import {
  ClusterChannelEvent, ClusterEpochCandidate, ClusterEvent, ClusterKeyRequest, ClusterOperation, ClusterRegistryEvent, ClusterStateReport, WorkerClusterReport,
} from './cluster.ts'
import { clusterAccountOf, clusterIdOf, contractIdOf } from './contract-identity.ts'
import {
  CommandPayload, ContractOperation, ContractRegistryEvent, EncryptedData, InkCommand, Invocation, invocationSigningPayload, type SealedCommand,
} from './contract.ts'
import { commandTopicOf, TOPICS } from './topics.ts'

const crypto = await loadCrypto()
const of = (byte: number, length = 32): Uint8Array => new Uint8Array(length).fill(byte)
const hex = (byte: string, length = 32): string => byte.repeat(length)
const command: InkCommand = { kind: 'InkMessage', value: { nonce: of(7, 2), message: of(8, 3), transfer: 1n, gasLimit: 2n, storageDepositLimit: undefined } }
const COMMAND_HEX = `00080707${'0c080808'}01${hex('00', 15)}02${hex('00', 7)}00`
const sealed: SealedCommand = { version: 1, epoch: 3n, from: of(4), iv: of(5, 12), data: of(6, 2) }
const terms = { deposit: 1n, gasPrice: 2n, depositPerItem: 3n, depositPerByte: 4n, treasuryAccount: of(9) }
const TERMS_HEX = `${['01', '02', '03', '04'].map((byte) => byte + hex('00', 15)).join('')}${hex('09')}`

describe('layouts', () => {
  test.each([
    ['DeployCluster', ClusterEvent.encode({ kind: 'DeployCluster', value: { owner: of(1), cluster: of(2), workers: [{ pubkey: of(3), ecdhPubkey: of(4) }], ...terms } }),
      `00${hex('01')}${hex('02')}04${hex('03')}${hex('04')}${TERMS_HEX}`],
    ['DispatchKeys', ClusterOperation.encode({ kind: 'DispatchKeys', value: {
      secretKeys: [[of(1), { ecdhPubkey: of(2), encryptedKey: of(3, 1), iv: of(4, 12) }]], cluster: of(5), owner: of(6), ...terms } }),
      `0004${hex('01')}${hex('02')}0403${hex('04', 12)}${hex('05')}${hex('06')}${TERMS_HEX}`],
    ['DestroyCluster', ClusterOperation.encode({ kind: 'DestroyCluster', value: of(1) }), `01${hex('01')}`],
    ['UploadResource', ClusterOperation.encode({ kind: 'UploadResource', value: {
      origin: of(1), clusterId: of(2), resourceType: { kind: 'IndeterministicInkCode' }, resourceData: of(3, 1) } }), `02${hex('01')}${hex('02')}020403`],
    ['Deposit', ClusterOperation.encode({ kind: 'Deposit', value: { clusterId: of(1), account: of(2), amount: 3n } }), `03${hex('01')}${hex('02')}03${hex('00', 15)}`],
    ['RemoveWorker', ClusterOperation.encode({ kind: 'RemoveWorker', value: { clusterId: of(1), worker: of(2) } }), `04${hex('01')}${hex('02')}`],
    ['ClusterDeployed', WorkerClusterReport.encode({ kind: 'ClusterDeployed', value: { id: of(1), pubkey: of(2) } }), `00${hex('01')}${hex('02')}`],
    ['ClusterDeploymentFailed', WorkerClusterReport.encode({ kind: 'ClusterDeploymentFailed', value: { id: of(1) } }), `01${hex('01')}`],
    ['a cluster\'s key', ClusterRegistryEvent.encode({ kind: 'PubkeyAvailable', value: { cluster: of(1), pubkey: of(2) } }), `00${hex('01')}${hex('02')}`],
    ['a contract\'s key', ContractRegistryEvent.encode({ kind: 'PubkeyAvailable', value: { contract: of(1), pubkey: of(2), deployer: of(3) } }),
      `00${hex('01')}${hex('02')}${hex('03')}`],
    ['InstantiateCode', ContractOperation.encode({ kind: 'InstantiateCode', value: {
      contractInfo: { deployer: of(1), codeIndex: { kind: 'WasmCode', value: of(2) }, salt: of(3, 1), clusterId: of(4), instantiateData: of(5, 2) },
      transfer: 6n, gasLimit: 7n, storageDepositLimit: 8n } }),
      `00${hex('01')}00${hex('02')}0403${hex('04')}080505${'06'}${hex('00', 15)}07${hex('00', 7)}0108${hex('00', 15)}`],
    ['a command', InkCommand.encode(command), COMMAND_HEX],
    ['a plain command', CommandPayload.encode({ kind: 'Plain', value: command }), `00${COMMAND_HEX}`],
    ['an encrypted command', CommandPayload.encode({ kind: 'Encrypted', value: { iv: of(1, 12), pubkey: of(2), data: of(3, 2) } }),
      `01${hex('01', 12)}${hex('02')}080303`],
    ['a sealed command', CommandPayload.encode({ kind: 'Sealed', value: sealed }), `020103${hex('00', 7)}${hex('04')}${hex('05', 12)}080606`],
    ['channel keys', ClusterChannelEvent.encode({ kind: 'ContractPubkeys', value: { epoch: 2n, keys: [[of(1), of(3)]] } }), `0102${hex('00', 7)}04${hex('01')}${hex('03')}`],
    ['a proposed epoch', ClusterEpochCandidate.encode({ cluster: of(1), epoch: 2n, pubkey: of(3), secretKeys: [[of(4), { ecdhPubkey: of(5), encryptedKey: of(6, 1), iv: of(7, 12) }]] }),
      `${hex('01')}02${hex('00', 7)}${hex('03')}04${hex('04')}${hex('05')}0406${hex('07', 12)}`],
    ['a request for keys', ClusterKeyRequest.encode({ cluster: of(1) }), hex('01')],
    ['a state report', ClusterStateReport.encode({ cluster: of(1), block: 2, stateRoot: of(3), receiptsRoot: of(4) }), `${hex('01')}02000000${hex('03')}${hex('04')}`],
  ])('%s', (_, bytes, expected) => expect(toHex(bytes)).toBe(`0x${expected}`))

  test.each([
    ['a form that does not exist', `03${COMMAND_HEX}`, 'CODEC_INVALID_VARIANT'],
    ['bytes after the end', `00${COMMAND_HEX}00`, 'CODEC_TRAILING_BYTES'],
    ['a short end', `00${COMMAND_HEX.slice(0, -2)}`, 'CODEC_UNEXPECTED_END'],
    ['a nonce above 32 bytes', `000084${hex('00', 33)}00${hex('00', 25)}`, 'CODEC_LENGTH_EXCEEDED'],
  ])('refuses a command payload with %s', (_, bytes, code) => {
    expect(() => CommandPayload.decode(parseHex(`0x${bytes}`))).toThrow(expect.objectContaining({ code }) as AppError)
  })

  test('the reference\'s two forms keep their bytes beside ours', () => {
    const data: EncryptedData = { iv: of(1, 12), pubkey: of(2), data: of(3, 16) }
    expect(toHex(CommandPayload.encode({ kind: 'Encrypted', value: data }))).toBe(`0x01${toHex(EncryptedData.encode(data)).slice(2)}`)
  })
})

describe('identities', () => {
  test('a contract\'s command topic holds its id in lowercase hex', () => {
    expect(String.fromCharCode(...commandTopicOf(of(0xab)).topic)).toBe(`phala/contract/${hex('ab')}/command`)
    expect(Object.values(TOPICS).map(({ topic }) => toHex(topic))).not.toContain(toHex(commandTopicOf(of(0xab)).topic))
  })

  test('clusters are numbered from one', () => {
    expect(toHex(clusterIdOf(1n))).toBe(`0x${hex('00', 31)}01`)
    expect(toHex(clusterIdOf(0x0102n))).toBe(`0x${hex('00', 30)}0102`)
  })

  test('a contract\'s id follows from deployer, code, cluster and salt', () => {
    expect(toHex(contractIdOf(crypto, { deployer: of(1), codeHash: parseHex('0x010203'), clusterId: of(1), salt: parseHex('0x010203') })))
      .toBe('0x29a773373d12f21a9407333f6e1c9db09aed5c03d21e91060c2f34ac2b86ecb4')
    const codeHash = parseHex('0xa3f91e98edc8ccfb035946133027dd5a3f8694c70e7a27ffdf8056f7b9cc40ab')
    expect(toHex(contractIdOf(crypto, { deployer: of(1), codeHash, clusterId: of(0), salt: of(0, 0) }))).toBe('0x35db55bc9f81c9b14ae536cc43c37786f3ff62fe5247a4dccfd7ba3c8bf316af')
  })

  test('a cluster\'s account is the hash of its name', () => {
    expect(toHex(clusterAccountOf(crypto, clusterIdOf(1n)))).toBe(toHex(crypto.blake2b256(concatBytes(utf8('cluster:'), clusterIdOf(1n)))))
  })
})

describe('invocations', () => {
  const invocation: Invocation = {
    from: of(1), payload: { to: of(2), input: InkCommand.encode(command) }, nonce: of(3, 4), block: 5, sig: { kind: 'Sr25519', value: of(6, 64) },
  }

  test('come back as they were written', () => expect(Invocation.decode(Invocation.encode(invocation))).toEqual(invocation))

  test.each([
    ['sender', { ...invocation, from: of(9) }], ['contract', { ...invocation, payload: { ...invocation.payload, to: of(9) } }],
    ['input', { ...invocation, payload: { ...invocation.payload, input: of(9, 3) } }], ['nonce', { ...invocation, nonce: of(9, 4) }], ['block', { ...invocation, block: 6 }],
  ])('sign their %s', (_, other) => {
    expect(toHex(invocationSigningPayload(other, of(0)))).not.toBe(toHex(invocationSigningPayload(invocation, of(0))))
  })

  test('sign the chain, not the signature', () => {
    expect(toHex(invocationSigningPayload(invocation, of(1)))).not.toBe(toHex(invocationSigningPayload(invocation, of(0))))
    const { sig: _sig, ...unsigned } = invocation
    expect(toHex(invocationSigningPayload(unsigned, of(0)))).toBe(toHex(invocationSigningPayload(invocation, of(0))))
  })
})
