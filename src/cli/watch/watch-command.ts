import type {Command} from '@oclif/core/command'
import * as Flags from '@oclif/core/flags'
import {type GoValue, goJson} from '../../core/api/go-json.js'
import {brief} from '../../core/brief.js'
import {type LinkedSignal, linkSignal} from '../../core/cancel/link-signal.js'
import type {ConsulClient} from '../../core/client.js'
import {CancelledError, messageOf, UsageError} from '../../core/errors.js'
import type {ViewRegistry} from '../../core/query/types.js'
import {createViewRegistry} from '../../core/query/view-registry.js'
import {HandlerError, shellWords} from '../../process/handler.js'
import {type Delivery, NewsFilter} from '../../watch/delivery.js'
import {execHandler, type Handler, httpHandler, type OnHandlerError, withPolicy} from '../../watch/handlers.js'
import {type WatchQuery, type WatchScope, watchQuery} from '../../watch/query.js'
import {runWatch} from '../../watch/run.js'
import type {WatchSpec} from '../../watch/spec.js'
import {WatchItem} from '../../watch/value.js'
import {ConsulCommand} from '../consul-command.js'
import type {ExitMeanings} from '../exit-meanings.js'
import type {FlagRule} from '../flag-rules.js'
import {durationFlag} from '../flags.js'
import type {HiddenCheck} from '../hidden-items.js'
import {goHandlerText} from './go-text.js'
import {keyText} from './key-text.js'
import {reportStatus} from './report-status.js'

const handling = 'HANDLER'
const http = 'HTTP HANDLER'

/** The flags that all watches have besides their own parameters. */
export const watchFlags = {
  once: Flags.boolean({description: 'stop after the first result'}),
  ndjson: Flags.boolean({description: 'without a command: print snapshot and changes as JSON lines'}),
  debounce: durationFlag({description: 'wait until nothing changed for this long', default: '0'}),
  'ignore-indexes': Flags.boolean({description: 'ignore changes that affect only indexes'}),
  previous: Flags.boolean({
    helpGroup: handling,
    description: 'also give the handler the previous value and the changes',
  }),
  'on-error': Flags.option({
    helpGroup: handling,
    options: ['exit', 'continue', 'retry'] as const,
    default: 'exit' as const,
    description: 'what to do when the handler fails',
  })(),
  timeout: durationFlag({helpGroup: handling, description: 'longest run of the handler (0: no limit)', default: '0'}),
  grace: durationFlag({helpGroup: handling, description: 'time between TERM and KILL for the handler', default: '5s'}),
  shell: Flags.boolean({
    helpGroup: handling,
    description: 'without --: run the words by a shell (default)',
    default: true,
    allowNo: true,
  }),
  'http-handler': Flags.string({
    helpGroup: http,
    description: 'send results to this address instead of a command',
    helpValue: 'URL',
  }),
  'http-method': Flags.string({helpGroup: http, description: 'method of these requests', default: 'POST'}),
  'http-header': Flags.string({
    helpGroup: http,
    description: "header of these requests, 'Name: value' (repeatable)",
    multiple: true,
    multipleNonGreedy: true,
  }),
  'http-timeout': durationFlag({helpGroup: http, description: 'longest wait for the answer', default: '10s'}),
  'http-skip-verify': Flags.boolean({helpGroup: http, description: 'do not check the certificate'}),
}

const watchRules: readonly FlagRule[] = [
  {flag: 'on-error', needs: ['COMMAND', 'http-handler']},
  {flag: 'timeout', needs: ['COMMAND']},
  {flag: 'grace', needs: ['COMMAND']},
  {flag: 'shell', besides: ['--']},
  {flag: 'shell', when: 'off', besides: ['--'], warning: 'arguments after -- never run in a shell'},
  {flag: 'shell', when: 'any', needs: ['COMMAND'], warning: 'there is no command'},
]

/** Exit codes of the sub-commands of watch. */
export const watchExits: ExitMeanings = {
  0: 'printed, or the handler succeeded',
  1: 'an HTTP handler failed',
  124: 'the handler was stopped at --timeout',
  126: 'the handler cannot be run',
  127: 'the handler does not exist',
  '128+n': 'stopped by signal n',
  other: "the handler's own exit code",
}

interface CommonFlags {
  readonly once: boolean
  readonly ndjson: boolean
  readonly debounce: number
  readonly 'ignore-indexes': boolean
  readonly previous: boolean
  readonly 'on-error': OnHandlerError
  readonly timeout: number
  readonly grace: number
  readonly shell: boolean
  readonly 'http-handler'?: string
  readonly 'http-method': string
  readonly 'http-header'?: readonly string[]
  readonly 'http-timeout': number
  readonly 'http-skip-verify': boolean
}

export interface WatchedQuery {
  readonly spec: WatchSpec
  readonly scope?: WatchScope
}

/** `consul`: works like the Go tool, with the same texts. `native`: exits with the handler's own exit code. */
export type WatchForm = 'consul' | 'native'

/** Base class of commands that watch data in Consul and pass it to a child, an HTTP address or stdout. */
export abstract class WatchCommand<T extends typeof Command = typeof Command> extends ConsulCommand<T> {
  static override childForm = {ownArgs: 0}
  static override flagRules: readonly FlagRule[] = watchRules

  /** The values of {@link watchFlags}, which every subclass has. All but the optional ones have defaults. */
  get #own(): CommonFlags {
    return this.flags as unknown as CommonFlags
  }

  protected async watch(watched: WatchedQuery, form: WatchForm): Promise<number> {
    const client = this.openClient()
    const query = watchQuery(client, watched.spec, watched.scope)
    const handler = this.#handler(client)
    const isSingle = !handler && (form === 'consul' || this.#own.once) && !this.#own.ndjson
    this.#checkFlags(handler !== undefined, isSingle)
    // If the agent cannot be reached or refuses the query, the command ends here. Later outages are retried.
    const readFirst = (): ReturnType<WatchQuery['read']> => query.read({signal: this.stopSignal})
    if (isSingle) {
      const value = new NewsFilter(watched.spec).take(await readFirst())?.value ?? null
      this.out.line(form === 'consul' ? goJson(value, '    ') : this.#shown(watched.spec, value))
      return 0
    }
    // The result is not stored, because it would stay in memory for as long as the command runs.
    await readFirst()
    const views = this.releases.use(createViewRegistry(client, {lingerMs: 0}))
    if (!handler && this.#own.ndjson) return this.#printFrames(views, query)
    return this.#follow({client, views, query, handler: handler ?? this.#print(watched.spec)}, form)
  }

  async #follow(
    run: {
      readonly client: ConsulClient
      readonly views: ViewRegistry
      readonly query: WatchQuery
      readonly handler: Handler
    },
    form: WatchForm,
  ): Promise<number> {
    const {client, views, query} = run
    const {clock, random} = client
    const handler = withPolicy(run.handler, {
      onError: this.#own['on-error'],
      random,
      onFailure: error => this.out.warn(error.message),
    })
    using stop = this.#stopWhenUnread()
    void reportStatus(views, query, {out: this.out, signal: stop.signal})
    try {
      await runWatch(views, query, {
        signal: stop.signal,
        clock,
        handle: delivery => handler(delivery, stop.signal),
        debounceMs: this.#own.debounce,
        isIndexIgnored: this.#own['ignore-indexes'],
        isOnce: this.#own.once,
      })
      return 0
    } catch (error) {
      if (!(error instanceof HandlerError)) throw error
      this.out.error(form === 'consul' ? goHandlerText(error) : `baton: ${error.message}`)
      return form === 'consul' ? 1 : error.exitCode
    }
  }

  protected override get checksHidden(): HiddenCheck {
    return 'empty'
  }

  protected override sayWaiting(text: string): void {
    if (this.#own.once) this.out.say(text)
    else this.out.warn(text)
  }

  /** Throws a UsageError for flags that would be ignored. */
  #checkFlags(hasHandler: boolean, isSingle: boolean): void {
    const {ndjson, previous, debounce} = this.#own
    const idle = ['http-method', 'http-header', 'http-timeout', 'http-skip-verify'].find(
      name => this.sources.get(name) === 'flag',
    )
    if (idle !== undefined && this.#own['http-handler'] === undefined)
      throw new UsageError(`--${idle}: only with --http-handler`)
    if (ndjson && (hasHandler || debounce > 0 || this.#own['ignore-indexes'])) {
      throw new UsageError('watch: --ndjson prints every change as it comes', {
        hint: 'leave out the handler, --debounce and --ignore-indexes',
      })
    }
    const late = ['debounce', 'ignore-indexes'].find(name => this.sources.get(name) === 'flag')
    if (isSingle && late !== undefined) {
      throw new UsageError(`--${late}: it is about changes, and only the present value is printed`, {
        hint: `leave --${late} out, or give a command`,
      })
    }
    if (previous && !hasHandler) {
      throw new UsageError('watch: --previous is for a handler', {hint: '--ndjson prints previous values, too'})
    }
  }

  async #printFrames(views: ViewRegistry, query: WatchQuery): Promise<number> {
    using stop = this.#stopWhenUnread()
    await using subscription = views.view(query).subscribe({signal: stop.signal})
    for await (const frame of subscription.frames()) {
      if (stop.signal.aborted) break
      this.out.line(goJson(toLine(frame)))
      if (this.#own.once && frame.type === 'end-of-snapshot') break
    }
    return 0
  }

  /** Returns a signal that aborts on a stop signal, or when the reader of stdout has closed its end. */
  #stopWhenUnread(): LinkedSignal {
    const stop = linkSignal(this.stopSignal)
    this.out.onClosed(() => stop.abort(new CancelledError()))
    return stop
  }

  #print(spec: WatchSpec): Handler {
    return async (delivery: Delivery) => this.out.line(this.#shown(spec, delivery.value))
  }

  /** Returns the value of a key on a terminal in decoded form, and everything else as Consul's JSON. */
  #shown(spec: WatchSpec, value: GoValue): string {
    if (spec.type === 'key' && this.out.isTty) return keyText(spec.key, value, this.painterFor('stdout'))
    return goJson(value, '    ')
  }

  #handler(client: ConsulClient): Handler | undefined {
    const {child} = this
    const url = this.#own['http-handler']
    const withPrevious = this.#own.previous
    const [first, ...rest] = child?.words ?? []
    if (url !== undefined) {
      if (first !== undefined) throw new UsageError('watch: give a command or --http-handler, not both')
      return httpHandler({
        url: checkUrl(url),
        method: this.#own['http-method'],
        headers: parseHeaders(this.#own['http-header'] ?? []),
        timeoutMs: this.#own['http-timeout'],
        skipVerify: this.#own['http-skip-verify'],
        withPrevious,
      })
    }
    if (!child || first === undefined) return undefined
    const isShell = child.form === 'go' && this.#own.shell
    const argv: [string, ...string[]] = isShell
      ? shellWords(child.words.join(' '), this.host.env['SHELL'])
      : [first, ...rest]
    const {timeout} = this.#own
    return execHandler({
      argv,
      env: this.childEnvironment(),
      clock: client.clock,
      graceMs: this.#own.grace,
      ...(timeout > 0 && {timeoutMs: timeout}),
      withPrevious,
    })
  }
}

type Frame = Parameters<typeof goJson>[0]

/**
 * Converts a frame (one element of a view's stream) to a line of JSON, with 64-bit numbers as strings and errors as
 * their messages.
 */
function toLine(frame: {readonly type: string; readonly epoch: number; readonly seq: number} & object): Frame {
  const {type, epoch, seq, ...rest} = frame
  const fields = Object.entries(rest).flatMap(([name, value]: [string, unknown]) => {
    if (value === undefined) return []
    if (typeof value === 'bigint') return [[name, value.toString()]]
    if (value instanceof WatchItem) return [[name, value.data]]
    if (name !== 'status') return [[name, value]]
    const {error, ...status} = value as {readonly error?: unknown}
    return [[name, {...status, ...(error !== undefined && {error: messageOf(error)})}]]
  })
  return {v: 1, type, epoch, seq, ...Object.fromEntries(fields)} as Frame
}

function checkUrl(text: string): string {
  if (!URL.canParse(text) || !/^https?:/.test(text))
    throw new UsageError(`--http-handler: '${brief(text)}' is not an HTTP URL`)
  return text
}

function parseHeaders(lines: readonly string[]): Record<string, string[]> {
  const headers: Record<string, string[]> = {}
  for (const line of lines) {
    const [, name = '', value = ''] = /^([^:\s]+):\s*(.*)$/.exec(line) ?? []
    if (name === '') throw new UsageError(`--http-header: '${brief(line)}' is not of the form 'Name: value'`)
    headers[name] = [...(headers[name] ?? []), value]
  }
  return headers
}
