import {setMaxListeners} from 'node:events'
import * as Flags from '@oclif/core/flags'
import {WatchCommand, watchFlags} from '../../src/cli/watch/watch-command.js'
import {brief} from '../../src/core/brief.js'
import type {ConsulClient} from '../../src/core/client.js'
import {isBatonError, UsageError} from '../../src/core/errors.js'
import {createViewRegistry} from '../../src/core/query/view-registry.js'
import {HandlerError, shellWords} from '../../src/process/handler.js'
import type {ConfiguredWatch} from '../../src/watch/config.js'
import {execHandler, type Handler, httpHandler, withPolicy} from '../../src/watch/handlers.js'
import {watchQuery} from '../../src/watch/query.js'
import {runWatch} from '../../src/watch/run.js'
import {describeWatch, parseWatch, type WatchSpec} from '../../src/watch/spec.js'

const watchTypes = ['key', 'keyprefix', 'services', 'nodes', 'service', 'checks', 'event']

export default class Watch extends WatchCommand<typeof Watch> {
  static override summary = 'watch as consul watch does, or all watches of a file'
  static override description =
    'Takes the arguments of consul watch: --type and its parameters. A program runs at the start and after each change, with the result as JSON on stdin; without one the result is printed once.'
  static override exitMeanings = {
    0: 'printed, or the handlers succeeded',
    1: 'a handler failed in the form of consul watch, or in --watches FILE --once',
    124: 'the handler was stopped at --timeout',
    126: 'the handler cannot be run',
    127: 'the handler does not exist',
    '128+n': 'stopped by signal n',
    other: "the handler's own exit code (with --)",
  }
  static override usage = [
    'watch --type TYPE [FLAGS] [COMMAND...]',
    'watch --type TYPE [FLAGS] -- PROGRAM ARG...',
    'watch --watches FILE [--once]',
  ]
  static override examples = [
    "<%= config.bin %> watch -type=key -key=app/config './reload.sh'",
    '<%= config.bin %> watch -type=keyprefix -prefix=app/ -- ./reload.sh --now',
    '<%= config.bin %> watch --watches watches.json',
  ]
  /** As in Consul's tool: an empty parameter counts as not given. */
  static override emptyFlags = ['type', 'key', 'prefix', 'service', 'tag', 'passingonly', 'state', 'name']
  static override flags = {
    ...watchFlags,
    type: Flags.string({description: 'key, keyprefix, services, nodes, service, checks or event'}),
    key: Flags.string({description: 'key to watch (key)'}),
    prefix: Flags.string({description: 'prefix to watch (keyprefix)'}),
    service: Flags.string({description: 'service to watch (service, checks)'}),
    tag: Flags.string({
      description: 'only instances with this tag (service; repeatable)',
      multiple: true,
      multipleNonGreedy: true,
    }),
    passingonly: Flags.string({description: 'only instances whose checks pass (service)', helpValue: 'true|false'}),
    state: Flags.string({description: 'only checks in this state (checks)'}),
    name: Flags.string({description: 'only events of this name (event)'}),
    watches: Flags.string({
      description: "file or folder with Consul's watches, all run in this process",
      helpValue: 'FILE',
    }),
  }

  async run(): Promise<number> {
    const {watches} = this.flags
    if (watches !== undefined) return this.#runFile(watches)
    const spec = await this.#parse()
    if (!spec) return 64
    return this.watch({spec}, this.child?.form === 'native' ? 'native' : 'consul')
  }

  async #parse(): Promise<WatchSpec | undefined> {
    const word = this.child?.form === 'go' ? (this.child.words[0] ?? '') : ''
    if (this.flags.type === undefined && word !== '') {
      const {closest} = await import('fastest-levenshtein')
      throw new UsageError(`unknown command 'watch ${brief(word)}'`, {
        hint: `did you mean 'baton watch ${closest(word, watchTypes)}'? A command to run needs -type before it`,
      })
    }
    try {
      return parseWatch(this.flags)
    } catch (error) {
      if (!isBatonError(error, 'BATON_USAGE')) throw error
      this.out.error(error.message)
      return undefined
    }
  }

  async #runFile(path: string): Promise<number> {
    const own = Object.keys(Watch.flags).filter(name => name !== 'watches' && name !== 'once')
    const surplus = own.filter(name => this.sources.get(name) === 'flag').map(name => `--${name}`)
    if (surplus.length > 0 || this.child) {
      throw new UsageError(`watch: ${surplus[0] ?? 'a command'} does not go with --watches`, {
        hint: 'the file says what is watched and what is run for it',
      })
    }
    const configured = await readConfigured(path)
    const client = this.openClient()
    // Each watch adds listeners of its own.
    setMaxListeners(0, this.stopSignal)
    const asked = configured.map(one => ({...one, query: watchQuery(client, one.spec, one.scope)}))
    if (this.flags.once) {
      // An agent that cannot be reached, or a wrong question, ends the command before any handler runs.
      await Promise.all(asked.map(({query}) => query.read({signal: this.stopSignal})))
    }
    const views = this.releases.use(createViewRegistry(client, {lingerMs: 0}))
    for (const {query, spec} of asked) this.reportStatus(views, query, spec)
    let failures = 0
    const running = Promise.all(
      asked.map(async ({query, ...one}) => {
        const {spec, onError, debounceMs, isOnce} = one
        const handler = withPolicy(this.#handlerOf(client, one), {
          random: client.random,
          onError,
          onFailure: error => {
            failures += 1
            this.out.warn(`${describeWatch(spec)}: ${error.message}`)
          },
        })
        await runWatch(views, query, {
          signal: this.stopSignal,
          clock: client.clock,
          handle: delivery => handler(delivery, this.stopSignal),
          debounceMs,
          isOnce: this.flags.once || isOnce,
        })
      }),
    )
    try {
      await running
    } catch (error) {
      if (!(error instanceof HandlerError)) throw error
      this.out.error(`baton: ${error.message}`)
      return error.exitCode
    }
    return this.flags.once && failures > 0 ? 1 : 0
  }

  protected override get endsIfHopeless(): boolean {
    return this.flags.watches !== undefined
  }

  #handlerOf(client: ConsulClient, {run, timeoutMs}: ConfiguredWatch): Handler {
    if (run.kind === 'http') return httpHandler(run)
    const argv = run.kind === 'exec' ? run.argv : shellWords(run.command, '/bin/sh')
    return execHandler({
      argv,
      env: this.childEnvironment(),
      clock: client.clock,
      ...(timeoutMs !== undefined && {timeoutMs}),
    })
  }
}

/** Loads the parsers of files, which would be a tenth of the memory of a watch without a file. */
async function readConfigured(path: string): Promise<readonly ConfiguredWatch[]> {
  const [{readWatchFiles}, {parseWatches}] = await Promise.all([
    import('../../src/config/watch-files.js'),
    import('../../src/watch/config.js'),
  ])
  const files = await readWatchFiles(path)
  return files.flatMap(file => parseWatches(file.watches, file.path))
}
