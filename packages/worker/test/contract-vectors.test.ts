/** What contract execution has in common with published data: addresses, results in SCALE, numbers of extension functions. */
import { concatBytes, parseHex, toHex } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { contractAddress, ContractExecResult } from '@phalanx/worker/contracts'
import { expect, test } from 'vitest'
import { describeVectors, readVectorJson } from '../../../tools/vectors.ts'

const crypto = await loadCrypto()

describeVectors('contracts', () => {
  test('addresses', () => {
    const { cases } = readVectorJson<{ cases: Record<'deployer' | 'codeHash' | 'clusterId' | 'salt' | 'address', string>[] }>('7-contracts/pink-addresses.json')
    const made = cases.map(({ deployer, codeHash, clusterId, salt }) =>
      toHex(contractAddress(crypto, { deployer: parseHex(deployer), codeHash: parseHex(codeHash), clusterId: parseHex(clusterId), salt: parseHex(salt) })))
    expect(made).toEqual(cases.map(({ address }) => address))
    expect(made.length).toBeGreaterThan(0)
  })
  test('a published result of a call, but for the events that it was made without', () => {
    const [published] = readVectorJson<{ readResults: [Record<string, string>] }>('7-contracts/codec.json').readResults
    const bytes = concatBytes(parseHex(Object.values(published).find((value) => value.startsWith?.('0x')) ?? ''), Uint8Array.of(0))
    const result = ContractExecResult.decode(bytes)
    expect(result.result).toEqual({ ok: true, value: { flags: 0, data: Uint8Array.of(0) } })
    expect(toHex(ContractExecResult.encode(result))).toBe(toHex(bytes))
  })
})
