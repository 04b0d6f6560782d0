/** Owns the table that a run prints per kind: every outside case with its stated outcome and ours. */
import { expect } from 'vitest'
import { formatVerdict, type Verdict } from '../src/index.ts'
import { formatTable } from './cases.ts'

/** How a case counts: as stated, as stated only after a change that the remark names, otherwise for the reason in the remark, or not judged as its own notes ask. */
export type Count = 'yes' | 'changed' | 'differs' | 'not judged'

/** The table of one kind. */
export interface Outcomes {
  /** Notes a case and asserts that it came out as stated. */
  record(row: { readonly name: string; readonly stated: string; readonly verdict: Verdict; readonly ok: boolean; readonly count?: Count; readonly remark?: string }): void
  /** Prints the table with its totals; nothing where no case ran. */
  print(): void
}

/** A verdict in a word. */
export const describeVerdict = (verdict: Verdict): string => (verdict.ok ? `accepted: ${verdict.facts.tcbStatus}` : `refused: ${verdict.errorCode.slice('ATTESTATION_'.length)}`)

/** An empty table. */
export const createOutcomes = (title: string): Outcomes => {
  const rows: string[][] = []
  return {
    record({ name, stated, verdict, ok, count = 'yes', remark = '' }) {
      rows.push([name, stated.slice(0, 60), describeVerdict(verdict), count !== 'yes' ? count : ok ? 'yes' : 'NO', remark])
      if (count !== 'not judged') expect(ok, `${name}, stated ${stated}: ${formatVerdict(verdict)}`).toBe(true)
    },
    print() {
      if (rows.length === 0) return
      const total = (word: string): number => rows.filter((row) => row[3] === word).length
      const tail = `${rows.length} cases: ${total('yes')} as stated, ${total('changed')} as stated after the change named, ${total('differs')} otherwise for the reason named, ${total('not judged')} not judged (their notes ask for it), ${total('NO')} failed`
      console.log(`${title}\n${formatTable([['case', 'stated', 'ours', 'ok', 'remark'], ...rows])}\n${title}: ${tail}`)
    },
  }
}
