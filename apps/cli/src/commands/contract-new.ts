/** Owns `phalanx contract new`. */
import { relative } from 'node:path'
import { writeProject } from '../contract/new-contract.ts'
import { createStyle, printLine, toJson } from '../output.ts'
import type { Runner } from '../program.ts'

/** Writes a project that builds and tests at once. */
export const runNewContract: Runner = async (io, [target = ''], options) => {
  const { folder, name, files } = writeProject(target)
  const place = relative(process.cwd(), folder) || '.'
  const next = [`phalanx contract test ${place}`, `phalanx contract build ${place}`]
  if (options['json'] === true) {
    printLine(io.stdout, toJson({ name, folder, files, next }))
    return 0
  }
  const style = createStyle(io.stdout, io.env)
  printLine(io.stdout, `${style.good('written')}  ${style.bold(place)}: ${files.join(', ')}`)
  printLine(io.stdout, `\nNext:\n${next.map((line) => `  $ ${line}`).join('\n')}`)
  return 0
}
