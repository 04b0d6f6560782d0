/**
 * Owns a run of the reference's client as npm has it, in a process of its own: connects in both ways, signs a certificate, asks and commands a deployed contract, looks at
 * the result. Prints one JSON line per step; what it does is checked by ../phala-sdk.test.ts.
 *
 * Arguments: node URL, worker URL, contract id, path of the contract's metadata.
 */
import { readFileSync } from 'node:fs'
import { OnChainRegistry, options, PinkContractPromise, signCertificate } from '@phala/sdk'
import { ApiPromise, Keyring, WsProvider } from '@polkadot/api'

const [, , node, worker, contractId, metadataPath] = process.argv
const tell = (step, facts) => console.log(JSON.stringify({ step, ...facts }))

const api = await ApiPromise.create(options({ provider: new WsProvider(node), noInitWarn: true }))
const keyring = new Keyring({ type: 'sr25519', ss58Format: 30 })
const [bob, charlie] = [keyring.addFromUri('//Bob'), keyring.addFromUri('//Charlie')]

const byUrl = await OnChainRegistry.create(api, { pruntimeURL: worker })
tell('by url', { cluster: byUrl.clusterId, worker: byUrl.workerInfo.pubkey, gasPrice: byUrl.gasPrice.toString(), hasLogger: byUrl.loggerContract !== undefined })
const discovered = await OnChainRegistry.create(api)
tell('by discovery', { cluster: discovered.clusterId, worker: discovered.workerInfo.pubkey, endpoint: discovered.workerInfo.endpoints.default })

const metadata = JSON.parse(readFileSync(metadataPath, 'utf8'))
const key = await byUrl.getContractKeyOrFail(contractId)
const contract = new PinkContractPromise(api, byUrl, metadata, contractId, key)
tell('contract', { key, queries: Object.keys(contract.query).sort(), commands: Object.keys(contract.tx).sort() })

const certificate = await signCertificate({ pair: bob, api })
const ask = async (name, cert, ...args) => {
  const { output, result } = await contract.query[name](cert.address, { cert }, ...args)
  return result.isOk ? output.toJSON() : { failed: result.asErr.toJSON() }
}
tell('query', { isOpen: await ask('isOpen', certificate), myBid: await ask('myBid', certificate) })

const estimate = await contract.query.bid(certificate.address, { cert: certificate, deposit: 10n ** 21n }, 7_000n)
tell('estimate', { gas: estimate.gasRequired.refTime.toString(), isOk: estimate.result.isOk })

const sent = await contract.send.bid({ pair: bob, cert: certificate, address: bob.address }, 7_000n)
tell('command', { block: sent.status.asInBlock.toHex() })

/** The command's effect: looked for at the worker after each finalised block. */
const effect = await new Promise((resolve, reject) => {
  let isDone = false
  const look = async () => {
    const mine = await ask('myBid', certificate)
    if (isDone || JSON.stringify(mine) === JSON.stringify({ ok: 0 })) return
    isDone = true
    resolve(mine)
  }
  api.rpc.chain.subscribeFinalizedHeads(() => void look().catch(reject)).catch(reject)
})
const others = await signCertificate({ pair: charlie, api })
tell('observed', { mine: effect, others: await ask('myBid', others) })

await api.disconnect()
process.exit(0)
