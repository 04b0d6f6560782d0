/** Owns what each type of proxy may call. Names are as declared in TypeScript. */
import type { RuntimeCall } from '../../frame/context.ts'
import type { CallFilter } from '../../frame/origin.ts'
import type { ProxyDefinition, ProxyType } from './storage.ts'

const WITHOUT_TRANSFERS: ReadonlySet<string> = new Set([
  'System', 'Utility', 'Democracy', 'Council', 'TechnicalCommittee', 'Grandpa', 'Treasury', 'Scheduler', 'Preimage', 'Proxy', 'PhalaMq', 'PhalaRegistry', 'PhalaComputation',
])
const GOVERNANCE: ReadonlySet<string> = new Set(['Utility', 'Council', 'TechnicalCommittee', 'Democracy', 'Treasury'])
const POOL_MANAGER_CALLS: ReadonlySet<string> = new Set(['addWorker', 'removeWorker', 'startComputing', 'stopComputing', 'restartComputing', 'reclaimPoolWorker'])

const ALLOWS: Readonly<Record<ProxyType['kind'], CallFilter>> = {
  Any: () => true,
  NonTransfer: ({ pallet }) => WITHOUT_TRANSFERS.has(pallet),
  CancelProxy: ({ pallet, name }) => (pallet === 'Proxy' && name === 'rejectAnnouncement') || pallet === 'Utility',
  Governance: ({ pallet }) => GOVERNANCE.has(pallet),
  StakePoolManager: ({ pallet, name }) => pallet === 'Utility' || (pallet === 'PhalaStakePoolv2' && POOL_MANAGER_CALLS.has(name)),
}

/** Whether a proxy of type `a` may do all that one of type `b` may. */
export const isSuperset = (pair: { readonly a: ProxyType; readonly b: ProxyType }): boolean => {
  const [a, b] = [pair.a.kind, pair.b.kind]
  if (a === b || a === 'Any') return true
  return b !== 'Any' && a === 'NonTransfer' && b !== 'StakePoolManager'
}

/** Filter of the calls that a proxy makes: its type's, and no proxy with more permissions than its own may be touched. */
export const filterOf = ({ proxyType }: ProxyDefinition, outer: CallFilter | undefined): CallFilter => (call: RuntimeCall) => {
  if (outer?.(call) === false) return false
  if (call.pallet === 'Proxy') {
    if (call.name === 'addProxy' || call.name === 'removeProxy') {
      if (!isSuperset({ a: proxyType, b: (call.args as { readonly proxyType: ProxyType }).proxyType })) return false
    }
    if ((call.name === 'removeProxies' || call.name === 'killPure') && proxyType.kind !== 'Any') return false
  }
  return ALLOWS[proxyType.kind](call)
}
