/** Owns `payment_*`: what a transaction would cost. */
import { concatBytes } from '@phalanx/primitives/bytes'
import { compactU64, option, struct, u128, u32, u8 } from '@phalanx/primitives/codec'
import { AppError } from '@phalanx/primitives/errors'
import type { RpcBackend } from '../backend.ts'
import { hexNumber } from '../json.ts'
import { call, type MethodTable } from '../method.ts'
import { hash, hexBytes, optional } from '../params.ts'

const DispatchInfo = struct({ refTime: compactU64, proofSize: compactU64, class: u8, partialFee: u128 })
const FeeDetails = struct({ inclusionFee: option(struct({ baseFee: u128, lenFee: u128, adjustedWeightFee: u128 })) })
const CLASSES = ['normal', 'operational', 'mandatory']

const ask = ({ chain, runtime, env }: RpcBackend, method: string, params: { extrinsic: Uint8Array; at: Uint8Array | undefined }): Uint8Array =>
  runtime.callApi({
    state: chain.stateAt(params.at), at: chain.headerAt(params.at), method, env,
    params: concatBytes(params.extrinsic, u32.encode(params.extrinsic.length)),
  })

const params = { extrinsic: hexBytes, at: optional(hash) }

/** Methods about fees. */
export const paymentMethods: MethodTable = {
  payment_queryInfo: call({
    doc: 'Weight, class and fee of an extrinsic.', params,
    handle(backend, given) {
      const info = DispatchInfo.decode(ask(backend, 'TransactionPaymentApi_query_info', given))
      const name = CLASSES[info.class]
      if (name === undefined) throw new AppError('RPC_INTERNAL', {})
      return { weight: { ref_time: Number(info.refTime), proof_size: Number(info.proofSize) }, class: name, partialFee: String(info.partialFee) }
    },
  }),
  payment_queryFeeDetails: call({
    doc: 'Parts of the fee of an extrinsic.', params,
    handle(backend, given) {
      const answer = ask(backend, 'TransactionPaymentApi_query_fee_details', given)
      // The runtime appends the tip in versions that know it; only the inclusion fee is reported here.
      const { inclusionFee } = FeeDetails.decode(answer.length === 1 || answer.length === 49 ? answer : answer.slice(0, answer[0] === 0 ? 1 : 49))
      return {
        inclusionFee:
          inclusionFee === undefined
            ? null
            : { baseFee: hexNumber(inclusionFee.baseFee), lenFee: hexNumber(inclusionFee.lenFee), adjustedWeightFee: hexNumber(inclusionFee.adjustedWeightFee) },
      }
    },
  }),
}
