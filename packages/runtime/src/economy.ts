/**
 * Entry point of `@phalanx/runtime/economy`: the chain's arithmetic of stake, challenges, budget, slashing and shares as plain functions, for
 * whoever reckons with them outside of a chain, and the answers of the runtime APIs that explain workers, stakes and balances.
 */
export { jsonBool, jsonDefault, jsonInteger, jsonList, jsonObject, jsonOneOf, jsonOptional, jsonText, type JsonOf, type JsonShape, type JsonTools } from './frame/json.ts'
export { BalanceExplanation } from './pallets/balances/explain.ts'
export { isDust, isExactEnough, sharePrice, sharesFor, valueOf } from './pallets/phala-base-pool/shares.ts'
export { dayBudgetOf, isBudgetSchedule, periodAt } from './pallets/phala-computation/budget.ts'
export { WorkerExplanation } from './pallets/phala-computation/explain.ts'
export { challengeTarget, initialV, minimalStake } from './pallets/phala-computation/formulas.ts'
export { computationGenesisShape, genesisParameters, type ComputationGenesis } from './pallets/phala-computation/genesis.ts'
export { budgetPerBlock } from './pallets/phala-computation/parameters.ts'
export { INIT_P_MIN } from './pallets/phala-computation/sessions.ts'
export { isSlashParameters, silenceSlash } from './pallets/phala-computation/slashing.ts'
export { StakeExplanation } from './pallets/phala-stake-pool-v2/explain.ts'
