/** Queries of a whole worker: answered for whom they are, refused with a code for everything else, with the state untouched. */
import { bytesToKey, EMPTY, parseHex, toHex, utf8 } from '@phalanx/primitives/bytes'
import {
  ContractExecResult, ContractInstantiateResult, openReceipt, ReceiptLeaf, sealCommand, sealQuery, verifyReceiptProof, type ClusterQuery, type QueryContent, type QueryOutcome, type VerifiedReply,
} from '@phalanx/primitives/contracts'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { CommandPayload, InkCommand, invocationSigningPayload } from '@phalanx/primitives/messages'
import { beforeAll, describe, expect, test } from 'vitest'
import { failureOf, QueryWorld } from '../testing/query-world.ts'
import { SCRIPT, SCRIPT_CODE } from '../testing/script-vm.ts'

const crypto = await loadCrypto()
const fill = (byte: number): Uint8Array => new Uint8Array(32).fill(byte)
let world: QueryWorld
let contract: Uint8Array
beforeAll(async () => {
  world = await QueryWorld.create(crypto)
  await world.deploy()
  contract = await world.instantiate()
})

const call = (input: readonly number[] = [], id = contract): ClusterQuery => ({ kind: 'Call', value: { contract: id, input: Uint8Array.from(input), transfer: 0n, deposit: 0n } })
const codeOf = (outcome: QueryOutcome): string => (outcome.ok ? 'none' : outcome.error.code)
const called = ({ outcome }: VerifiedReply): ContractExecResult => {
  if (!outcome.ok || outcome.value.kind !== 'Called') throw new TypeError(`not called: ${codeOf(outcome)}`)
  return ContractExecResult.decode(outcome.value.value.output)
}

describe('a sealed query', () => {
  test('is answered for the newest block, with the root of the state there', async () => {
    const reply = await world.ask(call())
    const { info } = await world.client.PhactoryAPI.GetClusterInfo({})
    const { number, hash } = world.chain.chain.head
    expect(reply.point).toEqual({ blockNumber: number, blockHash: hash, stateRoot: parseHex(info?.stateRoot ?? '') })
    expect(called(reply).result).toMatchObject({ ok: true, value: { flags: 0 } })
  })
  test('changes nothing', async () => {
    const before = world.stored()?.entries.length
    const [first, second] = [called(await world.ask(call())), called(await world.ask(call()))]
    expect(first.result).toEqual(second.result)
    expect(world.stored()?.entries.length).toBe(before)
  })
  test('of nobody in particular is asked by its own key', async () => {
    expect(codeOf((await world.send(await world.prepare(call(), { isAnonymous: true }))).outcome)).toBe('none')
  })
  test('may only estimate', async () => {
    const { outcome } = await world.ask({ kind: 'Estimate', value: { contract, input: EMPTY, transfer: 0n, deposit: 0n } })
    expect(outcome.ok && outcome.value.kind === 'Called' && ContractExecResult.decode(outcome.value.value.output).result.ok).toBe(true)
  })
  test('may try an instantiation', async () => {
    const { outcome } = await world.ask({ kind: 'EstimateInstantiate', value: { codeHash: crypto.blake2b256(SCRIPT_CODE), salt: Uint8Array.of(9), input: EMPTY, transfer: 0n, deposit: 10n ** 20n } })
    const result = outcome.ok && outcome.value.kind === 'Instantiated' ? ContractInstantiateResult.decode(outcome.value.value.output).result : undefined
    const { id } = await world.client.PhactoryAPI.CalculateContractId({
      deployer: toHex(world.user.publicKey), clusterId: toHex(world.chain.id), codeHash: toHex(crypto.blake2b256(SCRIPT_CODE)), salt: '0x09',
    })
    expect(result?.ok === true ? toHex(result.value.accountId) : result).toBe(id)
  })
  test.each([['traps', SCRIPT.trap], ['loops', SCRIPT.loop]] as const)('of a contract that %s tells why it failed', async (_name, action) => {
    const reply = await world.ask(call([action]))
    expect(called(reply).result.ok).toBe(false)
    expect(reply.outcome.ok && reply.outcome.value.kind === 'Called' && reply.outcome.value.value.failure).toBeTruthy()
  })
  test('of a contract that reverts has its words', async () => {
    expect(called(await world.ask(call([SCRIPT.revert]))).result).toEqual({ ok: true, value: { flags: 1, data: utf8('no') } })
  })
  test('tells what was logged to who deployed the contract, and to nobody else', async () => {
    const own = await world.instantiate({ salt: Uint8Array.of(7), deployer: world.user.publicKey })
    const logsOf = ({ outcome }: VerifiedReply): readonly string[] => (outcome.ok && outcome.value.kind === 'Called' ? outcome.value.value.logs.map(({ message }) => message) : ['refused'])
    expect(logsOf(await world.ask(call([SCRIPT.say], own)))).toEqual(['hello'])
    expect(logsOf(await world.send(await world.prepare(call([SCRIPT.say], own), { isAnonymous: true })))).toEqual([])
    expect(logsOf(await world.ask(call([SCRIPT.say])))).toEqual([])
  })
  test('whose machine gives out is refused, and the next is answered', async () => {
    expect(codeOf((await world.ask(call([SCRIPT.breakMachine]))).outcome)).toBe('QUERY_ENGINE_FAILED')
    expect(await failureOf(world.ask(call([SCRIPT.throwBug])))).toBe('WORKER_INTERNAL')
    expect(codeOf((await world.ask(call())).outcome)).toBe('none')
  })
})

describe('a query is refused', () => {
  test.each<[string, () => { query?: ClusterQuery; change?: Partial<QueryContent> }, string]>([
    ['of an unknown contract', () => ({ query: call([], fill(0x77)) }), 'QUERY_CONTRACT_UNKNOWN'],
    ['for another cluster', () => ({ change: { cluster: fill(9) } }), 'QUERY_CLUSTER_MISMATCH'],
    ['for another worker', () => ({ change: { worker: fill(9) } }), 'QUERY_WORKER_MISMATCH'],
    ['for another chain', () => ({ change: { genesis: fill(9) } }), 'QUERY_CHAIN_MISMATCH'],
    ['that is over', () => ({ change: { notAfter: world.chain.chain.head.number - 1 } }), 'QUERY_EXPIRED'],
    ['that lives too long', () => ({ change: { notAfter: world.chain.chain.head.number + 129 } }), 'QUERY_LIFE_EXCEEDED'],
    ['that wants a state of the future', () => ({ change: { atLeast: { number: world.chain.chain.head.number + 1, hash: fill(1) } } }), 'QUERY_STATE_BEHIND'],
    ['that knows another block', () => ({ change: { atLeast: { number: world.chain.chain.head.number, hash: fill(1) } } }), 'QUERY_BLOCK_UNKNOWN'],
  ])('%s, under seal', async (_name, options, code) => {
    const { query, change } = options()
    const prepared = await world.prepare(query ?? call(), change === undefined ? {} : { change })
    // A reply for another worker's key cannot be checked by that key: it is the asked one that signs.
    const answered = await world.send({ ...prepared, content: { ...prepared.content, worker: world.identity } })
    expect(codeOf(answered.outcome)).toBe(code)
  })
  test('when it comes twice', async () => {
    const prepared = await world.prepare(call())
    expect(codeOf((await world.send(prepared)).outcome)).toBe('none')
    expect(codeOf((await world.send(prepared)).outcome)).toBe('QUERY_REPLAYED')
  })
  test('when its signature is another\'s', async () => {
    const prepared = await world.prepare(call())
    const content = world.content(call())
    const forged = sealQuery(crypto, {
      target: await world.target(), content, signer: world.signerOf(prepared.content), random: { seed: world.random.bytes(32), iv: world.random.bytes(12) },
    })
    expect(codeOf((await world.send(forged)).outcome)).toBe('CERTIFICATE_SIGNATURE_INVALID')
  })
  test('when it is sealed to another key, epoch or anchor', async () => {
    const send = async (target: Parameters<QueryWorld['prepare']>[1]): Promise<string> => failureOf(world.send(await world.prepare(call(), target)))
    expect(await send({ target: { publicKey: world.user.publicKey } })).toBe('SEALED_NOT_OPENED')
    expect(await send({ target: { anchor: fill(3) } })).toBe('SEALED_NOT_OPENED')
    expect(await send({ target: { genesis: fill(3) } })).toBe('SEALED_NOT_OPENED')
    expect(await send({ target: { epoch: 99n } })).toBe('WORKER_ECDH_EPOCH_UNKNOWN')
  })
  test('when any byte was changed, or it is no query', async () => {
    const { sealed } = await world.prepare(call())
    for (let at = 0; at < sealed.bytes.length; at += 7) {
      const changed = sealed.bytes.slice()
      changed[at] = (changed[at] as number) ^ 1
      expect(await failureOf(world.client.PhalanxAPI.Query({ sealed: changed }))).toMatch(/^(SEALED|CODEC|WORKER_ECDH)_/)
    }
    expect(await failureOf(world.client.PhalanxAPI.Query({ sealed: EMPTY }))).toBe('CODEC_UNEXPECTED_END')
    expect(await failureOf(world.client.PhalanxAPI.Query({ sealed: new Uint8Array(1_100_000) }))).toBe('CODEC_LENGTH_EXCEEDED')
  })
})

describe('a worker that does not serve', () => {
  test('without a cluster says so', async () => {
    const other = await QueryWorld.create(crypto, { seed: 'no cluster' })
    expect(await failureOf(other.client.PhalanxAPI.Query({ sealed: EMPTY }))).toBe('QUERY_NO_CLUSTER')
    expect(await failureOf(other.client.PhactoryAPI.ContractQuery({ encodedEncryptedData: EMPTY }))).toBe('QUERY_NO_CLUSTER')
    expect(await other.client.PhactoryAPI.GetClusterInfo({})).toEqual({})
    expect(await failureOf(other.client.PhactoryAPI.GetContractInfo({ contracts: [] }))).toBe('QUERY_NO_CLUSTER')
  })
})

describe('receipts', () => {
  const send = (): ReturnType<typeof sealCommand> => {
    const target = world.chain.target(contract)
    const key = world.chain.contracts.get(bytesToKey(contract))
    if (target === undefined || key === undefined) throw new TypeError('the contract has keys')
    const nonce = world.random.bytes(8)
    const command = InkCommand.encode({ kind: 'InkMessage', value: { nonce, message: Uint8Array.of(SCRIPT.say, 1, 2), transfer: 0n, gasLimit: 10n ** 11n, storageDepositLimit: undefined } })
    const unsigned = { from: world.user.publicKey, nonce, block: world.chain.chain.head.number, payload: { to: key.pubkey, input: command } }
    const value = crypto.sr25519.sign(world.user.secret, invocationSigningPayload(unsigned, world.chain.chain.genesisHash), world.random.bytes(32))
    return sealCommand(crypto, { target, invocation: { ...unsigned, sig: { kind: 'Sr25519', value } }, random: { seed: world.random.bytes(32), iv: world.random.bytes(12) } })
  }

  test('come as soon as a block brought them, with a proof, open for their sender', async () => {
    const prepared = send()
    world.chain.push(contract, prepared.payload.bytes, { kind: 'AccountId', value: fill(0x21) })
    const waiting = world.client.PhalanxAPI.GetReceipt({ contract, commandHash: prepared.commandHash, waitMs: 10_000 })
    await world.rounds(1)
    const { sealed, index, encodedLeaf, proof, receiptsRoot, block } = await waiting
    expect(block).toBe(world.chain.chain.head.number)
    verifyReceiptProof(crypto, { sealed, index, leaf: ReceiptLeaf.decode(encodedLeaf), proof }, { receiptsRoot, commandHash: prepared.commandHash })
    const receipt = openReceipt(crypto, sealed, { commandHash: prepared.commandHash, own: prepared.own, target: prepared.target })
    expect(receipt).toMatchObject({ contract, block, index, outcome: { kind: 'Executed' } })
    expect(receipt.events.length).toBe(1)
  })
  test('that are not there are told as late, and waits end with the worker', async () => {
    expect(await failureOf(world.client.PhalanxAPI.GetReceipt({ contract, commandHash: fill(1), waitMs: 0 }))).toBe('RECEIPT_NOT_YET')
    const other = await QueryWorld.create(crypto, { seed: 'stops' })
    await other.deploy()
    const waiting = failureOf(other.client.PhalanxAPI.GetReceipt({ contract, commandHash: fill(1), waitMs: 60_000 }))
    await other.worker.stop()
    expect(await waiting).toBe('QUERY_CANCELLED')
  })
})

describe('a page of the log', () => {
  test('is for who may read it, goes on where it ended, and can be counted from the end', async () => {
    const own = await world.instantiate({ salt: Uint8Array.of(8), deployer: world.user.publicKey })
    const value = { nonce: utf8('n'), message: Uint8Array.of(SCRIPT.say, 5), transfer: 0n, gasLimit: 10n ** 11n, storageDepositLimit: undefined }
    world.chain.push(own, CommandPayload.encode({ kind: 'Plain', value: { kind: 'InkMessage', value } }), { kind: 'AccountId', value: world.user.publicKey })
    await world.rounds(1)
    const page = async (query: Extract<ClusterQuery, { kind: 'Logs' }>['value'], isAnonymous = false) => {
      const { outcome } = await world.send(await world.prepare({ kind: 'Logs', value: query }, { isAnonymous }))
      if (!outcome.ok || outcome.value.kind !== 'Logs') throw new TypeError(codeOf(outcome))
      return outcome.value.value
    }
    const all = await page({ contract: own, start: { kind: 'From', value: 0n }, count: 0 })
    expect(all.records.map(({ content }) => content.kind)).toEqual(expect.arrayContaining(['Log', 'Event', 'Output']))
    expect((await page({ contract: own, start: { kind: 'From', value: all.next }, count: 0 })).records).toEqual([])
    const [first] = (await page({ contract: own, start: { kind: 'From', value: 0n }, count: 1 })).records
    expect(first).toEqual(all.records[0])
    expect((await page({ contract: undefined, start: { kind: 'FromEnd', value: 1 }, count: 0 })).records.length).toBeLessThanOrEqual(1)
    expect((await page({ contract: own, start: { kind: 'From', value: 0n }, count: 0 }, true)).records).toEqual([])
  })
})

describe('what anybody may know', () => {
  test('of the cluster and its contracts', async () => {
    const { info } = await world.client.PhactoryAPI.GetClusterInfo({})
    expect(info).toMatchObject({ id: toHex(world.chain.id), runtimeVersion: '1.2', numberOfContracts: 4n })
    const { contracts } = await world.client.PhactoryAPI.GetContractInfo({ contracts: [toHex(contract), toHex(fill(9))] })
    expect(contracts).toEqual([{ id: toHex(contract), codeHash: toHex(crypto.blake2b256(SCRIPT_CODE)), weight: 0 }])
    expect((await world.client.PhactoryAPI.GetContractInfo({ contracts: [] })).contracts.length).toBe(4)
    expect(await failureOf(world.client.PhactoryAPI.GetContractInfo({ contracts: ['0x01'] }))).toMatch(/^CODEC_/)
  })
  test('counts', async () => {
    const { query } = await world.client.PhactoryAPI.Statistics({ contracts: [], all: true })
    expect(query?.global?.total).toBeGreaterThan(3n)
    expect(query?.byContract.map(({ key }) => key)).toContain(toHex(contract))
    expect((await world.client.PhactoryAPI.Statistics({ contracts: [toHex(fill(9))], all: false })).query?.byContract).toEqual([])
  })
})
