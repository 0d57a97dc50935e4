import {readWatchFiles} from '../../config/watch-files.js'
import {linkSignal} from '../../core/cancel/link-signal.js'
import type {ConsulClient} from '../../core/client.js'
import {messageOf} from '../../core/errors.js'
import type {ViewRegistry} from '../../core/query/types.js'
import type {Wake} from '../../core/time/wake.js'
import {HandlerError, shellWords} from '../../process/handler.js'
import {type ConfiguredWatch, parseWatches} from '../../watch/config.js'
import {execHandler, type Handler, httpHandler, withPolicy} from '../../watch/handlers.js'
import {watchQuery} from '../../watch/query.js'
import {runWatch} from '../../watch/run.js'
import {describeWatch} from '../../watch/spec.js'
import {WatchSet} from '../../watch/watch-set.js'
import type {Output} from '../output.js'
import {reportStatus} from './report-status.js'

/**
 * Returns the watches that a file, or all files of a folder, define. Rejects with a UsageError that names the place of
 * a mistake.
 */
export async function configuredWatches(path: string): Promise<readonly ConfiguredWatch[]> {
  const files = await readWatchFiles(path)
  return files.flatMap(file => parseWatches(file.watches, file.path))
}

interface FileWatchesOptions {
  readonly client: ConsulClient
  readonly views: ViewRegistry
  readonly signal: AbortSignal
  readonly out: Output
  /** Environment of the handlers. */
  readonly env: Readonly<Record<string, string>>
  /** True to end each watch after its first result. */
  readonly isOnce: boolean
}

/** Runs the watches that files define. After a reload, unchanged watches continue, and the others are replaced. */
export class FileWatches {
  readonly #options: FileWatchesOptions
  readonly #set: WatchSet
  #failures = 0
  #isReloaded = false

  constructor(options: FileWatchesOptions) {
    this.#options = options
    this.#set = new WatchSet((watch, signal) => this.#run(watch, signal), options.signal)
  }

  /** True after the first reload. From then on, the failure of one watch does not end the others. */
  get isReloaded(): boolean {
    return this.#isReloaded
  }

  /**
   * Runs these watches and, after each reload, those that the file then defines. Resolves with the exit code when all
   * watches have ended. Rejects if Consul refuses one of the first watches.
   */
  async run(
    watches: readonly ConfiguredWatch[],
    {path, reloads}: {readonly path: string; readonly reloads: Wake},
  ): Promise<number> {
    const {signal, out, isOnce} = this.#options
    this.#set.replace(watches)
    using end = linkSignal(signal)
    const reloading = this.#reloadOnDemand(path, reloads, end.signal)
    try {
      await this.#set.ended()
    } catch (error) {
      if (!(error instanceof HandlerError)) throw error
      out.error(`baton: ${error.message}`)
      return error.exitCode
    } finally {
      end.abort(undefined)
      await reloading
    }
    return isOnce && this.#failures > 0 ? 1 : 0
  }

  /** Reads the files again when `reloads` wakes. Requests that come during a reload lead to one further reload. */
  async #reloadOnDemand(path: string, reloads: Wake, signal: AbortSignal): Promise<void> {
    const {out} = this.#options
    for (;;) {
      try {
        await reloads.wait(signal)
      } catch {
        return
      }
      try {
        const watches = await configuredWatches(path)
        if (signal.aborted) return
        this.#isReloaded = true
        const {kept, started, stopped} = this.#set.replace(watches)
        out.warn(`reloaded ${path}: watches kept ${kept}, started ${started}, stopped ${stopped}`)
      } catch (error) {
        out.warn(`reload failed, the watches from before go on: ${messageOf(error)}`)
      }
    }
  }

  async #run(watch: ConfiguredWatch, signal: AbortSignal): Promise<'ended' | 'refused'> {
    const {client, views, out, isOnce} = this.#options
    const query = watchQuery(client, watch.spec, watch.scope)
    const handler = withPolicy(this.#handlerOf(watch), {
      random: client.random,
      onError: watch.onError,
      onFailure: error => {
        this.#failures += 1
        out.warn(`${describeWatch(watch.spec)}: ${error.message}`)
      },
    })
    using end = linkSignal(signal)
    const reporting = reportStatus(views, query, {out, signal: end.signal})
    try {
      await runWatch(views, query, {
        signal,
        clock: client.clock,
        handle: delivery => handler(delivery, signal),
        debounceMs: watch.debounceMs,
        isOnce: isOnce || watch.isOnce,
      })
      return 'ended'
    } catch (error) {
      if (signal.aborted) return 'ended'
      if (error instanceof HandlerError || !this.#isReloaded) throw error
      out.warn(`${describeWatch(watch.spec)}: ${messageOf(error)}: not watched until the next reload`)
      return 'refused'
    } finally {
      end.abort(undefined)
      await reporting
    }
  }

  #handlerOf({run, timeoutMs}: ConfiguredWatch): Handler {
    if (run.kind === 'http') return httpHandler(run)
    const {client, env} = this.#options
    const argv = run.kind === 'exec' ? run.argv : shellWords(run.command, '/bin/sh')
    return execHandler({argv, env, clock: client.clock, ...(timeoutMs !== undefined && {timeoutMs})})
  }
}
