/** Owns the list of method tables; a new namespace is one line here. */
import type { MethodTable } from '../method.ts'
import { archiveMethods } from './archive.ts'
import { authorMethods } from './author.ts'
import { chainHeadMethods } from './chain-head.ts'
import { chainSpecMethods } from './chain-spec.ts'
import { chainMethods } from './chain.ts'
import { childstateMethods } from './childstate.ts'
import { grandpaMethods } from './grandpa.ts'
import { paymentMethods } from './payment.ts'
import { phaMethods } from './pha.ts'
import { phalanxMethods } from './phalanx.ts'
import { stateMethods } from './state.ts'
import { systemMethods } from './system.ts'
import { transactionMethods } from './transaction.ts'

/** All methods of the node. */
export const METHOD_TABLES: readonly MethodTable[] = [
  systemMethods, chainMethods, stateMethods, childstateMethods, authorMethods, paymentMethods, grandpaMethods,
  chainHeadMethods, archiveMethods, transactionMethods, chainSpecMethods, phaMethods, phalanxMethods,
]
