/** An ink! 5 contract that others wrote, in a cluster of three workers: uploaded, made and called by messages of the chain. */
import { concatBytes, parseHex, toHex } from '@phalanx/primitives/bytes'
import { ContractExecResult, openReceipt, type PreparedCommand } from '@phalanx/primitives/contracts'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { expect, test } from 'vitest'
import { loadBundles } from '../../../tools/ink-bundles.ts'
import { findReceipt } from '../src/contracts/cluster/recent-receipts.ts'
import '../src/errors.ts'
import { loadMachines } from '../src/load-machines.ts'
import { ClusterWorld } from '../src/testing/cluster-world.ts'
import { createScriptVm } from '../src/testing/script-vm.ts'

const crypto = await loadCrypto()
const flipper = loadBundles()?.get('flipper')

if (flipper === undefined) {
  console.log('not run: ink! contracts in a cluster (the package of bundles is not here and cannot be fetched)')
  test.skip('not run: the package of bundles is not here and cannot be fetched', () => {})
} else {
  const selector = (label: string): Uint8Array => parseHex([...flipper.constructors, ...flipper.messages].find((entry) => entry.label === label)?.selector ?? '')

  test('flips on all workers alike, from the upload to the receipts', async () => {
    const bed = new ClusterWorld(crypto, { vms: [createScriptVm(), ...(await loadMachines(crypto))], seed: 'ink' })
    bed.deploy()
    const codeHash = bed.world.upload(flipper.code)
    expect(toHex(codeHash)).toBe(flipper.hash)
    const contract = bed.world.instantiate(codeHash, concatBytes(selector('new'), Uint8Array.of(1)), Uint8Array.of(7))
    bed.rounds(4)
    const answerOf = (prepared: PreparedCommand): string => {
      const found = findReceipt(bed.worker(2).cluster?.receipts ?? [], { contract, commandHash: prepared.commandHash })
      expect(found).toBeDefined()
      const receipt = openReceipt(crypto, found?.receipt.envelope ?? new Uint8Array(0), { commandHash: prepared.commandHash, own: prepared.own, target: prepared.target })
      if (receipt.outcome.kind === 'Refused') return receipt.outcome.value.code
      const { result } = ContractExecResult.decode(receipt.outcome.value)
      return result.ok ? toHex(result.value.data) : result.error.kind
    }
    const send = (input: Uint8Array): PreparedCommand => bed.sendSealed({ contract, input, gasLimit: 10n ** 12n })
    const [before, flip, after, unknown] = [send(selector('get')), send(selector('flip')), send(selector('get')), send(Uint8Array.of(1, 2, 3, 4))]
    bed.rounds(3)
    expect([before, flip, after].map((one) => answerOf(one as PreparedCommand))).toEqual(['0x0001', '0x00', '0x0000'])
    expect(answerOf(unknown as PreparedCommand)).not.toBe('0x00')
    expect(new Set(bed.workers.map(({ cluster }) => toHex(cluster?.contracts.root ?? new Uint8Array(0)))).size).toBe(1)
    bed.rounds(3)
    expect(bed.world.differing).toEqual([])
    expect(bed.world.agreed.length).toBeGreaterThan(0)
  })

  test('code with an unknown import is refused with its name in the log, and nothing breaks', async () => {
    const bed = new ClusterWorld(crypto, { vms: [createScriptVm(), ...(await loadMachines(crypto))], seed: 'bad ink' })
    bed.deploy()
    const code = flipper.code.slice()
    const name = new TextEncoder().encode('get_storage')
    const at = code.findIndex((_, i) => name.every((byte, j) => code[i + j] === byte))
    expect(at).toBeGreaterThan(0)
    code[at] = 'x'.charCodeAt(0)
    bed.world.upload(code)
    bed.rounds(3)
    const log = bed.worker(0).cluster?.logs.chunks.flatMap(({ records }) => records).at(-1)
    expect(log?.content).toMatchObject({ kind: 'Log', value: { level: 1, message: expect.stringContaining('xet_storage') as string } })
    expect(new Set(bed.workers.map(({ cluster }) => toHex(cluster?.contracts.root ?? new Uint8Array(0)))).size).toBe(1)
  })
}
