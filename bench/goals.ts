/** Owns the figures to reach, as data: design goals by the name of the figure that a benchmark prints. */

/** A goal: the figure must be at most or at least this, in this unit. */
export interface Goal {
  readonly figure: RegExp
  readonly unit: string
  readonly atMost?: number
  readonly atLeast?: number
}

/** Goals; a figure belongs to the first one whose pattern its name matches. */
export const GOALS: readonly Goal[] = [
  { figure: /^dev: .*producing blocks/, unit: 's', atMost: 1.5 },
  { figure: /^dev: process start to ready/, unit: 's', atMost: 3 },
  { figure: /^dev: .*confidential answer/, unit: 's', atMost: 5 },
  { figure: /^transfers: import/, unit: '/s', atLeast: 5_000 },
  { figure: /^trie: root after 1,000 writes of 100,000$/, unit: 'ms', atMost: 15 },
  { figure: /^worker: catch-up.*empty/, unit: 'blocks/s', atLeast: 20_000 },
  { figure: /^worker: catch-up.*heartbeat/, unit: 'blocks/s', atLeast: 2_000 },
  { figure: /^attestation: .*cached collateral/, unit: 'ms', atMost: 1 },
  { figure: /^query: .*p50/, unit: 'ms', atMost: 3 },
  { figure: /^query: .*p99/, unit: 'ms', atMost: 15 },
  { figure: /^gatekeeper: .*10,000/, unit: 'ms', atMost: 50 },
  { figure: /^fleet: .*all work of a block, p99/, unit: 'ms', atMost: 1_000 },
  { figure: /^fleet: .*heartbeats missed/, unit: 'of all', atMost: 0 },
]

/** One measured line; `ratio` tells how many times better than the alternative named in `against` it is. */
export interface Figure {
  readonly name: string
  readonly figure: number
  readonly unit: string
  readonly against: string
  readonly ratio: number
}

/** The goal of a figure and whether it is reached; undefined where there is none. */
export const goalOf = ({ name, figure, unit }: Figure): { readonly text: string; readonly isReached: boolean } | undefined => {
  const goal = GOALS.find((each) => each.figure.test(name) && each.unit === unit)
  if (goal === undefined) return undefined
  if (goal.atMost !== undefined) return { text: `≤ ${goal.atMost} ${goal.unit}`, isReached: figure <= goal.atMost }
  return { text: `≥ ${(goal.atLeast ?? 0).toLocaleString('en')} ${goal.unit}`, isReached: figure >= (goal.atLeast ?? 0) }
}
