import type {ConsulClient} from '../core/client.js'
import {kvPrefix} from '../core/query/topics.js'
import type {ViewRegistry, ViewStatus} from '../core/query/types.js'
import type {KvEntry} from '../core/types.js'
import type {KeyFolder} from './dependency.js'

/** A folder is followed with one query only if it contains at most this many keys for each key that is needed. */
const mostPerNeeded = 4

/** A needed key, which one query of its folder can follow together with the other needed keys of the folder. */
export interface FolderMember {
  readonly key: string
  /** The last known entry of the key; undefined if the key does not exist. */
  readonly entry: KvEntry | undefined
  /** True once the query of the folder has replaced the key's own query. */
  readonly isJoined: boolean
  /** Called when the query of the folder replaces the key's own query. */
  join(status: () => ViewStatus): void
  /** Receives the entry after it was changed, deleted or created. */
  update(entry: KvEntry | undefined): void
  /** Called when the query of the folder has ended, so that the key needs its own query again. */
  leave(): void
}

/**
 * Follows many keys of a folder with one query. A key joins only after its own query was answered, because that answer
 * shows whether the token may read the key; the list of the folder does not show it.
 */
export class FolderQuery implements AsyncDisposable {
  readonly #stop = new AbortController()
  readonly #ended: Promise<void>
  readonly #members: () => readonly FolderMember[]
  readonly #countNeeded: () => number

  constructor(
    {client, views}: {readonly client: ConsulClient; readonly views: ViewRegistry},
    folder: KeyFolder,
    {
      members,
      countNeeded,
    }: {
      readonly members: () => readonly FolderMember[]
      /** Returns the number of keys in the folder that are needed, including those that were not read yet. */
      readonly countNeeded: () => number
    },
  ) {
    this.#members = members
    this.#countNeeded = countNeeded
    this.#ended = this.#follow(client, views, folder).catch(() => {
      for (const member of members()) if (member.isJoined) member.leave()
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await this.#ended
  }

  async #follow(client: ConsulClient, views: ViewRegistry, {prefix, where}: KeyFolder): Promise<void> {
    const {signal} = this.#stop
    const names = await client.kv.keys(prefix, {...where, signal})
    if (names.value.length > this.#countNeeded() * mostPerNeeded) return
    const view = views.view(kvPrefix(client, prefix, where))
    await using subscription = view.subscribe()
    const stop = (): void => void subscription[Symbol.asyncDispose]()
    if (signal.aborted) return
    signal.addEventListener('abort', stop, {once: true})
    for await (const {value} of subscription.snapshots()) this.#apply(value, () => view.status)
  }

  #apply(list: readonly KvEntry[], status: () => ViewStatus): void {
    const byKey = new Map(list.map(entry => [entry.key, entry]))
    for (const member of this.#members()) {
      const entry = byKey.get(member.key)
      if (!member.isJoined) {
        // A list from a server that lags behind must not replace a newer entry.
        if (isOlder(entry, member.entry)) continue
        member.join(status)
      }
      if (entry?.modifyIndex !== member.entry?.modifyIndex) member.update(entry)
    }
  }
}

const isOlder = (a: KvEntry | undefined, b: KvEntry | undefined): boolean =>
  b !== undefined && (a === undefined || a.modifyIndex < b.modifyIndex)
