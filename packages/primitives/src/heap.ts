/** Owns a binary heap: order for queues that give out their best element first. */

/** The best element first. */
export interface Heap<T> {
  push(value: T): void
  pop(): T | undefined
  /** The best element, which stays. */
  peek(): T | undefined
  readonly size: number
}

/** A heap whose top is the element that `isBetter` than all others. */
export const createHeap = <T>(isBetter: (a: T, b: T) => boolean): Heap<T> => {
  const items: T[] = []
  const swap = (a: number, b: number): void => {
    const kept = items[a] as T
    items[a] = items[b] as T
    items[b] = kept
  }
  return {
    get size() {
      return items.length
    },
    peek: () => items[0],
    push(value) {
      let at = items.push(value) - 1
      while (at > 0) {
        const parent = (at - 1) >> 1
        if (!isBetter(items[at] as T, items[parent] as T)) return
        swap(at, parent)
        at = parent
      }
    },
    pop() {
      const top = items[0]
      const last = items.pop()
      if (items.length === 0 || last === undefined) return top
      items[0] = last
      for (let at = 0; ; ) {
        const left = 2 * at + 1
        let best = at
        if (left < items.length && isBetter(items[left] as T, items[best] as T)) best = left
        if (left + 1 < items.length && isBetter(items[left + 1] as T, items[best] as T)) best = left + 1
        if (best === at) return top
        swap(at, best)
        at = best
      }
    },
  }
}
