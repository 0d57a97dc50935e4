import {follow} from '../../core/query/follow.js'
import type {BlockingQuery, QueryContext} from '../../core/query/types.js'
import {Wake} from '../../core/time/wake.js'

/** The queries that are being followed, by client and ID. */
const loops = new WeakMap<QueryContext, Map<string, SharedLoop<unknown>>>()

/**
 * Follows a query until the signal aborts, and then rejects with the signal's reason. All callers with the same client
 * share one request at a time, so that many responders in one process do not need a connection each. Yields the newest
 * answer; a slow caller misses the answers in between. Fails as `follow` does.
 */
export async function* followShared<T>(
  query: BlockingQuery<T>,
  client: QueryContext,
  signal: AbortSignal,
): AsyncGenerator<T, never, undefined> {
  signal.throwIfAborted()
  const ofClient = loops.get(client) ?? new Map<string, SharedLoop<unknown>>()
  loops.set(client, ofClient)
  const known = ofClient.get(query.id) as SharedLoop<T> | undefined
  const loop =
    known ?? new SharedLoop(query, client, ended => ended === ofClient.get(query.id) && ofClient.delete(query.id))
  ofClient.set(query.id, loop)
  const news = new Wake()
  loop.enter(news)
  try {
    for (let seen = 0; ; ) {
      if (loop.answerCount === seen) await news.wait(signal)
      signal.throwIfAborted()
      if (loop.failure) throw loop.failure.error
      if (!loop.newest || loop.answerCount === seen) continue
      seen = loop.answerCount
      yield loop.newest.value
    }
  } finally {
    loop.leave(news)
  }
}

/** Follows one query while it has readers. After that, or after a failure, it is replaced with another loop. */
class SharedLoop<T> {
  answerCount = 0
  newest: {readonly value: T} | undefined
  failure: {readonly error: unknown} | undefined
  readonly #readers = new Set<Wake>()
  readonly #stop = new AbortController()
  readonly #onEnd: (loop: SharedLoop<unknown>) => void

  constructor(query: BlockingQuery<T>, client: QueryContext, onEnd: (loop: SharedLoop<unknown>) => void) {
    this.#onEnd = onEnd
    this.#run(query, client).catch((error: unknown) => {
      this.failure = {error}
      this.#onEnd(this)
      this.#wakeAll()
    })
  }

  enter(reader: Wake): void {
    this.#readers.add(reader)
  }

  leave(reader: Wake): void {
    this.#readers.delete(reader)
    if (this.#readers.size > 0) return
    this.#onEnd(this)
    this.#stop.abort()
  }

  async #run(query: BlockingQuery<T>, client: QueryContext): Promise<never> {
    // The first answer must not come from a leader that has not applied its log yet.
    const how = {signal: this.#stop.signal, freshConsistency: 'consistent'} as const
    for await (const {snapshot} of follow(query, client, how)) {
      this.newest = snapshot
      this.answerCount += 1
      this.#wakeAll()
    }
    throw this.#stop.signal.reason
  }

  #wakeAll(): void {
    for (const reader of this.#readers) reader.wake()
  }
}
