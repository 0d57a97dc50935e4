import type {ConsulClient} from '../../core/client.js'
import {kvKey} from '../../core/query/topics.js'
import type {KvOperation} from '../../core/types.js'
import type {Session} from '../../session/types.js'
import type {ContendOptions, Grant} from '../kind.js'
import {describeHolder} from '../wire/holder-record.js'
import {takeMutex} from '../wire/mutex-operations.js'
import {attemptPause, contendLoop} from './contend-loop.js'
import type {MutexKey} from './mutex-key.js'

export interface ContenderOptions extends ContendOptions {
  readonly client: ConsulClient
  readonly mutex: MutexKey
  readonly session: Session
  /** The record that the contender writes about itself. */
  readonly record: Buffer
  /** Returns the time since boot in milliseconds. */
  readonly now: () => number
}

/**
 * Contends as `consul lock` does: reads the key, and waits for a change while the key is held. Every contender that
 * sees a free key tries to acquire it. The fastest one succeeds; Consul refuses the others, because the key has changed
 * since they read it.
 */
export const contendPlainly = (options: ContenderOptions): Promise<Grant | undefined> => {
  const {client, mutex, session, now} = options
  return contendLoop(client, {
    ...options,
    now,
    query: kvKey(client, mutex.key),
    judge: async (entry, sentAtMs) => {
      mutex.checkKind(entry)
      if (entry?.session === session.id) return mutex.grant(session.id, {index: entry.modifyIndex, sentAtMs})
      if (entry?.session === undefined) {
        const taken = await takeFree(options, takeMutex(mutex.key, entry, toContender(options)))
        return typeof taken === 'object' ? taken : undefined
      }
      options.waiting({type: 'lock.waiting', reason: 'held', ...describeHolder(entry)})
      return undefined
    },
  })
}

export const toContender = ({session, record}: ContenderOptions): {session: Session['id']; record: Buffer} => ({
  session: session.id,
  record,
})

/**
 * Acquires a key that was free when it was read. While a lock-delay runs, repeats the attempt, which causes no write in
 * Consul; with `isOnce`, resolves to `lock-delay` instead. Resolves to `changed` if another contender was faster.
 */
export async function takeFree(
  options: ContenderOptions,
  operations: readonly KvOperation[],
  owedTurns = 0,
): Promise<Grant | 'changed' | 'lock-delay'> {
  const {client, mutex, session, signal, isOnce, waiting} = options
  for (let probes = 0; ; probes += 1) {
    const attempt = await mutex.take(session.id, operations, {signal, owedTurns})
    if (typeof attempt === 'object') return attempt
    if (attempt !== 'lock-delay') return 'changed'
    if (probes === 0) waiting({type: 'lock.waiting', reason: 'lock-delay'})
    if (isOnce) return attempt
    await attemptPause(client, signal)
  }
}
