import {unwatchFile, watchFile} from 'node:fs'
import type {ConsulClient} from '../core/client.js'
import {isTransient} from '../core/errors.js'
import type {Subscription, ViewRegistry, ViewStatus} from '../core/query/types.js'
import type {Dependency} from './dependency.js'

/** Interval in milliseconds at which files are checked for changes. */
const fileEveryMs = 1000

interface Followed {
  readonly dependency: Dependency
  readonly subscription: Subscription<unknown>
  readonly status: () => ViewStatus
  known: boolean
  value: unknown
  failure: unknown
  changes: number
}

/** The value of a dependency, if it has been read. */
export type Known<T> = {readonly known: true; readonly value: T} | {readonly known: false}

/**
 * Holds the values of the templates' dependencies. Follows a dependency from the first read until no rendering uses it.
 * Keeps the last value during an outage, and if Consul's leader does not confirm a new answer.
 */
export class Store implements AsyncDisposable {
  readonly #client: ConsulClient
  readonly #views: ViewRegistry
  readonly #followed = new Map<string, Followed>()
  readonly #files = new Map<string, () => void>()
  readonly #fileChanges = new Map<string, number>()
  readonly #onChange: () => void

  constructor(client: ConsulClient, views: ViewRegistry, onChange: () => void) {
    this.#client = client
    this.#views = views
    this.#onChange = onChange
  }

  /**
   * Returns the value if it has been read, and starts to follow the dependency otherwise. Throws the error that ended
   * the following.
   */
  read<T>(dependency: Dependency<T>): Known<T> {
    const followed = this.#followed.get(dependency.name) ?? this.#follow(dependency)
    if (followed.failure !== undefined) throw followed.failure
    return followed.known ? {known: true, value: followed.value as T} : {known: false}
  }

  /** Watches a file for changes. The template itself reads the file. */
  watchFile(name: string, path: string): void {
    if (this.#files.has(name)) return
    const onChange = (): void => {
      this.#fileChanges.set(name, (this.#fileChanges.get(name) ?? 0) + 1)
      this.#onChange()
    }
    watchFile(path, {interval: fileEveryMs}, onChange)
    this.#files.set(name, () => unwatchFile(path, onChange))
  }

  /** Returns a string that differs whenever one of these dependencies has changed. */
  versionOf(names: Iterable<string>): string {
    return Array.from(
      names,
      name => `${name} ${this.#followed.get(name)?.changes ?? this.#fileChanges.get(name) ?? 0}`,
    ).join('\n')
  }

  /** Returns the reason why a dependency has no value, for messages. */
  why(name: string): string {
    const followed = this.#followed.get(name)
    if (followed?.known === true) return 'it does not exist'
    const status = followed?.status()
    const error = status !== undefined && 'error' in status ? status.error : undefined
    return error instanceof Error ? error.message : 'no answer yet'
  }

  /** True until the first attempt to read a dependency has ended. */
  isFirstAttempt(name: string): boolean {
    const followed = this.#followed.get(name)
    if (followed === undefined || followed.known || followed.failure !== undefined) return false
    const status = followed.status()
    return status.state === 'live' || (status.state === 'connecting' && status.error === undefined)
  }

  /** Returns the failure because of which a dependency could never be read, if it can be over later. */
  outageOf(name: string): unknown {
    const followed = this.#followed.get(name)
    const status = followed?.known === true ? undefined : followed?.status()
    return status?.state === 'connecting' && isTransient(status.error) ? status.error : undefined
  }

  /** Stops following all other dependencies. */
  async keepOnly(names: ReadonlySet<string>): Promise<void> {
    for (const [name, {subscription}] of this.#followed) {
      if (names.has(name)) continue
      this.#followed.delete(name)
      await subscription[Symbol.asyncDispose]()
    }
    for (const [name, stop] of this.#files) {
      if (names.has(name)) continue
      this.#files.delete(name)
      stop()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.keepOnly(new Set())
  }

  #follow(dependency: Dependency): Followed {
    const view = this.#views.view(dependency.query(this.#client))
    const followed: Followed = {
      dependency,
      subscription: view.subscribe(),
      status: () => view.status,
      known: false,
      value: undefined,
      failure: undefined,
      changes: 0,
    }
    this.#followed.set(dependency.name, followed)
    void this.#pump(followed)
    return followed
  }

  async #pump(followed: Followed): Promise<void> {
    try {
      for await (const {value} of followed.subscription.snapshots()) {
        followed.known = true
        followed.value = value
        followed.changes += 1
        this.#onChange()
      }
    } catch (error) {
      followed.failure = error
      followed.changes += 1
      this.#onChange()
    }
  }
}
