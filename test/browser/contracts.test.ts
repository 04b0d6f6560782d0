/** A confidential answer that depends on two senders' sealed commands, one of them in a real browser. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { toHex } from '@phalanx/primitives/bytes'
import { contractOf, deploy, showValue, type Network } from '@phalanx/sdk/client'
import type auction from '../../examples/sealed-bid-auction/contract.ts'
import { buildAuction, devSigner, openNetwork, readyCluster } from '../e2e/clusters.ts'
import { startNetwork, type Network as DevNetwork } from '../e2e/network.ts'
import { describeBrowser, withPage } from './chromium.ts'
import type { ContractsPage } from './contracts-page.ts'

describeBrowser('a contract', (executablePath) => {
  let dev: DevNetwork
  let network: Network
  beforeAll(async () => {
    dev = await startNetwork({ workers: 2 })
    network = await openNetwork(dev)
  }, 120_000)
  afterAll(async () => {
    network?.close()
    await dev?.stop()
  }, 30_000)

  test('takes a sealed command from a browser, which gets the proven receipt and the answer', { timeout: 240_000 }, async () => {
    const cluster = await readyCluster(network)
    const { bundle, metadata } = await buildAuction()
    const alice = devSigner(network, '//Alice')
    const { id } = await deploy({ bundle, cluster: cluster.id, args: { lot: 'a lamp', closesAfter: 2 } }, { network, signer: alice })
    const house = contractOf<typeof auction>({ id, metadata }, { network, signer: alice })
    await house.send.bid({ amount: 40n })
    const options = { node: dev.rpc, contract: toHex(id), metadata: JSON.stringify(metadata), suri: '//Bob', amount: '55' }
    const seen = await withPage(executablePath, './contracts-page.ts', (page) =>
      page.evaluate((given) => (globalThis as unknown as { phalanxContracts: ContractsPage }).phalanxContracts.bidAndAsk(given), options))
    expect(seen).toEqual({ own: '55', result: showValue(await house.query.result()), logs: ['a bid was placed'] })
    expect(await house.query.result()).toMatchObject({ winner: devSigner(network, '//Bob').accountId, price: 40n })
  })
})
