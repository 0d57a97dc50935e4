import {sessionRequestRules} from '../core/api/session.js'
import {lateSignal} from '../core/cancel/late-signal.js'
import {type LinkedSignal, linkSignal} from '../core/cancel/link-signal.js'
import {abortSignal, callback, checkOptions, duration} from '../core/check-options.js'
import type {ConsulClient} from '../core/client.js'
import {clientRule} from '../core/context-rules.js'
import {messageOf, SessionLostError} from '../core/errors.js'
import {retry} from '../core/retry.js'
import {type BootTime, systemBootTime} from '../core/time/boot-time.js'
import {systemClock} from '../core/time/clock.js'
import {formatDuration} from '../core/time/duration.js'
import type {SessionId, SessionRequest} from '../core/types.js'
import {Alarm, sleepUntil} from './alarm.js'
import {isForeignNode, pickServerNode} from './foreign-node.js'
import {RenewalPace} from './renewal-pace.js'
import type {Session, SessionEvent, SessionOptions} from './types.js'

export const defaultTtlMs = 15_000
export const defaultLockDelayMs = 15_000
const defaultDestroyMs = 2000
const destroyRetryMs = 100
const sessionRules = {
  ...sessionRequestRules,
  signal: abortSignal,
  now: callback,
  observer: callback,
  unprovenLimitMs: duration({isEndless: true}),
  renewEveryMs: duration({minMs: 1}),
} as const
const cancelledCreateMs = 1000

/** Returns the clock by which the deadlines of a client are measured. */
export const bootTimeOf = (client: ConsulClient): BootTime =>
  client.clock === systemClock ? systemBootTime : () => client.clock.monotonicMs()

/**
 * Creates a session and keeps it alive. Rejects with the error of the request if it fails, with the signal's reason if
 * the signal aborts, and with a UsageError if an option is not valid.
 *
 * @example
 * ```ts
 * await using session = await openSession(client, {name: 'example', ttlMs: 15_000})
 * await client.kv.acquire('leader', Buffer.from('me'), {session: session.id}) // => true
 * session.signal.aborted // => false
 * ```
 */
export async function openSession(client: ConsulClient, options: SessionOptions = {}): Promise<Session> {
  checkOptions('openSession', {client}, {client: clientRule}, ['client'])
  checkOptions('openSession', options, sessionRules)
  const ttlMs = options.ttlMs ?? defaultTtlMs
  const lockDelayMs = options.lockDelayMs ?? defaultLockDelayMs
  const nodeChecks = options.nodeChecks ?? []
  const now = options.now ?? bootTimeOf(client)
  options.signal?.throwIfAborted()
  const provenAtMs = now()
  const id = await create(client, options, {
    ttlMs,
    lockDelayMs,
    nodeChecks,
    behavior: options.behavior ?? 'delete',
    ...(options.name !== undefined && {name: options.name}),
    ...(options.node !== undefined && {node: options.node}),
  })
  const unprovenLimitMs = options.unprovenLimitMs ?? ttlMs
  const renewEveryMs = Math.min(ttlMs / 2, options.renewEveryMs ?? ttlMs / 3)
  const observer = options.observer ?? (() => {})
  const session = new RenewedSession({
    client,
    now,
    id,
    ttlMs,
    lockDelayMs,
    nodeChecks,
    provenAtMs,
    unprovenLimitMs,
    renewEveryMs,
    observer,
  })
  if (!options.signal?.aborted) return session
  await session.destroy()
  throw options.signal.reason
}

/** After a cancel, still waits briefly for the answer, because the session can be destroyed only by its ID. */
async function create(client: ConsulClient, options: SessionOptions, request: SessionRequest): Promise<SessionId> {
  using late = lateSignal(options.signal, {lateMs: cancelledCreateMs, clock: client.clock})
  const {signal} = late
  try {
    return (await client.session.create(request, {signal})).id
  } catch (error) {
    if (request.node !== undefined || !isForeignNode(error)) throw error
    const node = await pickServerNode(client, signal)
    return (await client.session.create({...request, node}, {signal})).id
  }
}

interface RenewedSessionOptions {
  readonly client: ConsulClient
  readonly now: BootTime
  readonly id: SessionId
  readonly ttlMs: number
  readonly lockDelayMs: number
  readonly nodeChecks: readonly string[]
  readonly provenAtMs: number
  readonly unprovenLimitMs: number
  readonly renewEveryMs: number
  readonly observer: (event: SessionEvent) => void
}

/**
 * A session is renewed until it is lost, orphaned or destroyed, and can be destroyed in every state. A failed
 * renewal alone does not end it. The session is lost if no renewal succeeded within `unprovenLimitMs`, or if
 * a consistent read confirms a 404. A 404 alone is not a proof, because a new leader that has not applied its
 * log yet answers 404 even for sessions that exist.
 */
class RenewedSession implements Session {
  readonly id: SessionId
  readonly ttlMs: number
  readonly lockDelayMs: number
  readonly nodeChecks: readonly string[]
  readonly #options: RenewedSessionOptions
  readonly #lost = new AbortController()
  readonly #stopped = new AbortController()
  readonly #alarm: Alarm
  #pace: RenewalPace
  #renewEveryMs: number
  /** Aborting this signal ends the pause before the next renewal. */
  #pause: LinkedSignal | undefined
  readonly #loop: Promise<void>
  #provenAtMs: number
  #lastError: unknown
  #destroyed: Promise<boolean> | undefined
  /** True if a consistent read did not find the session. */
  #isEnded = false

  constructor(options: RenewedSessionOptions) {
    const {clock} = options.client
    this.#options = options
    this.id = options.id
    this.ttlMs = options.ttlMs
    this.lockDelayMs = options.lockDelayMs
    this.nodeChecks = options.nodeChecks
    this.#provenAtMs = options.provenAtMs
    this.#alarm = new Alarm({clock, now: options.now, ring: () => this.#loseUnproven()})
    this.#alarm.set(this.#provenAtMs + options.unprovenLimitMs)
    this.#renewEveryMs = options.renewEveryMs
    this.#pace = new RenewalPace(options.renewEveryMs)
    this.#loop = this.#renewUntilStopped()
  }

  get signal(): AbortSignal {
    return this.#lost.signal
  }

  get provenAtMs(): number {
    return this.#provenAtMs
  }

  get validUntil(): number {
    return this.#provenAtMs + this.ttlMs
  }

  renewEvery(ms: number): void {
    checkOptions('renewEvery', {ms}, {ms: duration({minMs: 1})}, ['ms'])
    const everyMs = Math.min(this.ttlMs / 2, ms)
    if (everyMs === this.#renewEveryMs) return
    this.#renewEveryMs = everyMs
    this.#pace = new RenewalPace(everyMs)
    this.#pause?.abort(undefined)
  }

  orphan(): void {
    this.#stop()
  }

  async destroy(options: {readonly timeoutMs?: number} = {}): Promise<boolean> {
    checkOptions('destroy', options, {timeoutMs: duration()})
    this.#stop()
    this.#destroyed ??= this.#destroyWithin(options.timeoutMs ?? defaultDestroyMs)
    return this.#destroyed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.destroy()
  }

  #stop(): void {
    this.#alarm[Symbol.dispose]()
    this.#stopped.abort()
  }

  #lose(why: string, cause?: unknown): void {
    this.#stop()
    const details = {session: this.id, isEnded: this.#isEnded}
    this.#lost.abort(new SessionLostError(`session ${this.id}: ${why}`, {cause, details}))
  }

  #loseUnproven(): void {
    const {now} = this.#options
    this.#lose(`no renewal succeeded for ${formatDuration(now() - this.#provenAtMs)}`, this.#lastError)
  }

  async #renewUntilStopped(): Promise<void> {
    const {signal} = this.#stopped
    let pauseMs = this.#renewEveryMs
    try {
      while (!signal.aborted) {
        if (await this.#sleep(pauseMs, signal)) pauseMs = await this.#renew(signal)
        else pauseMs = Math.max(0, this.#provenAtMs + this.#renewEveryMs - this.#options.now())
      }
    } catch (error) {
      if (!signal.aborted) this.#lose(messageOf(error), error)
    }
  }

  /** Resolves to false if the interval between renewals was changed during the sleep. */
  async #sleep(pauseMs: number, signal: AbortSignal): Promise<boolean> {
    const {client, now} = this.#options
    using pause = linkSignal(signal)
    this.#pause = pause
    try {
      const untilMs = now() + pauseMs * (0.9 + 0.2 * client.random())
      await sleepUntil(untilMs, {clock: client.clock, now, signal: pause.signal})
      return true
    } catch (error) {
      if (signal.aborted) throw error
      return false
    } finally {
      this.#pause = undefined
    }
  }

  /** Resolves to the time to wait before the next renewal. */
  async #renew(signal: AbortSignal): Promise<number> {
    const {client, now, observer, unprovenLimitMs} = this.#options
    const renewEveryMs = this.#renewEveryMs
    const sentAtMs = now()
    try {
      const limits = {signal, timeoutMs: renewEveryMs}
      const {alive} = await client.session.renew(this.id, limits)
      if (signal.aborted) return renewEveryMs
      if (!alive) {
        await this.#confirmEnd(limits)
        return this.#pace.afterFailure()
      }
    } catch (error) {
      const retryMs = this.#pace.afterFailure(error)
      if (signal.aborted) return retryMs
      this.#lastError = error
      client.logger.debug({error: messageOf(error), session: this.id, retryMs}, 'session not renewed')
      observer({type: 'session.degraded', error, retryMs})
      return retryMs
    }
    this.#provenAtMs = sentAtMs
    this.#alarm.set(sentAtMs + unprovenLimitMs)
    observer({type: 'session.renewed', sentAtMs})
    return this.#pace.afterSuccess()
  }

  /** Checks by a consistent read whether the session has ended. Rejects if the read fails. */
  async #confirmEnd(limits: {readonly signal: AbortSignal; readonly timeoutMs: number}): Promise<void> {
    const {client, observer} = this.#options
    observer({type: 'session.doubted'})
    const {value} = await client.session.info(this.id, {...limits, consistency: 'consistent'})
    if (value) {
      observer({type: 'session.confirmed'})
      return
    }
    this.#isEnded = true
    this.#lose('Consul has ended it')
  }

  async #destroyWithin(timeoutMs: number): Promise<boolean> {
    const {clock, logger, session} = this.#options.client
    using link = linkSignal(undefined, {clock, timeoutMs})
    const {signal} = link
    await this.#loop
    if (this.#isEnded) return true
    try {
      await retry(() => session.destroy(this.id, {signal}), {signal, clock, backoff: {next: () => destroyRetryMs}})
      return true
    } catch (error) {
      logger.debug({error: messageOf(error), session: this.id}, 'session not destroyed')
      return false
    }
  }
}
