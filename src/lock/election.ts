import {linkSignal} from '../core/cancel/link-signal.js'
import {listenForAbort} from '../core/cancel/listen-for-abort.js'
import {abortSignal, callback, checkOptions, text} from '../core/check-options.js'
import type {ConsulClient} from '../core/client.js'
import {followBelieved} from '../core/query/follow-believed.js'
import {kvPrefix} from '../core/query/topics.js'
import type {Election, ElectionOptions, Leader, Term} from './election-types.js'
import {createMutex} from './mutex.js'
import {signalRules} from './option-rules.js'
import type {Hold} from './types.js'
import {electionPrefix, encodeLeader, leaderKey, toLeader} from './wire/leader-record.js'

/**
 * Creates an election on a mutex: the candidate that holds the lock is the leader. As with any holder of a lock, a
 * leader that is cut off from Consul stops before another one can be elected. Sends nothing until it is used. Throws a
 * UsageError if an option is not valid.
 *
 * @example
 * ```ts
 * const election = createElection(client, {prefix: 'app/leader', value: '10.0.0.1:8080'})
 * await using term = await election.campaign()
 * const leader = await election.leader()
 * leader?.value // => '10.0.0.1:8080'
 * await term.publish('10.0.0.1:9090')
 * await term.resign()
 * await election.leader() // => undefined
 * ```
 */
export function createElection(client: ConsulClient, options: ElectionOptions): Election {
  const {value = '', ...lockOptions} = options
  checkOptions('createElection', {value}, {value: text})
  const mutex = createMutex(client, lockOptions)
  const {prefix} = options
  const campaign: Election['campaign'] = async acquireOptions => {
    const term = new HeldTerm(prefix, await mutex.acquire(acquireOptions))
    try {
      await term.publish(value)
      return term
    } catch (error) {
      await term.resign()
      throw error
    }
  }
  return {
    campaign,
    lead(work, leadOptions = {}) {
      checkOptions('lead', {work}, {work: callback}, ['work'])
      checkOptions('lead', leadOptions, signalRules)
      return lead(campaign, work, leadOptions.signal)
    },
    async leader(readOptions = {}) {
      checkOptions('leader', readOptions, signalRules)
      const query = {...readOptions, consistency: 'consistent'} as const
      return toLeader(prefix, (await client.kv.list(electionPrefix(prefix), query)).value)
    },
    observe(observeOptions) {
      checkOptions('observe', observeOptions, {signal: abortSignal}, ['signal'])
      return observe(client, prefix, observeOptions.signal)
    },
  }
}

async function lead<T>(
  campaign: Election['campaign'],
  work: (term: Term) => Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  for (;;) {
    const elected = await campaign({...(signal && {signal})})
    using stop = linkSignal(elected.signal)
    const onAbort = (): void => stop.abort(signal?.reason)
    if (signal) listenForAbort(signal, onAbort)
    const term: Term = {
      hold: elected.hold,
      signal: stop.signal,
      publish: value => elected.publish(value),
      resign: () => elected.resign(),
      [Symbol.asyncDispose]: () => elected.resign(),
    }
    try {
      const result = await work(term)
      signal?.throwIfAborted()
      if (!elected.signal.aborted) return result
    } catch (error) {
      signal?.throwIfAborted()
      if (!elected.signal.aborted) throw error
    } finally {
      signal?.removeEventListener('abort', onAbort)
      await elected.resign()
    }
  }
}

async function* observe(
  client: ConsulClient,
  prefix: string,
  signal: AbortSignal,
): AsyncGenerator<Leader | undefined, never, undefined> {
  const keys = kvPrefix(client, electionPrefix(prefix))
  const options = {signal, freshConsistency: 'consistent', onAnswer: () => {}, onHeld: () => {}} as const
  let last: Leader | undefined
  let isFirst = true
  for await (const {value} of followBelieved(keys, client, options)) {
    const leader = toLeader(prefix, value)
    if (!isFirst && leader?.session === last?.session && leader?.value === last?.value) continue
    isFirst = false
    last = leader
    yield leader
  }
  throw new Error('unreachable')
}

class HeldTerm implements Term {
  readonly hold: Hold
  readonly #key: string
  #resigned: Promise<void> | undefined

  constructor(prefix: string, hold: Hold) {
    this.hold = hold
    this.#key = leaderKey(prefix)
  }

  get signal(): AbortSignal {
    return this.hold.signal
  }

  async publish(value: string): Promise<void> {
    checkOptions('publish', {value}, {value: text}, ['value'])
    const {session, token} = this.hold
    await this.hold.commit([{verb: 'set', key: this.#key, value: encodeLeader({session, token, value})}])
  }

  resign(): Promise<void> {
    this.#resigned ??= this.#resign()
    return this.#resigned
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.resign()
  }

  /**
   * The leader's record is deleted first. If that fails, the record has no effect, because it names a session that no
   * longer holds the lock.
   */
  async #resign(): Promise<void> {
    if (!this.hold.signal.aborted) await this.hold.commit([{verb: 'delete', key: this.#key}]).catch(() => {})
    await this.hold.release()
  }
}
