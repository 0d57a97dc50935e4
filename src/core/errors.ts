const errorBrand = Symbol.for('baton.error')

/** The codes of all errors that baton throws. A test compares this list with the one in docs/reference/errors.md. */
export const errorCodes = [
  'BATON_USAGE',
  'BATON_CONFIG',
  'BATON_CONNECT',
  'BATON_TLS',
  'BATON_TIMEOUT',
  'BATON_HTTP',
  'BATON_BAD_ANSWER',
  'BATON_NO_LEADER',
  'BATON_RATE_LIMITED',
  'BATON_ACL_DENIED',
  'BATON_NOT_FOUND',
  'BATON_TOO_LARGE',
  'BATON_CAS_CONFLICT',
  'BATON_LOCK_KIND',
  'BATON_LOCK_TIMEOUT',
  'BATON_SESSION_LOST',
  'BATON_LOCK_LOST',
  'BATON_CHILD',
  'BATON_CANCELLED',
  'BATON_REFUSED',
  'BATON_BUG',
] as const

/** The stable name of a kind of failure. It is part of the public interface. */
export type ErrorCode = (typeof errorCodes)[number]

/** The parts of an error besides its code and message. */
export interface BatonErrorOptions {
  /** The error that caused this one. */
  readonly cause?: unknown
  /** The next thing to try, as an imperative. It is shown on its own line, after the message. */
  readonly hint?: string
  /** True when the same call may succeed later without any intervention. @default false */
  readonly transient?: boolean
  /** Facts for logs and programs. They never contain secrets. */
  readonly details?: Readonly<Record<string, unknown>>
}

/**
 * The root of all errors baton throws. Test for it with {@link isBatonError}, which also recognises errors of a second
 * installed copy of baton.
 *
 * @example
 * ```ts
 * const error = await client.kv.get('/a').catch((thrown: unknown) => thrown)
 * if (!isBatonError(error)) throw error
 * error.code // => 'BATON_USAGE'
 * error.message // => "Invalid key. Key must not begin with a '/': /a"
 * ```
 */
export class BatonError extends Error {
  /** The stable name of the failure. */
  readonly code: ErrorCode
  /** The next thing to try, for people; undefined if there is no advice. */
  readonly hint: string | undefined
  /** True if the same call may succeed later without any intervention. */
  readonly transient: boolean
  /** Facts by name, for logs and programs; empty if there are none. Never secrets. */
  readonly details: Readonly<Record<string, unknown>>

  constructor(code: ErrorCode, message: string, options: BatonErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : {cause: options.cause})
    this.name = new.target.name
    this.code = code
    this.hint = options.hint
    this.transient = options.transient ?? false
    this.details = options.details ?? {}
    Object.defineProperty(this, errorBrand, {value: true})
  }
}

/**
 * True for every error of baton or, if `code` is given, only for errors of that code. Also recognises errors of a
 * second installed copy of baton.
 *
 * @example
 * ```ts
 * const error = await client.kv.get('/a').catch((thrown: unknown) => thrown)
 * isBatonError(error) // => true
 * isBatonError(error, 'BATON_NOT_FOUND') // => false
 * isBatonError(new Error('not from baton')) // => false
 * ```
 */
export function isBatonError(error: unknown, code?: ErrorCode): error is BatonError {
  if (typeof error !== 'object' || error === null || !(errorBrand in error)) return false
  return code === undefined || (error as unknown as BatonError).code === code
}

/**
 * True if a retry may succeed later without any intervention. False for errors that are not baton's.
 *
 * @example
 * ```ts
 * await using nowhere = createClient({address: '127.0.0.1:1'})
 * const error = await nowhere.kv.get('a').catch((thrown: unknown) => thrown)
 * isTransient(error) // => true
 * ```
 */
export const isTransient = (error: unknown): boolean => isBatonError(error) && error.transient

/** Invalid arguments of the command line, of a call or in a configuration. */
export class UsageError extends BatonError {
  constructor(message: string, options: BatonErrorOptions & {readonly code?: 'BATON_USAGE' | 'BATON_CONFIG'} = {}) {
    super(options.code ?? 'BATON_USAGE', message, options)
  }
}

/**
 * No answer came: the connection was refused or reset, timed out, or failed in TLS. Always transient, and never proof
 * that a write was not applied.
 */
export class TransportError extends BatonError {
  constructor(code: 'BATON_CONNECT' | 'BATON_TLS' | 'BATON_TIMEOUT', message: string, options: BatonErrorOptions = {}) {
    super(code, message, {transient: true, ...options})
  }
}

/** Status and text of Consul's answer. */
export interface WireFacts {
  /** The HTTP status. */
  readonly status: number
  /** The answer's text, cut to 1 kB. */
  readonly text: string
  /** Milliseconds to wait according to the answer's `Retry-After`. */
  readonly retryAfterMs?: number
}

/** Consul answered with a status that means failure. `status` and `text` are those of the answer. */
export class ConsulError extends BatonError {
  /** The HTTP status. */
  readonly status: number
  /** The text of the answer, cut to 1 kB. */
  readonly text: string

  constructor(code: ErrorCode, message: string, options: BatonErrorOptions & WireFacts) {
    super(code, message, options)
    this.status = options.status
    this.text = options.text
  }
}

/** The servers have no leader, or cannot reach the leader. Transient. */
export class NoLeaderError extends ConsulError {}

/** The agent or a server has reached one of its limits. Transient. */
export class RateLimitedError extends ConsulError {
  /**
   * Milliseconds that the answer's `Retry-After` asks the client to wait. Consul itself sends no such header;
   * proxies in front of it do.
   */
  readonly retryAfterMs: number | undefined

  constructor(code: ErrorCode, message: string, options: BatonErrorOptions & WireFacts) {
    super(code, message, options)
    this.retryAfterMs = options.retryAfterMs
  }
}
/** Consul answered 401 or 403. This does not prove that a lock is lost. */
export class PermissionError extends ConsulError {}

/** The key, session, service or other object of the request does not exist. */
export class NotFoundError extends ConsulError {}

/**
 * A compare-and-set whose condition was not met, or a key that already serves another kind of lock.
 */
export class ConflictError extends BatonError {
  constructor(code: 'BATON_CAS_CONFLICT' | 'BATON_LOCK_KIND', message: string, options: BatonErrorOptions = {}) {
    super(code, message, options)
  }
}

/** Returns a base class for errors that all have one code. */
function withCode(code: ErrorCode) {
  return class extends BatonError {
    constructor(message: string, options: BatonErrorOptions = {}) {
      super(code, message, options)
    }
  }
}

/** The lock was not acquired within the time limit. */
export class LockNotAcquiredError extends withCode('BATON_LOCK_TIMEOUT') {}
/** The session is gone, or can no longer be proven alive. */
export class SessionLostError extends withCode('BATON_SESSION_LOST') {}
/** The lock is no longer held, or holding it can no longer be proven. */
export class LockLostError extends withCode('BATON_LOCK_LOST') {}
/** A command could not be started. */
export class ChildError extends BatonError {
  /** 127 if the command was not found, 126 if it cannot be executed. */
  readonly exitCode: number
  constructor(message: string, options: BatonErrorOptions & {readonly exitCode: number}) {
    super('BATON_CHILD', message, options)
    this.exitCode = options.exitCode
  }
}
/** A caller or a signal cancelled the operation. */
export class CancelledError extends BatonError {
  /** The signal that the process received, if it caused the cancellation; otherwise undefined. */
  readonly signalName: NodeJS.Signals | undefined
  constructor(message = 'cancelled', options: BatonErrorOptions & {readonly signalName?: NodeJS.Signals} = {}) {
    super('BATON_CANCELLED', message, options)
    this.signalName = options.signalName
    this.name = 'AbortError'
  }
}
/** A policy forbids the operation, or a signature is missing or wrong. */
export class RefusedError extends withCode('BATON_REFUSED') {}
/** A bug in baton. */
export class BugError extends withCode('BATON_BUG') {}

/**
 * Returns the message of anything that was thrown.
 *
 * @example
 * ```ts
 * messageOf(new Error('no such thing')) // => 'no such thing'
 * messageOf('thrown as text') // => 'thrown as text'
 * ```
 */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
