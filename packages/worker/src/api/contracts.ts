/** Owns the methods around clusters and contracts: queries in both forms, receipts, and what can be told of the cluster to anybody. */
import { Empty } from './common.ts'
import { KIB, MIB, bool, bytes, message, method, nested, nestedList, optional, repeated, string, uint32, uint64, type MessageOf } from './schema.ts'

/**
 * A signature in the reference's form; `signatureType` is the index of a `SignatureType`. Certificates and signatures contain each other; three levels are
 * described, of which the third only shows that there were too many.
 */
const DeepestSignature = message('Signature', { signatureType: uint32(2), signature: bytes(3) })
const RootCertificate = message('Certificate', { encodedBody: bytes(1), signature: nested(2, DeepestSignature) })
const IssuerSignature = message('Signature', { signedBy: nested(1, RootCertificate), signatureType: uint32(2), signature: bytes(3) })
const LeafCertificate = message('Certificate', { encodedBody: bytes(1), signature: nested(2, IssuerSignature) })
/** Signature of a request. */
export const RequestSignature = message('Signature', { signedBy: nested(1, LeafCertificate), signatureType: uint32(2), signature: bytes(3) })
export type RequestSignature = MessageOf<typeof RequestSignature>

/** `encodedEncryptedData` is SCALE `EncryptedData`, and what is signed. */
export const ContractQueryRequest = message('ContractQueryRequest', { encodedEncryptedData: bytes(1), signature: nested(2, RequestSignature) })
export type ContractQueryRequest = MessageOf<typeof ContractQueryRequest>
const ContractQueryResponse = message('ContractQueryResponse', { encodedEncryptedData: bytes(1), blocknum: uint32(2) })
/** SCALE `EncryptedData` of the reply; `blocknum` is the block whose state answered. */
export type ContractQueryResponse = MessageOf<typeof ContractQueryResponse>

/** No contracts: all of them. */
const GetContractInfoRequest = message('GetContractInfoRequest', { contracts: repeated(string(1)) })
/** Side programs are not run here; the field keeps its place. */
const SidevmInfo = message('SidevmInfo', { state: string(1) })
const ContractInfo = message('ContractInfo', { id: string(1), codeHash: string(2), weight: uint32(3), sidevm: nested(4, SidevmInfo) })
/** A contract of the cluster; ids and hashes with 0x. */
export type ContractInfoMessage = MessageOf<typeof ContractInfo>
const GetContractInfoResponse = message('GetContractInfoResponse', { contracts: nestedList(1, ContractInfo) })
/** Contracts that were asked for, without those that are not there. */
export type GetContractInfoResponse = MessageOf<typeof GetContractInfoResponse>

/** Hashes with 0x; `runtimeVersion` is `major.minor`. */
const ClusterInfo = message('ClusterInfo', {
  id: string(1), runtimeVersion: string(2), stateRoot: string(3), systemContract: optional(string(5)), loggerContract: optional(string(6)), numberOfContracts: uint64(7),
  jsRuntime: optional(string(8)),
})
const GetClusterInfoResponse = message('GetClusterInfoResponse', { info: nested(1, ClusterInfo) })
/** The cluster, absent where none runs. */
export type GetClusterInfoResponse = MessageOf<typeof GetClusterInfoResponse>

/** Hex, with or without 0x. */
export const ContractParameters = message('ContractParameters', { deployer: string(1), clusterId: string(2), codeHash: string(3), salt: string(4) })
export type ContractParameters = MessageOf<typeof ContractParameters>
const ContractId = message('ContractId', { id: string(1) })
/** Id of a contract with 0x. */
export type ContractIdMessage = MessageOf<typeof ContractId>

/** The reference's name, misspelt as it is there. `all`: every contract, not only those named. */
const StatisticsRequest = message('StatisticsReqeust', { contracts: repeated(string(1)), all: bool(2) })
/** `time` in milliseconds. */
const QueryCounters = message('QueryCounters', { total: uint64(1), dropped: uint64(2), time: uint64(3) })
const QueryCountersEntry = message('QueryCountersEntry', { key: string(1), value: nested(2, QueryCounters) })
const QueryStats = message('QueryStats', { global: nested(1, QueryCounters), byContract: nestedList(2, QueryCountersEntry) })
const StatusCodeEntry = message('StatusCodeEntry', { key: uint32(1), value: uint64(2) })
const HttpCounters = message('HttpCounters', { requests: uint64(1), failures: uint64(2), byStatusCode: nestedList(3, StatusCodeEntry) })
const HttpCountersEntry = message('HttpCountersEntry', { key: string(1), value: nested(2, HttpCounters) })
const HttpEgressStats = message('HttpEgressStats', { global: nested(1, HttpCounters), byContract: nestedList(2, HttpCountersEntry) })
const StatisticsResponse = message('StatisticsResponse', { uptime: uint64(1), cores: uint32(2), query: nested(3, QueryStats), httpEgress: nested(4, HttpEgressStats) })
/** `uptime` in seconds. Maps are lists of keys and values, as protobuf writes them. */
export type StatisticsResponse = MessageOf<typeof StatisticsResponse>

/** Longest sealed query with what protobuf puts around it. */
const SEALED_QUERY_LIMIT = MIB + 8 * KIB

/** SCALE `SealedQuery`, and SCALE `SealedReply`. */
const QueryMessage = message('SealedQueryMessage', { sealed: bytes(1) })
const ReplyMessage = message('SealedReplyMessage', { sealed: bytes(1) })

/** `waitMs`: how long to wait for a receipt that is not there yet, at most 60,000. */
export const GetReceiptRequest = message('GetReceiptRequest', { contract: bytes(1), commandHash: bytes(2), waitMs: uint32(3) })
export type GetReceiptRequest = MessageOf<typeof GetReceiptRequest>
const GetReceiptResponse = message('GetReceiptResponse', {
  sealed: bytes(1), index: uint32(2), encodedLeaf: bytes(3), proof: repeated(bytes(4)), block: uint32(5), receiptsRoot: bytes(6),
})
/** SCALE `SealedReceipt`, its index among the block's receipts, SCALE `ReceiptLeaf`, the proof of it under `receiptsRoot`, and the block. */
export type GetReceiptResponse = MessageOf<typeof GetReceiptResponse>

/** Methods of the service PhactoryAPI. */
export const contractMethods = {
  ContractQuery: method({
    doc: 'Asks a contract, in the reference\'s form: encrypted to the identity key.', params: ContractQueryRequest, result: ContractQueryResponse, access: 'public', kind: 'query',
    limitBytes: 500 * KIB,
  }),
  GetContractInfo: method({ doc: 'Contracts of the cluster.', params: GetContractInfoRequest, result: GetContractInfoResponse, access: 'public', kind: 'query', limitBytes: 100 * KIB }),
  GetClusterInfo: method({ doc: 'The cluster that runs here; nothing where none does.', params: Empty, result: GetClusterInfoResponse, access: 'public', kind: 'query', limitBytes: KIB }),
  CalculateContractId: method({ doc: 'The id that a contract would have.', params: ContractParameters, result: ContractId, access: 'public', kind: 'query', limitBytes: KIB }),
  Statistics: method({ doc: 'Counts of queries and of requests to the outside.', params: StatisticsRequest, result: StatisticsResponse, access: 'public', kind: 'query', limitBytes: 100 * KIB }),
} as const

/** Methods of the service PhalanxAPI. */
export const sealedQueryMethods = {
  Query: method({
    doc: 'Asks a contract: a query sealed to the anchored ECDH key, answered under seal for a stated block.', params: QueryMessage, result: ReplyMessage, access: 'public', kind: 'query',
    limitBytes: SEALED_QUERY_LIMIT,
  }),
  GetReceipt: method({
    doc: 'The receipt of a command with its proof, as soon as there is one.', params: GetReceiptRequest, result: GetReceiptResponse, access: 'public', kind: 'query', limitBytes: KIB,
  }),
} as const
