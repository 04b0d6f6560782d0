/** Owns the part of the prelude that makes the global `host`: each function checks its arguments and sends one request, numbered as host-calls.ts has them. */

/** Source text, put together with the others by prelude.ts. */
export const PRELUDE_HOST: string = String.raw`
// What the contract is told.
let facts
const info = () => {
  if (facts !== undefined) return facts
  begin(1, 0)
  send()
  const entry = takeNumber() === 0 ? 'deploy' : 'call'
  const mode = ['Query', 'Estimating', 'Transaction'][takeNumber()]
  const blockNumber = takeNumber()
  const nowMs = takeBig()
  const value = takeBalance()
  const minimumBalance = takeBalance()
  const address = takeBytes()
  const caller = takeOptional()
  facts = { entry, mode, blockNumber, nowMs, value, minimumBalance, address, caller, codeHash: undefined }
  return facts
}
const ERRORS = ['Trapped', 'TransferFailed', 'CodeNotFound', 'NotCallable']
const outcome = () => {
  if (takeNumber() === 0) return { ok: false, error: ERRORS[takeNumber()] }
  const flags = takeNumber()
  return { ok: true, flags, data: takeBytes() }
}
const ask = (operation) => {
  begin(operation, 0)
  send()
}
const askFor = (operation, hash, name) => {
  fixed(hash, name, 32)
  begin(operation, 64)
  putBytes(hash)
  send()
}
const KINDS = ['blake2b256', 'blake2b128', 'sha256', 'keccak256']

const host = {
  get entry() { return info().entry },
  get mode() { return info().mode },
  get caller() { return info().caller },
  get address() { return info().address },
  get value() { return info().value },
  get blockNumber() { return info().blockNumber },
  get nowMs() { return info().nowMs },
  get minimumBalance() { return info().minimumBalance },
  get codeHash() {
    ask(2)
    return takeBytes()
  },
  gasLeft() {
    ask(3)
    return takeBig()
  },
  balance() {
    ask(4)
    return takeBalance()
  },
  getStorage(key) {
    keyOf(key)
    begin(5, 160)
    putBytes(key)
    send()
    return takeOptional()
  },
  setStorage(key, value) {
    keyOf(key)
    begin(6, 168 + (value === undefined ? 0 : payload(value, 'value')))
    putBytes(key)
    putNumber(value === undefined ? 0 : 1)
    if (value !== undefined) putBytes(value)
    send()
  },
  transfer(to, value) {
    fixed(to, 'to', 32)
    big(value, 'value', 128n)
    begin(7, 80)
    putBytes(to)
    putBalance(value)
    send()
    return takeNumber() === 1
  },
  call(request) {
    const { callee, value = 0n, input, gasLimit = 0n, allowReentry = false } = record(request, 'request')
    fixed(callee, 'callee', 32)
    big(value, 'value', 128n)
    big(gasLimit, 'gasLimit', 64n)
    begin(8, 96 + payload(input, 'input'))
    putBytes(callee)
    putBalance(value)
    putBig(gasLimit)
    putNumber(allowReentry ? 1 : 0)
    putBytes(input)
    send()
    return outcome()
  },
  delegateCall(request) {
    const { codeHash, input } = record(request, 'request')
    fixed(codeHash, 'codeHash', 32)
    begin(9, 64 + payload(input, 'input'))
    putBytes(codeHash)
    putBytes(input)
    send()
    return outcome()
  },
  instantiate(request) {
    const { codeHash, value = 0n, input, salt = new U8(0), gasLimit = 0n } = record(request, 'request')
    fixed(codeHash, 'codeHash', 32)
    big(value, 'value', 128n)
    big(gasLimit, 'gasLimit', 64n)
    begin(10, 96 + payload(input, 'input') + payload(salt, 'salt'))
    putBytes(codeHash)
    putBalance(value)
    putBig(gasLimit)
    putBytes(input)
    putBytes(salt)
    send()
    const address = takeBytes()
    const end = outcome()
    end.address = address
    return end
  },
  terminate(beneficiary) {
    askFor(11, beneficiary, 'beneficiary')
  },
  setCodeHash(codeHash) {
    askFor(12, codeHash, 'codeHash')
    return takeNumber() === 1
  },
  codeHashOf(account) {
    askFor(13, account, 'account')
    return takeOptional()
  },
  emitEvent(topics, data) {
    const list = [...topics]
    if (list.length > 4) throw new RangeErr('an event may have 4 topics')
    for (let i = 0; i < list.length; i++) fixed(list[i], 'a topic', 32)
    begin(14, 192 + payload(data, 'data'))
    putNumber(list.length)
    for (let i = 0; i < list.length; i++) putBytes(list[i])
    putBytes(data)
    send()
  },
  log(level, message) {
    whole(level, 'level', 5)
    const bytes = encode(Str(message))
    begin(15, 8 + payload(bytes, 'message'))
    putNumber(level)
    putBytes(bytes)
    send()
  },
  chainExtension(id, input) {
    whole(id, 'id', 65535)
    begin(16, 8 + payload(input, 'input'))
    putNumber(id)
    putBytes(input)
    send()
    const status = takeNumber()
    return { status, output: takeBytes() }
  },
  randomSeed(subject) {
    bytesOf(subject, 'subject', 32)
    begin(17, 64)
    putBytes(subject)
    send()
    return takeBytes()
  },
  hash(kind, bytes) {
    let index = 0
    while (index < 4 && KINDS[index] !== kind) index++
    if (index === 4) throw new RangeErr('there is no hash of this kind')
    begin(18, 8 + payload(bytes, 'bytes'))
    putNumber(index)
    putBytes(bytes)
    send()
    return takeBytes()
  },
}
freeze(host)
for (const key of ownKeys(host)) {
  const { get, value } = getOwnPropertyDescriptor(host, key)
  freeze(get === undefined ? value : get)
}
defineProperty(global, 'host', { value: host, writable: false, enumerable: true, configurable: false })

`
