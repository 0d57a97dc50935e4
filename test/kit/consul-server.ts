import {type ChildProcess, spawn} from 'node:child_process'
import {accessSync, constants, mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {delimiter, join} from 'node:path'
import {setTimeout as sleep} from 'node:timers/promises'
import {freePorts} from './ports.js'
import {guardFolder, guardGroup, killQuietly} from './process-guard.js'
import {processInfo} from './processes.js'
import {type RawConsul, raw} from './raw-consul.js'
import {TextTail} from './text-tail.js'
import {waitUntil} from './wait-until.js'

/**
 * Any settings of the agent's configuration file. They take precedence over the kit's own settings, except for ports.
 */
export type ConsulConfig = Readonly<Record<string, unknown>>

export interface ConsulOptions {
  /** Role of the agent. `dev` keeps everything in memory, so its data is lost at a restart. @default 'dev' */
  readonly role?: 'dev' | 'server' | 'client'
  readonly node?: string
  /** @default 'dc1' */
  readonly datacenter?: string
  /** Loopback address for gossip and RPC. HTTP always uses 127.0.0.1. @default '127.0.0.1' */
  readonly bind?: string
  /** Token with all permissions. It enables ACLs with the default policy deny. */
  readonly managementToken?: string
  readonly config?: ConsulConfig
}

export interface ConsulPorts {
  readonly http: number
  readonly serf_lan: number
  readonly serf_wan: number
  readonly server: number
}

const clash = /address already in use|bind: cannot assign/

// Searches only for an executable file and starts nothing, because each test file calls this function when it is
// loaded.
function isOnPath(name: string): boolean {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter(folder => folder !== '')
  return folders.some(folder => {
    try {
      accessSync(join(folder, name), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

// Command that makes an agent exit together with the test process, even if that process is killed. Empty if the system
// has no such command.
const deathWish = isOnPath('setpriv') ? ['setpriv', '--pdeathsig', 'KILL', '--'] : []

export const consulIsInstalled = (): boolean => isOnPath('consul')

const aclOf = (token: string): ConsulConfig => ({
  enabled: true,
  default_policy: 'deny',
  tokens: {master: token, agent: token},
})

let nodeCount = 0

/**
 * A real agent. `startDevAgent` and similar functions wait until it is ready; `launch` only waits for its first answer.
 */
export class ConsulServer implements AsyncDisposable {
  readonly node: string
  readonly datacenter: string
  readonly role: 'dev' | 'server' | 'client'
  readonly bind: string
  readonly ports: ConsulPorts
  /** HTTP address of the agent: `http://127.0.0.1:port`. */
  readonly address: string
  readonly #folder: string
  readonly #token: string | undefined
  readonly #log = new TextTail(64 * 1024)
  readonly #folderGuard: Disposable
  #child: ChildProcess | undefined
  #exit: Promise<string> = Promise.resolve('never started')

  private constructor(options: ConsulOptions, ports: ConsulPorts) {
    this.role = options.role ?? 'dev'
    this.node = options.node ?? `node-${++nodeCount}`
    this.datacenter = options.datacenter ?? 'dc1'
    this.bind = options.bind ?? '127.0.0.1'
    this.ports = ports
    this.#token = options.managementToken
    this.address = `http://127.0.0.1:${ports.http}`
    this.#folder = mkdtempSync(join(tmpdir(), 'baton-consul-'))
    this.#folderGuard = guardFolder(this.#folder)
    writeFileSync(
      join(this.#folder, 'agent.json'),
      JSON.stringify({...this.#config(), ...options.config, ...{ports: this.#portsOf(options.config)}}),
    )
  }

  /** Starts an agent on free ports, and waits until it answers over HTTP. If a port is taken, tries other ports. */
  static async launch(options: ConsulOptions = {}): Promise<ConsulServer> {
    for (let attempt = 1; ; attempt += 1) {
      const [http, serf_lan, serf_wan, server] = (await freePorts(4, options.bind)) as [number, number, number, number]
      const agent = new ConsulServer(options, {http, serf_lan, serf_wan, server})
      try {
        await agent.#spawn()
        return agent
      } catch (error) {
        await agent[Symbol.asyncDispose]()
        if (attempt >= 3 || !clash.test(agent.log)) throw error
      }
    }
  }

  get pid(): number {
    if (this.#child?.pid === undefined) throw new Error(`${this.node}: not running`)
    return this.#child.pid
  }
  get running(): boolean {
    return this.#child !== undefined
  }
  /** The last part of the agent's log. */
  get log(): string {
    return this.#log.text
  }
  get lanAddress(): string {
    return `${this.bind}:${this.ports.serf_lan}`
  }
  get wanAddress(): string {
    return `${this.bind}:${this.ports.serf_wan}`
  }

  /** Suspends the process. Its sockets stay open but do not answer. */
  async pause(): Promise<void> {
    process.kill(this.pid, 'SIGSTOP')
    await waitUntil(() => process.platform !== 'linux' || processInfo(this.pid)?.state === 'T', {
      what: `${this.node} to be suspended`,
      intervalMs: 5,
    })
  }
  resume(): void {
    process.kill(this.pid, 'SIGCONT')
  }

  /** Kills the process, as a power cut would. Resolves when it has exited. */
  async kill(): Promise<void> {
    if (this.#child === undefined) return
    killQuietly(-this.pid)
    await this.#exit
  }

  /**
   * Asks the agent to end, and kills it after `limitMs`. A client leaves the cluster when it ends, a server does not.
   */
  async stop(limitMs = 5000): Promise<void> {
    if (this.#child === undefined) return
    killQuietly(-this.pid, 'SIGCONT')
    killQuietly(-this.pid, 'SIGTERM')
    const late = new AbortController()
    const limit = sleep(limitMs, undefined, {signal: late.signal}).catch(() => undefined)
    await Promise.race([this.#exit, limit])
    late.abort()
    await this.kill()
  }

  /**
   * Restarts the agent with the same ports and the same data. Resolves when it answers over HTTP; `untilReady` waits
   * for more.
   */
  async restart(how: 'stop' | 'kill' = 'stop'): Promise<void> {
    await this[how]()
    await this.#spawn()
  }

  /** Waits until the agent knows a leader, its node is registered with a passing serfHealth, and indexes increase. */
  async untilReady(timeoutMs = 30_000): Promise<void> {
    await this.whileAlive(
      waitUntil(() => this.#isReady(), {
        what: `${this.node} to be ready`,
        timeoutMs,
        detail: () => this.log.slice(-2000),
      }),
    )
  }

  /** Waits for `work`, but rejects at once with the end of the log if the agent exits first. */
  whileAlive<T>(work: Promise<T>): Promise<T> {
    const died = this.#exit.then(how => {
      throw new Error(`consul ${this.node}: ended (${how})\n${this.log.slice(-4000)}`)
    })
    work.catch(() => undefined)
    died.catch(() => undefined)
    return Promise.race([work, died])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
    rmSync(join(this.#folder, 'data'), {recursive: true, force: true})
    this.#folderGuard[Symbol.dispose]()
  }

  async #isReady(): Promise<boolean> {
    const agent = this.#raw()
    if ((await agent.get('/v1/status/leader')) === '') return false
    const answer = await agent.ok('GET', `/v1/health/node/${this.node}`)
    const checks = answer.json() as {CheckID: string; Status: string}[]
    const alive = checks.some(check => check.CheckID === 'serfHealth' && check.Status === 'passing')
    return alive && Number(answer.headers['x-consul-index']) >= 2
  }

  #raw(): RawConsul {
    return raw(this.address, this.#token === undefined ? {} : {token: this.#token})
  }

  async #spawn(): Promise<void> {
    const agent = ['agent', '-config-file', join(this.#folder, 'agent.json')]
    if (this.role === 'dev') agent.push('-dev')
    const [file = 'consul', ...args] = [...deathWish, 'consul', ...agent]
    const child = spawn(file, args, {detached: true, stdio: ['ignore', 'pipe', 'pipe']})
    this.#child = child
    this.#exit = new Promise(resolve => {
      child.once('error', error => resolve(error.message))
      child.once('exit', (code, signal) => resolve(signal ?? `exit code ${String(code)}`))
    })
    const guard = child.pid === undefined ? undefined : guardGroup(child.pid)
    void this.#exit.then(() => {
      guard?.[Symbol.dispose]()
      this.#child = undefined
    })
    child.stdout.on('data', (chunk: Buffer) => this.#log.add(chunk))
    child.stderr.on('data', (chunk: Buffer) => this.#log.add(chunk))
    const open = waitUntil(() => this.#raw().request('GET', '/v1/status/leader'), {
      what: `${this.node} to answer`,
      detail: () => this.log.slice(-2000),
    })
    await this.whileAlive(open)
  }

  #config(): ConsulConfig {
    return {
      node_name: this.node,
      datacenter: this.datacenter,
      bind_addr: this.bind,
      client_addr: '127.0.0.1',
      server: this.role !== 'client',
      ...(this.role === 'dev' ? {} : {data_dir: join(this.#folder, 'data')}),
      disable_update_check: true,
      enable_script_checks: true,
      ...(this.#token === undefined ? {} : {acl: aclOf(this.#token)}),
    }
  }

  #portsOf(config: ConsulConfig | undefined): Readonly<Record<string, number>> {
    const own = {dns: -1, grpc: -1, https: -1}
    return {...own, ...(config?.['ports'] as Record<string, number> | undefined), ...this.ports}
  }
}

/** Starts an agent that keeps its data in memory. It is ready in about half a second. */
export async function startDevAgent(options: Omit<ConsulOptions, 'role'> = {}): Promise<ConsulServer> {
  const agent = await ConsulServer.launch({...options, role: 'dev'})
  try {
    await agent.untilReady()
    return agent
  } catch (error) {
    await agent[Symbol.asyncDispose]()
    throw error
  }
}
