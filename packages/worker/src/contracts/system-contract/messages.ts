/** Owns what the messages of the built-in system contract do (cluster_contracts.md section 9). Does not own how they are dispatched. */
import { bytesEqual } from '@phalanx/primitives/bytes'
import {
  SYSTEM_EVENTS, SYSTEM_VERSION, systemCalls, type DriverError, type SystemArguments, type SystemError, type SystemMessageName, type SystemReturn,
} from '@phalanx/primitives/ink'
import { stopWith } from '../execution/extension-function.ts'
import type { SubcallOutcome } from '../vm.ts'
import { EXTENSION, type SystemContext } from './context.ts'

/** Driver that logs go to; the contract itself stands for the log server built into workers. */
const LOGGER = 'PinkLogger'
/** Driver whose id is the hash of the code for `js_eval`. */
const JS_RUNTIME = 'JsRuntime'
/** Driver that is told what is staked for contracts. */
const CONTRACT_DEPOSIT = 'ContractDeposit'
/** Stake for one unit of weight, where no driver says otherwise. */
const STAKE_PER_WEIGHT = 10_000_000_000n
const WEIGHT_MAX = 0xffff_ffffn
const LEAST_RUNTIME = [1, 0] as const

type Done = SystemReturn<'grantAdmin'>
type Handler<N extends SystemMessageName> = (context: SystemContext, args: SystemArguments<N>) => SystemReturn<N>

const DONE: Done = { ok: true, value: [] }
const refuse = (kind: SystemError['kind']): Done => ({ ok: false, error: { kind } })

const onlyIf = <A>(isAllowed: (context: SystemContext) => boolean, run: (context: SystemContext, args: A) => Done): ((context: SystemContext, args: A) => Done) =>
  (context, args) => (isAllowed(context) ? run(context, args) : refuse('PermisionDenied'))

const byOwner = <A>(run: (context: SystemContext, args: A) => Done) => onlyIf((context) => context.isByOwner, run)
const byAdmin = <A>(run: (context: SystemContext, args: A) => Done) => onlyIf((context) => context.isByAdmin, run)

/** Whether one version comes after another. */
const isAbove = (a: readonly number[], b: readonly number[]): boolean => {
  const place = a.findIndex((part, i) => part !== b[i])
  return place >= 0 && (a[place] as number) > (b[place] as number)
}

/** Side programs are not offered: whoever may ask for one hears that. */
const noSidePrograms = byAdmin<unknown>(() => refuse('ConditionNotMet'))

/** Sets a driver; the one before goes to the history. The same again changes nothing but tells the worker once more. */
const setDriver = (context: SystemContext, { name, contractId }: SystemArguments<'setDriver'>): void => {
  const { storage, host } = context
  if (name === LOGGER) context.tellWorker({ kind: 'SetLogHandler', value: contractId })
  if (name === JS_RUNTIME) context.tellWorker({ kind: 'SetJsRuntime', value: contractId })
  const previous = storage.driver(name)
  if (previous !== undefined) {
    if (bytesEqual(previous[1], contractId)) return
    storage.setDriverHistory(name, [...(storage.driverHistory(name) ?? []), previous])
  }
  storage.setDriver(name, [host.blockNumber, contractId])
  context.emit(SYSTEM_EVENTS.DriverChanged, { name, previous: previous?.[1], current: contractId })
}

/** What a called contract answered to a message of the system interface. @throws CONTRACT_TRAPPED where it gave no answer */
const answerOf = <N extends SystemMessageName>(called: N, outcome: SubcallOutcome): SystemReturn<N> => {
  if (outcome.kind === 'Failed') throw stopWith('ContractTrapped', `${called}: the called contract failed (${outcome.value})`)
  let answer: ReturnType<typeof systemCalls.decode<N>>
  try {
    answer = systemCalls.decode(called, outcome.value.data)
  } catch {
    throw stopWith('ContractTrapped', `${called}: the called contract answered something else`)
  }
  if (!answer.ok) throw stopWith('ContractTrapped', `${called}: the called contract does not know the message`)
  return answer.value
}

/** Takes over the system code that the chain has: this contract's code becomes that, which confirms it, or all stays as it was. */
const upgradeSystemContract = (context: SystemContext): Done => {
  const { host } = context
  context.log('Info', 'The system contract is being upgraded.')
  const codeHash = context.ask(EXTENSION.importLatestSystemCode, [context.caller])
  if (codeHash === undefined) {
    context.log('Error', 'The chain has no system code.')
    return refuse('CodeNotFound')
  }
  const current = host.codeHashOf(host.address)
  if (current !== undefined && bytesEqual(current, codeHash)) {
    context.log('Info', 'The system contract has the newest code already.')
    return DONE
  }
  if (!host.setCodeHash(codeHash)) throw stopWith('CodeNotFound', 'the imported system code is not stored')
  const input = systemCalls.encode('doUpgrade', { fromVersion: SYSTEM_VERSION })
  const confirmed = answerOf('doUpgrade', host.call({ callee: host.address, value: 0n, input, gasLimit: 0n, allowReentry: true }))
  if (!confirmed.ok) throw stopWith('ContractTrapped', `the new system code refuses to take over: ${confirmed.error.kind}`)
  context.log('Info', 'The system contract is upgraded.')
  return DONE
}

const doUpgrade = (context: SystemContext, { fromVersion }: SystemArguments<'doUpgrade'>): Done => {
  if (isAbove(LEAST_RUNTIME, context.ask(EXTENSION.runtimeVersion, []))) return refuse('ConditionNotMet')
  if (isAbove(SYSTEM_VERSION, fromVersion)) return DONE
  context.log('Error', 'The system contract is upgraded already.')
  return refuse('ConditionNotMet')
}

/** Workers would stop over a version that they do not have; better to refuse it here. */
const upgradeRuntime = (context: SystemContext, { version }: SystemArguments<'upgradeRuntime'>): Done => {
  if (isAbove(version, context.ask(EXTENSION.runtimeVersion, []))) return refuse('ConditionNotMet')
  context.tellWorker({ kind: 'UpgradeRuntimeTo', value: { version } })
  return DONE
}

/** What is staked for a contract changed: its driver decides, or, where there is none (or this contract itself), the stake is its weight. */
const changeDeposit = (context: SystemContext, { contractId, deposit }: SystemArguments<'changeDeposit'>): SystemReturn<'changeDeposit'> => {
  const { host, storage } = context
  if (!context.isBySelf) return { ok: false, error: { kind: 'SystemError', value: { kind: 'PermisionDenied' } } satisfies DriverError }
  const driver = storage.driver(CONTRACT_DEPOSIT)?.[1]
  if (driver !== undefined && !bytesEqual(driver, host.address)) {
    const input = systemCalls.encode('changeDeposit', { contractId, deposit })
    return answerOf('changeDeposit', host.call({ callee: driver, value: 0n, input, gasLimit: 0n, allowReentry: true }))
  }
  const weight = deposit / STAKE_PER_WEIGHT
  context.tellWorker({ kind: 'SetContractWeight', value: { contract: contractId, weight: Number(weight < WEIGHT_MAX ? weight : WEIGHT_MAX) } })
  return DONE
}

/** Makes the contract: its owner is who instantiates it, and logs go to the log server built into workers. */
export const construct = (context: SystemContext): void => {
  context.storage.setOwner(context.caller)
  setDriver(context, { name: LOGGER, contractId: context.host.address })
}

/** What each message does. */
export const HANDLERS: { readonly [N in SystemMessageName]: Handler<N> } = {
  owner: ({ storage }) => storage.owner(),
  version: () => SYSTEM_VERSION,
  grantAdmin: byOwner((context, { contractId }) => {
    context.storage.addAdmin(contractId)
    context.emit(SYSTEM_EVENTS.AdministratorAdded, { user: contractId })
    return DONE
  }),
  setDriver: onlyIf((context) => context.isByOwner || context.isByAdmin, (context, args) => {
    setDriver(context, args)
    return DONE
  }),
  getDriver: ({ storage }, { name }) => storage.driver(name)?.[1],
  getDriver2: ({ storage }, { name }) => storage.driver(name),
  deploySidevmTo: noSidePrograms,
  stopSidevmAt: noSidePrograms,
  setHook: byAdmin((context, value) => {
    context.tellWorker({ kind: 'SetHook', value })
    return DONE
  }),
  setContractWeight: byAdmin((context, { contractId, weight }) => {
    context.tellWorker({ kind: 'SetContractWeight', value: { contract: contractId, weight } })
    return DONE
  }),
  totalBalanceOf: (context, { account }) => context.ask(EXTENSION.balanceOf, [account])[0],
  freeBalanceOf: (context, { account }) => context.ask(EXTENSION.balanceOf, [account])[1],
  isAdmin: ({ storage }, { contractId }) => storage.isAdmin(contractId),
  upgradeSystemContract: byOwner(upgradeSystemContract),
  doUpgrade: onlyIf((context) => context.isBySelf, doUpgrade),
  upgradeRuntime: byOwner(upgradeRuntime),
  codeExists: (context, { codeHash, codeType }) => context.ask(EXTENSION.codeExists, [codeHash, codeType.kind === 'Sidevm']),
  codeHash: ({ host }, { account }) => host.codeHashOf(account),
  driverHistory: ({ storage }, { name }) => storage.driverHistory(name),
  currentEventChainHead: (context) => context.ask(EXTENSION.currentEventChainHead, []),
  deploySidevmToWorkers: noSidePrograms,
  setSidevmDeadline: noSidePrograms,
  changeDeposit,
}
