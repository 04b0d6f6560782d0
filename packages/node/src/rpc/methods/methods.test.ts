import { bytesEqual, concatBytes, parseHex, toHex, toHexPlain, utf8 } from '@phalanx/primitives/bytes'
import { AuthoritySet, FollowedBlocks, GenesisBlockInfo, Header, headerHash, Justification, matchesPhlx, verifyJustification } from '@phalanx/primitives/chain'
import { encodeSs58 } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { MessageOrigin } from '@phalanx/primitives/messages'
import { createTrie, readProof } from '@phalanx/primitives/trie'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Node } from '../../create-node.ts'
import { createTestChain, createTestClock, createTestNode, rpcCall, signTransfer, signTransfers, type TestChain, type TestClock } from '../../testing.ts'

let chain: TestChain
let node: Node
let clock: TestClock
beforeAll(async () => {
  chain = createTestChain(await loadCrypto())
})
beforeEach(async () => {
  clock = createTestClock()
  node = await createTestNode(chain, { isUnsafeRpcAllowed: true }, { clock })
})

const ask = async (method: string, params: unknown = []): Promise<any> => {
  const { result, error } = await rpcCall(node, method, params)
  if (error !== undefined) throw Object.assign(new RangeError(error.message), { error })
  return result
}
const fails = async (method: string, params: unknown = []): Promise<any> => (await rpcCall(node, method, params)).error
const account = (i: number): Uint8Array => chain.accounts[i]?.publicKey as Uint8Array
const address = (i: number): string => encodeSs58(chain.crypto, { prefix: 30, payload: account(i) })
const seal = async (transfers = 0): Promise<void> => {
  for (const one of signTransfers(chain, transfers)) await node.submit(one)
  await node.seal()
}
const open = () => {
  const sent: any[] = []
  let ids = 0
  const connection = node.connect({ send: (text) => void sent.push(JSON.parse(text)) })
  return {
    sent, connection,
    call: async (method: string, params: unknown = []): Promise<any> => {
      const id = ++ids
      await connection.receive(JSON.stringify({ jsonrpc: '2.0', id, method, params }))
      const answer = sent.find((one) => one.id === id)
      return answer.error ?? answer.result
    },
    news: (): any[] => sent.filter(({ params }) => params !== undefined).map(({ params }) => params.result),
  }
}
const systemPrefix = (item: string): string => toHex(concatBytes(chain.crypto.twox128(utf8('System')), chain.crypto.twox128(utf8(item))))

describe('system', () => {
  test('tells who it is', async () => {
    expect(await ask('system_chain')).toBe('Phalanx Development')
    expect(await ask('system_properties')).toEqual({ ss58Format: 30, tokenDecimals: 12, tokenSymbol: 'PHA' })
    expect(await ask('system_health')).toEqual({ peers: 0, isSyncing: false, shouldHavePeers: false })
    expect((await ask('rpc_methods')).methods).toContain('chain_subscribeNewHead')
    expect(await ask('system_syncState')).toEqual({ startingBlock: 0, currentBlock: 0, highestBlock: 0 })
  })
  test('counts nonces through the pool', async () => {
    expect(await ask('system_accountNextIndex', [address(0)])).toBe(0)
    await node.submit(signTransfer(chain, { from: chain.accounts[0] as never, nonce: 0, to: account(1), amount: 10n ** 12n }))
    expect(await ask('account_nextIndex', [address(0)])).toBe(1)
    expect(await ask('system_accountNextIndex', [toHex(account(0))])).toBe(1)
    expect((await fails('system_accountNextIndex', ['5Grwva'])).code).toBe(-32602)
  })
  test('dry runs without keeping anything', async () => {
    const good = signTransfer(chain, { from: chain.accounts[0] as never, nonce: 0, to: account(1), amount: 10n ** 12n })
    const poor = signTransfer(chain, { from: chain.accounts[0] as never, nonce: 0, to: account(1), amount: 10n ** 30n })
    expect(await ask('system_dryRun', [toHex(good)])).toBe('0x0000')
    expect(await ask('system_dryRun', [toHex(poor)])).toMatch(/^0x0001/)
    expect(await ask('system_dryRun', ['0x00'])).toMatch(/^0x01/)
    expect(node.head().number).toBe(0)
  })
})

describe('chain', () => {
  test('finds blocks by hash and number', async () => {
    await seal(2)
    const hash = toHex(node.head().hash)
    expect(await ask('chain_getBlockHash')).toBe(hash)
    expect(await ask('chain_getBlockHash', ['0x1'])).toBe(hash)
    expect(await ask('chain_getBlockHash', [[0, 1, 2]])).toEqual([toHex(chain.genesisHash), hash, null])
    expect(await ask('chain_getFinalizedHead')).toBe(hash)
    expect((await ask('chain_getHeader', [hash])).number).toBe('0x1')
    const { block, justifications } = await ask('chain_getBlock')
    expect(block.extrinsics.length).toBe(3)
    expect(justifications[0][0]).toEqual([...utf8('FRNK')])
    expect(await ask('chain_getBlock', [`0x${'00'.repeat(32)}`])).toBeNull()
  })
  test('tells every head to every kind of subscription', async () => {
    const { call, news, sent } = open()
    for (const kind of ['NewHeads', 'NewHead', 'AllHeads', 'FinalizedHeads']) expect(typeof (await call(`chain_subscribe${kind}`))).toBe('string')
    await seal()
    expect(news().map(({ number }) => number)).toEqual(['0x0', '0x0', '0x0', '0x0', '0x1', '0x1', '0x1', '0x1'])
    expect(new Set(sent.map(({ method }) => method))).toEqual(new Set([undefined, 'chain_newHead', 'chain_allHead', 'chain_finalizedHead']))
  })
})

describe('state', () => {
  test('reads at any block', async () => {
    await seal()
    await seal()
    const number = systemPrefix('Number')
    expect(await ask('state_getStorage', [number])).toBe('0x02000000')
    expect(await ask('state_getStorage', [number, await ask('chain_getBlockHash', [1])])).toBe('0x01000000')
    expect(await ask('state_getStorageSize', [number])).toBe(4)
    expect(await ask('state_getStorageHash', [number])).toBe(toHex(chain.crypto.blake2b256(Uint8Array.of(2, 0, 0, 0))))
    expect(await ask('state_getStorage', ['0x1234'])).toBeNull()
    expect((await fails('state_getStorage', [number, `0x${'11'.repeat(32)}`])).data.code).toBe('BLOCK_UNKNOWN')
  })
  test('lists keys page by page', async () => {
    const prefix = systemPrefix('Account')
    const all = await ask('state_getKeysPaged', [prefix, 1000])
    const first = await ask('state_getKeysPaged', [prefix, 5])
    const rest = await ask('state_getKeysPaged', [prefix, 1000, first.at(-1)])
    expect([...first, ...rest]).toEqual(all)
    expect(all.length).toBe((await ask('state_getPairs', [prefix])).length)
    expect((await fails('state_getKeysPaged', [prefix, 1001])).code).toBe(-32602)
  })
  test('queries several keys at a block and over a range', async () => {
    await seal()
    await seal()
    const keys = [systemPrefix('Number'), '0x1234']
    expect((await ask('state_queryStorageAt', [keys]))[0].changes).toEqual([[keys[0], '0x02000000'], [keys[1], null]])
    const sets = await ask('state_queryStorage', [keys, toHex(chain.genesisHash)])
    expect(sets.map(({ changes }: any) => changes)).toEqual([[[keys[0], null], [keys[1], null]], [[keys[0], '0x01000000']], [[keys[0], '0x02000000']]])
  })
  test('proves values and absence under the root of the header', async () => {
    await seal(1)
    const keys = [systemPrefix('Number'), '0x1234']
    const { at, proof } = await ask('state_getReadProof', [keys])
    const reader = readProof({ crypto: chain.crypto, root: node.chain.head().header.stateRoot, proof: proof.map(parseHex) })
    expect(at).toBe(toHex(node.head().hash))
    expect(toHex(reader.get(parseHex(keys[0] as string)) as Uint8Array)).toBe('0x01000000')
    expect(reader.get(parseHex('0x1234'))).toBeUndefined()
  })
  test('follows keys: first all, then changes', async () => {
    const { call, news } = open()
    const keys = [systemPrefix('Number'), '0x1234']
    await call('state_subscribeStorage', [keys])
    await call('state_subscribeRuntimeVersion')
    await seal()
    expect(news()[0].changes).toEqual([[keys[0], null], [keys[1], null]])
    expect(news()[1].specName).toBe('phalanx')
    expect(news()[2].changes).toEqual([[keys[0], '0x01000000']])
  })
  test('calls the runtime', async () => {
    expect(await ask('state_call', ['AccountNonceApi_account_nonce', toHex(account(0))])).toBe('0x00000000')
    expect(await ask('state_getMetadata')).toMatch(/^0x6d6574610e/)
    expect((await fails('state_call', ['Nope_nope', '0x'])).data.code).toBe('RUNTIME_API_UNKNOWN')
    expect((await fails('state_call', ['AccountNonceApi_account_nonce', '0x00'])).data.code).toBe('RUNTIME_API_PARAMS')
  })
})

describe('author', () => {
  const transfer = (options: { nonce?: number; tip?: bigint; amount?: bigint } = {}): Uint8Array =>
    signTransfer(chain, { from: chain.accounts[0] as never, nonce: 0, to: account(1), amount: 10n ** 12n, ...options })

  test('reports ready, inBlock and finalized after the response, finalized when the client had time', async () => {
    const { call, news, sent } = open()
    const id = await call('author_submitAndWatchExtrinsic', [toHex(transfer())])
    expect(sent[0].result).toBe(id)
    await seal()
    expect(news()).toEqual(['ready', { inBlock: toHex(node.head().hash) }])
    await clock.advance(100)
    expect(news().at(-1)).toEqual({ finalized: toHex(node.head().hash) })
  })
  test('gives Substrate\'s error numbers with texts', async () => {
    const bad = transfer()
    bad[70] = (bad[70] as number) ^ 1
    expect(await fails('author_submitExtrinsic', ['0x00'])).toMatchObject({ code: 1001 })
    expect(await fails('author_submitExtrinsic', [toHex(bad)])).toMatchObject({ code: 1010, message: 'Invalid Transaction', data: expect.stringContaining('bad signature') })
    await ask('author_submitExtrinsic', [toHex(transfer())])
    expect(await fails('author_submitExtrinsic', [toHex(transfer())])).toMatchObject({ code: 1013 })
    expect(await fails('author_submitExtrinsic', [toHex(transfer({ amount: 2n * 10n ** 12n }))])).toMatchObject({ code: 1014, message: expect.stringContaining('Priority is too low') })
    expect(await ask('author_pendingExtrinsics')).toEqual([toHex(transfer())])
    expect(await ask('author_removeExtrinsic', [[{ extrinsic: toHex(transfer()) }]])).toEqual([toHex(chain.crypto.blake2b256(transfer()))])
    expect(await fails('author_submitExtrinsic', [toHex(transfer())])).toMatchObject({ code: 1012 })
  })
  test('refuses everything about keys', async () => {
    expect((await fails('author_rotateKeys')).data.code).toBe('RPC_KEYSTORE_NONE')
    const safe = await createTestNode(chain)
    expect((await rpcCall(safe, 'author_insertKey', ['gran', '//Alice', '0x00'])).error?.data.code).toBe('RPC_UNSAFE')
    expect((await rpcCall(safe, 'phalanx_sealBlock')).error?.data.code).toBe('RPC_UNSAFE')
  })
  test('transaction_v1 offers until included, transactionWatch_v1 tells', async () => {
    const { call, news } = open()
    expect(await call('transaction_v1_broadcast', [toHex(transfer({ nonce: 1 }))])).toMatch(/^\d+$/)
    await call('transactionWatch_v1_submitAndWatch', [toHex(transfer())])
    await call('transactionWatch_v1_submitAndWatch', ['0x00'])
    await seal()
    const block = { hash: toHex(node.head().hash), index: 1 }
    expect(news().map(({ event }) => event)).toEqual(['validated', 'invalid', 'bestChainBlockIncluded', 'finalized'])
    expect(news().at(-1).block).toEqual(block)
    expect(node.chain.store.body(1)?.length).toBe(3)
  })
})

describe('payment', () => {
  test('tells what a transaction costs', async () => {
    const extrinsic = toHex(signTransfer(chain, { from: chain.accounts[0] as never, nonce: 0, to: account(1), amount: 10n ** 12n }))
    const info = await ask('payment_queryInfo', [extrinsic])
    expect(info).toMatchObject({ class: 'normal', weight: { ref_time: expect.any(Number), proof_size: expect.any(Number) } })
    const { inclusionFee } = await ask('payment_queryFeeDetails', [extrinsic])
    const sum = BigInt(inclusionFee.baseFee) + BigInt(inclusionFee.lenFee) + BigInt(inclusionFee.adjustedWeightFee)
    expect(String(sum)).toBe(info.partialFee)
  })
})

describe('grandpa', () => {
  test('proves every block, genesis aside', async () => {
    await seal()
    await seal()
    const proof = parseHex(await ask('grandpa_proveFinality', [1]))
    const hash = node.chain.store.hashOf(1) as Uint8Array
    expect(bytesEqual(proof.slice(0, 32), hash)).toBe(true)
    expect(await ask('grandpa_proveFinality', [3])).toBeNull()
    expect((await ask('grandpa_roundState')).setId).toBe(0)
    const { call, news } = open()
    await call('grandpa_subscribeJustifications')
    await seal()
    verifyJustification(chain.crypto, { justification: Justification.decode(parseHex(news()[0])), authorities: node.chain.authorities(), target: node.head() })
  })
})

describe('chainHead_v1', () => {
  test('follows: initialized with the runtime, then each block', async () => {
    await seal()
    const { call, news } = open()
    await call('chainHead_v1_follow', [true])
    await seal()
    const [initialized, best, ...rest] = news()
    expect(initialized.finalizedBlockHashes).toEqual([toHex(chain.genesisHash), toHex(node.chain.store.hashOf(1) as Uint8Array)])
    expect(initialized.finalizedBlockRuntime.spec.specName).toBe('phalanx')
    expect(best).toEqual({ event: 'bestBlockChanged', bestBlockHash: initialized.finalizedBlockHashes[1] })
    expect(rest.map(({ event }) => event)).toEqual(['newBlock', 'bestBlockChanged', 'finalized'])
    expect(rest[0]).toMatchObject({ blockHash: toHex(node.head().hash), parentBlockHash: initialized.finalizedBlockHashes[1], newRuntime: null })
  })
  test('runs operations on pinned blocks, events after the response', async () => {
    await seal(1)
    const { call, sent, news } = open()
    const follow = await call('chainHead_v1_follow', [true])
    const hash = toHex(node.head().hash)
    expect(toHex(chain.crypto.blake2b256(parseHex(await call('chainHead_v1_header', [follow, hash]))))).toBe(hash)
    expect(await call('chainHead_v1_body', [follow, hash])).toEqual({ result: 'started', operationId: '1' })
    expect(sent.findIndex(({ result }) => result?.operationId === '1')).toBeLessThan(sent.findIndex(({ params }) => params?.result.operationId === '1'))
    expect(news().at(-1).value.length).toBe(2)
    await call('chainHead_v1_call', [follow, hash, 'AccountNonceApi_account_nonce', toHex(account(0))])
    expect(news().at(-1)).toMatchObject({ event: 'operationCallDone', output: '0x01000000' })
    await call('chainHead_v1_call', [follow, hash, 'Nope_nope', ''])
    expect(news().at(-1)).toMatchObject({ event: 'operationError' })
    const number = systemPrefix('Number')
    await call('chainHead_v1_storage', [follow, hash, [{ key: number, type: 'value' }, { key: number, type: 'hash' }, { key: number, type: 'closestDescendantMerkleValue' }, { key: '0x12', type: 'value' }], null])
    expect(news().at(-2).items.map((item: any) => Object.keys(item)[1])).toEqual(['value', 'hash', 'closestDescendantMerkleValue'])
    expect(news().at(-1).event).toBe('operationStorageDone')
  })
  test('waits to be continued through long answers', async () => {
    const many = createTestChain(chain.crypto, 2_500)
    node = await createTestNode(many, {}, { clock })
    const { call, news } = open()
    const follow = await call('chainHead_v1_follow', [false])
    const hash = toHex(node.head().hash)
    const { operationId } = await call('chainHead_v1_storage', [follow, hash, [{ key: systemPrefix('Account'), type: 'descendantsHashes' }], null])
    const items = (): number => news().reduce((sum, event) => sum + (event.items?.length ?? 0), 0)
    expect(news().at(-1).event).toBe('operationWaitingForContinue')
    expect(items()).toBe(2048)
    await call('chainHead_v1_continue', [follow, operationId])
    expect(news().at(-1).event).toBe('operationStorageDone')
    expect(items()).toBeGreaterThanOrEqual(2_500)
    expect((await call('chainHead_v1_continue', [follow, operationId])).code).toBe(-32803)
  })
  test('stops an operation that waits', async () => {
    const many = createTestChain(chain.crypto, 2_500)
    node = await createTestNode(many, {}, { clock })
    const { call, news } = open()
    const follow = await call('chainHead_v1_follow', [false])
    const query = [follow, toHex(node.head().hash), [{ key: systemPrefix('Account'), type: 'descendantsValues' }], null]
    const started = await Promise.all(Array.from({ length: 18 }, () => call('chainHead_v1_storage', query)))
    expect(started.map(({ result }) => result).filter((result) => result === 'limitReached').length).toBe(2)
    await call('chainHead_v1_stopOperation', [follow, started[0].operationId])
    expect((await call('chainHead_v1_storage', query)).result).toBe('started')
    expect(news().filter(({ operationId, event }) => operationId === started[0].operationId && event === 'operationStorageDone').length).toBe(0)
  })
  test('refuses what is not pinned and what was unpinned', async () => {
    const { call } = open()
    const follow = await call('chainHead_v1_follow', [true])
    const hash = toHex(node.head().hash)
    expect((await call('chainHead_v1_header', [follow, `0x${'00'.repeat(32)}`])).code).toBe(-32801)
    expect((await call('chainHead_v1_unpin', [follow, [hash, hash]])).code).toBe(-32804)
    expect(await call('chainHead_v1_unpin', [follow, hash])).toBeNull()
    expect((await call('chainHead_v1_body', [follow, hash])).code).toBe(-32801)
    expect(await call('chainHead_v1_unfollow', [follow])).toBeNull()
    expect(await call('chainHead_v1_body', [follow, hash])).toEqual({ result: 'limitReached' })
    expect(await call('chainHead_v1_header', [follow, hash])).toBeNull()
  })
  test('limits followers, and asks for the runtime flag', async () => {
    const { call } = open()
    const first = await call('chainHead_v1_follow', [false])
    await call('chainHead_v1_follow', [false])
    expect((await call('chainHead_v1_follow', [false])).code).toBe(-32800)
    expect((await call('chainHead_v1_call', [first, toHex(node.head().hash), 'Core_version', ''])).code).toBe(-32802)
  })
  test('stops a follower that pins blocks past the window of states', async () => {
    node = await createTestNode(chain, { keepStates: 16 }, { clock })
    const { call, news } = open()
    const follow = await call('chainHead_v1_follow', [false])
    for (let i = 0; i < 17; i++) await seal()
    expect(news().at(-1)).toEqual({ event: 'stop' })
    expect(await call('chainHead_v1_header', [follow, toHex(node.head().hash)])).toBeNull()
  })
})

describe('archive_v1', () => {
  test('finds blocks by height and hash', async () => {
    await seal(1)
    const hash = toHex(node.head().hash)
    expect(await ask('archive_v1_genesisHash')).toBe(toHex(chain.genesisHash))
    expect(await ask('archive_v1_finalizedHeight')).toBe(1)
    expect(await ask('archive_v1_hashByHeight', [1])).toEqual([hash])
    expect(await ask('archive_v1_hashByHeight', [2])).toEqual([])
    expect(Header.decode(parseHex(await ask('archive_v1_header', [hash]))).number).toBe(1)
    expect((await ask('archive_v1_body', [hash])).length).toBe(2)
    expect(await ask('archive_v1_body', [`0x${'00'.repeat(32)}`])).toBeNull()
    expect(await ask('archive_v1_call', [hash, 'AccountNonceApi_account_nonce', toHex(account(0))])).toEqual({ success: true, value: '0x01000000' })
    expect(await ask('archive_v1_call', [hash, 'Nope_nope', '0x'])).toMatchObject({ success: false })
  })
  test('streams storage and differences', async () => {
    await seal()
    await seal()
    const { call, news } = open()
    const number = systemPrefix('Number')
    const hash = toHex(node.head().hash)
    await call('archive_v1_storage', [hash, [{ key: number, type: 'value' }, { key: systemPrefix('Account'), type: 'descendantsValues' }], null])
    await clock.advance(10)
    expect(news()[0]).toEqual({ event: 'storage', key: number, value: '0x02000000' })
    expect(news().at(-1)).toEqual({ event: 'storageDone' })
    const before = news().length
    await call('archive_v1_storageDiff', [hash, [{ key: number, returnType: 'value' }], toHex(chain.genesisHash)])
    await clock.advance(10)
    expect(news().slice(before)).toEqual([{ event: 'storageDiff', key: number, value: '0x02000000', type: 'added' }, { event: 'storageDiffDone' }])
    await call('archive_v1_storage', [`0x${'00'.repeat(32)}`, [{ key: number, type: 'value' }], null])
    await clock.advance(10)
    expect(news().at(-1).event).toBe('storageError')
  })
})

describe('pha', () => {
  test('replays the whole state from the changes, root by root', async () => {
    await seal(3)
    await seal()
    const range = [toHex(chain.genesisHash), toHex(node.head().hash)]
    const changes = await ask('pha_getStorageChangesWithRoot', range)
    expect(changes.length).toBe(3)
    let state = createTrie({ crypto: chain.crypto, version: 1 })
    for (const [number, one] of changes.entries()) {
      state = state.apply(one.changes.mainStorageChanges.map(([key, value]: [string, string | null]) => [parseHex(key), value === null ? undefined : parseHex(value)]))
      expect([...state.root]).toEqual(one.stateRoot)
      expect(bytesEqual(state.root, node.chain.store.header(number)?.stateRoot as Uint8Array)).toBe(true)
      expect(one.changes.childStorageChanges).toEqual([])
    }
    expect((await ask('pha_getStorageChanges', range))[1]).toEqual(changes[1].changes)
    expect(await ask('pha_getStorageChangesAt', [range[1]])).toMatch(/^0x/)
  })
  test('fails with code 10000 and no data', async () => {
    await seal()
    const head = toHex(node.head().hash)
    for (const [method, params] of [
      ['pha_getStorageChanges', [head, toHex(chain.genesisHash)]], ['pha_getStorageChanges', [`0x${'00'.repeat(32)}`, head]],
      ['pha_getMqNextSequence', ['0x05']], ['pha_getMqNextSequence', ['zz']], ['pha_getMqNextSequence', ['fe']],
    ] as const) {
      const error = await fails(method, params)
      expect(error).toMatchObject({ code: 10000 })
      expect(error.data).toBeUndefined()
    }
  })
  test('counts sequences from zero', async () => {
    const sender = MessageOrigin.encode({ kind: 'Worker', value: account(0) })
    expect(await ask('pha_getMqNextSequence', [toHexPlain(sender)])).toBe(0)
    expect(await ask('pha_getMqNextSequence', [`${toHexPlain(sender)}ffff`])).toBe(0)
  })
})

describe('phalanx', () => {
  test('feeds followers what verifies against headers and proofs', async () => {
    await seal(2)
    await seal()
    const blocks = FollowedBlocks.decode(parseHex(await ask('phalanx_getBlocks', [1, 100])))
    expect(blocks.length).toBe(2)
    for (const { header, justification, messages } of blocks) {
      expect(matchesPhlx(chain.crypto, header, messages)).toBe(true)
      verifyJustification(chain.crypto, {
        justification: Justification.decode(justification as Uint8Array), authorities: node.chain.authorities(),
        target: { hash: headerHash(chain.crypto, header), number: header.number },
      })
    }
    expect(FollowedBlocks.decode(parseHex(await ask('phalanx_getBlocks', [2, 1]))).length).toBe(1)
    expect(await ask('phalanx_getBlocks', [9, 1])).toBe('0x00')
  })
  test('gives light clients a genesis whose authorities are proven', async () => {
    const info = GenesisBlockInfo.decode(parseHex(await ask('phalanx_genesisInfo')))
    expect(toHex(headerHash(chain.crypto, info.blockHeader))).toBe(toHex(chain.genesisHash))
    const reader = readProof({ crypto: chain.crypto, root: info.blockHeader.stateRoot, proof: info.proof })
    const stored = reader.get(concatBytes(chain.crypto.twox128(utf8('Grandpa')), chain.crypto.twox128(utf8('Authorities'))))
    const encoded = AuthoritySet.encode(info.authoritySet)
    expect(toHex(stored as Uint8Array)).toBe(toHex(encoded.slice(0, -8)))
  })
  test('seals on request', async () => {
    expect(await ask('phalanx_sealBlock')).toBe(toHex(node.head().hash))
    expect(node.head().number).toBe(1)
  })
})
