import { AttestationPolicy, AttestationRecord, AttestationReport, createPolicy, EvidenceRecord } from '@phalanx/attestation'
import { concatBytes, toHex, utf8 } from '@phalanx/primitives/bytes'
import { option, struct, textUpTo, u32, u8, vecUpTo } from '@phalanx/primitives/codec'
import { Sr25519Public } from '@phalanx/primitives/chain'
import { AppError } from '@phalanx/primitives/errors'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { describe, expect, test } from 'vitest'
import type { ChainClient } from './chain-client.ts'
import { dryRunPolicy, fetchEvidence, fetchPolicy, judgeEvidence } from './evidence.ts'

const crypto = await loadCrypto()
const POLICY = createPolicy({ kinds: ['SgxDcap'], roots: [], version: 4 })
const WORKER = new Uint8Array(32).fill(3)
const BLOCK = new Uint8Array(32).fill(9)
const page = struct({
  refused: option(textUpTo(64)), examined: u32,
  evictions: vecUpTo(struct({ pubkey: Sr25519Public, error: textUpTo(64), code: textUpTo(64), path: vecUpTo(textUpTo(128), 16), confidenceLevel: u8 }), 256), next: option(Sr25519Public),
})
const eviction = (byte: number) => ({ pubkey: new Uint8Array(32).fill(byte), error: 'E', code: 'C', path: ['a', 'b'], confidenceLevel: 2 })

const rejectionCodeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(() => 'none', (error: unknown) => (error instanceof AppError ? error.code : 'another error'))

/** A node with these storage items and answers; remembers what was asked. */
const fakeChain = (items: ReadonlyMap<string, Uint8Array>, answers: readonly Uint8Array[] = []) => {
  const asked: { readonly method: string; readonly params: readonly unknown[] }[] = []
  const blocks: string[] = []
  const chain = {
    url: 'ws://node',
    metadata: () => Promise.resolve({ storagePrefix: (_pallet: string, item: string) => utf8(item) }),
    finalizedHead: () => Promise.resolve({ number: 1, hash: BLOCK }),
    storage: (key: Uint8Array, at: Uint8Array) => (blocks.push(toHex(at)), Promise.resolve(items.get(toHex(key)))),
    rpc: {
      request: (_method: string, [method, ...params]: readonly string[]) => {
        asked.push({ method: method ?? '', params })
        return Promise.resolve(toHex(answers[asked.length - 1] ?? new Uint8Array(0)))
      },
    },
  } as unknown as ChainClient
  return { chain, asked, blocks }
}

const hashed = (item: string, key: Uint8Array): string => toHex(concatBytes(utf8(item), crypto.twox64(key), key))

describe('fetchEvidence', () => {
  const report: AttestationReport = { kind: 'SgxDcap', value: { quote: Uint8Array.of(1, 2), collateral: undefined } }
  const record: AttestationRecord = {
    kind: 'SgxDcap', measurement: new Uint8Array(68), family: new Uint8Array(6), confidenceLevel: 1, policyVersion: 4, collateral: undefined, verifiedAt: 1_700n, validUntil: 1_800n, renewFrom: 1_750n,
    eviction: undefined,
  }
  const items = new Map([
    [hashed('Evidence', WORKER), EvidenceRecord.encode({ info: Uint8Array.of(7), report: AttestationReport.encode(report), collateral: undefined, verifiedAt: 1_700n })],
    [hashed('Attestations', WORKER), AttestationRecord.encode(record)],
    [hashed('AttestationPolicies', u32.encode(4)), AttestationPolicy.encode(POLICY)],
  ])

  test('brings evidence and the policy of its time, all of one finalised block', async () => {
    const { chain, blocks } = fakeChain(items)
    const evidence = await fetchEvidence(chain, WORKER, { crypto })
    expect(evidence).toMatchObject({ report, policy: POLICY, verifiedAt: 1_700, commit: crypto.blake2b256(Uint8Array.of(7)), record })
    expect(new Set(blocks)).toEqual(new Set([toHex(BLOCK)]))
    expect(judgeEvidence(evidence, { crypto })).toMatchObject({ ok: false, code: 'ATTESTATION_COLLATERAL_ABSENT' })
  })

  test('says what a node lacks', async () => {
    expect(await rejectionCodeOf(fetchEvidence(fakeChain(new Map()).chain, WORKER, { crypto }))).toBe('SDK_EVIDENCE_NONE')
    const without = new Map([...items].filter(([key]) => key !== hashed('AttestationPolicies', u32.encode(4))))
    expect(await rejectionCodeOf(fetchEvidence(fakeChain(without).chain, WORKER, { crypto }))).toBe('SDK_EVIDENCE_NONE')
  })
})

describe('dryRunPolicy and fetchPolicy', () => {
  test('read every page', async () => {
    const first = page.encode({ refused: undefined, examined: 256, evictions: [eviction(1)], next: WORKER })
    const { chain, asked } = fakeChain(new Map(), [first, page.encode({ refused: undefined, examined: 3, evictions: [eviction(2)], next: undefined })])
    expect(await dryRunPolicy(chain, POLICY)).toEqual({ examined: 259, evictions: [eviction(1), eviction(2)] })
    expect(asked.map(({ method }) => method)).toEqual(['AttestationApi_dry_run_policy', 'AttestationApi_dry_run_policy'])
    expect(asked[1]?.params[0]).toBe(toHex(concatBytes(AttestationPolicy.encode(POLICY), Uint8Array.of(1), WORKER)))
  })

  test('name a policy that the chain cannot have', async () => {
    const refused = page.encode({ refused: 'PolicyWidensTrust', examined: 0, evictions: [], next: undefined })
    expect(await rejectionCodeOf(dryRunPolicy(fakeChain(new Map(), [refused]).chain, POLICY))).toBe('SDK_POLICY_REFUSED')
  })

  test('read the policy in force', async () => {
    expect(await fetchPolicy(fakeChain(new Map(), [AttestationPolicy.encode(POLICY)]).chain)).toEqual(POLICY)
  })
})
