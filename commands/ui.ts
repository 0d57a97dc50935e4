import {randomBytes} from 'node:crypto'
import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import {ConsulCommand} from '../src/cli/consul-command.js'
import {statusDirFlag} from '../src/cli/replicate/sub-verb.js'
import {renderPart} from '../src/cli/status/json.js'
import type {ConsulClient} from '../src/core/client.js'
import {UsageError} from '../src/core/errors.js'
import {readInput, whyUnreadable} from '../src/core/input.js'
import {retry} from '../src/core/retry.js'
import {Backoff} from '../src/core/time/backoff.js'
import {runWorkers, type Worker} from '../src/serve/lifecycle.js'
import {isLoopback, parseListen} from '../src/serve/listen.js'
import {openServer, type PageServer} from '../src/serve/server.js'
import {StatusFeed} from '../src/status/feed.js'
import {statusRoutes} from '../src/status/http/routes.js'

export default class Ui extends ConsulCommand<typeof Ui> {
  static override summary = 'serve a page that shows what baton does in this cluster'
  static override description =
    'The page shows what baton status prints, follows changes, and can only be read. It is for this machine alone; on another address clients need an access token, which is printed at the start.'
  static override exitMeanings = {
    0: 'stopped by a signal',
  }
  static override examples = ['<%= config.bin %> ui', '<%= config.bin %> ui jobs/ --listen 10.0.0.7:8510']
  static override args = {prefix: Args.string({ignoreStdin: true, description: 'start of the keys of the locks'})}
  static override flags = {
    listen: Flags.string({
      description: 'address to serve on; without a host it is loopback',
      default: '127.0.0.1:8510',
      helpValue: 'HOST:PORT',
    }),
    'access-token-file': Flags.string({
      description: 'file with the token that clients need (default: none on loopback, elsewhere a random one)',
      helpValue: 'FILE',
    }),
    'status-dir': statusDirFlag,
  }

  #isStarting = true

  async run(): Promise<number> {
    const listen = parseListen(this.flags.listen)
    const isLocal = isLoopback(listen.host)
    const given = await this.#givenToken()
    const token = given ?? (isLocal ? undefined : randomBytes(18).toString('base64url'))
    const {undiciTransport} = await import('../src/core/http/undici-transport.js')
    const client = this.openClient({transport: undiciTransport})
    const {clock, logger} = client
    const feed = new StatusFeed({
      client,
      prefix: this.args.prefix ?? '',
      statusDir: this.flags['status-dir'],
      render: renderPart,
    })
    this.releases.use(feed)
    const routes = () => statusRoutes({feed, clock, access: {token, loopbackOnly: isLocal}})
    const server = this.releases.use(await openServer({routes, listen, clock, logger, drainMs: 0}))
    this.out.line(given === undefined && token !== undefined ? `${server.url}/#token=${token}` : `${server.url}/`)
    await runWorkers([this.#firstLook(client, feed), pageWorker(server)], {
      signal: this.stopSignal,
      logger,
      clock,
    })
    return 0
  }

  async #givenToken(): Promise<string | undefined> {
    const file = this.flags['access-token-file']
    if (file === undefined) return undefined
    const text = await readInput(file).catch((error: unknown) => {
      throw new UsageError(`access-token-file: cannot read ${file}: ${whyUnreadable(error)}`, {
        code: 'BATON_CONFIG',
        cause: error,
      })
    })
    const token = text.toString().trim()
    if (token.length < 16)
      throw new UsageError(`access-token-file: ${file} has less than 16 characters`, {code: 'BATON_CONFIG'})
    return token
  }

  /** Failures after the start concern only a part of the page, and the page itself shows them. */
  protected override get ifHopeless(): 'end' | 'leave' {
    return this.#isStarting ? 'end' : 'leave'
  }

  /**
   * Before the first viewer opens the page, sends a read that needs no permission, so that an agent that does not
   * answer is reported immediately. If another program answers at the address, the command ends.
   */
  #firstLook(client: ConsulClient, feed: StatusFeed): Worker {
    const {clock, random} = client
    const signal = this.stopSignal
    const backoff = new Backoff({minMs: 500, maxMs: 5000, random})
    return {
      texts: {starting: 'asking the agent', stopping: 'ending the queries', stopped: 'queries ended'},
      start: async () => {
        await retry(() => client.catalog.datacenters({signal}), {signal, clock, backoff}).catch((error: unknown) => {
          if (!signal.aborted) throw error
        })
        this.#isStarting = false
        return undefined
      },
      stop: () => Promise.resolve(feed[Symbol.asyncDispose]()),
    }
  }

  protected override sayWaiting(text: string): void {
    this.out.warn(text)
  }
}

const pageWorker = (server: PageServer): Worker => ({
  texts: {starting: 'starting http service', stopping: 'shutting down http service', stopped: 'http service stopped'},
  start: () => Promise.resolve({url: server.url}),
  stop: () => Promise.resolve(server[Symbol.asyncDispose]()),
})
