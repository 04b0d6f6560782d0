import type { Clock } from '@phalanx/primitives/ports'
import { codeOfRejection } from '@phalanx/primitives/testing'
import { AppError } from '@phalanx/primitives/errors'
import { describe, expect, test } from 'vitest'
import '../errors.ts'
import { ReceiptWaits, type ReceiptWait } from './receipt-waits.ts'

/** Waits on a clock that a test moves, and something to be found. */
const create = (max?: number) => {
  const timers: { readonly delayMs: number; readonly callback: () => void }[] = []
  const clock: Clock = {
    nowMs: () => 0,
    after(delayMs, callback) {
      const timer = { delayMs, callback }
      timers.push(timer)
      return () => void timers.splice(timers.indexOf(timer), 1)
    },
  }
  const waits = new ReceiptWaits({ clock }, max)
  const found: { value: string | undefined } = { value: undefined }
  const wait = (change: Partial<ReceiptWait<string>> = {}): Promise<string> => waits.wait({ find: () => found.value, waitMs: 1000, signal: undefined, commandHash: '0x', ...change })
  return { waits, found, wait, timers }
}

describe('waits for receipts', () => {
  test('end with what is there at once, or after a block', async () => {
    const { waits, found, wait, timers } = create()
    const waiting = wait()
    waits.noteChange()
    found.value = 'receipt'
    waits.noteChange()
    expect(await waiting).toBe('receipt')
    expect(await wait({ waitMs: 0 })).toBe('receipt')
    expect(timers).toEqual([])
  })
  test('end late, at most after a minute', async () => {
    const { wait, timers } = create()
    const waiting = codeOfRejection(wait({ waitMs: 3_600_000 }))
    expect(timers[0]?.delayMs).toBe(60_000)
    timers[0]?.callback()
    expect(await waiting).toBe('RECEIPT_NOT_YET')
    expect(await codeOfRejection(wait({ waitMs: 0 }))).toBe('RECEIPT_NOT_YET')
  })
  test('end when the asker leaves, the worker stops, or it serves no more', async () => {
    const { waits, wait, timers } = create()
    const controller = new AbortController()
    const left = codeOfRejection(wait({ signal: controller.signal }))
    controller.abort()
    expect(await left).toBe('QUERY_CANCELLED')
    expect(await codeOfRejection(wait({ signal: controller.signal }))).toBe('QUERY_CANCELLED')
    let serves = true
    const unserved = codeOfRejection(wait({
      find() {
        if (!serves) throw new AppError('QUERY_NO_CLUSTER', {})
        return undefined
      },
    }))
    serves = false
    waits.noteChange()
    expect(await unserved).toBe('QUERY_NO_CLUSTER')
    const stopped = codeOfRejection(wait())
    waits.close()
    expect(await stopped).toBe('QUERY_CANCELLED')
    expect(timers).toEqual([])
  })
  test('are bounded in number', async () => {
    const { wait, waits } = create(1)
    const first = codeOfRejection(wait())
    expect(await codeOfRejection(wait())).toBe('RECEIPT_WAITS_EXCEEDED')
    waits.close()
    await first
  })
})
