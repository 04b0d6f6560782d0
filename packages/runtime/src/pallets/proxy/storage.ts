/** Owns Proxy's storage items and their types. */
import { AccountId, Hash } from '@phalanx/primitives/chain'
import { named, struct, tuple, u128, u32, variant, vecUpTo, type TypeOf } from '@phalanx/primitives/codec'
import { palletStorage } from '../../frame/storage.ts'

/** Most proxies of an account. */
export const PROXIES_MAX = 32
/** Most announcements of a proxy that wait. */
export const PENDING_MAX = 32

/** What a proxy may do (filters.ts); indices as the reference chain has them. */
export const ProxyType = named(
  'phalanx_runtime::ProxyType',
  variant('ProxyType', { Any: { index: 0 }, NonTransfer: { index: 1 }, CancelProxy: { index: 2 }, Governance: { index: 3 }, StakePoolManager: { index: 5 } }),
)
export type ProxyType = TypeOf<typeof ProxyType>

/** One proxy: who, what, and after how many blocks of announcement. */
export const ProxyDefinition = named('pallet_proxy::ProxyDefinition', struct({ delegate: AccountId, proxyType: ProxyType, delay: u32 }))
export type ProxyDefinition = TypeOf<typeof ProxyDefinition>

/** A call that a proxy will make. */
export const Announcement = named('pallet_proxy::Announcement', struct({ real: AccountId, callHash: Hash, height: u32 }))
export type Announcement = TypeOf<typeof Announcement>

const proxy = palletStorage('Proxy')
const perAccount = { hasher: 'Twox64Concat', key: AccountId } as const

export const proxies = proxy.map('Proxies', {
  ...perAccount, type: tuple(vecUpTo(ProxyDefinition, PROXIES_MAX), u128), default: [[], 0n], doc: 'Proxies of an account and the deposit for them.' })
export const announcements = proxy.map('Announcements', {
  ...perAccount, type: tuple(vecUpTo(Announcement, PENDING_MAX), u128), default: [[], 0n], doc: 'Announcements of a proxy and the deposit for them.' })
