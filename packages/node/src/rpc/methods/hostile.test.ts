import { toHex } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Node } from '../../create-node.ts'
import { createTestChain, createTestClock, createTestNode, signTransfers, type TestClock } from '../../testing.ts'
import { METHOD_TABLES } from './index.ts'

let node: Node
let clock: TestClock
beforeAll(async () => {
  const chain = createTestChain(await loadCrypto())
  clock = createTestClock()
  node = await createTestNode(chain, { isUnsafeRpcAllowed: true }, { clock })
  for (const extrinsic of signTransfers(chain, 3)) await node.submit(extrinsic)
  await node.seal()
})

const deep = (): unknown => {
  let value: unknown = 1
  for (let i = 0; i < 2_000; i++) value = [value]
  return value
}

/** Values that no parameter should choke on. */
const HOSTILE: readonly unknown[] = [
  null, true, 0, -1, 1.5, 1e308, Number.MAX_SAFE_INTEGER, '', '0x', '0x0', '0xzz', `0x${'00'.repeat(32)}`, `0x${'ff'.repeat(32)}`, `0x${'00'.repeat(3_000)}`,
  'a'.repeat(10_000), '__proto__', '\u0000', '\ud800', [], [[]], [null], Array(300).fill('0x00'), {}, { key: '0x', type: 'descendantsValues' },
  { __proto__: null, length: 5 }, { hash: '0x' }, [{ key: '0x', type: 'value' }], [{ key: '0x', type: 'descendantsHashes', paginationStartKey: '0x' }], deep(),
  [{ hash: `0x${'00'.repeat(32)}` }], ['0x26aa394eea5630e07c48ae0c9558cef7'], 'Metadata_metadata', 'Core_version', 'TaggedTransactionQueue_validate_transaction', 'Nope_nope',
]

const names = METHOD_TABLES.flatMap((table) => Object.keys(table)).filter((name) => name !== 'phalanx_sealBlock')

describe('every method', () => {
  test.each(names)('%s answers hostile parameters with a result or an error of its own, never a failure', async (method) => {
    const sent: any[] = []
    const connection = node.connect({ send: (text) => void sent.push(JSON.parse(text)) })
    const head = toHex(node.head().hash)
    const given: unknown[] = [[], {}, ...HOSTILE.map((value) => [value]), ...HOSTILE.map((value) => [head, value]), ...HOSTILE.map((value) => [value, value]), ...HOSTILE.map((value) => [value, head, value, value])]
    for (const [id, params] of given.entries()) {
      await connection.receive(JSON.stringify({ jsonrpc: '2.0', id, method, params }))
      const answer = sent.findLast((one) => one.id === id)
      expect(answer, `${method} ${JSON.stringify(params).slice(0, 100)}`).toBeDefined()
      expect(answer.error?.code, `${method} ${JSON.stringify(params).slice(0, 100)} ${JSON.stringify(answer.error)}`).not.toBe(-32603)
      if (answer.error?.code === -32602) expect(answer.error.data.fix.length).toBeGreaterThan(0)
      sent.length = 0
    }
    await clock.advance(1)
    connection.close()
  })

  test('the node still works after all that', async () => {
    const before = node.head().number
    await node.seal()
    expect(node.head().number).toBe(before + 1)
  })
})

test('every method is documented, and none twice', () => {
  const all = METHOD_TABLES.flatMap((table) => Object.entries(table))
  const wireNames = all.flatMap(([name, method]) => [name, ...method.aliases, ...(method.kind === 'subscription' ? method.unsubscribe : [])])
  expect(new Set(wireNames).size).toBe(wireNames.length)
  for (const [name, { doc }] of all) expect(doc, name).toMatch(/\.$/)
})
