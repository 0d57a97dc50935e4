import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import {ConsulCommand} from '../src/cli/consul-command.js'
import {durationFlag} from '../src/cli/flags.js'
import type {HiddenCheck} from '../src/cli/hidden-items.js'
import {UsageError} from '../src/core/errors.js'
import {noopLogger} from '../src/core/log.js'
import {defaultPollMs} from '../src/core/query/prepared-query.js'
import type {Consistency} from '../src/core/types.js'
import {toLines, toTable} from '../src/discover/format.js'
import {createRoutes} from '../src/discover/http/routes.js'
import {createDirectory, readList} from '../src/discover/open.js'
import {followWorker, httpWorker} from '../src/discover/serve.js'
import type {DiscoverFrom} from '../src/discover/source.js'
import {runWorkers} from '../src/serve/lifecycle.js'
import {isLoopback, parseListen} from '../src/serve/listen.js'
import {openServer, type ServerLoad} from '../src/serve/server.js'

export default class Discover extends ConsulCommand<typeof Discover> {
  static override summary = 'serve a list of services that follows Consul over HTTP'
  static override exitMeanings = {
    0: 'printed with --once, or stopped by a signal',
    1: 'with --once: a document is missing or invalid; the prepared query does not exist',
    '128+n': 'with --once: stopped by signal n',
  }
  static override description = `The list comes from a JSON document in a key, from every key below a prefix, from the
catalog, or from a prepared query. The last good list stays while Consul cannot be reached or a document is invalid.`
  static override usage = [
    'discover KEY [FLAGS]',
    'discover --prefix PREFIX [FLAGS]',
    'discover --service NAME... [FLAGS]',
    'discover --query NAME [FLAGS]',
  ]
  static override examples = [
    '<%= config.bin %> discover app/services --listen 127.0.0.1:8080',
    '<%= config.bin %> discover --service resizer --service thumbnailer',
    '<%= config.bin %> discover --query nearest-resizer --near _agent',
    '<%= config.bin %> discover --prefix app/services/ --once --json',
  ]
  static override enableJsonFlag = true
  static override flagRules = ['listen', 'wait'].map(flag => ({flag, besides: ['once']}))
  static override args = {
    key: Args.string({ignoreStdin: true, description: 'key with a services document'}),
  }
  static override flags = {
    prefix: Flags.string({description: 'one document for each key that starts with this'}),
    service: Flags.string({
      description: 'passing instances of a service in the catalog (repeatable)',
      multiple: true,
      multipleNonGreedy: true,
    }),
    tag: Flags.string({description: 'with --service: only instances with this tag'}),
    query: Flags.string({description: 'instances that a prepared query gives, asked again every --interval'}),
    near: Flags.string({description: 'with --query: nearest instances of this node first (_agent: the one asked)'}),
    limit: Flags.integer({description: 'with --query: at most this many instances', min: 1}),
    interval: durationFlag({description: 'with --query: mean pause between two reads', default: '10s', min: 1000}),
    listen: Flags.string({
      description: 'address to serve on; without a host it is loopback',
      default: '127.0.0.1:8080',
      helpValue: 'HOST:PORT',
    }),
    wait: durationFlag({description: 'longest time an outage can go unnoticed', default: '60s', min: 1000}),
    once: Flags.boolean({description: 'print the list as it is now, and stop'}),
  }

  async run(): Promise<number> {
    const from = this.#from()
    if (this.jsonEnabled() && !this.flags.once) throw new UsageError('--json: only with --once')
    return this.flags.once ? await this.#printOnce(from) : await this.#serve(from)
  }

  #from(): DiscoverFrom {
    const {prefix, service, tag, query} = this.flags
    const {key} = this.args
    const given = [key, prefix, service, query].filter(value => value !== undefined).length
    if (given !== 1) {
      const hint = 'name a KEY, or --prefix P, or --service NAME, or --query NAME'
      throw new UsageError(given === 0 ? 'discover: no source for the list' : 'discover: several sources', {hint})
    }
    if (tag !== undefined && service === undefined) throw new UsageError('--tag: only with --service')
    this.#refuseIdle(query !== undefined)
    if (query !== undefined) return this.#fromQuery(query)
    if (service) return {services: [...new Set(service)], ...(tag !== undefined && {tag})}
    // Keys in Consul never start with a slash, so one at the start of a prefix is removed.
    return key === undefined ? {prefix: (prefix ?? '').replace(/^\//, '')} : {key: key.replace(/^\//, '')}
  }

  #refuseIdle(isQuery: boolean): void {
    const idle = ['near', 'limit', 'interval'].find(name => this.sources.get(name) === 'flag')
    if (!isQuery && idle !== undefined) throw new UsageError(`--${idle}: only with --query`)
  }

  #fromQuery(query: string): DiscoverFrom {
    const {near, limit, interval: everyMs = defaultPollMs} = this.flags
    return {query, everyMs, ...(near !== undefined && {near}), ...(limit !== undefined && {limit})}
  }

  async #printOnce(from: DiscoverFrom): Promise<number> {
    const client = this.openClient({logger: noopLogger})
    const reading = {signal: this.stopSignal, consistency: this.#consistency()}
    const {list, problems} = await readList(client, from, reading)
    if (this.jsonEnabled()) this.out.json({services: list.services})
    else for (const line of (this.out.isTty ? toTable : toLines)(list.services)) this.out.line(line)
    for (const {message} of problems) this.out.warn(message)
    return problems.length === 0 ? 0 : 1
  }

  async #serve(from: DiscoverFrom): Promise<number> {
    const waitMs = this.flags.wait ?? 60_000
    // By default, a daemon logs at level info.
    if (!this.sources.has('log-level')) this.logger = this.createLogger(this.flags.quiet ? 'error' : 'info')
    const listen = parseListen(this.flags.listen)
    const {undiciTransport} = await import('../src/core/http/undici-transport.js')
    const client = this.openClient({transport: undiciTransport})
    const directory = await createDirectory(client, from, {waitMs, freshConsistency: this.#consistency()})
    const config = {address: client.address, source: from, settings: this.settingsShown()}
    const {clock, logger} = client
    const shown = {config, clock, maxStaleMs: 2 * waitMs}
    const routes = (measure: () => ServerLoad) => createRoutes(directory, shown, measure)
    const server = this.releases.use(await openServer({routes, listen, clock, logger}))
    if (!isLoopback(listen.host)) logger.warn({...listen}, 'every client that can reach this address can read the list')
    await runWorkers([followWorker(directory), httpWorker(server)], {signal: this.stopSignal, logger, clock})
    return 0
  }

  protected override sayWaiting(text: string): void {
    if (this.flags.once) super.sayWaiting(text)
    else this.logger.warn({}, text)
  }

  protected override get checksHidden(): HiddenCheck {
    return 'empty'
  }

  protected override get aclNeeds(): ConsulCommand['aclNeeds'] {
    const {prefix} = this.flags
    const key = this.args.key ?? prefix
    return key === undefined ? [['watch service', '']] : [['discover', key.replace(/^\//, '')]]
  }

  protected override warnOfHidden(text: string): void {
    if (this.flags.once) this.out.warn(text)
    else this.logger.warn({}, text)
  }

  protected override get ifHopeless(): 'end' | 'leave' {
    return this.flags.once ? 'leave' : 'end'
  }

  /** Returns the consistency of the first read. */
  #consistency(): Consistency {
    return this.clientOptions().consistency ?? 'consistent'
  }
}
