/** Owns the list of machines that a worker runs contract code with, made for one thread: command execution has them, and each query thread its own. */
import type { Crypto } from '@phalanx/primitives/crypto'
import { createInkVm } from './contracts/ink/create-ink-vm.ts'
import { createJsVm } from './contracts/js/create-js-vm.ts'
import { createBuiltinVm } from './contracts/system-contract/create-builtin-vm.ts'
import type { CodeVm } from './contracts/vm.ts'
import { loadQuickJs } from './engines/quickjs/index.ts'
import { createWasmMachine } from './engines/wasm/index.ts'

/** Loads every machine. */
export const loadMachines = async (crypto: Crypto): Promise<readonly CodeVm[]> =>
  [createBuiltinVm({ crypto }), createJsVm({ crypto, machine: await loadQuickJs() }), createInkVm({ crypto, machine: createWasmMachine() })]
