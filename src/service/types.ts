import type {CheckState, ServiceRegistration} from '../core/api/agent.js'
import type {ChildExit} from '../process/exit-code.js'

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
  /**
   * Sets the state of the service's check. Heartbeats repeat it, also if this rejects because the agent does not answer.
   */
  setState(state: CheckState, note?: string): Promise<void>
}

/** Events of a program that runs as a service. */
export type ServiceEvent =
  | RegistrationNotice
  /** The agent does not answer yet. The program runs without being registered until it does. */
  | {readonly type: 'registration.delayed'; readonly error: unknown}
  /** The agent refused the service after it had not answered. The program runs on without being registered. */
  | {readonly type: 'registration.failed'; readonly error: unknown}
  | {readonly type: 'service.registered' | 'service.removed'}
  | {readonly type: 'state.changed'; readonly state: CheckState; readonly note: string}
  | {readonly type: 'child.started'; readonly pid: number}
  | {readonly type: 'child.exited'; readonly exit: ChildExit; readonly restartMs: number | undefined}
  | {readonly type: 'guardian.failed'; readonly why: string}
