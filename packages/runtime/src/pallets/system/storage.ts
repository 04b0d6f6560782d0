/** Owns System's storage items. Items that live within a block only are declared for clients and never stay in the state. */
import { AccountId, Digest, Hash, ZERO_HASH } from '@phalanx/primitives/chain'
import { bool, bytes, tuple, u32, vec } from '@phalanx/primitives/codec'
import { palletStorage } from '../../frame/storage.ts'
import { ZERO_WEIGHT } from '../../frame/weight.ts'
import { AccountInfo, EventRecords, LastRuntimeUpgradeInfo, NO_ACCOUNT, Phase, WeightPerClass } from './types.ts'

const system = palletStorage('System')

// Written several times in a transfer; every write goes through checked sums, so that encoding cannot fail.
export const account = system.map('Account', {
  deferred: true,
  hasher: 'Blake2_128Concat', key: AccountId, type: AccountInfo, default: NO_ACCOUNT, doc: 'Nonce, reference counts and balances of an account.' })
export const extrinsicCount = system.value('ExtrinsicCount', { type: u32, doc: 'Extrinsics of the block being run.' })
export const blockWeight = system.value('BlockWeight', {
  type: WeightPerClass, default: { normal: ZERO_WEIGHT, operational: ZERO_WEIGHT, mandatory: ZERO_WEIGHT }, doc: 'Weight of the block by dispatch class.' })
export const allExtrinsicsLen = system.value('AllExtrinsicsLen', { type: u32, doc: 'Bytes of all extrinsics of the block being run.' })
export const blockHash = system.map('BlockHash', {
  hasher: 'Twox64Concat', key: u32, type: Hash, default: ZERO_HASH, doc: 'Hashes of recent blocks by number.' })
export const extrinsicData = system.map('ExtrinsicData', {
  hasher: 'Twox64Concat', key: u32, type: bytes, default: new Uint8Array(0), doc: 'Extrinsics of the block being run.' })
export const number = system.value('Number', { type: u32, default: 0, doc: 'Number of this block.' })
export const parentHash = system.value('ParentHash', { type: Hash, default: ZERO_HASH, doc: 'Hash of the parent block.' })
export const digest = system.value('Digest', { type: Digest, default: { logs: [] }, doc: 'Digest of this block, without what the block end adds.' })
export const events = system.value('Events', { type: EventRecords, default: Uint8Array.of(0), doc: 'Events of this block.' })
export const eventCount = system.value('EventCount', { type: u32, default: 0, doc: 'Number of events of this block.' })
export const eventTopics = system.map('EventTopics', {
  hasher: 'Blake2_128Concat', key: Hash, type: vec(tuple(u32, u32)), default: [], doc: 'Events by topic; unused.' })
export const lastRuntimeUpgrade = system.value('LastRuntimeUpgrade', { type: LastRuntimeUpgradeInfo, doc: 'The runtime that last ran on this state.' })
export const upgradedToU32RefCount = system.value('UpgradedToU32RefCount', { type: bool, default: false, doc: 'Always true here.' })
export const upgradedToTripleRefCount = system.value('UpgradedToTripleRefCount', { type: bool, default: false, doc: 'Always true here.' })
export const executionPhase = system.value('ExecutionPhase', { type: Phase, doc: 'Phase of the block being run.' })
