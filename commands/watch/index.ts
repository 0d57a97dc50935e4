import {setMaxListeners} from 'node:events'
import * as Flags from '@oclif/core/flags'
import {WatchCommand, watchFlags} from '../../src/cli/watch/watch-command.js'
import type {FileWatches} from '../../src/cli/watch/watch-files.js'
import {brief} from '../../src/core/brief.js'
import {isBatonError, UsageError} from '../../src/core/errors.js'
import {createViewRegistry} from '../../src/core/query/view-registry.js'
import {Wake} from '../../src/core/time/wake.js'
import {watchQuery} from '../../src/watch/query.js'
import {parseWatch, type WatchSpec} from '../../src/watch/spec.js'

const watchTypes = ['key', 'keyprefix', 'services', 'nodes', 'service', 'checks', 'event', 'query']

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
  /** As in Consul's tool, an empty parameter counts as not given. */
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
      description: "file or folder with Consul's watches, all run in this process; HUP reads it again",
      helpValue: 'FILE',
    }),
  }

  #files: FileWatches | undefined

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
    const reloads = new Wake()
    // Added before the start, so that a HUP during the start also causes a reload.
    using _reload = this.flags.once ? undefined : this.#onHangUp(() => reloads.wake())
    // Imported only if there is a configuration file, because the parsers of such files would add a tenth to the memory
    // of a watch without one.
    const {configuredWatches, FileWatches: Files} = await import('../../src/cli/watch/watch-files.js')
    const watches = await configuredWatches(path)
    const client = this.openClient()
    if (this.flags.once) {
      // If the agent cannot be reached or refuses a query, the command ends before any handler runs. Each query adds a
      // listener to the signal, so the signal may have more listeners than Node's usual limit.
      setMaxListeners(0, this.stopSignal)
      const queries = watches.map(({spec, scope}) => watchQuery(client, spec, scope))
      await Promise.all(queries.map(query => query.read({signal: this.stopSignal})))
    }
    const views = this.releases.use(createViewRegistry(client, {lingerMs: 0}))
    this.#files = new Files({
      client,
      views,
      signal: this.stopSignal,
      out: this.out,
      env: this.childEnvironment(),
      isOnce: this.flags.once,
    })
    return await this.#files.run(watches, {path, reloads})
  }

  /** Makes HUP call the listener instead of stopping the command. Disposing stops that. */
  #onHangUp(listener: () => void): Disposable {
    const {signals} = this.host
    signals.on('SIGHUP', listener)
    this.stopSignals.release('SIGHUP')
    return {[Symbol.dispose]: () => signals.off('SIGHUP', listener)}
  }

  protected override get ifHopeless(): 'end' | 'report' | 'leave' {
    if (this.flags.watches === undefined) return 'leave'
    return this.#files?.isReloaded === true ? 'report' : 'end'
  }
}
