import type {ConsulClient} from '../../core/client.js'
import {formatDuration} from '../../core/time/duration.js'
import type {SessionId} from '../../core/types.js'
import type {ChildSpec} from '../../process/child-spec.js'
import {type Launcher, launchPlainly} from '../../process/launch.js'
import {ReadyChild} from '../../process/ready-child.js'
import {defaultTtlMs} from '../../session/session.js'
import type {Hold} from '../types.js'
import {lockKey} from '../wire/names.js'

/**
 * Name of the variable that contains the session's ID, and that only the child and its descendants
 * have.
 */
export const sessionVariable = 'BATON_LOCK_SESSION'
/**
 * Name of the variable that contains the fencing token. The values of all other variables are known before the lock is
 * granted.
 */
const tokenVariable = 'BATON_FENCING_TOKEN'

/** A hold, or a contender that does not have a fencing token yet. */
type Contender = Pick<Hold, 'prefix' | 'key' | 'session'> & Partial<Pick<Hold, 'token'>>

export interface ChildUnderLockOptions {
  readonly prefix: string
  readonly child: Omit<ChildSpec, 'clock' | 'markedBy'>
  readonly ttlMs?: number
  readonly limit: number
  /** Prefixes of further mutexes that are held together with this one. @default none */
  readonly also?: readonly string[]
}

/**
 * Returns the environment variables that describe the lock to the child. Before the grant, the token is left out.
 */
export const lockVariables = (
  {scope}: ConsulClient,
  {prefix, key, session, token}: Contender,
  {ttlMs, limit, also = []}: ChildUnderLockOptions,
): Readonly<Record<string, string>> => ({
  CONSUL_LOCK_HELD: 'true',
  BATON_LOCK_PREFIX: prefix,
  BATON_LOCK_KEY: key,
  ...(also.length > 0 && {BATON_LOCK_ALSO: also.join('\n')}),
  [sessionVariable]: session,
  BATON_LOCK_MODE: limit > 1 ? 'semaphore' : 'mutex',
  BATON_LOCK_TTL: formatDuration(ttlMs ?? defaultTtlMs),
  ...(limit > 1 && {BATON_LOCK_LIMIT: String(limit)}),
  ...(scope.datacenter !== undefined && {BATON_LOCK_DC: scope.datacenter}),
  ...(token !== undefined && {[tokenVariable]: token.toString()}),
})

/** Returns the child with the variables of the lock in its environment. */
export function childSpec(client: ConsulClient, contender: Contender, options: ChildUnderLockOptions): ChildSpec {
  const {child} = options
  // The further keys of a lock around this one are not keys of this lock.
  const {BATON_LOCK_ALSO: _, ...inherited} = child.env
  const env = {...inherited, ...lockVariables(client, contender, options)}
  return {...child, env, markedBy: sessionVariable, clock: client.clock}
}

/**
 * The child of a contender. While the contender is first in the queue, a shell is already running and waits to be
 * replaced by the program of the child.
 */
export class WaitingChild implements Disposable {
  readonly #client: ConsulClient
  readonly #options: ChildUnderLockOptions
  #session: SessionId | undefined
  #ready: ReadyChild | undefined

  constructor(client: ConsulClient, options: ChildUnderLockOptions) {
    this.#client = client
    this.#options = options
  }

  /** Starts the shell, unless it was already started for this session. */
  prepare(session: SessionId): void {
    if (this.#session === session) return
    this[Symbol.dispose]()
    this.#session = session
    const {prefix} = this.#options
    const spec = childSpec(this.#client, {prefix, key: lockKey(prefix), session}, this.#options)
    this.#ready = new ReadyChild({spec, lateVariable: tokenVariable})
  }

  readonly launch: Launcher = spec => (this.#ready?.launch ?? launchPlainly)(spec);

  [Symbol.dispose](): void {
    this.#ready?.[Symbol.dispose]()
  }
}
