import type {ConsulClient} from '../core/client.js'
import {BatonError} from '../core/errors.js'
import type {Consistency, ReadOptions} from '../core/types.js'
import {ServiceDirectory} from './directory.js'
import {ServiceList} from './service-list.js'
import {type DiscoverFrom, openSources} from './source.js'
import type {Problem, PublishedList} from './types.js'

export interface OpenDirectoryOptions {
  /** How long to wait for the first list; not given, no longer than the signal allows. */
  readonly signal?: AbortSignal
  /** Longest time an outage can go unnoticed. @default 60000 */
  readonly waitMs?: number
  /**
   * Of the first read, and of the first after a failure: any other than a consistent one may show a list from before.
   * @default 'consistent'
   */
  readonly freshConsistency?: Consistency
}

/** A directory that follows its sources until it is disposed. Not started: call `run`, and catch its errors. */
export async function createDirectory(
  client: ConsulClient,
  from: DiscoverFrom,
  options: Omit<OpenDirectoryOptions, 'signal'> = {},
): Promise<ServiceDirectory> {
  const {clock, random, logger} = client
  return new ServiceDirectory({...options, sources: await openSources(client, from), clock, random, logger})
}

/**
 * A directory with its first list. Rejects when there can be none: the request is wrong, or the signal aborted first.
 * The caller disposes it.
 *
 * @example
 * ```ts
 * const renderer = {uri: 'http://10.0.0.7:80', capabilities: [{name: 'render', capacity: 4}]}
 * await client.kv.put('renderers', Buffer.from(JSON.stringify({services: [renderer]})))
 * await using directory = await openDirectory(client, {key: 'renderers'})
 * directory.withCapability('render', {minCapacity: 2}).map(one => one.uri) // => ['http://10.0.0.7:80']
 * ```
 */
export async function openDirectory(
  client: ConsulClient,
  from: DiscoverFrom,
  options: OpenDirectoryOptions = {},
): Promise<ServiceDirectory> {
  const {signal, ...rest} = options
  const directory = await createDirectory(client, from, rest)
  const patience = signal ?? new AbortController().signal
  try {
    await Promise.race([directory.run(), directory.until(() => directory.current !== undefined, patience)])
    patience.throwIfAborted()
  } catch (error) {
    await directory[Symbol.asyncDispose]()
    throw error
  }
  return directory
}

/**
 * Reads the sources once, consistently unless told otherwise. Rejects when Consul cannot be read, or when there is no good document at all.
 *
 * @example
 * ```ts
 * const {list} = await readList(client, {services: ['consul']})
 * list.services.map(one => one.capabilities) // => [[{name: 'consul', capacity: 1}]]
 * ```
 */
export async function readList(
  client: ConsulClient,
  from: DiscoverFrom,
  options: Pick<ReadOptions, 'signal' | 'consistency'> = {},
): Promise<{readonly list: PublishedList; readonly problems: readonly Problem[]}> {
  const sources = await openSources(client, from)
  const list = new ServiceList(
    sources.map(source => source.name),
    client,
  )
  for (const source of sources) {
    const {value: documents, index} = await source.query.read({consistency: 'consistent', ...options})
    if (source.isRequired && documents.length === 0) {
      throw new BatonError('BATON_NOT_FOUND', `${source.name}: does not exist`)
    }
    list.accept({source: source.name, documents, index})
  }
  const {published, problems} = list
  if (!published) throw new BatonError('BATON_NOT_FOUND', problems[0]?.message ?? 'no good services document')
  return {list: published, problems}
}
