/** Yields the values of several iterables as they arrive, until all have ended. The first failure ends all of them. */
export async function* merge<T>(sources: readonly AsyncGenerator<T, void>[]): AsyncGenerator<T, void, undefined> {
  type Turn = {readonly at: number; readonly result: IteratorResult<T, void>}
  const take = async (at: number): Promise<Turn> => ({at, result: (await sources[at]?.next()) ?? ended})
  const pending = new Map(sources.map((_, at) => [at, take(at)]))
  try {
    while (pending.size > 0) {
      const {at, result} = await Promise.race(pending.values())
      if (result.done) pending.delete(at)
      else {
        pending.set(at, take(at))
        yield result.value
      }
    }
  } finally {
    // The callers of pending reads stop them by a signal; their results are ignored here.
    for (const turn of pending.values()) turn.catch(() => {})
    await Promise.allSettled(sources.map(source => source.return()))
  }
}

const ended: IteratorReturnResult<void> = {done: true, value: undefined}
