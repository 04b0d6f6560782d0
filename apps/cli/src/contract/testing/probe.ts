/** A contract that uses everything contracts have, for tests that compare a worker's machine with the one for unit tests. */
import {
  AccountId, Balance, bool, bytes, bytesEqual, command, constructor, defineContract, defineStorage, event, fixedBytes, Hash, indexed, list, map, option, query, result,
  struct, text, tuple, u32, u64, utf8, value, variant, vec,
} from '@phalanx/sdk/contract'
import vault from './vault.ts'

const ProbeError = variant('ProbeError', { Refused: { index: 0 }, Because: { index: 3, fields: { why: text, code: u32 } } })
const Noted = event('Noted', { by: indexed(AccountId), about: indexed(option(text)), long: indexed(bytes), at: u32 })
const Unlisted = event('Unlisted', { at: u32 })

const kept = defineStorage({
  owner: value(AccountId), total: value(u64, 0n), names: map(text, u32, 0), pairs: map(tuple(AccountId, u32), bytes), notes: list(text), vault: value(AccountId),
})

const Failure = variant('Failure', { Reverted: { index: 0, value: text }, Unreadable: { index: 1 }, Failed: { index: 2 } })

export default defineContract({
  name: 'probe',
  events: [Noted],
  storage: kept,
  constructors: {
    new: constructor({ args: { total: u64 }, payable: true, run(ctx, { total }) { kept.owner.set(ctx, ctx.caller); kept.total.set(ctx, total) } }),
    failing: constructor({ errors: ProbeError, run: (ctx) => ctx.revert({ kind: 'Because', value: { why: 'it must', code: 5 } }) }),
  },
  messages: {
    store: command({
      args: { name: text, count: u32, pair: bytes, notes: vec(text) }, returns: u64,
      run(ctx, { name, count, pair, notes }) {
        kept.names.set(ctx, name, kept.names.get(ctx, name) + count)
        kept.pairs.set(ctx, [ctx.caller, count], pair)
        for (const note of notes) kept.notes.push(ctx, note)
        kept.total.set(ctx, kept.total.get(ctx) + BigInt(count))
        return kept.total.get(ctx)
      },
    }),
    clear: command({ args: { name: text }, returns: option(text), run(ctx, { name }) { kept.names.remove(ctx, name); return kept.notes.pop(ctx) } }),
    load: query({
      args: { name: text, who: AccountId, count: u32 }, returns: struct({ count: u32, has: bool, pair: option(bytes), notes: vec(text), total: u64 }),
      run: (ctx, { name, who, count }) => ({ count: kept.names.get(ctx, name), has: kept.names.has(ctx, name), pair: kept.pairs.get(ctx, [who, count]), notes: kept.notes.all(ctx), total: kept.total.get(ctx) }),
    }),
    fail: command({
      args: { how: u32 }, errors: ProbeError,
      run(ctx, { how }) {
        kept.total.set(ctx, 999n)
        ctx.emit(Noted, { by: ctx.caller, about: undefined, long: new Uint8Array(0), at: 0 })
        if (how === 0) return ctx.revert({ kind: 'Because', value: { why: 'äöü', code: how } })
        if (how === 1) throw new TypeError('thrown by hand')
        if (how === 2) kept.vault.get(ctx)
        if (how === 3) ctx.emit(Unlisted, { at: 1 })
        if (how === 4) ctx.transfer({ to: ctx.caller, value: 10n ** 30n })
        if (how === 5) kept.notes.set(ctx, 1000, 'beyond')
        if (how === 6) kept.names.set(ctx, 'negative', -1)
        if (how === 7) ctx.upgrade(new Uint8Array(32))
        if (how === 8) return Promise.resolve() as unknown as undefined
      },
    }),
    note: command({
      args: { about: option(text), long: bytes },
      run(ctx, { about, long }) {
        ctx.emit(Noted, { by: ctx.caller, about, long, at: ctx.blockNumber })
        ctx.log.info('noted')
        ctx.log.error('nötig')
      },
    }),
    facts: query({
      returns: struct({ caller: AccountId, address: AccountId, isMine: bool, hash: Hash, digest: fixedBytes(16), value: bool, balance: Balance }),
      run: (ctx) => ({
        caller: ctx.caller, address: ctx.address, isMine: bytesEqual(kept.owner.get(ctx), ctx.caller), hash: ctx.hash('blake2b256', utf8('x')), digest: ctx.hash('blake2b128', utf8('x')),
        value: 'value' in ctx, balance: ctx.balance(),
      }),
    }),
    pay: command({ payable: true, args: { to: AccountId, part: Balance }, returns: Balance, run(ctx, { to, part }) { ctx.transfer({ to, value: part }); return ctx.value } }),
    makeVault: command({
      args: { codeHash: Hash, code: u32, endowment: Balance }, payable: true, returns: u32,
      run(ctx, { codeHash, code, endowment }) {
        const address = ctx.instantiate(vault, { codeHash, entry: 'new', args: { code }, value: endowment, salt: utf8('v') })
        kept.vault.set(ctx, address)
        return bytesEqual(ctx.codeHashOf(address) ?? new Uint8Array(0), codeHash) ? 1 : 0
      },
    }),
    take: command({ args: { code: u32, amount: Balance }, returns: Balance, run: (ctx, args) => ctx.contract(vault, kept.vault.get(ctx)).take(args) }),
    tryTake: command({
      args: { code: u32, amount: Balance }, returns: result(Balance, Failure),
      run(ctx, args) {
        const answer = ctx.tryContract(vault, kept.vault.get(ctx)).take(args)
        if (answer.ok) return answer
        if (answer.error.kind === 'Reverted') return { ok: false, error: { kind: 'Reverted', value: answer.error.value.kind } }
        return { ok: false, error: { kind: answer.error.kind } }
      },
    }),
    tryCrash: command({ returns: bool, run: (ctx) => ctx.tryContract(vault, kept.vault.get(ctx)).crash().ok }),
    tryNobody: command({ returns: bool, run: (ctx) => ctx.tryContract(vault, ctx.caller).crash().ok }),
    put: command({ payable: true, returns: Balance, run: (ctx) => ctx.contract(vault, kept.vault.get(ctx)).put({}, { value: ctx.value }) }),
    putUnpayable: command({ payable: true, run: (ctx) => ctx.contract(vault, kept.vault.get(ctx)).crash({}, { value: ctx.value }) }),
    endVault: command({ args: { to: AccountId }, returns: bool, run(ctx, { to }) { ctx.contract(vault, kept.vault.get(ctx)).end({ to }); return ctx.codeHashOf(kept.vault.get(ctx)) === undefined } }),
    takes: query({ returns: u32, run: (ctx) => ctx.contract(vault, kept.vault.get(ctx)).takes() }),
    callSelf: command({ returns: bool, run: (ctx) => ctx.call({ callee: ctx.address, value: 0n, input: utf8('none') }).ok }),
    callGarbage: command({ returns: u32, run(ctx) { const end = ctx.call({ callee: kept.vault.get(ctx), value: 0n, input: utf8('garbage') }); return end.ok ? end.flags : 9 } }),
    keys: query({
      returns: vec(bool),
      run(ctx) {
        const [secret, message] = [ctx.keys.secret(utf8('salt')), utf8('message')]
        const types = [['ed25519', secret], ['ecdsa', secret], ['sr25519', ctx.keys.sr25519(utf8('salt'))]] as const
        const found = types.map(([type, key]) => ctx.keys.verify({ type, publicKey: ctx.keys.publicKey(type, key), message, signature: ctx.keys.sign({ type, secret: key }, message) }))
        const [hash, publicKey] = [ctx.hash('sha256', message), ctx.keys.publicKey('ecdsa', secret)]
        const isSame = bytesEqual(secret, ctx.keys.secret(utf8('salt'))) && !bytesEqual(secret, ctx.keys.secret(utf8('other')))
        return [...found, ctx.keys.ecdsaVerifyHash({ publicKey, hash, signature: ctx.keys.ecdsaSignHash(secret, hash) }), isSame]
      },
    }),
    signInCommand: command({ returns: u32, run: (ctx) => ctx.keys.sign({ type: 'ed25519', secret: ctx.keys.secret(utf8('s')) }, utf8('m')).length }),
    signSrInCommand: command({ run: (ctx) => void ctx.keys.sign({ type: 'sr25519', secret: ctx.keys.sr25519(utf8('s')) }, utf8('m')) }),
    draw: command({ args: { length: u32 }, returns: tuple(u32, bool), run(ctx, { length }) { const drawn = ctx.random(length); return [drawn.length, bytesEqual(drawn, ctx.random(length))] } }),
    drawInQuery: query({ args: { length: u32 }, returns: tuple(u32, bool), run(ctx, { length }) { const drawn = ctx.random(length); return [drawn.length, bytesEqual(drawn, ctx.random(length))] } }),
    cached: query({
      returns: vec(option(text)),
      run(ctx) {
        const [key, read] = [utf8('key'), (found: Uint8Array | undefined) => (found === undefined ? undefined : new TextDecoder().decode(found))]
        const before = read(ctx.cache.get(key))
        ctx.cache.set(key, utf8('kept'))
        const during = read(ctx.cache.get(key))
        return [before, during, read(ctx.cache.remove(key)), read(ctx.cache.get(key))]
      },
    }),
    fetch: query({
      args: { url: text }, returns: tuple(u32, text),
      run(ctx, { url }) {
        const { statusCode, body } = ctx.http.request({ url, headers: { accept: 'text/plain' } })
        return [statusCode, new TextDecoder().decode(body)]
      },
    }),
    balances: query({ args: { who: AccountId }, returns: tuple(Balance, Balance), run(ctx, { who }) { const { total, free } = ctx.balanceOf(who); return [total, free] } }),
    writeInQuery: query({ run: (ctx) => kept.total.set(ctx as never, 1n) }),
    root: query({ returns: bool, run: (ctx) => ctx.hasCaller }),
  },
})
