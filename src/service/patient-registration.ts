import type {CheckState} from '../core/api/agent.js'
import type {ConsulClient} from '../core/client.js'
import {isTransient} from '../core/errors.js'
import {isHopeless} from '../core/hopeless.js'
import {retry} from '../core/retry.js'
import {Backoff} from '../core/time/backoff.js'
import {registerService} from './register.js'
import type {OfferedService, RegisteredService, ServiceEvent} from './types.js'

const firstNote = 'the program is being started'
const maxRetryMs = 5000

/**
 * Registers a service without waiting for the agent, so that the program runs even if the agent does not answer. The
 * service is registered as critical; its most recent state is sent afterwards.
 */
export class PatientRegistration {
  readonly #client: ConsulClient
  readonly #service: OfferedService & {readonly id: string}
  readonly #observer: (event: ServiceEvent) => void
  readonly #over = new AbortController()
  #registered: RegisteredService | undefined
  #registering: Promise<void> | undefined
  #ending: Promise<void> | undefined
  #state: CheckState = 'critical'
  #note = firstNote
  /** True if the service stays registered because the request to remove it failed. */
  #isLeft = false

  constructor(
    client: ConsulClient,
    service: OfferedService & {readonly id: string},
    observer: (event: ServiceEvent) => void,
  ) {
    this.#client = client
    this.#service = service
    this.#observer = observer
  }

  /**
   * Registers the service. If the agent does not answer, resolves and keeps trying in the background. Rejects if the
   * agent refuses, and with the signal's reason if the signal aborts during the first attempt.
   */
  async begin(signal: AbortSignal): Promise<void> {
    try {
      await this.#register(signal)
    } catch (error) {
      if (signal.aborted || !isTransient(error) || isHopeless(error)) {
        await this.end()
        throw error
      }
      this.#observer({type: 'registration.delayed', error})
      this.#registering = this.#registerLater()
    }
  }

  /** Sets the state of the check. If a state cannot be sent now, a later heartbeat sends it. */
  setState(state: CheckState, note: string): void {
    if (this.#ending) return
    if (state !== this.#state) this.#observer({type: 'state.changed', state, note})
    const isNew = state !== this.#state || note !== this.#note
    this.#state = state
    this.#note = note
    if (isNew) this.#registered?.setState(state, note).catch(() => {})
  }

  /** Removes the service from the agent. Does not reject, but reports failures to the observer. */
  end(): Promise<void> {
    this.#ending ??= this.#end()
    return this.#ending
  }

  async #end(): Promise<void> {
    this.#over.abort(new Error('the service ends'))
    await this.#registering
    if (this.#registered) {
      await this.#registered[Symbol.asyncDispose]()
      if (!this.#isLeft) this.#observer({type: 'service.removed'})
      return
    }
    // A cancelled attempt may still have reached the agent.
    await this.#client.agent.deregisterService(this.#service.id, {timeoutMs: 2000}).catch(() => {})
  }

  async #register(signal: AbortSignal): Promise<void> {
    const registered = await registerService(
      this.#client,
      {...this.#service, state: 'critical'},
      {
        signal,
        observer: notice => {
          if (notice.type === 'deregistration.failed') this.#isLeft = true
          this.#observer(notice)
        },
      },
    )
    this.#registered = registered
    this.#observer({type: 'service.registered'})
    await registered.setState(this.#state, this.#note).catch(() => {})
  }

  async #registerLater(): Promise<void> {
    const {clock, random} = this.#client
    const {signal} = this.#over
    const backoff = new Backoff({maxMs: maxRetryMs, random})
    await retry(() => this.#register(signal), {clock, backoff, signal}).catch((error: unknown) => {
      if (!signal.aborted) this.#observer({type: 'registration.failed', error})
    })
  }
}
