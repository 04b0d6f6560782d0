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
  putBytes(hash, 32)
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
    const length = keyOf(key)
    begin(5, 160)
    putBytes(key, length)
    send()
    return takeOptional()
  },
  setStorage(key, value) {
    const keyLength = keyOf(key)
    const length = value === undefined ? 0 : bytesOf(value, 'value', PAYLOAD_MAX)
    begin(6, length + 192)
    putBytes(key, keyLength)
    putNumber(value === undefined ? 0 : 1)
    if (value !== undefined) putBytes(value, length)
    send()
  },
  transfer(to, value) {
    fixed(to, 'to', 32)
    big(value, 'value', 128n)
    begin(7, 80)
    putBytes(to, 32)
    putBalance(value)
    send()
    return takeNumber() === 1
  },
  call(request) {
    const { callee, value = 0n, input, gasLimit = 0n, allowReentry = false } = record(request, 'request')
    fixed(callee, 'callee', 32)
    big(value, 'value', 128n)
    big(gasLimit, 'gasLimit', 64n)
    const length = bytesOf(input, 'input', PAYLOAD_MAX)
    begin(8, length + 112)
    putBytes(callee, 32)
    putBalance(value)
    putBig(gasLimit)
    putNumber(allowReentry ? 1 : 0)
    putBytes(input, length)
    send()
    return outcome()
  },
  delegateCall(request) {
    const { codeHash, input } = record(request, 'request')
    fixed(codeHash, 'codeHash', 32)
    const length = bytesOf(input, 'input', PAYLOAD_MAX)
    begin(9, length + 80)
    putBytes(codeHash, 32)
    putBytes(input, length)
    send()
    return outcome()
  },
  instantiate(request) {
    const { codeHash, value = 0n, input, salt = new U8(0), gasLimit = 0n } = record(request, 'request')
    fixed(codeHash, 'codeHash', 32)
    big(value, 'value', 128n)
    big(gasLimit, 'gasLimit', 64n)
    const length = bytesOf(input, 'input', PAYLOAD_MAX), saltLength = bytesOf(salt, 'salt', PAYLOAD_MAX)
    begin(10, length + saltLength + 128)
    putBytes(codeHash, 32)
    putBalance(value)
    putBig(gasLimit)
    putBytes(input, length)
    putBytes(salt, saltLength)
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
    const length = bytesOf(data, 'data', PAYLOAD_MAX)
    begin(14, length + 208)
    putNumber(list.length)
    for (let i = 0; i < list.length; i++) putBytes(list[i], 32)
    putBytes(data, length)
    send()
  },
  log(level, message) {
    whole(level, 'level', 5)
    const bytes = encode(Str(message))
    const length = bytesOf(bytes, 'message', PAYLOAD_MAX)
    begin(15, length + 32)
    putNumber(level)
    putBytes(bytes, length)
    send()
  },
  chainExtension(id, input) {
    whole(id, 'id', 65535)
    const length = bytesOf(input, 'input', PAYLOAD_MAX)
    begin(16, length + 32)
    putNumber(id)
    putBytes(input, length)
    send()
    const status = takeNumber()
    return { status, output: takeBytes() }
  },
  randomSeed(subject) {
    const length = bytesOf(subject, 'subject', 32)
    begin(17, 64)
    putBytes(subject, length)
    send()
    return takeBytes()
  },
  hash(kind, bytes) {
    let index = 0
    while (index < 4 && KINDS[index] !== kind) index++
    if (index === 4) throw new RangeErr('there is no hash of this kind')
    const length = bytesOf(bytes, 'bytes', PAYLOAD_MAX)
    begin(18, length + 32)
    putNumber(index)
    putBytes(bytes, length)
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
