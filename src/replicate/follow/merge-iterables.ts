/** The values of several sources as they come. Ends when all have; the first failure ends it and the other sources with it. */
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
    // What is still under way has its own stop; nobody waits for its value.
    for (const turn of pending.values()) turn.catch(() => {})
    await Promise.allSettled(sources.map(source => source.return()))
  }
}

const ended: IteratorReturnResult<void> = {done: true, value: undefined}
