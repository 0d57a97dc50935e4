import type {Clock} from '../core/types.js'

/**
 * A long computation, as a generator that yields at least every few hundred items so that other work can run
 * in between.
 */
export type Steps<T> = Generator<undefined, T, undefined>

const longestBlockMs = 10

/**
 * Resolves with the result of the computation. Lets the event loop run every 10 ms. Rejects with the signal's reason if
 * the signal aborts.
 */
export async function runSteps<T>(steps: Steps<T>, clock: Clock, signal?: AbortSignal): Promise<T> {
  let startedMs = clock.monotonicMs()
  for (;;) {
    const step = steps.next()
    if (step.done) return step.value
    if (clock.monotonicMs() - startedMs < longestBlockMs) continue
    await clock.sleep(0, signal)
    startedMs = clock.monotonicMs()
  }
}

const stepSize = 500

/** Calls `handle` for each item. */
export function* forEachStep<T>(items: Iterable<T>, handle: (item: T) => void): Steps<void> {
  let count = 0
  for (const item of items) {
    handle(item)
    count += 1
    if (count % stepSize === 0) yield
  }
}

/** Returns the items sorted by `compare`, with a merge sort. Equal items keep their order. */
export function* sortSteps<T>(items: readonly T[], compare: (a: T, b: T) => number): Steps<readonly T[]> {
  let runs: (readonly T[])[] = []
  for (let at = 0; at < items.length; at += stepSize) {
    runs.push(items.slice(at, at + stepSize).sort(compare))
    yield
  }
  while (runs.length > 1) {
    const merged: (readonly T[])[] = []
    for (let at = 0; at < runs.length; at += 2)
      merged.push(yield* mergeSteps(runs[at] ?? [], runs[at + 1] ?? [], compare))
    runs = merged
  }
  return runs[0] ?? []
}

function* mergeSteps<T>(left: readonly T[], right: readonly T[], compare: (a: T, b: T) => number): Steps<readonly T[]> {
  const merged: T[] = []
  let [l, r] = [0, 0]
  while (l < left.length && r < right.length) {
    merged.push(compare(left[l] as T, right[r] as T) <= 0 ? (left[l++] as T) : (right[r++] as T))
    if (merged.length % stepSize === 0) yield
  }
  for (; l < left.length; l += 1) merged.push(left[l] as T)
  for (; r < right.length; r += 1) merged.push(right[r] as T)
  return merged
}
