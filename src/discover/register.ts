import {type CheckState, checkStateRules, registrationRules, type ServiceRegistration} from '../core/api/agent.js'
import {abortSignal, callback, checkOptions, duration} from '../core/check-options.js'
import type {ConsulClient} from '../core/client.js'
import {clientRule} from '../core/context-rules.js'
import {ConsulError, messageOf, NoLeaderError} from '../core/errors.js'

const deregisterTimeoutMs = 5000

/** A service that this process offers. */
export interface OfferedService extends Omit<ServiceRegistration, 'id'> {
  /** The ID, unique on the agent. @default `<name>-<port>`, or the name alone without a port */
  readonly id?: string
  /**
   * TTL of the service's check in milliseconds: it turns critical if no heartbeat reaches the agent for this long.
   * Heartbeats are sent every third of it. @default 15000
   */
  readonly ttlMs?: number
}

/** Events of a registered service. */
export type RegistrationNotice =
  /** The agent had lost the service, for instance by a restart, and has it again. */
  | {readonly type: 'service.restored'}
  /** A heartbeat failed, and the one before did not. Heartbeats continue. */
  | {readonly type: 'heartbeat.failed'; readonly error: unknown}
  /** The service could not be removed: the agent turns it critical once its TTL has passed. */
  | {readonly type: 'deregistration.failed'; readonly error: unknown}

/** Options of a registration. */
export interface RegisterOptions {
  /** Cancels the registration. A registered service is removed by disposing it, not by this signal. */
  readonly signal?: AbortSignal
  /** Receives notices of the registration. It is never awaited, and must not throw. */
  readonly observer?: (notice: RegistrationNotice) => void
}

/** A service that is registered until it is disposed. Disposing removes it from the agent, and does not throw. */
export interface RegisteredService extends AsyncDisposable {
  /** The ID of the service on its agent. */
  readonly id: string
  /** Sets the state of the service's check, which later heartbeats repeat. Rejects if the agent does not answer. */
  setState(state: CheckState, note?: string): Promise<void>
}

const serviceRules = {...registrationRules, ttlMs: duration({minMs: 1000})}
const rules = {signal: abortSignal, observer: callback}

/**
 * Registers a service with the agent, keeps its TTL check passing by a heartbeat, registers it again if the agent lost it,
 * and removes it when it is disposed. Resolves once the agent has the service; rejects if it does not answer or refuses.
 *
 * @example
 * ```ts
 * await using web = await registerService(client, {name: 'shop', port: 8080, tags: ['v2']})
 * web.id // => 'shop-8080'
 * await web.setState('warning', 'cache is cold')
 * ```
 */
export async function registerService(
  client: ConsulClient,
  service: OfferedService,
  options: RegisterOptions = {},
): Promise<RegisteredService> {
  checkOptions('registerService', {client}, {client: clientRule}, ['client'])
  checkOptions('registerService', options, rules)
  checkOptions('registerService', service, serviceRules, ['name'])
  const {name, port, ttlMs = 15_000} = service
  const id = service.id ?? (port === undefined ? name : `${name}-${port}`)
  const registration = {...service, id, ttlMs}
  await client.agent.registerService(registration, options.signal ? {signal: options.signal} : {})
  return new Heartbeat(client, registration, options.observer ?? (() => {}))
}

type Registration = ServiceRegistration & {readonly ttlMs: number}

class Heartbeat implements RegisteredService {
  readonly id: string
  readonly #client: ConsulClient
  readonly #registration: Registration
  readonly #observer: (notice: RegistrationNotice) => void
  readonly #stop = new AbortController()
  readonly #beating: Promise<void>
  #state: CheckState = 'passing'
  #note = ''
  #isFailing = false

  constructor(client: ConsulClient, registration: Registration, observer: (notice: RegistrationNotice) => void) {
    this.id = registration.id
    this.#client = client
    this.#registration = registration
    this.#observer = observer
    this.#beating = this.#beat()
  }

  async setState(state: CheckState, note = ''): Promise<void> {
    checkOptions('setState', {state, note}, checkStateRules, ['state'])
    await this.#send(state, note)
    this.#state = state
    this.#note = note
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#stop.signal.aborted) return this.#beating
    this.#stop.abort()
    // A heartbeat in progress could register the service again after its removal.
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
        return
      }
      await this.#beatOnce()
    }
  }

  async #beatOnce(): Promise<void> {
    try {
      await this.#sendOrRestore()
      this.#isFailing = false
    } catch (error) {
      if (!this.#isFailing) {
        this.#client.logger.warn({service: this.id, reason: messageOf(error)}, 'heartbeat of the service failed')
        this.#observer({type: 'heartbeat.failed', error})
      }
      this.#isFailing = true
    }
  }

  async #sendOrRestore(): Promise<void> {
    try {
      await this.#send(this.#state, this.#note)
    } catch (error) {
      if (!isUnknownCheck(error)) throw error
      await this.#client.agent.registerService({...this.#registration, state: this.#state}, this.#limit)
      await this.#send(this.#state, this.#note)
      this.#observer({type: 'service.restored'})
    }
  }

  #send(state: CheckState, note: string): Promise<void> {
    return this.#client.agent.setCheck(`service:${this.id}`, state, {note, ...this.#limit})
  }

  get #limit(): {readonly timeoutMs: number} {
    return {timeoutMs: this.#registration.ttlMs / 3}
  }
}

/** An agent that does not know the check answers with 404 or 500, according to its version. */
const isUnknownCheck = (error: unknown): boolean =>
  error instanceof ConsulError && (error.status === 404 || error.status === 500) && !(error instanceof NoLeaderError)
