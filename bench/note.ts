/** Owns what a benchmark says while it runs: lines that `bench/run.ts` shows people, apart from the figures. */

/** Mark of a note's line on standard output. */
export const NOTE_MARK = 'PHALANX-NOTE '

/** Shows a line. */
export const note = (line: string): void => void process.stdout.write(`${NOTE_MARK}${line}\n`)
