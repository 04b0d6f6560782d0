/**
 * Owns the import table of the project as data: which part may import which package, `node:` modules and third-party
 * libraries, and which parts are pure. ARCHITECTURE.md shows the same table; rules read it through `layerOf`.
 */

/** What one part of the tree may import. The first layer whose pattern matches a path is the path's layer. */
export interface Layer {
  readonly name: string
  readonly match: RegExp
  /** Workspace packages, or one subpath of one (`runtime/storage`); `type:` before it allows `import type` only. */
  readonly packages: readonly string[]
  readonly node: boolean
  /** Third-party packages; a trailing `*` matches a scope. */
  readonly thirdParty: readonly string[]
  /** No time, randomness, I/O or `await`: the ban list holds. */
  readonly isPure: boolean
  readonly isLeaf?: boolean
}

const ANY = ['*']
const WORKER_READS = ['primitives', 'attestation', 'runtime/frame', 'runtime/storage']
const EVERYTHING = ['primitives', 'attestation', 'runtime', 'node', 'worker', 'relay', 'sdk']
const layer = (name: string, match: RegExp, rest: Partial<Layer>): Layer => ({ name, match, packages: [], node: false, thirdParty: [], isPure: false, ...rest })

/** The table. Doors (one external dependency, one folder) come before the package they belong to. */
export const LAYERS: readonly Layer[] = [
  layer('primitives crypto/node', /^packages\/primitives\/src\/crypto\/node\//, {
    node: true, thirdParty: ['@noble/*', '@scure/*', 'libsodium-wrappers-sumo'],
  }),
  layer('primitives crypto/browser', /^packages\/primitives\/src\/crypto\/browser\//, { thirdParty: ['@noble/*', '@scure/*'] }),
  layer('primitives crypto', /^packages\/primitives\/src\/crypto\//, { thirdParty: ['@noble/*', '@scure/*'], isPure: true }),
  layer('primitives', /^packages\/primitives\/src\//, { isPure: true }),
  layer('attestation', /^packages\/attestation\/src\//, { packages: ['primitives'], isPure: true }),
  layer('runtime', /^packages\/runtime\/src\//, { packages: ['primitives', 'attestation'], isPure: true }),
  layer('node storage', /^packages\/node\/src\/storage\//, { packages: ['primitives', 'runtime'], node: true, thirdParty: ['classic-level'] }),
  layer('node rpc', /^packages\/node\/src\/rpc\//, { packages: ['primitives', 'runtime'], node: true, thirdParty: ['ws'] }),
  layer('node metrics', /^packages\/node\/src\/metrics\//, { packages: ['primitives', 'runtime'], node: true, thirdParty: ['prom-client'] }),
  layer('node', /^packages\/node\/src\//, { packages: ['primitives', 'runtime'], node: true }),
  layer('worker pure folders', /^packages\/worker\/src\/(core|system|gatekeeper|contracts|api)\//, { packages: WORKER_READS, isPure: true }),
  layer('worker engines', /^packages\/worker\/src\/engines\//, { packages: WORKER_READS, node: true, thirdParty: ['quickjs-emscripten', '@jitl/*'] }),
  layer('worker wire', /^packages\/worker\/src\/wire\//, { packages: WORKER_READS, thirdParty: ['@bufbuild/protobuf'] }),
  layer('worker shell', /^packages\/worker\/src\//, { packages: WORKER_READS, node: true }),
  layer('relay step', /^packages\/relay\/src\/step(\.ts$|\/)/, { packages: ['primitives', 'runtime/storage', 'worker/api', 'sdk'], isPure: true }),
  layer('relay shell', /^packages\/relay\/src\/create-relay(\.ts$|\/)/, { packages: ['primitives', 'runtime/storage', 'worker/api', 'sdk'], node: true }),
  layer('relay', /^packages\/relay\/src\//, { packages: ['primitives', 'runtime/storage', 'worker/api', 'sdk'] }),
  layer('sdk', /^packages\/sdk\/src\//, { packages: ['primitives', 'attestation', 'type:runtime', 'worker/api', 'worker/wire'] }),
  layer('cli', /^apps\/cli\//, { packages: EVERYTHING, node: true, thirdParty: ['commander', '@clack/prompts', 'esbuild', 'pino', 'ws'], isLeaf: true }),
  layer('console', /^apps\/console\//, { packages: ['primitives', 'attestation', 'type:runtime', 'sdk'], thirdParty: ANY, isLeaf: true }),
  layer('simulation', /^simulation\//, { packages: EVERYTHING, node: true, thirdParty: ['fast-check'], isLeaf: true }),
  layer('outside', /^(test|bench|fuzz|tools)\//, { packages: [...EVERYTHING, 'cli', 'simulation'], node: true, thirdParty: ANY, isLeaf: true }),
  layer('package tests', /^packages\/[^/]+\/test\//, { packages: EVERYTHING, node: true, thirdParty: ANY }),
]

/** The layer of a path; undefined outside the table. */
export const layerOf = (path: string): Layer | undefined => LAYERS.find(({ match }) => match.test(path))

/** Workspace folder of a path: `packages/node`, `apps/cli`, `simulation`; undefined for the root's own folders. */
export const workspaceOf = (path: string): string | undefined => /^(packages\/[^/]+|apps\/[^/]+|simulation)\//.exec(path)?.[1]
