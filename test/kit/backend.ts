import {afterAll, beforeAll} from 'vitest'
import {systemClock} from '../../src/core/time/clock.js'
import type {FaultPanel, ScriptRunner} from '../../src/embedded/index.js'
import {captureOutput} from '../../src/process/capture.js'
import {startFederation} from './consul-cluster.js'
import {type ConsulConfig, consulIsInstalled, startDevAgent} from './consul-server.js'

export interface BackendOptions {
  /** Names of the datacenters. `address` is the address of the first one. @default ['dc1'] */
  readonly datacenters?: readonly string[]
  /**
   * Token with all permissions. It enables ACLs in one datacenter, with the default policy deny.
   */
  readonly managementToken?: string
  /** UDP port of the DNS server. */
  readonly dnsPort?: number
  /** Allows script checks on the embedded agent; the real one always allows them. */
  readonly scriptChecks?: boolean
  /** Configuration of the agent. Only the real backend reads it. */
  readonly config?: ConsulConfig
}

export interface TestAgent extends AsyncDisposable {
  readonly backend: 'embedded' | 'real'
  /** HTTP address of the first datacenter: `http://127.0.0.1:port`. */
  readonly address: string
  readonly datacenters: readonly string[]
  readonly addresses: ReadonlyMap<string, string>
  /**
   * Injects faults into the embedded agent. Undefined for a real agent, whose process and proxies tests
   * use instead.
   */
  readonly faults: FaultPanel | undefined
}

/** An implementation of Consul's HTTP API: baton's embedded agent, or Consul. */
export interface Backend {
  readonly name: 'embedded' | 'real'
  readonly start: (options?: BackendOptions) => Promise<TestAgent>
}

/** The version that BATON_TEST_LIKE makes the embedded agent imitate. */
export const likeVersion = process.env['BATON_TEST_LIKE'] || undefined

const runScript: ScriptRunner = (argv, options) =>
  captureOutput({argv, env: {PATH: process.env['PATH'] ?? ''}, clock: systemClock, mostBytes: 4096, ...options})

const embedded: Backend = {
  name: 'embedded',
  async start({datacenters = ['dc1'], managementToken, scriptChecks = false, dnsPort} = {}) {
    const {startEmbeddedAgent} = await import('../../src/embedded/index.js')
    const acl = managementToken === undefined ? {} : {acl: {managementToken}}
    const like = likeVersion === undefined ? {} : {like: likeVersion}
    const agent = await startEmbeddedAgent({
      datacenters,
      ...acl,
      ...like,
      ...(scriptChecks && {runScript}),
      ...(dnsPort && {dnsPort}),
    })
    return {
      backend: 'embedded',
      address: agent.address,
      datacenters,
      addresses: agent.addresses,
      faults: agent.faults,
      [Symbol.asyncDispose]: () => agent[Symbol.asyncDispose](),
    }
  },
}

/** Consul alone, for tests of behaviour that only real Consul has. Use it with `describe.runIf(hasReal)`. */
export const real: Backend = {
  name: 'real',
  async start({datacenters = ['dc1'], managementToken, dnsPort, config: given = {}} = {}) {
    const config = dnsPort === undefined ? given : {...given, ports: {dns: dnsPort}}
    const first = datacenters[0]!
    if (datacenters.length === 1) {
      const token = managementToken === undefined ? {} : {managementToken}
      const agent = await startDevAgent({datacenter: first, config, ...token})
      const addresses = new Map([[first, agent.address]])
      const dispose = (): Promise<void> => agent[Symbol.asyncDispose]()
      const {address} = agent
      return {backend: 'real', address, datacenters, addresses, faults: undefined, [Symbol.asyncDispose]: dispose}
    }
    if (managementToken !== undefined) throw new Error('the kit has no federation with ACLs')
    const federation = await startFederation(datacenters, {config})
    const dispose = (): Promise<void> => federation[Symbol.asyncDispose]()
    const address = federation.dc(first).address
    const {addresses} = federation
    return {backend: 'real', address, datacenters, addresses, faults: undefined, [Symbol.asyncDispose]: dispose}
  },
}

/**
 * Returns the backends that BATON_TEST_BACKEND selects. With BATON_REQUIRE_CONSUL=1, a missing `consul` is an
 * error.
 */
export function chooseBackends(env: NodeJS.ProcessEnv, isInstalled: () => boolean): readonly Backend[] {
  const choice = env['BATON_TEST_BACKEND'] ?? ''
  if (!['', 'embedded', 'real', 'both'].includes(choice))
    throw new Error(`BATON_TEST_BACKEND: '${choice}' is none of embedded, real, both`)
  const required = env['BATON_REQUIRE_CONSUL'] === '1'
  if (choice === 'embedded') return [embedded]
  const installed = isInstalled()
  if (!installed && (required || choice !== ''))
    throw new Error('consul is not on PATH: run npm run consul:install, or set BATON_TEST_BACKEND=embedded')
  if (choice === 'real') return [real]
  return installed ? [embedded, real] : [embedded]
}

/** The selected backends, for `describe.each(backends)('locks on $name', backend => ...)`. */
export const backends = chooseBackends(process.env, consulIsInstalled)

/** True if the tests also run on real Consul. */
export const hasReal = backends.includes(real)

/**
 * Starts one agent for all tests of the enclosing `describe`, before the first of them. The returned agent cannot be
 * used before that.
 */
export function sharedAgent(backend: Backend, options: BackendOptions = {}): TestAgent {
  let agent: TestAgent | undefined
  const started = (): TestAgent => {
    if (!agent) throw new Error('the shared agent runs only inside tests')
    return agent
  }
  beforeAll(async () => {
    agent = await backend.start(options)
  })
  afterAll(() => agent?.[Symbol.asyncDispose]())
  return {
    backend: backend.name,
    datacenters: options.datacenters ?? ['dc1'],
    get address() {
      return started().address
    },
    get addresses() {
      return started().addresses
    },
    get faults() {
      return started().faults
    },
    [Symbol.asyncDispose]: () => started()[Symbol.asyncDispose](),
  }
}
