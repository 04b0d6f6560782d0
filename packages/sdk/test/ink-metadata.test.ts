/** Others' ink! metadata: every contract of versions 4 and 5 is read, and its arguments have the bytes that polkadot-js gives them. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Abi } from '@polkadot/api-contract'
import { expect, test } from 'vitest'
import { toHex } from '@phalanx/primitives/bytes'
import { codeOf } from '@phalanx/primitives/testing'
import { createTypeCodecs, interfaceOfMetadata, parseInkMetadata } from '@phalanx/sdk/client'
import { describeVectors, vectorsDir } from '../../../tools/vectors.ts'

const folder = (): string => join(vectorsDir() ?? '', '7-contracts/metadata')
const files = (): readonly string[] => (vectorsDir() === undefined ? [] : readdirSync(folder(), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.json')).sort())
const read = (name: string): string => readFileSync(join(folder(), name), 'utf8')
const versionOf = (name: string): number => Number((JSON.parse(read(name)) as { readonly version?: unknown }).version)

describeVectors('metadata of others', () => {
  test.each(files().filter((name) => [4, 5].includes(versionOf(name))))('%s has the selectors and arguments that polkadot-js reads from it', (name) => {
    const contract = parseInkMetadata(read(name))
    const { constructors, messages } = interfaceOfMetadata(contract)
    const codecs = createTypeCodecs(contract.types)
    const abi = new Abi(JSON.parse(read(name)) as Record<string, unknown>)
    expect([constructors.length, messages.length]).toEqual([abi.constructors.length, abi.messages.length])
    let compared = 0
    for (const [ours, theirs] of [[contract.constructors, abi.constructors], [contract.messages, abi.messages]] as const) {
      ours.forEach((entry, i) => {
        const other = theirs[i]
        expect(toHex(entry.selector)).toBe(other?.selector.toHex())
        compared++
        other?.args.forEach((argument, place) => {
          const { lookupName, type } = argument.type
          const bytes = abi.registry.createTypeUnsafe(lookupName ?? type, []).toU8a()
          const codec = codecs(entry.args[place]?.type ?? -1)
          expect(toHex(codec.encode(codec.decode(bytes)))).toBe(toHex(bytes))
        })
      })
    }
    expect(compared).toBeGreaterThan(0)
  })

  test.each(files().filter((name) => ![4, 5].includes(versionOf(name))))('%s is of another version, and refused', (name) => {
    expect(codeOf(() => parseInkMetadata(read(name)))).toBe('SDK_INK_METADATA_MALFORMED')
  })
})
