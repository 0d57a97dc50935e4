import {abortSignal, checkOptions, count, duration, name, object, oneOf, text, texts} from '../core/check-options.js'
import type {ConsulClient} from '../core/client.js'
import {clientRule} from '../core/context-rules.js'
import {BatonError, UsageError} from '../core/errors.js'
import type {Consistency, ReadOptions} from '../core/types.js'
import {ServiceDirectory} from './directory.js'
import {ServiceList} from './service-list.js'
import {type DiscoverFrom, openSources} from './source.js'
import type {Problem, PublishedList} from './types.js'

/** Options of a directory. */
export interface OpenDirectoryOptions {
  /**
   * Cancels the wait for the first list. To end an open directory, dispose it; this signal does not end it.
   * @default waits forever
   */
  readonly signal?: AbortSignal
  /** Maximum time in milliseconds for which an outage of Consul may go unnoticed. @default 60000 */
  readonly waitMs?: number
  /**
   * Consistency of the first read, and of the first read after a failure. Any value other than `consistent` may show
   * old state of a restarted leader.
   *
   * @default 'consistent'
   */
  readonly freshConsistency?: Consistency
}

const consistency = oneOf(['default', 'consistent', 'stale'])
const rules = {waitMs: duration({minMs: 1}), freshConsistency: consistency}

const queryRules = {near: text, limit: count({min: 1}), everyMs: duration({minMs: 1000})}

function checkSource(what: string, client: ConsulClient, from: DiscoverFrom): void {
  checkOptions(what, {client, from}, {client: clientRule, from: object}, ['client', 'from'])
  const sourceRules = {key: name, prefix: text, services: texts, tag: text, query: name, ...queryRules}
  const given: Partial<Record<keyof typeof sourceRules, unknown>> = from
  checkOptions(what, given, sourceRules)
  const count = [given.key, given.prefix, given.services, given.query].filter(one => one !== undefined).length
  if (count !== 1)
    throw new UsageError(`${what}: expected exactly one of \`key\`, \`prefix\`, \`services\` and \`query\``)
}

/**
 * Returns a directory that follows its sources until it is disposed. It is not started yet: call `run`, and handle the
 * errors of `run`.
 */
export async function createDirectory(
  client: ConsulClient,
  from: DiscoverFrom,
  options: Omit<OpenDirectoryOptions, 'signal'> = {},
): Promise<ServiceDirectory> {
  checkSource('openDirectory', client, from)
  checkOptions('openDirectory', options, rules)
  const {clock, random, logger} = client
  return new ServiceDirectory({...options, sources: await openSources(client, from), clock, random, logger})
}

/**
 * Resolves with a directory that has its first list and follows its source until the caller disposes it. Rejects if
 * Consul refuses the query, and with the signal's reason if the signal aborts first.
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
  checkOptions('openDirectory', options, {signal: abortSignal})
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
 * Reads the source once, with a consistent read by default. Rejects if Consul cannot be read, or if no document is valid.
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
  checkSource('readList', client, from)
  checkOptions('readList', options, {signal: abortSignal, consistency})
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
  if (!published) throw new BatonError('BATON_NOT_FOUND', problems[0]?.message ?? 'no valid services document')
  return {list: published, problems}
}
