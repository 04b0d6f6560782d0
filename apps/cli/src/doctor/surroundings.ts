/** Owns the checks of a machine's surroundings: ports, clock, node, disk. */
import { bytesEqual, toHex } from '@phalanx/primitives/bytes'
import { fail, failWith, ok, skip, warn, type Finding } from './findings.ts'
import type { Machine, NodeView } from './machine.ts'

const MS_PER_SECOND = 1000
/** A worker judges evidence by chain time; people, certificates and logs go by this clock. */
const CLOCK_WARN_MS = 2 * MS_PER_SECOND
const CLOCK_FAIL_MS = 60 * MS_PER_SECOND
const BLOCK_AGE_WARN_MS = 60 * MS_PER_SECOND
const GIB = 1024 ** 3
const MIB = 1024 ** 2
const FREE_FAIL_BYTES = 256 * MIB
const FREE_WARN_BYTES = 2 * GIB
const SYNC_WARN_MS = 50
const SYNC_FAIL_MS = 1000
const CLOCK_FIX = 'Switch time synchronisation on (timedatectl set-ntp true, or chrony) and wait until it has caught up.'

/** Each port that the parts of this machine will listen on. */
export const checkPorts = async (machine: Machine, ports: readonly number[]): Promise<readonly Finding[]> =>
  Promise.all(ports.map(async (port) => {
    const check = `port ${port}`
    try {
      return (await machine.isPortFree(port)) ? ok(check, 'free') : fail(check, 'another process listens there', 'Stop that process (ss -ltnp names it), or choose another port. A part that runs already is no fault.')
    } catch (error) {
      return failWith(check, error, 'Choose another port; ports under 1024 need privileges.')
    }
  }))

const judgeOffset = (check: string, offsetMs: number, against: string): Finding => {
  const seconds = (offsetMs / MS_PER_SECOND).toFixed(1)
  const text = `${Math.abs(offsetMs) < CLOCK_WARN_MS ? 'agrees with' : `${seconds} s ${offsetMs > 0 ? 'ahead of' : 'ahead (negative: behind) of'}`} ${against}`
  if (Math.abs(offsetMs) >= CLOCK_FAIL_MS) return fail(check, text, CLOCK_FIX)
  return Math.abs(offsetMs) >= CLOCK_WARN_MS ? warn(check, text, CLOCK_FIX) : ok(check, text)
}

/** The clock beside a time server's. */
export const checkTimeServer = async (machine: Machine, timeServer: string | undefined): Promise<Finding> => {
  const check = 'clock: time server'
  if (timeServer === undefined) return skip(check, 'none is given (--time-server pool.ntp.org)')
  try {
    return judgeOffset(check, await machine.clockOffsetMs(timeServer), timeServer)
  } catch (error) {
    return failWith(check, error, 'Give a time server that answers on UDP port 123, or leave --time-server out.')
  }
}

/** The clock beside the chain's: blocks cannot come from the future, so only a clock that is behind shows; an old block is the chain's matter. */
const checkChainClock = (nowMs: number, blockTimeMs: number | undefined): Finding => {
  const check = 'clock: chain'
  if (blockTimeMs === undefined) return skip(check, 'the chain has no block with a time yet')
  const ageMs = nowMs - blockTimeMs
  if (ageMs < -CLOCK_WARN_MS) return judgeOffset(check, ageMs, 'the chain')
  return ageMs > BLOCK_AGE_WARN_MS
    ? warn(check, `the last final block is ${Math.round(ageMs / MS_PER_SECOND)} s old`, 'Look whether the chain makes blocks, and whether this clock is ahead (--time-server).')
    : ok(check, `the last final block is ${Math.max(0, Math.round(ageMs / MS_PER_SECOND))} s old`)
}

/** The node and whose chain it serves; the view stays open for the checks that follow. */
export const checkNode = async (
  machine: Machine, options: { readonly url: string | undefined; readonly genesisHash: Uint8Array | undefined },
): Promise<{ readonly findings: readonly Finding[]; readonly node: NodeView | undefined }> => {
  const { url, genesisHash } = options
  if (url === undefined) return { node: undefined, findings: ['node', 'chain identity', 'clock: chain'].map((check) => skip(check, 'no node is given (--node ws://127.0.0.1:9944)')) }
  let node: NodeView
  try {
    node = await machine.connect(url)
  } catch (error) {
    const lost = failWith('node', error, 'Start the node, or correct its address.')
    return { node: undefined, findings: [lost, skip('chain identity', 'the node does not answer'), skip('clock: chain', 'the node does not answer')] }
  }
  const { specName, specVersion, finalizedNumber, blockTimeMs } = node
  const identity = genesisHash === undefined
    ? ok('chain identity', `${toHex(node.genesisHash)} (give --genesis to have it compared)`)
    : bytesEqual(genesisHash, node.genesisHash)
      ? ok('chain identity', toHex(node.genesisHash))
      : fail('chain identity', `this is another chain: ${toHex(node.genesisHash)}, not ${toHex(genesisHash)}`, 'Point --node at a node of your network.')
  return { node, findings: [ok('node', `${url}: ${specName} ${specVersion}, final block ${finalizedNumber}`), identity, checkChainClock(machine.nowMs(), blockTimeMs)] }
}

const gib = (bytes: number): string => `${(bytes / GIB).toFixed(1)} GiB`

/** Room and speed of the disk under the base path. */
export const checkDisk = async (machine: Machine, folder: string | undefined): Promise<readonly Finding[]> => {
  if (folder === undefined) return [skip('disk: room', 'no folder is given (--base-path)'), skip('disk: synced writes', 'no folder is given (--base-path)')]
  try {
    const { freeBytes, syncMs } = await machine.disk(folder)
    const room = 'Free space, or put the base path on a larger disk.'
    const speed = 'Put the base path on a local SSD: every sealed key and every block is a synced write.'
    const took = `${syncMs.toFixed(1)} ms each`
    return [
      freeBytes < FREE_FAIL_BYTES ? fail('disk: room', `${gib(freeBytes)} free at ${folder}`, room) : freeBytes < FREE_WARN_BYTES ? warn('disk: room', `${gib(freeBytes)} free at ${folder}`, room) : ok('disk: room', `${gib(freeBytes)} free at ${folder}`),
      syncMs >= SYNC_FAIL_MS ? fail('disk: synced writes', took, speed) : syncMs >= SYNC_WARN_MS ? warn('disk: synced writes', took, speed) : ok('disk: synced writes', took),
    ]
  } catch (error) {
    return [failWith('disk: room', error, `Give a folder that this user may write to with --base-path (${folder} is not).`), skip('disk: synced writes', 'nothing can be written')]
  }
}
