/** The contract pallets look to clients as the reference's do: calls with their arguments, events, errors and storage; and as far as it goes, as on a chain of 2022. */
import { Metadata, TypeRegistry } from '@polkadot/types'
import { decorateExtrinsics } from '@polkadot/types/metadata'
import { toHex } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { clusterIdOf } from '@phalanx/primitives/messages'
import { expect, test } from 'vitest'
import { describeVectors, readVectorJson } from '../../../tools/vectors.ts'
import { phalaPhatContracts } from '../src/pallets/phala-phat-contracts/pallet.ts'
import { phalaPhatTokenomic } from '../src/pallets/phala-phat-tokenomic/pallet.ts'
import type { AnyPallet } from '../src/frame/pallet.ts'
import { createPhalanxRuntime } from '../src/runtime.ts'

const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
/** Where ours begins, by pallet: calls, events, errors. */
const OURS: Readonly<Record<string, readonly [calls: number, events: number, errors: number]>> = { PhalaPhatContracts: [11, 11, 13], PhalaPhatTokenomic: [1, 2, 1] }

const REFERENCE: Readonly<Record<string, { readonly calls: readonly string[]; readonly events: readonly string[]; readonly errors: readonly string[]; readonly storage: readonly string[] }>> = {
  PhalaPhatContracts: {
    calls: [
      'add_cluster owner permission deploy_workers deposit gas_price deposit_per_item deposit_per_byte treasury_account',
      'cluster_upload_resource cluster_id resource_type resource_data', 'transfer_to_cluster amount cluster_id dest_account',
      'push_contract_message contract_id payload deposit',
      'instantiate_contract code_index data salt cluster_id transfer gas_limit storage_deposit_limit deposit', 'cluster_destroy cluster',
      'set_pink_system_code code', 'set_pink_runtime_version version', 'add_worker_to_cluster worker_pubkey cluster_id',
      'remove_worker_from_cluster worker_pubkey cluster_id', 'cleanup_removed_workers cluster_id',
    ],
    events: [
      'ClusterCreated cluster system_contract', 'ClusterPubkeyAvailable cluster pubkey', 'ClusterDeployed cluster pubkey worker', 'ClusterDeploymentFailed cluster worker',
      'Instantiating contract cluster deployer', 'ContractPubkeyAvailable contract cluster pubkey', 'Instantiated contract cluster deployer', 'ClusterDestroyed cluster',
      'Transfered cluster account amount', 'WorkerAddedToCluster worker cluster', 'WorkerRemovedFromCluster worker cluster',
    ],
    errors: [
      'CodeNotFound', 'ClusterNotFound', 'ClusterNotDeployed', 'ClusterPermissionDenied', 'DuplicatedContract', 'DuplicatedDeployment', 'NoWorkerSpecified', 'InvalidSender',
      'WorkerNotFound', 'PayloadTooLarge', 'NoPinkSystemCode', 'ContractNotFound', 'WorkerIsBusy',
    ],
    storage: [
      'Contracts Optional Twox64Concat', 'ClusterCounter Default', 'Clusters Optional Twox64Concat', 'ClusterContracts Default Twox64Concat', 'ClusterWorkers Default Twox64Concat',
      'ClusterByWorkers Optional Twox64Concat', 'PinkSystemCode Default', 'PinkSystemCodeHash Optional', 'PinkRuntimeVersion Optional', 'NextPinkSystemCode Optional',
    ],
  },
  PhalaPhatTokenomic: {
    calls: ['adjust_stake contract amount'],
    events: ['ContractDepositChanged cluster contract deposit', 'UserStakeChanged cluster account contract stake'],
    errors: ['InvalidAmountOfStake'],
    storage: ['ContractUserStakes Default Twox64Concat Twox64Concat', 'ContractTotalStakes Default Twox64Concat', 'MinStake Default'],
  },
}

const inOrder = (specs: Readonly<Record<string, { readonly index: number }>>, below: number, describe: (name: string) => string): readonly string[] => {
  const listed: string[] = []
  for (const [name, { index }] of Object.entries(specs)) if (index < below) listed[index] = describe(name)
  return listed
}
const itemText = ({ entry }: AnyPallet['storage'][number]): string => [entry.name, entry.modifier, ...entry.hashers].join(' ')

test.each([[phalaPhatContracts as AnyPallet], [phalaPhatTokenomic as AnyPallet]])('$name is the reference\'s', ({ name, calls, events, errors, storage }) => {
  const reference = REFERENCE[name]
  const [callsEnd, eventsEnd, errorsEnd] = OURS[name] ?? [0, 0, 0]
  expect(inOrder(calls, callsEnd, (call) => [snakeCase(call), ...Object.keys(calls[call]?.args ?? {}).map(snakeCase)].join(' '))).toEqual(reference?.calls)
  const fieldsOf = events as Readonly<Record<string, { readonly index: number; readonly fields?: object }>>
  expect(inOrder(fieldsOf, eventsEnd, (event) => [event, ...Object.keys(fieldsOf[event]?.fields ?? {}).map(snakeCase)].join(' '))).toEqual(reference?.events)
  expect(inOrder(errors as Readonly<Record<string, { readonly index: number }>>, errorsEnd, (error) => error)).toEqual(reference?.errors)
  expect(storage.slice(0, reference?.storage.length).map(itemText)).toEqual(reference?.storage)
})

test('a foreign client\'s calls are read as it meant them', async () => {
  const crypto = await loadCrypto()
  const runtime = createPhalanxRuntime({ stateVersion: 1 }, { crypto })
  const registry = new TypeRegistry()
  const metadata = new Metadata(registry, runtime.metadata(14))
  registry.setMetadata(metadata)
  const tx = decorateExtrinsics(registry, metadata.asLatest, metadata.version)['phalaPhatContracts'] ?? {}
  const id = toHex(clusterIdOf(1n))
  const read = (call: { toU8a(): Uint8Array } | undefined): unknown => runtime.parts.enums.RuntimeCall.decode((call as { toU8a(): Uint8Array }).toU8a())
  expect(read(tx['instantiateContract']?.({ WasmCode: `0x${'02'.repeat(32)}` }, '0x0102', '0xabcd', id, 0, 5, null, 6))).toEqual({
    pallet: 'PhalaPhatContracts', name: 'instantiateContract', args: {
      codeIndex: { kind: 'WasmCode', value: new Uint8Array(32).fill(2) }, data: Uint8Array.of(1, 2), salt: Uint8Array.of(0xab, 0xcd), clusterId: clusterIdOf(1n),
      transfer: 0n, gasLimit: 5n, storageDepositLimit: undefined, deposit: 6n,
    },
  })
  expect(read(tx['clusterUploadResource']?.(id, 'InkCode', '0x0102'))).toMatchObject({ args: { resourceType: { kind: 'InkCode' }, resourceData: Uint8Array.of(1, 2) } })
  expect(read(tx['pushContractMessage']?.(id, '0x00', 7))).toMatchObject({ args: { contractId: clusterIdOf(1n), payload: Uint8Array.of(0), deposit: 7n } })
  expect(read(tx['transferToCluster']?.(9, id, `0x${'03'.repeat(32)}`))).toMatchObject({ args: { amount: 9n, destAccount: new Uint8Array(32).fill(3) } })
})

interface RealPallet {
  readonly name: string
  readonly errors: readonly { readonly name: string; readonly index: number }[]
  readonly storage: { readonly items: readonly { readonly name: string; readonly modifier: string; readonly type: 'plain' | { readonly hashers: readonly string[] } }[] }
}

describeVectors('PhalaPhatContracts beside the metadata of a chain that had it under its first name', () => {
  test('has its storage items and errors', () => {
    const { pallets } = readVectorJson<{ readonly pallets: readonly RealPallet[] }>('5-wire/metadata/phala-standalone-2022-05.summary.json')
    const theirs = pallets.find(({ name }) => name === 'PhalaFatContracts')
    const items = theirs?.storage.items.map(({ name, modifier, type }) => [name, modifier, ...(type === 'plain' ? [] : type.hashers)].join(' ')) ?? []
    expect(items.length).toBeGreaterThan(4)
    expect(phalaPhatContracts.storage.map(itemText)).toEqual(expect.arrayContaining(items))
    const errors = theirs?.errors.map(({ name, index }) => `${index} ${name}`) ?? []
    expect(Object.entries(phalaPhatContracts.errors).map(([name, { index }]) => `${index} ${name}`)).toEqual(expect.arrayContaining(errors))
  })
})
