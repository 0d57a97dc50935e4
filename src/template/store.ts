import {unwatchFile, watchFile} from 'node:fs'
import type {ConsulClient} from '../core/client.js'
import {isTransient} from '../core/errors.js'
import {isHopeless} from '../core/hopeless.js'
import type {Subscription, ViewRegistry, ViewStatus} from '../core/query/types.js'
import {createViewRegistry} from '../core/query/view-registry.js'
import type {KvEntry} from '../core/types.js'
import type {Dependency, KeyFolder} from './dependency.js'
import {type FolderMember, FolderQuery} from './folder-query.js'

/** Interval in milliseconds at which files are checked for changes. */
const fileEveryMs = 1000

/**
 * Maximum number of waiting blocking queries for single dependencies. Up to this number of dependencies, each key has
 * its own query, with which a change of the key costs least. An agent accepts 200 connections from one address, which
 * other programs on the host also need.
 */
const mostSingleQueries = 32
/** Maximum number of blocking queries for folders. */
const mostFolderQueries = 12
/** Minimum number of needed keys in a folder from which one query follows the whole folder. */
const fewestOfFolder = 8

/**
 * Transport options with which a store uses at most 64 connections. Some connections for blocking queries are left for
 * the lock that a run may wait for.
 */
export const templateConnections = {
  watchConnections: mostSingleQueries + mostFolderQueries + 4,
  controlConnections: 16,
}

interface Followed {
  readonly dependency: Dependency
  /** The dependency's own query; undefined if the query of a key's folder follows the key. */
  subscription: Subscription<unknown> | undefined
  status: () => ViewStatus
  known: boolean
  value: unknown
  failure: unknown
  changes: number
}

/** The value of a dependency, if it has been read. */
export type Known<T> = {readonly known: true; readonly value: T} | {readonly known: false}

/**
 * Holds the values of the templates' dependencies. Follows a dependency from the first read until no rendering uses it
 * any more. Keeps the last value during an outage, and as long as Consul's leader does not confirm a new answer.
 */
export class Store implements AsyncDisposable {
  readonly #client: ConsulClient
  readonly #views: ViewRegistry
  readonly #folderViews: ViewRegistry
  readonly #followed = new Map<string, Followed>()
  readonly #folders = new Map<string, FolderQuery>()
  readonly #files = new Map<string, () => void>()
  readonly #fileChanges = new Map<string, number>()
  readonly #onChange: () => void

  constructor(client: ConsulClient, options: {readonly maxStaleMs?: number}, onChange: () => void) {
    this.#client = client
    this.#views = createViewRegistry(client, {...options, places: mostSingleQueries})
    this.#folderViews = createViewRegistry(client, {...options, places: mostFolderQueries})
    this.#onChange = onChange
  }

  /**
   * Returns the value if it has been read, and otherwise starts to follow the dependency. If following it has ended
   * with an error, throws that error.
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

  /** Returns the failure because of which a dependency could not be read even once, if the failure may be temporary. */
  outageOf(name: string): unknown {
    const followed = this.#followed.get(name)
    const status = followed?.known === true ? undefined : followed?.status()
    return status?.state === 'connecting' && isTransient(status.error) ? status.error : undefined
  }

  /** Returns the failure because of which a dependency could not be read even once, if the failure is permanent. */
  refusalOf(name: string): unknown {
    const followed = this.#followed.get(name)
    if (followed === undefined || followed.known) return undefined
    const status = followed.status()
    const error = 'error' in status ? status.error : undefined
    return isHopeless(error) ? error : undefined
  }

  /** Stops following all dependencies except these. */
  async keepOnly(names: ReadonlySet<string>): Promise<void> {
    for (const [name, {subscription}] of this.#followed) {
      if (names.has(name)) continue
      this.#followed.delete(name)
      await subscription?.[Symbol.asyncDispose]()
    }
    for (const [id, folder] of this.#folders) {
      if (this.#membersOf(id).length > 0) continue
      this.#folders.delete(id)
      await folder[Symbol.asyncDispose]()
    }
    for (const [name, stop] of this.#files) {
      if (names.has(name)) continue
      this.#files.delete(name)
      stop()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.keepOnly(new Set())
    await this.#folderViews[Symbol.asyncDispose]()
    await this.#views[Symbol.asyncDispose]()
  }

  #follow(dependency: Dependency): Followed {
    const followed: Followed = {
      dependency,
      subscription: undefined,
      status: () => ({state: 'connecting', error: undefined}),
      known: false,
      value: undefined,
      failure: undefined,
      changes: 0,
    }
    this.#followed.set(dependency.name, followed)
    this.#subscribe(followed)
    return followed
  }

  #subscribe(followed: Followed): void {
    const view = this.#views.view(followed.dependency.query(this.#client))
    const subscription = view.subscribe()
    followed.subscription = subscription
    followed.status = () => view.status
    void this.#pump(followed, subscription)
  }

  async #pump(followed: Followed, subscription: Subscription<unknown>): Promise<void> {
    try {
      for await (const {value} of subscription.snapshots()) {
        if (followed.subscription !== subscription) return
        followed.known = true
        this.#update(followed, value)
        this.#considerFolder(followed.dependency.folder)
      }
    } catch (error) {
      followed.failure = error
      this.#update(followed, followed.value)
    }
  }

  #update(followed: Followed, value: unknown): void {
    followed.value = value
    followed.changes += 1
    this.#onChange()
  }

  /**
   * Starts to follow the keys of a folder with one query if many dependencies are followed and many of them are keys of
   * this folder.
   */
  #considerFolder(folder: KeyFolder | undefined): void {
    if (folder === undefined || this.#folders.has(folder.id) || this.#followed.size <= mostSingleQueries) return
    if (this.#membersOf(folder.id).length < fewestOfFolder) return
    const query = new FolderQuery({client: this.#client, views: this.#folderViews}, folder, {
      members: () => this.#membersOf(folder.id).map(followed => this.#toMember(followed)),
      countNeeded: () =>
        [...this.#followed.values()].filter(({dependency}) => dependency.folder?.id === folder.id).length,
    })
    this.#folders.set(folder.id, query)
  }

  #membersOf(id: string): readonly Followed[] {
    return [...this.#followed.values()].filter(
      ({dependency, known, failure}) => dependency.folder?.id === id && known && failure === undefined,
    )
  }

  #toMember(followed: Followed): FolderMember {
    return {
      key: followed.dependency.folder?.key ?? '',
      entry: followed.value as KvEntry | undefined,
      isJoined: followed.subscription === undefined,
      join: status => {
        void followed.subscription?.[Symbol.asyncDispose]()
        followed.subscription = undefined
        followed.status = status
      },
      update: entry => this.#update(followed, entry),
      leave: () => this.#subscribe(followed),
    }
  }
}
