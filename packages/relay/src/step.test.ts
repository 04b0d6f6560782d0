import { describe, expect, test } from 'vitest'
import type { Batch, Effect, Happening, RelayState, WorkerView } from './state.ts'
import { createRelayState, step, wakeAtMs } from './step.ts'

const GENESIS = '0x01'
const failure = { code: 'X', reason: 'because', fix: 'mend it' }

const view = (changes: Partial<WorkerView> = {}): WorkerView => ({
  initialized: true, registered: true, anchored: true, genesis: GENESIS, identity: '0xaa', nextBlock: 1, pendingMessages: 0,
  score: 0, confidence: 1, version: '0.1.0', state: 'registered', reason: '', clusterAwaited: undefined, ...changes,
})

const batch = (from: number, count: number, node = 'a'): Batch => ({ from, count, bytes: new Uint8Array(0), node })

/** Drives the machine by hand under a clock that only moves when told. */
const machine = (endpoints: readonly string[] = []) => {
  let state = createRelayState({ endpoints, nowMs: 0 })
  let nowMs = 0
  const tell = (happening: Happening): readonly Effect[] => {
    const [next, effects] = step(state, { ...happening, nowMs, fraction: 0.5 })
    state = next
    return effects
  }
  return {
    tell,
    kinds: (happening: Happening): readonly string[] => tell(happening).map(({ kind }) => kind),
    at: (ms: number): void => void (nowMs = ms),
    state: (): RelayState => state,
    /** Lets time pass until the machine wants to be woken. */
    wake: (): readonly string[] => {
      nowMs = wakeAtMs(state, nowMs)
      return tell({ kind: 'tick' }).map(({ kind }) => kind)
    },
  }
}

const head = (number: number): Happening => ({ kind: 'chain', view: { kind: 'at', genesis: GENESIS, head: number } })

describe('a healthy start', () => {
  test('goes from asking through initialising, feeding and registering to running', () => {
    const relay = machine()
    expect(relay.kinds(head(2))).toEqual(['getInfo'])
    expect(relay.state().status.phase).toBe('connecting')
    expect(relay.kinds({ kind: 'info', worker: view({ initialized: false, registered: false, anchored: false, state: 'unsealed' }) })).toEqual(['init'])
    expect(relay.state().status.phase).toBe('initialising')
    expect(relay.kinds({ kind: 'initialized' })).toEqual(['getInfo'])
    expect(relay.kinds({ kind: 'info', worker: view({ registered: false, anchored: false }) })).toEqual(['fetch'])
    expect(relay.tell({ kind: 'fetched', batch: batch(1, 2) })).toEqual([{ kind: 'feed', batch: batch(1, 2) }])
    expect(relay.kinds({ kind: 'fed', syncedTo: 2 })).toEqual(['getInfo'])
    expect(relay.kinds({ kind: 'info', worker: view({ registered: false, anchored: false, nextBlock: 3 }) })).toEqual(['attest'])
    expect(relay.state().status).toMatchObject({ phase: 'registering' })
    const evidence = { runtimeInfo: Uint8Array.of(1), report: Uint8Array.of(2) }
    expect(relay.tell({ kind: 'attested', ...evidence })).toEqual([{ kind: 'register', evidence }])
    relay.tell({ kind: 'registered' })
    expect(relay.state().status).toMatchObject({ phase: 'registering', reason: expect.stringContaining('took the registration') })
    expect(relay.kinds(head(3))).toEqual(['fetch'])
    relay.tell({ kind: 'fetched', batch: batch(3, 1) })
    expect(relay.kinds({ kind: 'fed', syncedTo: 3 })).toEqual(['getInfo'])
    relay.tell({ kind: 'info', worker: view({ nextBlock: 4 }) })
    expect(relay.state().status.phase).toBe('running')
  })

  test('waits for evidence and asks again later', () => {
    const relay = machine()
    relay.tell(head(0))
    expect(relay.kinds({ kind: 'info', worker: view({ registered: false, anchored: false }) })).toEqual(['attest'])
    expect(relay.kinds({ kind: 'attested', runtimeInfo: Uint8Array.of(1), report: undefined })).toEqual([])
    expect(relay.state().status).toMatchObject({ phase: 'registering', code: 'RELAY_ATTESTATION_AWAITED' })
    expect(relay.wake()).toEqual(['attest'])
  })

  test('announces a fresh key before it calls the worker running', () => {
    const relay = machine()
    relay.tell(head(0))
    expect(relay.kinds({ kind: 'info', worker: view({ anchored: false, pendingMessages: 1 }) })).toEqual(['egress'])
    expect(relay.state().status.phase).toBe('announcing')
  })
})

describe('feeding', () => {
  const running = () => {
    const relay = machine()
    relay.tell(head(0))
    relay.tell({ kind: 'info', worker: view() })
    return relay
  }

  test('fetches the next batch while one is fed', () => {
    const relay = running()
    expect(relay.kinds(head(1000))).toEqual(['fetch'])
    expect(relay.tell({ kind: 'fetched', batch: batch(1, 256) }).map(({ kind }) => kind)).toEqual(['feed', 'fetch'])
    expect(relay.state().busy).toMatchObject({ worker: 'feed', fetch: 'fetch' })
  })

  test('asks for more at once as all goes well', () => {
    const relay = running()
    relay.tell(head(4_000))
    relay.tell({ kind: 'fetched', batch: batch(1, 256) })
    relay.tell({ kind: 'fetched', batch: batch(257, 256) })
    const effects = relay.tell({ kind: 'fed', syncedTo: 256 })
    expect(effects).toContainEqual({ kind: 'fetch', from: 513, limit: 512, avoid: [] })
  })

  test('turns to another node with smaller batches when the worker refuses blocks', () => {
    const relay = running()
    relay.tell(head(10))
    relay.tell({ kind: 'fetched', batch: batch(1, 10, 'liar') })
    expect(relay.kinds({ kind: 'failed', effect: 'feed', failure, isRefusal: true, node: 'liar' })).toEqual(['getInfo'])
    expect(relay.state().status).toMatchObject({ phase: 'degraded', reason: 'because', fix: 'mend it' })
    relay.tell({ kind: 'info', worker: view() })
    relay.at(10_000)
    const effects = relay.tell({ kind: 'tick' })
    expect(effects).toContainEqual({ kind: 'fetch', from: 1, limit: 64, avoid: ['liar'] })
    relay.tell({ kind: 'info', worker: view() })
    relay.tell({ kind: 'fetched', batch: batch(1, 10, 'honest') })
    relay.tell({ kind: 'fed', syncedTo: 10 })
    expect(relay.state()).toMatchObject({ avoid: [], failure: undefined })
  })

  test('treats an answer without progress as a refusal instead of feeding the same for ever', () => {
    const relay = running()
    relay.tell(head(10))
    relay.tell({ kind: 'fetched', batch: batch(1, 10) })
    expect(relay.kinds({ kind: 'fed', syncedTo: 0 })).toEqual(['getInfo'])
    expect(relay.state().status).toMatchObject({ phase: 'degraded', code: 'WORKER_NO_PROGRESS' })
  })

  test('drops what it fetched when the worker went back', () => {
    const relay = running()
    relay.tell(head(10))
    relay.tell({ kind: 'info', worker: view({ nextBlock: 8 }) })
    relay.tell({ kind: 'fetched', batch: batch(8, 3) })
    relay.tell({ kind: 'failed', effect: 'feed', failure, isRefusal: false })
    relay.at(60_000)
    relay.tell({ kind: 'tick' })
    relay.tell({ kind: 'info', worker: view({ nextBlock: 5 }) })
    expect(relay.state().batches).toEqual([])
    expect(relay.state().busy.fetch).toBe('fetch')
  })

  test('ignores blocks that were fetched for a place it has left', () => {
    const relay = running()
    relay.tell(head(10))
    relay.tell({ kind: 'fetched', batch: batch(7, 3) })
    expect(relay.state().batches).toEqual([])
  })
})

describe('trouble', () => {
  test('says why it cannot reach the worker and waits longer each time', () => {
    const relay = machine()
    relay.tell(head(0))
    const waits: number[] = []
    for (let i = 0; i < 4; i++) {
      relay.tell({ kind: 'failed', effect: 'getInfo', failure, isRefusal: false })
      waits.push(relay.state().retryAtMs)
      relay.at(relay.state().retryAtMs - 1)
      expect(relay.kinds({ kind: 'tick' })).toEqual([])
      relay.at(relay.state().retryAtMs)
      expect(relay.kinds({ kind: 'tick' })).toEqual(['getInfo'])
    }
    expect(relay.state().status).toMatchObject({ phase: 'connecting', code: 'X' })
    const gaps = waits.map((at, i) => at - (waits[i - 1] ?? 0))
    for (let i = 1; i < gaps.length; i++) expect(gaps[i] ?? 0).toBeGreaterThan(gaps[i - 1] ?? 0)
  })

  test('halts on a chain with another genesis and recovers when the right node is there', () => {
    const relay = machine()
    relay.tell({ kind: 'chain', view: { kind: 'other', genesis: '0x02' } })
    expect(relay.kinds({ kind: 'info', worker: view() })).toEqual([])
    expect(relay.state().status).toMatchObject({ phase: 'halted', code: 'RELAY_GENESIS_MISMATCH', fix: expect.stringContaining('base path') })
    relay.tell(head(0))
    expect(relay.state().status.phase).toBe('running')
  })

  test('does not touch a worker that has halted, but goes on asking', () => {
    const relay = machine()
    relay.tell(head(5))
    expect(relay.kinds({ kind: 'info', worker: view({ state: 'halted', reason: 'two histories' }) })).toEqual([])
    expect(relay.state().status).toMatchObject({ phase: 'halted', code: 'RELAY_WORKER_HALTED' })
    expect(relay.wake()).toEqual(['getInfo'])
  })

  test('forgets a failed initialisation when the worker turns out to be initialised', () => {
    const relay = machine()
    relay.tell(head(0))
    relay.tell({ kind: 'info', worker: view({ initialized: false, registered: false, anchored: false }) })
    relay.tell({ kind: 'failed', effect: 'init', failure, isRefusal: true })
    expect(relay.state().status.phase).toBe('degraded')
    relay.tell({ kind: 'info', worker: view() })
    expect(relay.state().status.phase).toBe('running')
  })

  test('says that the nodes are behind the worker', () => {
    const relay = machine()
    relay.tell(head(5))
    relay.tell({ kind: 'info', worker: view({ nextBlock: 50 }) })
    expect(relay.state().status).toMatchObject({ phase: 'degraded', code: 'RELAY_CHAIN_BEHIND' })
  })

  test('initialises a worker that was restarted without its state', () => {
    const relay = machine()
    relay.tell(head(0))
    relay.tell({ kind: 'info', worker: view() })
    expect(relay.wake()).toEqual(['getInfo'])
    expect(relay.kinds({ kind: 'info', worker: view({ initialized: false, registered: false, anchored: false, state: 'unsealed' }) })).toEqual(['init'])
  })
})

describe('registration', () => {
  const submitting = () => {
    const relay = machine()
    relay.tell(head(0))
    relay.tell({ kind: 'info', worker: view({ registered: false, anchored: false }) })
    relay.tell({ kind: 'attested', runtimeInfo: Uint8Array.of(1), report: Uint8Array.of(2) })
    return relay
  }

  test('shows the name of the refusal and tries again with fresh evidence', () => {
    const relay = submitting()
    relay.tell({ kind: 'failed', effect: 'register', failure: { ...failure, code: 'RELAY_REGISTRATION_REFUSED' }, isRefusal: true })
    expect(relay.state().status).toMatchObject({ phase: 'registering', code: 'RELAY_REGISTRATION_REFUSED', fix: 'mend it' })
    relay.at(relay.state().registration.retryAtMs)
    relay.tell({ kind: 'info', worker: view({ registered: false, anchored: false }) })
    expect(relay.tell({ kind: 'tick' })).toEqual([])
    expect(relay.state().busy.worker).toBe('attest')
    expect(relay.state().registration.evidence).toBeUndefined()
  })

  test('keeps evidence that did not reach the chain', () => {
    const relay = submitting()
    relay.tell({ kind: 'failed', effect: 'register', failure, isRefusal: false })
    relay.at(relay.state().registration.retryAtMs)
    expect(relay.kinds({ kind: 'tick' })).toContain('register')
  })

  test('tries anew when the worker never sees what the chain took', () => {
    const relay = submitting()
    relay.tell({ kind: 'registered' })
    relay.tell(head(17))
    relay.tell({ kind: 'info', worker: view({ registered: false, anchored: false, nextBlock: 18 }) })
    expect(relay.state().busy.worker).toBe('attest')
  })
})

describe('messages and endpoints', () => {
  test('looks at the queue once per block while messages wait, and again after a while without blocks', () => {
    const relay = machine()
    relay.tell(head(0))
    expect(relay.kinds({ kind: 'info', worker: view({ pendingMessages: 2 }) })).toEqual(['egress', 'standing'])
    expect(relay.kinds({ kind: 'egressed', underWay: 2, gap: undefined })).toEqual([])
    expect(relay.kinds({ kind: 'tick' })).toEqual([])
    relay.at(6_000)
    expect(relay.kinds({ kind: 'tick' })).toEqual(['getInfo'])
    expect(relay.kinds({ kind: 'info', worker: view({ pendingMessages: 2 }) })).toEqual(['egress'])
  })

  test('is degraded by a gap in the sequence until the messages are gone', () => {
    const relay = machine()
    relay.tell(head(0))
    relay.tell({ kind: 'info', worker: view({ pendingMessages: 1 }) })
    relay.tell({ kind: 'egressed', underWay: 0, gap: { ...failure, code: 'RELAY_EGRESS_GAP' } })
    expect(relay.state().status).toMatchObject({ phase: 'degraded', code: 'RELAY_EGRESS_GAP' })
    relay.tell({ kind: 'info', worker: view({ pendingMessages: 0 }) })
    expect(relay.state().status.phase).toBe('running')
  })

  test('offers messages with every block while a sender has a gap: what others say does not wait for it', () => {
    const relay = machine()
    relay.tell(head(0))
    relay.tell({ kind: 'info', worker: view({ pendingMessages: 1 }) })
    relay.tell({ kind: 'standing', renewInMs: undefined })
    for (let block = 1; block <= 8; block++) {
      relay.tell({ kind: 'egressed', underWay: 0, gap: { ...failure, code: 'RELAY_EGRESS_GAP' } })
      relay.tell(head(block))
      relay.tell({ kind: 'fetched', batch: batch(block, 1) })
      relay.tell({ kind: 'fed', syncedTo: block })
      const told = relay.tell({ kind: 'info', worker: view({ pendingMessages: 2, nextBlock: block + 1 }) })
      expect(told).toEqual([{ kind: 'egress', careful: [], held: [] }])
    }
    expect(relay.state().status).toMatchObject({ phase: 'degraded', code: 'RELAY_EGRESS_GAP' })
    relay.tell({ kind: 'egressed', underWay: 2, gap: undefined })
    expect(relay.state().status.phase).toBe('running')
  })

  test('offers messages of a worker that is always a block behind, between two feeds', () => {
    const relay = machine()
    relay.tell(head(0))
    relay.tell({ kind: 'info', worker: view({ pendingMessages: 0 }) })
    relay.tell({ kind: 'standing', renewInMs: undefined })
    let fed = 0
    let offered = 0
    // Each block takes a second, and then the next but one is there.
    const todo = [...relay.tell(head(2))]
    for (let effect = todo.shift(); effect !== undefined && fed < 12; effect = todo.shift()) {
      if (effect.kind === 'fetch') todo.push(...relay.tell({ kind: 'fetched', batch: batch(effect.from, 1) }))
      if (effect.kind === 'getInfo') todo.push(...relay.tell({ kind: 'info', worker: view({ pendingMessages: 1, nextBlock: fed + 1 }) }))
      if (effect.kind === 'egress') {
        offered++
        todo.push(...relay.tell({ kind: 'egressed', underWay: 0, gap: undefined }))
      }
      if (effect.kind !== 'feed') continue
      fed++
      relay.at(fed * 1_000)
      todo.push(...relay.tell(head(fed + 2)), ...relay.tell({ kind: 'fed', syncedTo: fed }))
    }
    expect([fed, offered]).toEqual([12, 2])
  })

  test('holds back only the sender whose message was refused, longer each time, until one of it is delivered', () => {
    const relay = machine()
    relay.tell(head(0))
    relay.tell({ kind: 'info', worker: view({ pendingMessages: 2 }) })
    relay.tell({ kind: 'standing', renewInMs: undefined })
    relay.tell({ kind: 'egressed', underWay: 2, gap: undefined })
    relay.tell({ kind: 'messageDelivered', sender: 'good' })
    relay.tell({ kind: 'messageRefused', sender: 'bad', failure: { ...failure, code: 'RELAY_EGRESS_REFUSED' } })
    expect(relay.state().status).toMatchObject({ phase: 'degraded', code: 'RELAY_EGRESS_REFUSED' })
    const first = relay.state().refusedSenders['bad']?.retryAtMs ?? 0
    expect(relay.tell(head(1)).filter(({ kind }) => kind === 'egress')).toEqual([])
    relay.at(first)
    relay.tell({ kind: 'fetched', batch: batch(1, 1) })
    relay.tell({ kind: 'fed', syncedTo: 1 })
    expect(relay.tell({ kind: 'info', worker: view({ pendingMessages: 2, nextBlock: 2 }) })).toEqual([{ kind: 'egress', careful: ['bad'], held: [] }])
    relay.tell({ kind: 'egressed', underWay: 1, gap: undefined })
    relay.tell({ kind: 'messageRefused', sender: 'bad', failure })
    const second = relay.state().refusedSenders['bad']?.retryAtMs ?? 0
    expect(second - first).toBeGreaterThan(first)
    relay.tell({ kind: 'messageDelivered', sender: 'good' })
    expect(relay.state().refusedSenders['bad']?.failures).toBe(2)
    relay.tell({ kind: 'messageDelivered', sender: 'bad' })
    expect(relay.state().refusedSenders).toEqual({})
    expect(relay.state().status.phase).toBe('running')
  })

  test('counts many messages that nobody could submit as one failure', () => {
    const relay = machine()
    relay.tell(head(0))
    relay.tell({ kind: 'info', worker: view({ pendingMessages: 50 }) })
    relay.tell({ kind: 'egressed', underWay: 50, gap: undefined })
    for (let i = 0; i < 50; i++) relay.tell({ kind: 'messageRefused', failure })
    expect(relay.state()).toMatchObject({ egressFailures: 1, status: { phase: 'degraded' } })
  })

  test('announces endpoints once the worker is registered, and only once', () => {
    const relay = machine(['http://w'])
    relay.tell(head(0))
    expect(relay.tell({ kind: 'info', worker: view() })).toEqual([{ kind: 'endpoints', urls: ['http://w'] }])
    relay.tell({ kind: 'endpointsSet' })
    expect(relay.wake()).toEqual(['getInfo'])
    expect(relay.kinds({ kind: 'info', worker: view() })).toEqual([])
  })
})

describe('checkpoints', () => {
  const fresh = { initialized: false, registered: false, anchored: false, state: 'unsealed' } as const
  const started = (number: number, worker: Partial<WorkerView>) => {
    const relay = machine()
    relay.tell(head(number))
    return { relay, effects: relay.tell({ kind: 'info', worker: view(worker) }) }
  }
  const refuse = (relay: ReturnType<typeof machine>, effect: 'init' | 'skip', node = 'liar') =>
    relay.tell({ kind: 'failed', effect, failure: { ...failure, code: 'LIGHT_CHECKPOINT_PROOF' }, isRefusal: true, node })

  test('are what a worker begins at when the chain is far ahead, and genesis when it is not', () => {
    expect(started(4097, fresh).effects).toEqual([{ kind: 'init', isAtCheckpoint: true, avoid: [] }])
    expect(started(4096, fresh).effects).toEqual([{ kind: 'init', isAtCheckpoint: false, avoid: [] }])
  })

  test('spare a worker that was away for long the blocks it missed', () => {
    const { relay, effects } = started(10_000, { nextBlock: 500 })
    expect(effects[0]).toEqual({ kind: 'skip', avoid: [] })
    expect(relay.kinds({ kind: 'skipped', syncedTo: 9_999 })).toEqual(['getInfo', 'fetch'])
    expect(relay.state().next).toBe(10_000)
  })

  test('that are refused are fetched from another node', () => {
    const { relay } = started(10_000, { nextBlock: 500 })
    refuse(relay, 'skip')
    relay.tell({ kind: 'info', worker: view({ nextBlock: 500 }) })
    relay.at(1_000)
    expect(relay.tell({ kind: 'tick' })).toContainEqual({ kind: 'skip', avoid: ['liar'] })
  })

  test('that nobody gives rightly never keep a worker from its blocks', () => {
    const { relay } = started(10_000, fresh)
    for (let i = 1; i <= 4; i++) {
      refuse(relay, 'init', `node ${i}`)
      relay.at(i * 4_000)
      relay.tell({ kind: 'info', worker: view(fresh) })
    }
    expect(relay.state().busy).toEqual({ worker: 'init' })
    relay.tell({ kind: 'initialized' })
    expect(relay.kinds({ kind: 'info', worker: view({ registered: false, anchored: false }) })).toEqual(['fetch'])
    relay.at(200_000)
    relay.tell({ kind: 'tick' })
    expect(relay.kinds({ kind: 'info', worker: view({ registered: false, anchored: false }) })).toContain('skip')
  })
})

describe('renewal', () => {
  const evidence = { runtimeInfo: Uint8Array.of(1), report: Uint8Array.of(2) }
  const settled = () => {
    const relay = machine()
    relay.tell(head(0))
    expect(relay.kinds({ kind: 'info', worker: view() })).toEqual(['standing'])
    return relay
  }

  test('makes evidence anew once its time has come, and not before', () => {
    const relay = settled()
    relay.tell({ kind: 'standing', renewInMs: 30_000 })
    relay.at(29_000)
    relay.tell({ kind: 'tick' })
    expect(relay.kinds({ kind: 'info', worker: view() })).toEqual([])
    relay.at(30_000)
    expect(relay.tell({ kind: 'tick' })).toEqual([{ kind: 'attest', refresh: true }])
    expect(relay.tell({ kind: 'attested', ...evidence })).toEqual([{ kind: 'register', evidence }])
    relay.tell({ kind: 'registered' })
    expect(relay.state()).toMatchObject({ renewAtMs: undefined, standingAtMs: 36_000, status: { phase: 'running' } })
  })

  test('is not asked of evidence that nothing ends; the chain is asked again now and then', () => {
    const relay = settled()
    relay.tell({ kind: 'standing', renewInMs: undefined })
    relay.at(60_000)
    expect(relay.kinds({ kind: 'tick' })).toEqual(['getInfo', 'standing'])
  })

  test('waits for slow evidence without making it again, also when the worker is asked for its state meanwhile', () => {
    const relay = settled()
    expect(relay.tell({ kind: 'standing', renewInMs: -1 })).toEqual([{ kind: 'attest', refresh: true }])
    relay.tell({ kind: 'attested', runtimeInfo: evidence.runtimeInfo, report: undefined })
    relay.at(5_500)
    relay.tell({ kind: 'tick' })
    expect(relay.tell({ kind: 'info', worker: view() })).toEqual([{ kind: 'attest', refresh: false }])
  })

  test('that the chain refuses shows as trouble while the worker still counts, and is tried again with fresh evidence', () => {
    const relay = settled()
    relay.tell({ kind: 'standing', renewInMs: 0 })
    relay.tell({ kind: 'attested', ...evidence })
    relay.tell({ kind: 'failed', effect: 'register', failure, isRefusal: true })
    expect(relay.state().status).toMatchObject({ phase: 'degraded', code: 'X' })
    relay.at(1_000)
    expect(relay.tell({ kind: 'tick' })).toEqual([{ kind: 'attest', refresh: true }])
  })

  test('starts over for a worker that lost its registration', () => {
    const relay = settled()
    relay.tell({ kind: 'standing', renewInMs: 90_000 })
    relay.at(5_000)
    relay.tell({ kind: 'tick' })
    expect(relay.kinds({ kind: 'info', worker: view({ registered: false }) })).toEqual(['attest'])
    expect(relay.state().renewAtMs).toBeUndefined()
  })

  test('is no trouble when the chain cannot say when it is due', () => {
    const relay = settled()
    relay.tell({ kind: 'failed', effect: 'standing', failure, isRefusal: false })
    expect(relay.state()).toMatchObject({ standingAtMs: 6_000, status: { phase: 'running' } })
  })
})

describe('a worker that waits for its cluster', () => {
  const waiting = () => {
    const relay = machine()
    relay.tell(head(0))
    const effects = relay.tell({ kind: 'info', worker: view({ clusterAwaited: '0xcc' }) })
    return { relay, effects }
  }
  test('is given what it lacks by another member, and then asked how it stands', () => {
    const { relay, effects } = waiting()
    expect(effects).toEqual([{ kind: 'join', cluster: '0xcc' }])
    expect(relay.kinds({ kind: 'joined' })).toEqual(['getInfo', 'standing'])
    expect(relay.kinds({ kind: 'info', worker: view() })).toEqual([])
    expect(relay.state().status.phase).toBe('running')
  })
  test('says why it has not been, tries again later, and is fed meanwhile', () => {
    const { relay } = waiting()
    relay.tell({ kind: 'failed', effect: 'join', failure, isRefusal: true })
    expect(relay.state().status).toMatchObject({ phase: 'degraded', reason: 'because' })
    expect(relay.kinds({ kind: 'info', worker: view({ clusterAwaited: '0xcc' }) })).toEqual([])
    relay.tell({ kind: 'standing', renewInMs: undefined })
    expect(relay.kinds(head(1))).toEqual(['fetch'])
    relay.at(60_000)
    relay.tell({ kind: 'fetched', batch: batch(1, 1) })
    expect(relay.kinds({ kind: 'fed', syncedTo: 1 })).toContain('join')
    relay.tell({ kind: 'joined' })
    relay.tell({ kind: 'info', worker: view({ nextBlock: 2 }) })
    expect(relay.state().joinFailure).toBeUndefined()
  })
})
