import type {ConsulClient} from '../../core/client.js'
import {isBatonError, isTransient} from '../../core/errors.js'
import {follow} from '../../core/query/follow.js'
import type {BlockingQuery} from '../../core/query/types.js'
import {retry} from '../../core/retry.js'
import {Backoff} from '../../core/time/backoff.js'
import type {ContendOptions, Grant} from '../kind.js'

/** Time within which a contender must acquire a free lock or, if the lock was handed to it, prove that it is alive. */
export const patienceMs = 300
/** Wait time of a contender's blocking query. */
export const waiterWaitMs = 15_000
const pauseMinMs = 100
const pauseSpreadMs = 150

const attemptPauseMs = (client: ConsulClient): number => pauseMinMs + client.random() * pauseSpreadMs

/** Pauses between two attempts after one was refused or not answered. */
export const attemptPause = (client: ConsulClient, signal: AbortSignal): Promise<void> =>
  client.clock.sleep(attemptPauseMs(client), signal)

export interface ContendLoopOptions<T> extends ContendOptions {
  readonly query: BlockingQuery<T>
  /** Returns the time since boot in milliseconds. */
  readonly now: () => number
  /** Acts on one answer to a request that was sent at `sentAtMs`. Resolves to undefined to wait for the next answer. */
  readonly judge: (value: T, sentAtMs: number) => Promise<Grant | undefined>
}

/** Repeats an attempt until Consul answers. With `isOnce`, makes one attempt and rejects if that attempt fails. */
export const untilAnswered = <T>(
  client: ConsulClient,
  options: ContendOptions,
  attempt: () => Promise<T>,
): Promise<T> =>
  retry(attempt, {
    signal: options.signal,
    clock: client.clock,
    backoff: {next: () => attemptPauseMs(client)},
    isRetryable: error => !options.isOnce && isTransient(error),
    onRetry: error => options.waiting({type: 'lock.waiting', reason: 'unreachable', error}),
  })

/**
 * Repeats a step until it resolves to something other than `again`. While Consul does not answer, the pauses grow. With
 * `isOnce`, rejects at the first failure.
 */
export async function untilDecided<T>(
  client: ConsulClient,
  {signal, isOnce, waiting}: ContendOptions,
  step: () => Promise<T | 'again'>,
): Promise<T> {
  const backoff = new Backoff({minMs: 100, maxMs: 5000, random: client.random})
  for (;;) {
    try {
      const result = await step()
      backoff.reset()
      if (result !== 'again') return result
    } catch (error) {
      signal.throwIfAborted()
      if (isOnce || !isTransient(error)) throw error
      waiting({type: 'lock.waiting', reason: 'unreachable', error})
      await client.clock.sleep(backoff.next(), signal)
    }
  }
}

/**
 * Repeats a blocking query and passes each answer to `judge`, until `judge` resolves to a grant. With `isOnce`, passes
 * on only the first answer. If a write in `judge` was not answered, it may have been applied, so the loop reads again.
 */
export const contendLoop = <T>(client: ConsulClient, options: ContendLoopOptions<T>): Promise<Grant | undefined> =>
  untilAnswered(client, options, () => judgeAnswers(client, options))

async function judgeAnswers<T>(client: ConsulClient, options: ContendLoopOptions<T>): Promise<Grant | undefined> {
  const {signal, isOnce, now} = options
  let sentAtMs = now()
  const answers = follow(options.query, client, {
    signal,
    waitMs: waiterWaitMs,
    // A leader that has not applied its log yet returns old state, such as another kind of lock, another
    // limit, or missing contenders.
    freshConsistency: 'consistent',
    onRequest: () => {
      sentAtMs = now()
    },
    onStatus: status => {
      if (status.type !== 'retrying') return
      if (isOnce || isBatonError(status.error, 'BATON_ACL_DENIED')) throw status.error
      options.waiting({type: 'lock.waiting', reason: 'unreachable', error: status.error})
    },
  })
  for await (const {snapshot} of answers) {
    const grant = await options.judge(snapshot.value, sentAtMs)
    if (grant || isOnce) return grant
  }
  return undefined
}
