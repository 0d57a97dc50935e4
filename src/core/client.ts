import {type AgentApi, createAgentApi} from './api/agent.js'
import {type CatalogApi, createCatalogApi} from './api/catalog.js'
import {createEventApi, type EventApi} from './api/event.js'
import {createKvApi, type KvApi} from './api/kv.js'
import {createSessionApi, type SessionApi} from './api/session.js'
import {createTxnApi, type TxnApi} from './api/txn.js'
import {boolean, callback, checkOptions, type OptionRule, object, text, withMethod} from './check-options.js'
import {clockRule, loggerRule} from './context-rules.js'
import {defaultAddress, formatAddress, parseAddress} from './http/address.js'
import {consistencyRule, secretText} from './http/call-rules.js'
import {type Caller, createCaller} from './http/caller.js'
import {NodeTransport} from './http/node-transport.js'
import type {TlsOptions} from './http/tls.js'
import type {TransportOptions} from './http/types.js'
import {noopLogger} from './log.js'
import {systemClock, systemRandom} from './time/clock.js'
import type {CallOptions, Clock, Consistency, Logger, Random, Transport} from './types.js'

/** The address of the agent, and defaults for every call. Only {@link createClient} reads them. */
export interface ClientOptions {
  /** `host:port`, `http://…`, `https://…` or `unix:///path`. @default '127.0.0.1:8500' */
  readonly address?: string
  /**
   * Uses TLS even if the address says `http`, as CONSUL_HTTP_SSL does for Consul's own command.
   * @default false
   */
  readonly ssl?: boolean
  /** Certificates and names for TLS. */
  readonly tls?: TlsOptions
  /** The ACL token, or a function that returns the token and is called before each request. @default no token */
  readonly token?: string | (() => string | undefined)
  /** `user:password` for basic authorization. @default none */
  readonly auth?: string
  /** Datacenter of every call. @default the agent's */
  readonly datacenter?: string
  /** Namespace of every call (Consul Enterprise). @default the token's */
  readonly namespace?: string
  /** Admin partition of every call (Consul Enterprise). @default the agent's */
  readonly partition?: string
  /** Consistency of every read. @default 'default' */
  readonly consistency?: Consistency
  /** Replaces Node's sockets, for instance by `undiciTransport`. The client disposes it. @default NodeTransport */
  readonly transport?: Transport | ((options: TransportOptions) => Transport)
  /** Source of time, for tests. @default systemClock */
  readonly clock?: Clock
  /** Source of jitter, for tests. @default systemRandom */
  readonly random?: Random
  /** Receives log lines: everything the library reports besides results. @default noopLogger */
  readonly logger?: Logger
}

/**
 * A client for one agent. Disposing the client closes its sockets and rejects calls in progress.
 */
export interface ConsulClient extends AsyncDisposable {
  /** The address, for messages and logs. It never contains secrets. */
  readonly address: string
  /** Datacenter, namespace and partition that the client was created with. */
  readonly scope: Pick<CallOptions, 'datacenter' | 'namespace' | 'partition'>
  /** The source of time. */
  readonly clock: Clock
  /** The source of jitter. */
  readonly random: Random
  /** The logger passed to `createClient`, or one that does nothing. */
  readonly logger: Logger
  /** Sends requests to endpoints that have no typed method. */
  readonly caller: Caller
  /** Keys and values. */
  readonly kv: KvApi
  /** Sessions, without renewals. */
  readonly session: SessionApi
  /** Transactions on keys. */
  readonly txn: TxnApi
  /** User events. */
  readonly event: EventApi
  /** Nodes, services and checks of a datacenter. */
  readonly catalog: CatalogApi
  /** The agent itself, the members of its gossip pool, and its services. */
  readonly agent: AgentApi
}

const transportRule = withMethod('a Transport', 'send')
const clientRules = {
  address: text,
  ssl: boolean,
  tls: object,
  token: {expected: 'a string or a function', accepts: isTextOrFunction, isSecret: true},
  auth: secretText,
  datacenter: text,
  namespace: text,
  partition: text,
  consistency: consistencyRule,
  transport: {
    expected: 'a Transport or a function that makes one',
    accepts: value => typeof value === 'function' || transportRule.accepts(value),
  },
  clock: clockRule,
  random: callback,
  logger: loggerRule,
} as const satisfies Readonly<Record<keyof ClientOptions, OptionRule>>

/**
 * Creates a client for one agent. Sends nothing by itself and reads no environment. Dispose it to close its sockets;
 * calls in progress reject. Throws a UsageError if an option is not valid.
 * @example
 * ```ts
 * await using client = createClient({address})
 * await client.kv.put('greeting', Buffer.from('hello'))
 * const {value} = await client.kv.get('greeting')
 * value?.value.toString() // => 'hello'
 * ```
 */
export function createClient(options: ClientOptions = {}): ConsulClient {
  checkOptions('createClient', options, clientRules)
  const clock = options.clock ?? systemClock
  const address = parseAddress(options.address ?? defaultAddress, {ssl: options.ssl ?? false})
  const transport = openTransport(options, {address, clock, ...(options.tls && {tls: options.tls})})
  const {token} = options
  const random = options.random ?? systemRandom
  const scope = {
    ...(options.datacenter !== undefined && {datacenter: options.datacenter}),
    ...(options.namespace !== undefined && {namespace: options.namespace}),
    ...(options.partition !== undefined && {partition: options.partition}),
  }
  const caller = createCaller({
    transport,
    clock,
    ...(token !== undefined && {token: typeof token === 'function' ? token : () => token}),
    ...(options.auth !== undefined && {auth: options.auth}),
    defaults: {...scope, ...(options.consistency && {consistency: options.consistency})},
  })
  return {
    address: formatAddress(address),
    scope,
    clock,
    random,
    logger: options.logger ?? noopLogger,
    caller,
    kv: createKvApi(caller, {clock, random}),
    session: createSessionApi(caller),
    txn: createTxnApi(caller, scope),
    event: createEventApi(caller),
    catalog: createCatalogApi(caller),
    agent: createAgentApi(caller),
    [Symbol.asyncDispose]: () => Promise.resolve(transport[Symbol.asyncDispose]()),
  }
}

function openTransport(options: ClientOptions, transportOptions: TransportOptions): Transport {
  if (typeof options.transport === 'function') return options.transport(transportOptions)
  return options.transport ?? new NodeTransport(transportOptions)
}

function isTextOrFunction(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'function'
}
