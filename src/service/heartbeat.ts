import {type CheckState, checkStateRules, type ServiceRegistration} from '../core/api/agent.js'
import {checkOptions} from '../core/check-options.js'
import type {ConsulClient} from '../core/client.js'
import {ConsulError, messageOf, NoLeaderError} from '../core/errors.js'
import type {RegisteredService, RegistrationNotice} from './types.js'

const deregisterTimeoutMs = 5000

export type Registration = ServiceRegistration & {readonly ttlMs: number}

/**
 * Sends the state of a service's check three times per TTL. Sends one state at a time, so that a delayed older state
 * never overwrites a newer one.
 */
export class Heartbeat implements RegisteredService {
  readonly id: string
  readonly #client: ConsulClient
  readonly #registration: Registration
  readonly #observer: (notice: RegistrationNotice) => void
  readonly #stop = new AbortController()
  readonly #beating: Promise<void>
  #state: CheckState
  #note = ''
  #last: Promise<void> = Promise.resolve()
  #isFailing = false

  constructor(client: ConsulClient, registration: Registration, observer: (notice: RegistrationNotice) => void) {
    this.id = registration.id
    this.#client = client
    this.#registration = registration
    this.#observer = observer
    this.#state = registration.state ?? 'passing'
    this.#beating = this.#beat()
  }

  async setState(state: CheckState, note = ''): Promise<void> {
    checkOptions('setState', {state, note}, checkStateRules, ['state'])
    this.#state = state
    this.#note = note
    await this.#send()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#stop.signal.aborted) return this.#beating
    this.#stop.abort()
    // A heartbeat in progress could register the service again after it was removed.
    await this.#beating
    try {
      await this.#client.agent.deregisterService(this.id, {timeoutMs: deregisterTimeoutMs})
    } catch (error) {
      this.#client.logger.warn({service: this.id, reason: messageOf(error)}, 'service could not be deregistered')
      this.#observer({type: 'deregistration.failed', error})
    }
  }

  async #beat(): Promise<void> {
    for (;;) {
      try {
        await this.#client.clock.sleep(this.#registration.ttlMs / 3, this.#stop.signal)
      } catch {
        break
      }
      await this.#beatOnce()
    }
    await this.#last.catch(() => {})
  }

  async #beatOnce(): Promise<void> {
    try {
      await this.#send()
      this.#isFailing = false
    } catch (error) {
      if (this.#stop.signal.aborted) return
      if (!this.#isFailing) {
        this.#client.logger.warn({service: this.id, reason: messageOf(error)}, 'heartbeat of the service failed')
        this.#observer({type: 'heartbeat.failed', error})
      }
      this.#isFailing = true
    }
  }

  /** Sends the current state once earlier sends have ended. */
  #send(): Promise<void> {
    this.#last = this.#last.catch(() => {}).then(() => this.#sendOrRestore())
    return this.#last
  }

  async #sendOrRestore(): Promise<void> {
    try {
      await this.#report()
    } catch (error) {
      if (!isUnknownCheck(error) || this.#stop.signal.aborted) throw error
      // This request has no signal that cancels it, because an agent could execute a cancelled request later and
      // register the service after it was removed.
      await this.#client.agent.registerService({...this.#registration, state: this.#state}, {timeoutMs: this.#limitMs})
      await this.#report()
      this.#observer({type: 'service.restored'})
    }
  }

  #report(): Promise<void> {
    return this.#client.agent.setCheck(`service:${this.id}`, this.#state, {
      note: this.#note,
      timeoutMs: this.#limitMs,
      signal: this.#stop.signal,
    })
  }

  get #limitMs(): number {
    return this.#registration.ttlMs / 3
  }
}

/** True for the answer of an agent that does not know the check, which is 404 or 500 depending on the version. */
const isUnknownCheck = (error: unknown): boolean =>
  error instanceof ConsulError && (error.status === 404 || error.status === 500) && !(error instanceof NoLeaderError)
