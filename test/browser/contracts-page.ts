/** Runs in the browser: bids in a deployed auction and asks for its result, with the platform's own WebSocket, fetch and randomness. */
import { Secret } from '@phalanx/primitives/crypto'
import { connect, contractOf, createSigner, showValue } from '@phalanx/sdk/client'
import type auction from '../../examples/sealed-bid-auction/contract.ts'

/** What the page is told. */
export interface ContractsPageOptions {
  readonly node: string
  readonly contract: string
  readonly metadata: string
  readonly suri: string
  /** Decimal. */
  readonly amount: string
}

/** Bids, then asks; everything as text. */
const bidAndAsk = async ({ node, contract, metadata, suri, amount }: ContractsPageOptions): Promise<{ readonly own: string; readonly result: string; readonly logs: readonly string[] }> => {
  const network = await connect({ node, policy: 'chain' })
  try {
    const signer = createSigner({ suri: new Secret(suri) }, network.surroundings)
    const house = contractOf<typeof auction>({ id: contract, metadata }, { network, signer })
    const { logs } = await house.send.bid({ amount: BigInt(amount) })
    return { own: showValue(await house.query.myBid()), result: showValue(await house.query.result()), logs: logs.map(({ message }) => message) }
  } finally {
    network.close()
  }
}

/** What the page offers to the test. */
export interface ContractsPage {
  readonly bidAndAsk: typeof bidAndAsk
}

;(globalThis as { phalanxContracts?: ContractsPage }).phalanxContracts = { bidAndAsk }
