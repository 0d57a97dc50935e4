import {abortSignal, callback, checkOptions, duration, uint64} from '../check-options.js'
import {contextRule, queryRule} from '../context-rules.js'
import {consistencyRule} from '../http/call-rules.js'
import {FollowLoop, type FollowShared} from './follow-loop.js'
import type {BlockingQuery, Followed, FollowOptions, QueryContext} from './types.js'

const followRules = {
  signal: abortSignal,
  waitMs: duration({minMs: 1}),
  consistency: consistencyRule,
  freshConsistency: consistencyRule,
  maxStaleMs: duration(),
  maxPauseMs: duration(),
  index: uint64,
  onStatus: callback,
  onRequest: callback,
} as const

/**
 * Reads the query forever and yields every successful answer, even if it is equal to the previous one: compare before
 * acting. Requests the next answer only when the consumer asks for it, so that nothing queues up for a slow consumer.
 * Transient failures are retried with jittered back-off, the first one at once and silently. If the token is refused,
 * the query is retried every 5 to 60 s. Throws only if retrying cannot help: a UsageError if an option is not valid,
 * and Consul's error if it refuses the first request as invalid. Rejects with the signal's reason when the signal
 * aborts; only the signal ends a request in progress.
 *
 * @example
 * ```ts
 * await client.kv.put('mode', Buffer.from('fast'))
 * const {signal} = new AbortController()
 * for await (const {kind, snapshot} of follow(kvKey(client, 'mode'), client, {signal})) {
 *   kind // => 'first'
 *   snapshot.value?.value.toString() // => 'fast'
 *   break
 * }
 * ```
 */
export async function* follow<T>(
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- the loop never looks at items
  query: BlockingQuery<T, any>,
  context: QueryContext,
  options: FollowOptions & FollowShared,
): AsyncGenerator<Followed<T>, never, undefined> {
  checkOptions('follow', {query, context}, {query: queryRule, context: contextRule}, ['query', 'context'])
  checkOptions('follow', options, followRules, ['signal'])
  const loop = new FollowLoop<T>(query, context, options)
  for (;;) {
    const followed = await loop.step()
    if (followed) yield followed
  }
}
