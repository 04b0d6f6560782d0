import { bytesEqual, concatBytes, toHex, utf8 } from '@phalanx/primitives/bytes'
import { isAppError } from '@phalanx/primitives/errors'
import { codeOf } from '@phalanx/primitives/testing'
import { describe, expect, test } from 'vitest'
import {
  AccountId, Balance, bool, bytes, command, constructor, defineContract, defineStorage, event, Hash, indexed, list, map, option, query, struct, text, tuple, u32, u8, value, variant, vec,
} from '../contract/index.ts'
import { createTestCluster, expectRevert, expectStop } from './index.ts'

const Problem = variant('Problem', { Wrong: { index: 0 }, Short: { index: 1, fields: { by: Balance, who: AccountId } } })
const Paid = event('Paid', { to: indexed(AccountId), value: Balance })

const purse = defineStorage({ owner: value(AccountId), depth: value(u32, 0), seen: map(text, u32), tags: list(u8), never: value(u32) })

const Purse = defineContract({
  name: 'purse', events: [Paid], storage: purse,
  constructors: {
    new: constructor({ payable: true, run: (ctx) => purse.owner.set(ctx, ctx.caller) }),
    sized: constructor({ args: { depth: u32 }, errors: Problem, run: (ctx, { depth }) => (depth === 0 ? ctx.revert({ kind: 'Wrong' }) : purse.depth.set(ctx, depth)) }),
  },
  messages: {
    pay: command({
      args: { to: AccountId, value: Balance }, errors: Problem,
      run(ctx, { to, value: amount }) {
        ctx.emit(Paid, { to, value: amount })
        if (amount > ctx.balance() - 1n) return ctx.revert({ kind: 'Short', value: { by: amount - ctx.balance() + 1n, who: to } })
        ctx.transfer({ to, value: amount })
      },
    }),
    give: command({ payable: true, returns: tuple(Balance, Balance), run: (ctx) => [ctx.value, ctx.balance()] }),
    see: command({ args: { name: text, count: u32 }, run: (ctx, { name, count }) => purse.seen.set(ctx, name, count) }),
    forget: command({ args: { name: text }, run: (ctx, { name }) => purse.seen.remove(ctx, name) }),
    seen: query({ args: { name: text }, returns: option(u32), run: (ctx, { name }) => purse.seen.get(ctx, name) }),
    push: command({ args: { tag: u8 }, run: (ctx, { tag }) => purse.tags.push(ctx, tag) }),
    pop: command({ returns: option(u8), run: (ctx) => purse.tags.pop(ctx) }),
    setTag: command({ args: { at: u32, tag: u8 }, run: (ctx, { at, tag }) => purse.tags.set(ctx, at, tag) }),
    tags: query({ returns: tuple(vec(u8), option(u8), u32), run: (ctx) => [purse.tags.all(ctx), purse.tags.at(ctx, 1), purse.tags.length(ctx)] }),
    unset: query({ returns: u32, run: (ctx) => purse.never.get(ctx) }),
    waits: command({ run: (async () => {}) as () => void }),
    cheats: query({ run: (ctx) => purse.depth.set(ctx as never, 3) }),
    wrongType: query({ returns: u8, run: () => 256 }),
    crash: command({ run() { throw new TypeError('on purpose') } }),
    end: command({ args: { to: AccountId }, run: (ctx, { to }) => ctx.terminate(to) }),
    time: query({ returns: struct({ block: u32, ms: Balance }), run: (ctx) => ({ block: ctx.blockNumber, ms: ctx.nowMs }) }),
    fetch: query({ args: { urls: vec(text) }, returns: vec(text), run: (ctx, { urls }) => ctx.http.batch(urls.map((url) => ({ url })), 1000n).map((answer) => (answer.ok ? `${answer.value.statusCode}` : answer.error.kind)) }),
    fetchOne: query({ args: { url: text }, returns: tuple(u32, text), run(ctx, { url }) { const { statusCode, body } = ctx.http.request({ url, method: 'POST', headers: { a: 'b' }, body: 'hello' }); return [statusCode, new TextDecoder().decode(body)] } }),
    draw: query({ returns: tuple(bytes, bytes), run: (ctx) => [ctx.random(300), ctx.random(300)] }),
    drawInCommand: command({ returns: tuple(bytes, bytes), run: (ctx) => [ctx.random(40), ctx.random(40)] }),
    secret: query({ args: { salt: bytes }, returns: bytes, run: (ctx, { salt }) => ctx.keys.secret(salt) }),
    hasCode: query({ args: { account: AccountId }, returns: option(Hash), run: (ctx, { account }) => ctx.codeHashOf(account) }),
  },
})

const Deep = defineContract({
  name: 'deep',
  constructors: { new: constructor({ run: () => {} }) },
  messages: {
    go: command({
      args: { left: u32 }, returns: u32,
      run: (ctx, { left }): number => {
        if (left === 0) return 1
        const end = ctx.call({ callee: ctx.address, value: 0n, input: concatBytes(ctx.hash('blake2b256', utf8('go')).slice(0, 4), u32.encode(left - 1)), allowReentry: true })
        return end.ok ? u32.decode(end.data.slice(1)) + 1 : 100
      },
    }),
    again: command({ returns: bool, run: (ctx) => ctx.call({ callee: ctx.address, value: 0n, input: ctx.hash('blake2b256', utf8('again')).slice(0, 4) }).ok }),
    make: command({ args: { codeHash: Hash, depth: u32 }, returns: AccountId, run: (ctx, { codeHash, depth }) => ctx.instantiate(Purse, { codeHash, entry: 'sized', args: { depth } }) }),
    payThrough: command({
      args: { purse: AccountId, to: AccountId, value: Balance }, returns: option(Problem),
      run(ctx, { purse: address, to, value: amount }) {
        const end = ctx.tryContract(Purse, address).pay({ to, value: amount })
        return end.ok || end.error.kind !== 'Reverted' ? undefined : end.error.value
      },
    }),
    payOrStop: command({ args: { purse: AccountId, to: AccountId, value: Balance }, run: (ctx, { purse: address, ...payment }) => ctx.contract(Purse, address).pay(payment) }),
    upgrade: command({ args: { codeHash: Hash }, run: (ctx, { codeHash }) => ctx.upgrade(codeHash) }),
  },
})

const setUp = async (value = 0n) => {
  const cluster = await createTestCluster()
  const [alice, bob] = [cluster.account('alice'), cluster.account('bob')]
  return { cluster, alice, bob, purse: cluster.deploy(Purse, { from: alice, value }) }
}

describe('a cluster in memory', () => {
  test('moves what is sent along, and takes it back with everything else', async () => {
    const { cluster, alice, bob, purse: contract } = await setUp(50n)
    const before = cluster.balanceOf(bob)
    contract.as(alice).pay({ to: bob, value: 20n })
    expect([contract.balance(), cluster.balanceOf(bob) - before]).toEqual([31n, 20n])
    expectRevert(() => contract.as(alice).pay({ to: bob, value: 40n }), { kind: 'Short', value: { by: 10n, who: bob } })
    expect([contract.balance(), contract.events()]).toEqual([31n, [{ kind: 'Paid', value: { to: bob, value: 20n } }]])
    expect(contract.as(bob).give(undefined, { value: 9n })).toEqual([9n, 40n])
    expectStop(() => contract.as(bob).pay({ to: bob, value: 1n }, { value: 1n }), 'purse.pay takes no payment')
    expectStop(() => contract.as(bob).give({}, { value: 10n ** 30n }), 'cannot pay')
  })

  test('keeps maps and lists as they are declared', async () => {
    const { alice, purse: contract } = await setUp()
    const me = contract.as(alice)
    const long = 'x'.repeat(500)
    me.see({ name: 'a', count: 1 })
    me.see({ name: long, count: 2 })
    me.see({ name: `${long}y`, count: 3 })
    me.forget({ name: 'a' })
    expect([me.seen({ name: 'a' }), me.seen({ name: long }), me.seen({ name: `${long}y` })]).toEqual([undefined, 2, 3])
    for (const tag of [7, 8, 9]) me.push({ tag })
    me.setTag({ at: 1, tag: 80 })
    expect([me.pop(), me.tags()]).toEqual([9, [[7, 80], 80, 2]])
    expectStop(() => me.setTag({ at: 2, tag: 1 }), 'tags has no element 2')
    expectStop(() => me.unset(), 'never was never set')
    me.pop()
    me.pop()
    expect([me.pop(), me.tags()]).toEqual([undefined, [[], undefined, 0]])
  })

  test('keeps nothing of queries and dry runs', async () => {
    const { alice, purse: contract } = await setUp()
    contract.as(alice).see({ name: 'a', count: 1 }, { mode: 'Query' })
    contract.as(alice).see({ name: 'b', count: 1 }, { mode: 'Estimating' })
    expect([contract.as(alice).seen({ name: 'a' }), contract.as(alice).seen({ name: 'b' })]).toEqual([undefined, undefined])
  })

  test('stops what goes wrong, and keeps the cause for whoever debugs', async () => {
    const { alice, purse: contract } = await setUp()
    expect(expectStop(() => contract.as(alice).crash())).toBe('TypeError: on purpose')
    try {
      contract.as(alice).crash()
    } catch (error) {
      expect(isAppError(error, 'SDK_CONTRACT_TEST_STOPPED') && error.cause).toBeInstanceOf(TypeError)
    }
    expectStop(() => contract.as(alice).waits(), 'must not be async')
    expectStop(() => contract.as(alice).cheats(), 'a query cannot write storage')
    expectStop(() => contract.as(alice).wrongType(), 'CODEC_OUT_OF_RANGE')
    expect(codeOf(() => contract.as(alice).see({ name: 'a', count: -1 }))).toBe('CODEC_OUT_OF_RANGE')
  })

  test('says what an expectation missed', async () => {
    const { alice, bob, purse: contract } = await setUp()
    expect(codeOf(() => expectRevert(() => contract.as(alice).seen({ name: 'a' })))).toBe('SDK_CONTRACT_TEST_UNMET')
    expect(codeOf(() => expectRevert(() => contract.as(alice).crash()))).toBe('SDK_CONTRACT_TEST_UNMET')
    expect(codeOf(() => expectRevert(() => contract.as(alice).pay({ to: bob, value: 5n }), { kind: 'Wrong' }))).toBe('SDK_CONTRACT_TEST_UNMET')
    expect(codeOf(() => expectStop(() => contract.as(alice).crash(), 'something else'))).toBe('SDK_CONTRACT_TEST_UNMET')
    expect(codeOf(() => expectStop(() => contract.as(alice).pay({ to: bob, value: 5n })))).toBe('SDK_CONTRACT_TEST_UNMET')
  })

  test('has a clock of blocks', async () => {
    const { cluster, alice, purse: contract } = await setUp()
    cluster.advance(9)
    expect(contract.as(alice).time()).toEqual({ block: 10, ms: 10_000n })
  })

  test('answers requests as it is told', async () => {
    const { cluster, alice, purse: contract } = await setUp()
    cluster.answerHttp(({ url, method, headers, body }) => (url === 'bad' ? 'InvalidUrl' : url === 'down' ? 'NetworkError' : { statusCode: 201, reasonPhrase: 'OK', headers: [], body: utf8(`${method} ${headers.join()} ${new TextDecoder().decode(body)}`) }))
    const me = contract.as(alice)
    expect(me.fetchOne({ url: 'x' })).toEqual([201, 'POST a,b hello'])
    expect(me.fetchOne({ url: 'down' })).toEqual([524, 'NetworkError'])
    expectStop(() => me.fetchOne({ url: 'bad' }), 'InvalidUrl')
    expect(me.fetch({ urls: ['x', 'bad', 'down'] })).toEqual(['201', 'InvalidUrl', 'NetworkError'])
    expectStop(() => me.fetch({ urls: ['1', '2', '3', '4', '5', '6'] }), 'TooManyRequests')
    expectStop(() => me.fetch({ urls: [] }, { mode: 'Transaction' }), 'queries only')
  })

  test('draws random bytes that differ', async () => {
    const { alice, purse: contract } = await setUp()
    for (const [first, second] of [contract.as(alice).draw(), contract.as(alice).drawInCommand()]) expect(bytesEqual(first, second)).toBe(false)
    expect(contract.as(alice).draw()[0]).toHaveLength(300)
  })

  test('derives secrets for each contract and salt', async () => {
    const { cluster, alice, purse: contract } = await setUp()
    const other = cluster.deploy(Purse, { from: alice, salt: utf8('other') })
    const secrets = [contract.as(alice).secret({ salt: utf8('1') }), contract.as(alice).secret({ salt: utf8('2') }), other.as(alice).secret({ salt: utf8('1') })]
    expect(new Set(secrets.map(toHex)).size).toBe(3)
    expect(secrets[0]).toEqual(contract.as(alice).secret({ salt: utf8('1') }))
  })
})

describe('several contracts', () => {
  const both = async () => {
    const parts = await setUp(50n)
    return { ...parts, deep: parts.cluster.deploy(Deep, { from: parts.alice }) }
  }

  test('call each other, six deep at most, and not back unless they allow it', async () => {
    const { deep, alice } = await both()
    expect(deep.as(alice).go({ left: 5 })).toBe(6)
    // The sixth frame is stopped, which the fifth is told.
    expect(deep.as(alice).go({ left: 6 })).toBe(104)
    expectStop(() => deep.as(alice).again(), 'not to be entered again')
  })

  test('take back what a callee did when it reverts, and only that', async () => {
    const { deep, alice, bob, purse: contract } = await both()
    expect(deep.as(alice).payThrough({ purse: contract.address, to: bob, value: 5n })).toBeUndefined()
    expect(deep.as(alice).payThrough({ purse: contract.address, to: bob, value: 60n })).toEqual({ kind: 'Short', value: { by: 15n, who: bob } })
    expect([contract.balance(), contract.events().length]).toEqual([46n, 1])
    expectStop(() => deep.as(alice).payOrStop({ purse: contract.address, to: bob, value: 60n }), 'purse.pay failed: it reverted with Short')
    expectStop(() => deep.as(alice).payOrStop({ purse: bob, to: bob, value: 1n }), 'no such contract')
  })

  test('make others', async () => {
    const { cluster, deep, alice } = await both()
    const codeHash = cluster.upload(Purse)
    const made = cluster.at(Purse, deep.as(alice).make({ codeHash, depth: 3 }))
    expect([made.as(alice).hasCode({ account: made.address }), made.balance()]).toEqual([codeHash, 1n])
    expectStop(() => deep.as(alice).make({ codeHash, depth: 3 }), 'at this address already')
    expectStop(() => deep.as(alice).make({ codeHash: new Uint8Array(32), depth: 3 }), 'no such code')
    expect(cluster.deploy(Purse, { entry: 'sized', args: { depth: 1 } }).events()).toEqual([])
    expectRevert(() => cluster.deploy(Purse, { entry: 'sized', args: { depth: 0 }, salt: utf8('x') }), { kind: 'Wrong' })
  })

  test('end, and give what they have to who is named', async () => {
    const { cluster, alice, bob, purse: contract } = await both()
    const before = cluster.balanceOf(bob)
    contract.as(alice).end({ to: bob })
    expect([cluster.balanceOf(bob) - before, contract.balance()]).toEqual([51n, 0n])
    expectStop(() => contract.as(alice).seen({ name: 'a' }), 'no such contract')
  })

  test('change their code', async () => {
    const { cluster, deep, alice } = await both()
    deep.as(alice).upgrade({ codeHash: cluster.upload(Purse) })
    expect(cluster.at(Purse, deep.address).as(alice).seen({ name: 'a' })).toBeUndefined()
    expectRevert(() => deep.as(alice).go({ left: 0 }), { kind: 'CouldNotReadInput' })
    expect(deep.logs()).toEqual([expect.stringMatching(/^purse has no message with the selector 0x[0-9a-f]{8}$/)])
  })
})
