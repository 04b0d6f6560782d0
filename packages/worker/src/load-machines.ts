/** Owns the list of machines that a worker runs contract code with, made for one thread: command execution has them, and each query thread its own. */
import type { Crypto } from '@phalanx/primitives/crypto'
import { createInkVm } from './contracts/ink/create-ink-vm.ts'
import { createBuiltinVm } from './contracts/system-contract/create-builtin-vm.ts'
import type { CodeVm } from './contracts/vm.ts'
import { createWasmMachine } from './engines/wasm/index.ts'

/** Loads every machine. */
export const loadMachines = (crypto: Crypto): Promise<readonly CodeVm[]> => Promise.resolve([createBuiltinVm({ crypto }), createInkVm({ crypto, machine: createWasmMachine() })])
