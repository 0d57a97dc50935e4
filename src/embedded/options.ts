import {brief} from '../core/brief.js'
import {
  boolean,
  bytes,
  callback,
  checkOptions,
  count,
  duration,
  name,
  type OptionRule,
  object,
  span,
  text,
  texts,
  uint64,
} from '../core/check-options.js'
import {clockRule, loggerRule} from '../core/context-rules.js'
import {UsageError} from '../core/errors.js'
import type {Clock, Logger, Random} from '../core/types.js'
import type {ScriptRunner} from './checks/probe.js'
import type {FaultRule} from './faults.js'
import {metaError} from './meta.js'
import type {SimulatedNode} from './populate.js'

/** Options of an embedded agent. */
export interface EmbeddedAgentOptions {
  /** Clock for sessions, checks, lock-delays and blocking queries. Default: the system's clock. */
  readonly clock?: Clock
  /** Source of IDs and jitter. Default: the system's randomness. */
  readonly random?: Random
  /** Receives one log record for each request. Default: none. */
  readonly logger?: Logger
  /** A loopback address to listen on. Any other address is refused. Default: `127.0.0.1`. */
  readonly host?: string
  /**
   * Port of the first datacenter; 0 for any free port. The other datacenters always get free ports. Default:
   * 0.
   */
  readonly port?: number
  /** Names of the datacenters. The first is the local one; each has its own HTTP address. Default: `['dc1']`. */
  readonly datacenters?: readonly string[]
  /**
   * Name of the agent's own node. In other datacenters, `-` and the datacenter's name are appended. Default:
   * `baton-dev`.
   */
  readonly name?: string
  /** Metadata of the agent's own node in the first datacenter. Default: none. */
  readonly nodeMeta?: Readonly<Record<string, string>>
  /** Simulated members of the first datacenter. Default: none. */
  readonly nodes?: readonly SimulatedNode[]
  /** Initial keys of the first datacenter. Default: none. */
  readonly seed?: readonly SeedKey[]
  /** Enables ACLs, with the default policy deny. `managementToken` has all permissions. Default: no ACLs. */
  readonly acl?: {readonly managementToken: string}
  /** Port of the catalog's DNS server, for UDP and TCP; 0 for any free port. Default: no DNS. */
  readonly dnsPort?: number
  /** Runs script checks. Default: script checks are refused, as by an agent with default settings. */
  readonly runScript?: ScriptRunner
  /**
   * Version of Consul to imitate where clients notice a difference, from `1.8` to `1.22`. Default: 1.8.7, as
   * measured.
   */
  readonly like?: string
}

/** An initial key. */
export interface SeedKey {
  /** Name of the key. */
  readonly key: string
  /** Value of the key. */
  readonly value: Buffer
  /** Flags of the key, an unsigned 64-bit number. */
  readonly flags: bigint
}

const what = 'embedded agent'
const loopback = /^(?:127\.\d{1,3}\.\d{1,3}\.\d{1,3}|::1|localhost)$/
const datacenterName = /^[a-z0-9_-]+$/
const nodeName = /^[A-Za-z0-9_.-]+$/
/** Default name of the agent's own node. */
export const defaultName = 'baton-dev'

const objects: OptionRule = {
  expected: 'an array of objects',
  accepts: value => Array.isArray(value) && value.every(object.accepts),
}
const metadata: OptionRule = {
  expected: 'an object of strings',
  accepts: value => object.accepts(value) && Object.values(value as object).every(text.accepts),
}
const port = count({min: 0, max: 65_535})
const managementToken: OptionRule = {...name, isSecret: true}

/** Throws a UsageError for the first invalid option of an agent. */
export function checkAgentOptions(options: EmbeddedAgentOptions): void {
  checkOptions(what, options, {
    clock: clockRule,
    random: callback,
    logger: loggerRule,
    host: text,
    port,
    datacenters: texts,
    name: text,
    nodeMeta: metadata,
    nodes: objects,
    seed: objects,
    acl: object,
    dnsPort: port,
    runScript: callback,
    like: text,
  })
  for (const entry of options.seed ?? []) {
    checkOptions(`${what}: seed`, entry, {key: text, value: bytes, flags: uint64}, ['key', 'value', 'flags'])
  }
  if (options.acl) checkOptions(`${what}: acl`, options.acl, {managementToken}, ['managementToken'])
  checkHost(options.host ?? '127.0.0.1')
  checkDatacenters(options.datacenters ?? ['dc1'])
  checkNodes(options)
}

function checkHost(host: string): void {
  if (loopback.test(host)) return
  throw new UsageError(`${what}: '${host}' is not a loopback address`, {
    hint: 'use 127.0.0.1, ::1 or localhost: the agent is for development only',
  })
}

function checkDatacenters(datacenters: readonly string[]): void {
  if (datacenters.length === 0) throw new UsageError(`${what}: expected at least one datacenter, got none`)
  for (const [at, datacenter] of datacenters.entries()) {
    if (datacenters.indexOf(datacenter) !== at) {
      throw new UsageError(`${what}: the datacenter '${datacenter}' is named twice`)
    }
    if (!datacenterName.test(datacenter)) {
      throw new UsageError(`${what}: '${brief(datacenter)}' cannot name a datacenter`, {
        hint: 'use lower case letters, digits, - and _',
      })
    }
  }
}

/** Throws if Consul would refuse a name or the metadata, or if two nodes have the same name. */
function checkNodes(options: EmbeddedAgentOptions): void {
  const {name: own = defaultName, nodes = [], nodeMeta = {}} = options
  checkNodeName(own)
  const taken = new Set<string>()
  for (const node of nodes) {
    checkOptions(`${what}: nodes`, node, {name, services: objects}, ['name'])
    for (const service of node.services ?? []) {
      checkOptions(`${what}: nodes: services`, service, {name, id: text, tags: texts, port}, ['name'])
    }
    checkNodeName(node.name)
    if (node.name.toLowerCase() === own.toLowerCase()) {
      throw new UsageError(`${what}: '${own}' names both the agent's own node and a simulated one`)
    }
    if (taken.has(node.name.toLowerCase())) throw new UsageError(`${what}: '${node.name}' names two simulated nodes`)
    taken.add(node.name.toLowerCase())
  }
  const wrong = metaError(new Map(Object.entries(nodeMeta)))
  if (wrong !== undefined) throw new UsageError(`${what}: node metadata: ${wrong}`)
}

function checkNodeName(node: string): void {
  if (nodeName.test(node)) return
  throw new UsageError(`${what}: '${brief(node)}' cannot name a node`, {hint: 'use letters, digits, -, _ and dots'})
}

/** Throws a UsageError for an invalid rule of {@link FaultPanel.inject}. */
export function checkFaultRule(rule: FaultRule): void {
  checkOptions('inject', rule, {
    path: text,
    method: text,
    times: count({min: 1}),
    delayMs: duration(),
    drop: boolean,
    dropAnswer: boolean,
    status: count({min: 200, max: 599}),
    body: text,
  })
  const effects = [rule.drop, rule.dropAnswer, rule.status !== undefined].filter(Boolean)
  if (effects.length > 1) throw new UsageError('inject: expected one of `drop`, `dropAnswer` and `status`, got several')
}

/** Throws a UsageError if the value is not the name of a datacenter. */
export const checkDatacenter = (datacenter: unknown): void => checkOptions('faults', {datacenter}, {datacenter: text})

const snapshotRule: OptionRule = {
  expected: 'what saveSnapshot returned',
  accepts: value => object.accepts(value) && object.accepts((value as {readonly image?: unknown}).image),
}
/** Throws a UsageError if the value is not a snapshot. */
export const checkSnapshot = (snapshot: unknown): void =>
  checkOptions('restoreSnapshot', {snapshot}, {snapshot: snapshotRule}, ['snapshot'])

/** Unlike a timer, the agent's clock may be advanced by more than 24.8 days. */
export const checkAdvance = (ms: number): void => checkOptions('fastForward', {ms}, {ms: span}, ['ms'])
export const checkRestart = (options: {readonly keepState?: boolean}): void =>
  checkOptions('restart', options, {keepState: boolean})
