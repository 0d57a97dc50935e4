import {randomUUID} from 'node:crypto'
import {rm} from 'node:fs/promises'
import {join} from 'node:path'
import * as Flags from '@oclif/core/flags'
import {BaseCommand} from '../src/cli/base-command.js'
import {defined} from '../src/cli/defined.js'
import {registerDefinitions} from '../src/cli/dev/register-definitions.js'
import {trustDirectory} from '../src/cli/directories.js'
import {readDefinitions} from '../src/config/agent-files.js'
import {brief, briefPath} from '../src/core/brief.js'
import {createClient} from '../src/core/client.js'
import {CancelledError, UsageError} from '../src/core/errors.js'
import {exchangeInputBytes, readInput, whyUnreadable} from '../src/core/input.js'
import {makeTemporaryFolder} from '../src/core/temporary-folder.js'
import {systemClock} from '../src/core/time/clock.js'
import {type EmbeddedAgent, type ScriptRunner, type SimulatedNode, startEmbeddedAgent} from '../src/embedded/index.js'
import {trustFromDirectory} from '../src/exec/native/trust.js'
import {createResponder, type ResponderEvent} from '../src/exec/responder/responder.js'
import {type ExchangeEntry, parseExchange} from '../src/kv/exchange.js'
import {captureOutput} from '../src/process/capture.js'
import {replaceFile} from '../src/process/replace-file.js'

const defaultAddress = '127.0.0.1:8500'

const simulated = 'SIMULATED NODE'
const testing = 'BEHAVIOUR'

export default class Dev extends BaseCommand<typeof Dev> {
  static override summary = 'run a Consul agent in memory, for first steps, demos and tests'
  static override description =
    'Answers like Consul 1.8.7 on this machine alone, until a signal stops it. Everything that was stored is gone then: production runs on Consul.'
  static override exitMeanings = {
    0: 'stopped by a signal',
  }
  static override examples = [
    '<%= config.bin %> dev',
    '<%= config.bin %> dev --http-addr 127.0.0.1:0 --ready-file agent.json',
    '<%= config.bin %> dev --datacenter dc1 --datacenter dc2',
    '<%= config.bin %> dev --node web-1:web:blue --node web-2:web',
    '<%= config.bin %> dev --config-dir ./consul.d --dns-port 8600',
    '<%= config.bin %> dev --seed app.json --acl',
    '<%= config.bin %> dev --responders 3 --trust-dir ./trust',
  ]
  static override flagRules = [{flag: 'trust-dir', needs: ['responders']}]
  static override flags = {
    'http-addr': Flags.string({
      description: `loopback address to listen on; port 0 takes a free one (default: ${defaultAddress})`,
      helpValue: 'HOST:PORT',
    }),
    datacenter: Flags.string({
      description: 'name of a datacenter (repeatable); the first is the local one, each has its own address',
      multiple: true,
      multipleNonGreedy: true,
    }),
    name: Flags.string({description: "name of the agent's own node (default: baton-dev)", helpValue: 'NAME'}),
    'node-meta': Flags.string({
      description: "metadata of the agent's own node (repeatable)",
      helpValue: 'KEY=VALUE',
      multiple: true,
      multipleNonGreedy: true,
    }),
    node: Flags.string({
      helpGroup: simulated,
      description: 'simulated member, with a service (repeatable)',
      helpValue: 'NAME[:SERVICE[:TAG]]',
      multiple: true,
      multipleNonGreedy: true,
    }),
    responders: Flags.integer({
      helpGroup: simulated,
      description: 'run this many responders, named responder-1 and so on, for baton exec',
      helpValue: 'N',
      min: 0,
      max: 100,
    }),
    'trust-dir': Flags.string({
      helpGroup: simulated,
      description: 'public keys whose jobs the responders run, on this machine and as this user',
      default: trustDirectory,
      helpValue: 'DIR',
    }),
    acl: Flags.boolean({helpGroup: testing, description: 'deny what no token grants; prints a management token'}),
    'dns-port': Flags.integer({
      description: 'answer DNS questions about the catalog on this port, over UDP and TCP; 0 takes a free one',
      helpValue: 'PORT',
      min: 0,
      max: 65_535,
    }),
    'config-dir': Flags.string({
      description: 'folder with services and checks, as agents read it: *.json and *.hcl by name (repeatable)',
      helpValue: 'DIR',
      multiple: true,
      multipleNonGreedy: true,
    }),
    'config-file': Flags.string({
      description: 'file with services and checks, read before the folders (repeatable)',
      helpValue: 'FILE',
      multiple: true,
      multipleNonGreedy: true,
    }),
    'enable-script-checks': Flags.boolean({
      helpGroup: testing,
      description: 'run script checks, on this machine and as this user',
    }),
    like: Flags.string({
      helpGroup: testing,
      description: 'imitate a newer Consul where clients must cope',
      helpValue: 'VERSION',
    }),
    seed: Flags.string({
      helpGroup: testing,
      description: 'keys to begin with, as kv export writes them',
      helpValue: 'FILE',
    }),
    log: Flags.boolean({helpGroup: testing, description: 'log every request to stderr'}),
    'ready-file': Flags.string({
      helpGroup: testing,
      description: 'write addresses (and the token) as JSON once requests are served',
      helpValue: 'FILE',
    }),
  }

  async run(): Promise<number> {
    const {signal} = this.stopSignals
    const {host, port} = parseAddress(this.#address())
    const {datacenter, acl, seed, log, like} = this.flags
    const given = [...(this.flags['config-file'] ?? []), ...(this.flags['config-dir'] ?? [])]
    const {definitions, warnings} = await readDefinitions(given)
    for (const warning of warnings) this.out.warn(warning)
    const agent = await startEmbeddedAgent({
      logger: log ? this.createLogger('debug') : this.logger,
      host,
      port,
      ...(datacenter && {datacenters: datacenter}),
      ...defined({like, dnsPort: this.flags['dns-port'], name: this.flags.name}),
      nodeMeta: parseMeta(this.flags['node-meta'] ?? []),
      ...(this.flags['enable-script-checks'] && {runScript: this.#scriptRunner()}),
      nodes: parseNodes(this.flags.node ?? []),
      ...(acl && {acl: {managementToken: randomUUID()}}),
      ...(seed !== undefined && {seed: await readSeed(seed)}),
    })
    this.releases.use(agent)
    await registerDefinitions({address: agent.address, token: agent.managementToken}, definitions)
    if (this.flags.responders) await this.#startResponders(agent, this.flags.responders)
    await this.#announce(agent)
    await new Promise<void>(resolve => {
      if (signal.aborted) resolve()
      else signal.addEventListener('abort', () => resolve(), {once: true})
    })
    this.out.say('stopping; all stored data is discarded')
    return 0
  }

  #scriptRunner(): ScriptRunner {
    const env = this.childEnvironment()
    return (argv, options) => captureOutput({argv, env, clock: systemClock, mostBytes: 65_536, ...options})
  }

  /** Returns the address to listen on. CONSUL_HTTP_ADDR is ignored, because it names the agent that clients use. */
  #address(): string {
    const given = this.flags['http-addr']
    const fromVariable = /^[A-Z_]+$/.test(this.sources.get('http-addr') ?? '')
    return given === undefined || fromVariable ? defaultAddress : given
  }

  /** Resolves when all responders are ready. Responders are stopped before the agent. */
  async #startResponders(agent: EmbeddedAgent, count: number): Promise<void> {
    const trust = trustFromDirectory(this.flags['trust-dir'])
    const {keys, trouble} = await trust()
    if (trouble) throw trouble
    if (keys.size === 0) this.out.warn(`dev: no key in ${this.flags['trust-dir']}: responders refuse every job`)
    const home = makeTemporaryFolder('baton-dev-')
    this.releases.defer(() => rm(home, {recursive: true, force: true}))
    const stop = new AbortController()
    const {address, managementToken: token} = agent
    const serving: Promise<void>[] = []
    const ready = Array.from({length: count}, async (_, at) => {
      const client = this.releases.use(createClient({address, logger: this.logger, ...defined({token})}))
      const node = `responder-${at + 1}`
      const options = {trust, node, stateDirectory: join(home, 'state'), env: this.host.env}
      await new Promise<void>((resolve, reject) => {
        const observer = ({type}: ResponderEvent): void => {
          if (type === 'responder.registered') resolve()
        }
        const served = createResponder(client, {...options, observer}).serve({signal: stop.signal})
        serving.push(served)
        served.catch(reject)
      })
    })
    this.releases.defer(async () => {
      stop.abort(new CancelledError('the agent stops'))
      await Promise.allSettled(serving)
    })
    await Promise.all(ready)
  }

  async #announce(agent: EmbeddedAgent): Promise<void> {
    const {address, addresses, managementToken, dnsPort} = agent
    const path = this.flags['ready-file']
    if (path !== undefined) {
      const facts = {address, addresses: Object.fromEntries(addresses), managementToken, dnsPort, pid: process.pid}
      await replaceFile(path, `${JSON.stringify(facts, undefined, 2)}\n`, 0o600).catch((error: unknown) => {
        throw new UsageError(`--ready-file: cannot write ${briefPath(path)}: ${whyUnreadable(error)}`, {cause: error})
      })
    }
    this.out.line(`baton dev: ready at ${address}`)
    if (addresses.size > 1) for (const [name, at] of addresses) this.out.line(`datacenter ${name}: ${at}`)
    if (dnsPort !== undefined) this.out.line(`DNS: port ${dnsPort}`)
    const {responders = 0} = this.flags
    if (responders > 0) this.out.line(`responders: responder-1${responders > 1 ? ` to responder-${responders}` : ''}`)
    if (managementToken !== undefined) this.out.line(`management token: ${managementToken}`)
    const isFoundByDefault = address === `http://${defaultAddress}`
    if (!isFoundByDefault) this.out.line(`export CONSUL_HTTP_ADDR=${address}`)
    if (managementToken !== undefined) this.out.line(`export CONSUL_HTTP_TOKEN=${managementToken}`)
    this.out.warn('dev: a Consul agent in memory, for this machine only; everything is gone when it stops')
  }
}

function parseAddress(text: string): {readonly host: string; readonly port: number} {
  const [, host = '', port = ''] = /^(?:http:\/\/)?(\[[^\]]*\]|[^:/]*):(\d+)\/?$/.exec(text) ?? []
  if (port === '' || Number(port) > 65_535) {
    throw new UsageError(`--http-addr: '${brief(text)}' is not HOST:PORT`, {hint: `write it like ${defaultAddress}`})
  }
  return {host: host === '' ? '127.0.0.1' : host.replace(/^\[|\]$/g, ''), port: Number(port)}
}

/** Parses `rack=1`, or `rack:1` as Consul writes it. The first `=` or `:` ends the name. */
function parseMeta(pairs: readonly string[]): Readonly<Record<string, string>> {
  const meta = new Map<string, string>()
  for (const pair of pairs) {
    const [, key = '', value = ''] = /^([^=:]*)[=:](.*)$/s.exec(pair) ?? []
    if (!/^[\w-]+$/.test(key)) throw new UsageError(`--node-meta: '${brief(pair)}' is not KEY=VALUE`)
    if (meta.has(key)) throw new UsageError(`--node-meta: '${brief(key)}' is given twice`)
    meta.set(key, value)
  }
  return Object.fromEntries(meta)
}

/**
 * Parses texts such as `web-1:web:blue`: node, service and tag. If several texts name the same node, it has all of
 * their services and tags.
 */
function parseNodes(words: readonly string[]): SimulatedNode[] {
  const nodes = new Map<string, {name: string; tags: string[]}[]>()
  for (const word of words) {
    const [name = '', service = '', tag = '', ...more] = word.split(':')
    if (name === '' || more.length > 0 || word.endsWith(':')) {
      throw new UsageError(`--node: '${brief(word)}' is not NAME[:SERVICE[:TAG]]`)
    }
    const services = nodes.get(name) ?? []
    nodes.set(name, services)
    if (service === '') continue
    const known = services.find(one => one.name === service)
    const tags = tag === '' ? [] : [tag]
    if (known) known.tags.push(...tags)
    else services.push({name: service, tags})
  }
  return [...nodes].map(([name, services]) => ({name, services}))
}

async function readSeed(path: string): Promise<readonly ExchangeEntry[]> {
  let text: string
  try {
    text = (await readInput(path, exchangeInputBytes)).toString()
  } catch (error) {
    throw new UsageError(`--seed: cannot read ${briefPath(path)}: ${whyUnreadable(error)}`, {cause: error})
  }
  return parseExchange(text)
}
