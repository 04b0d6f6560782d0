/** Owns the types of System: accounts, phases, event records, weights per class. */
import { createCodec, compactU32, named, remainder, struct, text, u32, u128, newtype, variant, plainInfo, type TypeInfo, type TypeOf } from '@phalanx/primitives/codec'
import { Hash } from '@phalanx/primitives/chain'
import { RUNTIME_EVENT_MARK } from '../../frame/marks.ts'
import { Weight } from '../../frame/weight.ts'

/** Balances of an account; `flags` has the top bit set since holds and freezes exist (new logic). */
export const AccountData = named(
  'pallet_balances::types::AccountData',
  struct({ free: u128, reserved: u128, frozen: u128, flags: newtype('pallet_balances::types::ExtraFlags', u128) }),
)
export type AccountData = TypeOf<typeof AccountData>

/** What the chain keeps of an account besides its key. */
export const AccountInfo = named(
  'frame_system::AccountInfo',
  struct({ nonce: u32, consumers: u32, providers: u32, sufficients: u32, data: AccountData }),
)
export type AccountInfo = TypeOf<typeof AccountInfo>

/** Flag of accounts that follow the rules of holds and freezes. */
export const NEW_LOGIC_FLAG = 1n << 127n

/** An account that does not exist. */
export const NO_ACCOUNT: AccountInfo = {
  nonce: 0, consumers: 0, providers: 0, sufficients: 0,
  data: { free: 0n, reserved: 0n, frozen: 0n, flags: NEW_LOGIC_FLAG },
}

/** Part of block execution. */
export const Phase = named(
  'frame_system::Phase',
  variant('Phase', { ApplyExtrinsic: { index: 0, value: u32 }, Finalization: { index: 1 }, Initialization: { index: 2 } }),
)
export type Phase = TypeOf<typeof Phase>

/** A value per dispatch class. */
export const WeightPerClass = named(
  'frame_support::dispatch::PerDispatchClass',
  struct({ normal: Weight, operational: Weight, mandatory: Weight }),
)
export type WeightPerClass = TypeOf<typeof WeightPerClass>

/** Which runtime last ran on this state. */
export const LastRuntimeUpgradeInfo = named('frame_system::LastRuntimeUpgradeInfo', struct({ specVersion: compactU32, specName: text }))
export type LastRuntimeUpgradeInfo = TypeOf<typeof LastRuntimeUpgradeInfo>

const topicsInfo = plainInfo({ kind: 'sequence', element: Hash.info })

const eventRecordInfo: TypeInfo = {
  path: ['frame_system', 'EventRecord'],
  params: [{ name: 'E', type: () => RUNTIME_EVENT_MARK }, { name: 'T', type: Hash.info }],
  docs: [],
  def: {
    kind: 'composite',
    fields: [
      { name: 'phase', type: Phase.info },
      { name: 'event', type: () => RUNTIME_EVENT_MARK },
      { name: 'topics', type: () => topicsInfo },
    ],
  },
}
const eventRecordsInfo = plainInfo({ kind: 'sequence', element: () => eventRecordInfo })

/** `Vec<EventRecord>` kept as bytes: the block gathers records encoded. */
export const EventRecords = createCodec<Uint8Array>({ info: () => eventRecordsInfo, minSize: 1, write: remainder.write, read: remainder.read })
