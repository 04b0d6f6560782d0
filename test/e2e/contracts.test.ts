/** Contracts as applications use them: deployed, commanded and asked through `@phalanx/sdk/client` over a whole network, by every kind of signer, and what goes wrong. */
import { execFile } from 'node:child_process'
import { resolve } from 'node:path'
import { Keyring } from '@polkadot/keyring'
import { cryptoWaitReady, decodeAddress } from '@polkadot/util-crypto'
import { TypeRegistry } from '@polkadot/types'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bytesEqual, parseHex, toHex, utf8 } from '@phalanx/primitives/bytes'
import { verifyReceiptProof, wrapBytes, type ReceiptLeaf } from '@phalanx/primitives/contracts'
import { isAppError } from '@phalanx/primitives/errors'
import { codeOfRejection } from '@phalanx/primitives/testing'
import { UNIT } from '@phalanx/primitives/fixed'
import { connect, contractOf, deploy, transferToCluster, type ChainState, type Cluster, type ContractHandle, type InjectedSigner, type Network } from '@phalanx/sdk/client'
import type auction from '../../examples/sealed-bid-auction/contract.ts'
import { loadBundles, type Bundle } from '../../tools/ink-bundles.ts'
import { buildAuction, devSigner, openNetwork, readyCluster, type BuiltExample } from './clusters.ts'
import { startNetwork, WebSocketClass, type Network as DevNetwork } from './network.ts'

type Auction = ContractHandle<typeof auction>

let dev: DevNetwork
let network: Network
let cluster: Cluster
let built: BuiltExample

const as = (handle: Auction, suri: string): Auction => contractOf<typeof auction>({ id: handle.id, metadata: built.metadata }, { network, signer: devSigner(network, suri) })
const open = (closesAfter: number): Promise<Auction> =>
  deploy<typeof auction>({ bundle: built.bundle, cluster: cluster.id, args: { lot: 'a painting', closesAfter } }, { network, signer: devSigner(network, '//Eve') })

beforeAll(async () => {
  await cryptoWaitReady()
  dev = await startNetwork({ workers: 2 })
  network = await openNetwork(dev)
  cluster = await readyCluster(network)
  built = await buildAuction()
}, 240_000)

afterAll(async () => {
  network?.close()
  await dev?.stop()
}, 30_000)

/** A wallet in a browser: signs what is wrapped, and extrinsics from their JSON. */
const walletOf = (pair: ReturnType<Keyring['addFromUri']>): InjectedSigner => ({
  signRaw: ({ data }) => Promise.resolve({ signature: toHex(pair.sign(wrapBytes(parseHex(data)))) }),
  signPayload: (payload) => {
    const registry = new TypeRegistry()
    registry.setSignedExtensions(payload['signedExtensions'] as string[], { CheckMqSequence: { extrinsic: {}, payload: {} } })
    return Promise.resolve(registry.createType('ExtrinsicPayload', payload, { version: 4 }).sign(pair) as { signature: string })
  },
})

describe('an application', () => {
  let house: Auction
  beforeAll(async () => {
    house = await open(2)
  }, 120_000)

  test('gets a confidential answer that depends on two senders, with receipts that anybody can check', { timeout: 120_000 }, async () => {
    const [alice, bob] = [as(house, '//Alice'), as(house, '//Bob')]
    const first = await alice.send.bid({ amount: 40n })
    expect([await alice.query.myBid(), await bob.query.myBid(), await bob.query.isOpen()]).toEqual([40n, 0n, true])
    expect(await codeOfRejection(bob.query.result())).toBe('SDK_MESSAGE_REVERTED')
    const second = await bob.send.bid({ amount: 55n })
    expect(await alice.query.result()).toEqual({ lot: 'a painting', winner: devSigner(network, '//Bob').accountId, price: 40n, bidders: 2 })
    expect(first.logs.map(({ message }) => message)).toEqual(['a bid was placed'])
    expect(second.events).toEqual([{ contract: house.id, kind: 'AuctionClosed', value: { bidders: 2 } }])
    const { sealed, proof, receiptsRoot, receipt } = second.proven
    const { crypto } = network.surroundings
    const leaf: ReceiptLeaf = { contract: house.id, commandHash: second.commandHash, receiptHash: crypto.blake2b256(sealed) }
    expect(() => verifyReceiptProof(crypto, { sealed, proof, leaf, index: receipt.index }, { receiptsRoot, commandHash: second.commandHash })).not.toThrow()
    expect(() => verifyReceiptProof(crypto, { sealed, proof, leaf, index: receipt.index + 1 }, { receiptsRoot, commandHash: second.commandHash })).toThrow()
  })

  test('learns from an estimate, before anything is paid, that a command would be refused; and from the receipt where it is sent all the same', { timeout: 120_000 }, async () => {
    const eve = as(house, '//Eve')
    const estimated = await eve.send.bid({ amount: 1n }).catch((error: unknown) => error)
    expect(isAppError(estimated, 'SDK_MESSAGE_REVERTED') && [estimated.context.error, estimated.context.receipt]).toEqual([{ kind: 'Closed' }, undefined])
    const sent = await eve.send.bid({ amount: 1n }, { gasLimit: 2n * 10n ** 11n }).catch((error: unknown) => error)
    expect(isAppError(sent, 'SDK_MESSAGE_REVERTED') && [sent.context.error, typeof sent.context.receipt]).toEqual([{ kind: 'Closed' }, 'object'])
    expect(await codeOfRejection(eve.send.bid({ amount: 1n }, { gasLimit: 1000n }))).toBe('SDK_MESSAGE_FAILED')
  })

  test('finds mistakes before anything leaves it', async () => {
    const untyped = contractOf({ id: house.id, metadata: built.bundle }, { network, signer: devSigner(network, '//Eve') })
    expect(await codeOfRejection(untyped.send['bid']?.({ amount: -1n }) ?? Promise.resolve())).toBe('SDK_ARGUMENTS_MALFORMED')
    expect(await codeOfRejection(untyped.send['bid']?.({}) ?? Promise.resolve())).toBe('SDK_ARGUMENTS_MALFORMED')
    expect(await codeOfRejection(untyped.send['bidd']?.({}) ?? Promise.resolve())).toBe('SDK_ENTRY_NOT_FOUND')
    expect(await codeOfRejection(contractOf<typeof auction>({ id: house.id, metadata: built.bundle }, { network }).send.close())).toBe('SDK_SIGNING_REFUSED')
    expect(await codeOfRejection(contractOf({ id: new Uint8Array(32).fill(7), metadata: built.bundle }, { network }).query['isOpen']?.() ?? Promise.resolve())).toBe('SDK_CONTRACT_NOT_FOUND')
  })

  test('reads its contract\'s logs, and nobody else does', async () => {
    const texts = async (suri: string): Promise<readonly string[]> => {
      const found: string[] = []
      for await (const { content } of as(house, suri).logs()) if (content.kind === 'Log') found.push(content.value.message)
      return found
    }
    expect([await texts('//Eve'), await texts('//Ferdie')]).toEqual([['a bid was placed', 'a bid was placed'], []])
  })

  test('does not trust simulated workers unless it says so', async () => {
    const strict = await connect({ node: dev.rpc, WebSocket: WebSocketClass })
    try {
      const handle = contractOf<typeof auction>({ id: house.id, metadata: built.metadata }, { network: strict })
      expect(await codeOfRejection(handle.query.isOpen())).toBe('SDK_WORKER_NONE')
    } finally {
      strict.close()
    }
  })
})

/** Runs the example application as its reader would. */
const runExample = (id: Uint8Array): Promise<string> =>
  new Promise((done, failed) => {
    const args = ['--import', 'tsx', resolve(import.meta.dirname, '../../examples/sealed-bid-auction/client.ts'), toHex(id), dev.rpc]
    execFile(process.execPath, args, { timeout: 60_000 }, (error, stdout, stderr) => (error === null ? done(stdout) : failed(new Error(stderr))))
  })

test('the application of ten lines does what it says', { timeout: 120_000 }, async () => {
  const house = await open(1)
  expect(await runExample(house.id)).toMatch(/^the bid is in block \d+ and took \d+ gas: \{[^]*price: 150000000000000n,\s+bidders: 1\s/)
})

describe('ink! bundles that others wrote', () => {
  const bundles = loadBundles()
  if (bundles === undefined) {
    console.log('not run: ink! bundles (the package of bundles is not here and cannot be fetched)')
    test.skip('not run: the package of bundles is not here and cannot be fetched', () => {})
  } else {
    const { metadata, code } = bundles.get('flipper') as Bundle
    const bundleOf = (wasm: string): unknown => ({ ...metadata, source: { wasm } })

    test('deploy, take commands and answer by their own metadata alone', { timeout: 120_000 }, async () => {
      const flipper = await deploy({ bundle: bundleOf(toHex(code)), entry: 'new', args: { initValue: false }, cluster: cluster.id }, { network, signer: devSigner(network, '//Alice') })
      expect(await flipper.query['get']?.()).toBe(false)
      await flipper.send['flip']?.()
      expect(await flipper.query['get']?.()).toBe(true)
    })

    test('are refused with the import\'s name where they want what workers do not have', { timeout: 120_000 }, async () => {
      // As others could have written it: the flipper, asking for a function that there is not.
      const wasm = toHex(code).replaceAll(toHex(utf8('seal_return')).slice(2), toHex(utf8('seal_retarn')).slice(2))
      const bundle = bundleOf(wasm)
      const error = await deploy({ bundle, entry: 'new', args: { initValue: false }, cluster: cluster.id }, { network, signer: devSigner(network, '//Bob//stash') }).catch((thrown: unknown) => thrown)
      expect(isAppError(error, 'SDK_CODE_REFUSED') && error.context.reason).toContain('seal_retarn')
    })
  }
})

describe('any Polkadot signer', () => {
  let house: Auction
  beforeAll(async () => {
    house = await open(0)
  }, 120_000)

  test.each(['sr25519', 'ed25519', 'ecdsa'] as const)('a keyring pair of type %s sends and asks', { timeout: 120_000 }, async (type) => {
    const pair = new Keyring({ type, ss58Format: 30 }).addFromUri('//Keyring')
    const accountId = type === 'ecdsa' ? network.surroundings.crypto.blake2b256(pair.publicKey) : pair.publicKey
    expect(bytesEqual(accountId, decodeAddress(pair.address))).toBe(true)
    const handle = contractOf<typeof auction>({ id: house.id, metadata: built.metadata }, { network, signer: pair })
    // The account has nothing on the chain; somebody else pays. What it needs in the cluster came before, so that nobody can tell who sent.
    const dave = devSigner(network, '//Dave')
    expect(await codeOfRejection(handle.send.bid({ amount: 11n }, { payer: dave }))).toBe('SDK_CLUSTER_BALANCE_LOW')
    await network.submit(network.account(dave), [transferToCluster({ amount: 20n * UNIT, cluster: cluster.id, account: accountId })])
    await handle.send.bid({ amount: 11n }, { payer: dave })
    expect(await handle.query.myBid()).toBe(11n)
  })

  test('a wallet signs commands, certificate and extrinsic', { timeout: 120_000 }, async () => {
    const pair = new Keyring({ type: 'sr25519', ss58Format: 30 }).addFromUri('//Ferdie')
    const handle = contractOf<typeof auction>({ id: house.id, metadata: built.metadata }, { network, signer: { address: pair.address, signer: walletOf(pair) } })
    await handle.send.bid({ amount: 12n })
    expect(await handle.query.myBid()).toBe(12n)
    const refusing = contractOf<typeof auction>({ id: house.id, metadata: built.metadata }, {
      network, signer: { address: pair.address, signer: { signRaw: () => Promise.reject(new Error('Cancelled')) } },
    })
    expect(await codeOfRejection(refusing.query.myBid())).toBe('SDK_SIGNING_REFUSED')
  })
})

describe('over time', () => {
  test('a handle goes on with the keys of a new epoch, and a worker\'s new key', { timeout: 180_000 }, async () => {
    const house = await open(0)
    const alice = as(house, '//Alice')
    const epochOf = async (state: ChainState): Promise<bigint> => (await state.channelKey(await state.contract(house.id)))?.epoch ?? 0n
    const before = await epochOf(await network.state())
    await network.submit(network.account(devSigner(network, '//Bob//stash')), [{ pallet: 'PhalaPhatContracts', call: 'rotate_cluster_epoch', args: cluster.id }])
    await network.waitFor({ what: 'next epoch', timeoutMs: 60_000, find: async (state) => ((await epochOf(state)) > before ? true : undefined) })
    let epoch = 0n
    await alice.send.bid({ amount: 3n }, { onStage: (stage) => { if (stage.kind === 'sealed') epoch = stage.value.epoch } })
    expect(epoch).toBeGreaterThan(before)
    expect(await alice.query.myBid()).toBe(3n)
  })
})
