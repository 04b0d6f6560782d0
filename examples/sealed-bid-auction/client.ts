/** Bids in an auction that is open, and asks how it ended: an application in ten lines. Give the contract's id, as `npm start` prints it. */
import { connect, contractOf, createSigner, Secret } from '@phalanx/sdk/client'
import WebSocket from 'ws'
import auction from './contract.ts'

const network = await connect({ node: process.argv[3] ?? 'ws://127.0.0.1:9944', policy: 'chain', WebSocket })
const signer = createSigner({ suri: new Secret('//Bob') }, network.surroundings)
const house = contractOf({ id: process.argv[2] ?? '', definition: auction }, { network, signer })
const { block, gas } = await house.send.bid({ amount: 150_000_000_000_000n })
console.log(`the bid is in block ${block.number} and took ${gas} gas:`, await house.query.result())
network.close()
