/** Owns the JSON forms that clients of Substrate nodes expect of headers, blocks and versions. */
import { toHex } from '@phalanx/primitives/bytes'
import { DigestItem, GRANDPA_ENGINE, type Header } from '@phalanx/primitives/chain'
import type { RuntimeVersion } from '@phalanx/runtime/frame'

/** A number as minimal hex. */
export const hexNumber = (value: number | bigint): string => `0x${value.toString(16)}`

/** A header. */
export const headerJson = (header: Header): unknown => ({
  parentHash: toHex(header.parentHash),
  number: hexNumber(header.number),
  stateRoot: toHex(header.stateRoot),
  extrinsicsRoot: toHex(header.extrinsicsRoot),
  digest: { logs: header.digest.logs.map((item) => toHex(DigestItem.encode(item))) },
})

/** A signed block; justifications are pairs of engine id and bytes, both as number lists. */
export const blockJson = (block: { readonly header: Header; readonly body: readonly Uint8Array[]; readonly justification: Uint8Array | undefined }): unknown => ({
  block: { header: headerJson(block.header), extrinsics: block.body.map(toHex) },
  justifications: block.justification === undefined ? null : [[[...GRANDPA_ENGINE], [...block.justification]]],
})

/** The version of the legacy interface. */
export const versionJson = (version: RuntimeVersion): unknown => ({
  specName: version.specName,
  implName: version.implName,
  authoringVersion: version.authoringVersion,
  specVersion: version.specVersion,
  implVersion: version.implVersion,
  apis: version.apis.map(([id, number]) => [toHex(id), number]),
  transactionVersion: version.transactionVersion,
  stateVersion: version.stateVersion,
})

/** The runtime of the new interface. */
export const runtimeSpecJson = (version: RuntimeVersion): unknown => ({
  type: 'valid',
  spec: {
    specName: version.specName,
    implName: version.implName,
    specVersion: version.specVersion,
    implVersion: version.implVersion,
    transactionVersion: version.transactionVersion,
    apis: Object.fromEntries(version.apis.map(([id, number]) => [toHex(id), number])),
  },
})
