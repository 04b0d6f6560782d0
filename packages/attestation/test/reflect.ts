/** Owns the few metadata functions that the oracle's dependency container asks of `Reflect` when it loads. For tests only. */

type Metadata = Map<unknown, unknown>
const store = new WeakMap<object, Metadata>()

const read = (key: unknown, target: object): unknown => store.get(target)?.get(key)

Object.assign(Reflect, {
  getMetadata: read,
  getOwnMetadata: read,
  hasOwnMetadata: (key: unknown, target: object): boolean => store.get(target)?.has(key) === true,
  defineMetadata: (key: unknown, value: unknown, target: object): void => {
    const own = store.get(target) ?? new Map<unknown, unknown>()
    own.set(key, value)
    store.set(target, own)
  },
})
