import type {CheckState, ServiceRegistration} from '../core/api/agent.js'
import type {ChildExit} from '../process/exit-code.js'

/** Options of a service that this process registers. */
export interface OfferedService extends Omit<ServiceRegistration, 'id'> {
  /** The ID of the service, unique on the agent. @default `<name>-<port>`, or the name alone if there is no port */
  readonly id?: string
  /**
   * TTL of the service's check in milliseconds. The check turns critical if no heartbeat reaches the agent for this
   * time. Heartbeats are sent three times per TTL.
   * @default 15000
   */
  readonly ttlMs?: number
}

/** Events of a service's registration. */
export type RegistrationNotice =
  /** The agent had lost the service, for instance because of a restart. The service was registered again. */
  | {readonly type: 'service.restored'}
  /** A heartbeat has failed, and the one before it had succeeded. Heartbeats are still sent. */
  | {readonly type: 'heartbeat.failed'; readonly error: unknown}
  /** The service could not be removed. Its check will turn critical when the TTL has passed. */
  | {readonly type: 'deregistration.failed'; readonly error: unknown}

/** Options of a registration. */
export interface RegisterOptions {
  /** Cancels the registration. To remove a registered service, dispose it; this signal does not remove it. */
  readonly signal?: AbortSignal
  /** Receives notices of the registration. It is never awaited, and must not throw. */
  readonly observer?: (notice: RegistrationNotice) => void
}

/**
 * A service that stays registered until it is disposed. Disposing removes the service from the agent and never throws.
 */
export interface RegisteredService extends AsyncDisposable {
  /** The ID of the service on its agent. */
  readonly id: string
  /**
   * Sets the state of the service's check. If this rejects because the agent does not answer, later heartbeats still
   * send the new state.
   */
  setState(state: CheckState, note?: string): Promise<void>
}

/** Events of a program that runs as a service. */
export type ServiceEvent =
  | RegistrationNotice
  /** The agent does not answer yet. Until it does, the program runs without being registered. */
  | {readonly type: 'registration.delayed'; readonly error: unknown}
  /**
   * The agent did not answer at first, and has now refused the service. The program keeps running without a
   * registration.
   */
  | {readonly type: 'registration.failed'; readonly error: unknown}
  | {readonly type: 'service.registered' | 'service.removed'}
  | {readonly type: 'state.changed'; readonly state: CheckState; readonly note: string}
  | {readonly type: 'child.started'; readonly pid: number}
  | {readonly type: 'child.exited'; readonly exit: ChildExit; readonly restartMs: number | undefined}
  | {readonly type: 'guardian.failed'; readonly why: string}
