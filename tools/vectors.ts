/** Owns the way tests reach the outside data in `shared/vectors` beside the checkout. The data is others' and never copied here. */
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, test } from 'vitest'

const root = resolve(import.meta.dirname, '..')

/** Folder of the vectors: `PHALANX_VECTORS`, or `../shared/vectors` beside the checkout; undefined where neither exists. */
export const vectorsDir = (): string | undefined => {
  const candidates = [process.env['PHALANX_VECTORS'], join(root, '../shared/vectors')]
  return candidates.find((path): path is string => path !== undefined && existsSync(path))
}

/** Reads a JSON vector file, for example `4-crypto/scale.json`. */
export const readVectorJson = <T>(name: string): T => JSON.parse(readFileSync(join(vectorsDir() ?? '', name), 'utf8')) as T

/** Reads a binary vector file. */
export const readVectorBytes = (name: string): Uint8Array => new Uint8Array(readFileSync(join(vectorsDir() ?? '', name)))

/** Like `describe`, but says "not run" and why where the vectors are absent. */
export const describeVectors = (name: string, define: () => void): void => {
  if (vectorsDir() !== undefined) {
    describe(name, define)
    return
  }
  describe(name, () => {
    test.skip('not run: ../shared/vectors is not beside this checkout', () => {})
    console.log(`not run: ${name} (../shared/vectors is not beside this checkout)`)
  })
}
