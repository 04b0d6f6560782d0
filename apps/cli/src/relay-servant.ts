/** Owns what a running relay does with orders: reload, add, remove, restart, status; one after another. */
import { AppError } from '@phalanx/primitives/errors'
import { nameOf, type FleetChange, type Relay, type RelayFleet } from '@phalanx/relay'
import './relay-errors.ts'
import type { RelayOrder } from './relay-control.ts'
import { fixedFieldChanged, settleRelay, type RelayGiven, type RelaySettings } from './relay-fleet.ts'

/** Returns what obeys orders. `fleetOf` reads secrets; what it throws refuses the order with nothing changed. */
export const createServant = (
  relay: Relay,
  options: { readonly given: RelayGiven; readonly running: RelaySettings; readonly fleetOf: (settings: RelaySettings) => Promise<RelayFleet> },
): ((order: RelayOrder) => Promise<unknown>) => {
  const { given, running, fleetOf } = options
  const path = given.config ?? ''
  let tail: Promise<unknown> = Promise.resolve()
  const reload = async (): Promise<FleetChange> => {
    const settings = settleRelay(given)
    const field = fixedFieldChanged(running, settings)
    if (field !== undefined) throw new AppError('CLI_RELAY_NEEDS_RESTART', { path, field })
    return relay.use(await fleetOf(settings))
  }
  const add = async (name: string): Promise<void> => {
    const worker = (await fleetOf(settleRelay(given))).workers.find((each) => nameOf(each) === name)
    if (worker === undefined) throw new AppError('CLI_RELAY_WORKER_UNKNOWN', { path, name })
    relay.add(worker)
  }
  const obey = async ({ action, worker = '' }: RelayOrder): Promise<unknown> => {
    switch (action) {
      case 'status': return relay.snapshot()
      case 'reload': return reload()
      case 'add': await add(worker); break
      case 'remove': relay.remove(worker); break
      case 'restart': relay.restart(worker)
    }
    return { [action]: worker }
  }
  return (order) => {
    if (order.action === 'status') return obey(order)
    const mine = tail.then(() => obey(order))
    tail = mine.catch(() => {})
    return mine
  }
}
