import {type AgentApi, createAgentApi} from './api/agent.js'
import {type CatalogApi, createCatalogApi} from './api/catalog.js'
import {createEventApi, type EventApi} from './api/event.js'
import {createKvApi, type KvApi} from './api/kv.js'
import {createSessionApi, type SessionApi} from './api/session.js'
import {createTxnApi, type TxnApi} from './api/txn.js'
import {defaultAddress, formatAddress, parseAddress} from './http/address.js'
import {type Caller, createCaller} from './http/caller.js'
import {NodeTransport, type TransportOptions} from './http/node-transport.js'
import type {TlsOptions} from './http/tls.js'
import {noopLogger} from './log.js'
import {systemClock, systemRandom} from './time/clock.js'
import type {CallOptions, Clock, Consistency, Logger, Random, Transport} from './types.js'

/** Where the agent is, and what every call carries unless it says otherwise. */
export interface ClientOptions {
  /** @default '127.0.0.1:8500' */
  readonly address?: string
  /** TLS although the address says `http` (CONSUL_HTTP_SSL). */
  readonly ssl?: boolean
  readonly tls?: TlsOptions
  /** Asked before each request when it is a function. */
  readonly token?: string | (() => string | undefined)
  /** `user:password` for basic authorization. */
  readonly auth?: string
  readonly datacenter?: string
  readonly namespace?: string
  readonly partition?: string
  /** @default 'default' */
  readonly consistency?: Consistency
  /** Replaces the sockets. The client disposes it. */
  readonly transport?: Transport | ((options: TransportOptions) => Transport)
  readonly clock?: Clock
  readonly random?: Random
  readonly logger?: Logger
}

/** A door to one agent. Dispose closes its sockets; calls under way are rejected. */
export interface ConsulClient extends AsyncDisposable {
  /** For messages and logs; never holds secrets. */
  readonly address: string
  readonly scope: Pick<CallOptions, 'datacenter' | 'namespace' | 'partition'>
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** For endpoints without a typed method. */
  readonly caller: Caller
  readonly kv: KvApi
  readonly session: SessionApi
  readonly txn: TxnApi
  readonly event: EventApi
  readonly catalog: CatalogApi
  readonly agent: AgentApi
}

/** Opens no connection by itself. Reads no environment. */
export function createClient(options: ClientOptions = {}): ConsulClient {
  const clock = options.clock ?? systemClock
  const address = parseAddress(options.address ?? defaultAddress, {ssl: options.ssl ?? false})
  const transport = openTransport(options, {address, clock, ...(options.tls && {tls: options.tls})})
  const {token} = options
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
    random: options.random ?? systemRandom,
    logger: options.logger ?? noopLogger,
    caller,
    kv: createKvApi(caller),
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
