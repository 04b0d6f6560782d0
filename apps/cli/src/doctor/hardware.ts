/** Owns the checks of what a platform needs of its machine: processor, devices, drivers, permissions. What that is the platform says. */
import type { PlatformKind, Prerequisite } from '@phalanx/worker/platform'
import { fail, failWith, ok, skip, warn, type Finding } from './findings.ts'
import type { Machine, PathView } from './machine.ts'

const CPUINFO = '/proc/cpuinfo'
const KERNEL = '/proc/sys/kernel/osrelease'

const labelOf = ({ step, name }: Prerequisite): string => `${step}: ${name}`

const miss = (prerequisite: Prerequisite, cause: string): Finding => (prerequisite.isHint === true ? warn : fail)(labelOf(prerequisite), cause, prerequisite.fix)

const readFlags = async (machine: Machine): Promise<ReadonlySet<string>> => new Set(/^flags\s*:(.*)$/m.exec(await machine.readText(CPUINFO))?.[1]?.trim().split(/\s+/) ?? [])

const checkFlag = async (machine: Machine, prerequisite: Prerequisite, anyOf: readonly string[]): Promise<Finding> => {
  const flags = await readFlags(machine)
  const found = anyOf.filter((flag) => flags.has(flag))
  return found.length > 0 ? ok(labelOf(prerequisite), found.join(', ')) : miss(prerequisite, `the processor shows none of: ${anyOf.join(', ')}`)
}

const checkKernel = async (machine: Machine, prerequisite: Prerequisite, [major, minor]: readonly [number, number]): Promise<Finding> => {
  const release = (await machine.readText(KERNEL)).trim()
  const [, foundMajor, foundMinor] = /^(\d+)\.(\d+)/.exec(release) ?? []
  if (foundMajor === undefined || foundMinor === undefined) return miss(prerequisite, `the kernel's release "${release.slice(0, 60)}" names no version`)
  const isNew = Number(foundMajor) > major || (Number(foundMajor) === major && Number(foundMinor) >= minor)
  return isNew ? ok(labelOf(prerequisite), release) : miss(prerequisite, `Linux ${release} is older than ${major}.${minor}`)
}

const findPath = async (machine: Machine, paths: readonly string[]): Promise<readonly [path: string, view: PathView] | undefined> => {
  for (const path of paths) {
    const view = await machine.look(path)
    if (view !== undefined) return [path, view]
  }
  return undefined
}

const checkPath = async (machine: Machine, prerequisite: Prerequisite, anyOf: readonly string[]): Promise<Finding> => {
  const found = await findPath(machine, anyOf)
  return found === undefined ? miss(prerequisite, `there is no ${anyOf.join(' nor ')}`) : ok(labelOf(prerequisite), found[0])
}

const checkAccess = async (machine: Machine, prerequisite: Prerequisite): Promise<Finding | undefined> => {
  const { test, access, fix, accessFix } = prerequisite
  if (access === undefined || test.kind !== 'path') return undefined
  const label = `permission: ${prerequisite.name}`
  const found = await findPath(machine, test.anyOf)
  if (found === undefined) return skip(label, 'it is not there')
  const [path, view] = found
  const isAllowed = access === 'write' ? view.isWritable : view.isReadable
  return isAllowed ? ok(label, `may ${access} ${path}`) : fail(label, `this user may not ${access} ${path}`, accessFix ?? fix)
}

const checkOne = async (machine: Machine, prerequisite: Prerequisite): Promise<Finding> => {
  const { test } = prerequisite
  try {
    switch (test.kind) {
      case 'cpuFlag': return await checkFlag(machine, prerequisite, test.anyOf)
      case 'kernel': return await checkKernel(machine, prerequisite, test.atLeast)
      case 'path': return await checkPath(machine, prerequisite, test.anyOf)
    }
  } catch (error) {
    return failWith(labelOf(prerequisite), error, prerequisite.fix)
  }
}

/** Findings about the machine, in the platform's order, permissions last. Inside the place where evidence is made its outside is not looked at. */
export const checkHardware = async (machine: Machine, platform: PlatformKind): Promise<readonly Finding[]> => {
  const { prerequisites, inside, name } = platform
  if (prerequisites.length === 0) return [skip('hardware', `the platform ${name} needs none`)]
  if (inside !== undefined && (await machine.look(inside.path)) !== undefined) return [ok('hardware', `this is inside ${inside.place}`)]
  const found: Finding[] = []
  for (const prerequisite of prerequisites) found.push(await checkOne(machine, prerequisite))
  for (const prerequisite of prerequisites) {
    const access = await checkAccess(machine, prerequisite)
    if (access !== undefined) found.push(access)
  }
  return found
}
