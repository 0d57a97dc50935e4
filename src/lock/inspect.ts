import {checkOptions, text} from '../core/check-options.js'
import type {ConsulClient} from '../core/client.js'
import {mutexFlags, semaphoreFlags} from '../core/consul-constants.js'
import {clientRule} from '../core/context-rules.js'
import type {KvEntry, SessionId, SessionInfo} from '../core/types.js'
import {signalRules} from './option-rules.js'
import {type HolderRecord, parseHolderRecord} from './wire/holder-record.js'
import {joinKey, lockKey} from './wire/names.js'
import {queuePrefix, toQueue} from './wire/queue-entry.js'
import {parseSemaphoreDocument, pruneHolders} from './wire/semaphore-document.js'

/** A session that holds a lock or waits for it. */
export interface LockParty {
  /** ID of the session. */
  readonly session: SessionId
  /** Facts of the session. Undefined if Consul does not list it, because it has ended or the token may not read it. */
  readonly info: SessionInfo | undefined
  /** The record that the contender wrote about itself; undefined for contenders of other tools. */
  readonly record: HolderRecord | undefined
  /** Place in the queue, from 1. Left out for holders and for contenders outside the queue. */
  readonly position?: number
}

/** The state of one lock at the time of reading. */
export interface LockStatus {
  /** Prefix of the lock. */
  readonly prefix: string
  /** `none` if the key does not exist; `other` if its value is not that of a lock. */
  readonly kind: 'mutex' | 'semaphore' | 'other' | 'none'
  /** Maximum number of holders; undefined if the key does not exist or its value is not that of a lock. */
  readonly limit: number | undefined
  /** Holders, in no particular order. */
  readonly holders: readonly LockParty[]
  /**
   * Contenders that wait. The contenders of a semaphore and those in the queue of a mutex are found by their keys, and
   * have a position. The other contenders of a mutex are found by the names that baton and `consul lock` give to their
   * sessions. The list lacks contenders outside the queue whose sessions have other names, and contenders that wait for
   * another contender on their own host.
   */
  readonly waiters: readonly LockParty[]
}

/** Options for reading the state of locks. */
export interface LockReadOptions {
  /** Cancels the reads. @default none */
  readonly signal?: AbortSignal
}

const concurrency = 8

/**
 * Resolves to the state of the lock at a prefix: a mutex or a semaphore, of baton or of `consul lock`. Writes nothing.
 * Rejects with a UsageError if an argument is not valid, and with Consul's error if a read fails. Makes several reads,
 * so the result may combine states of different moments. Meant for people and monitoring: the result does not prove
 * that a lock is held.
 *
 * @example
 * ```ts
 * await using hold = await createMutex(client, {prefix: 'locks/nightly'}).acquire()
 * const {kind, holders} = await inspectLock(client, 'locks/nightly')
 * kind // => 'mutex'
 * holders.map(one => one.session === hold.session) // => [true]
 * ```
 */
export async function inspectLock(
  client: ConsulClient,
  prefix: string,
  options: LockReadOptions = {},
): Promise<LockStatus> {
  checkOptions('inspectLock', {client, prefix}, {client: clientRule, prefix: text}, ['client', 'prefix'])
  checkOptions('inspectLock', options, signalRules)
  const sessions = await readSessions(client, options)
  return readLock(client, prefix, {...options, sessions})
}

/**
 * Resolves to the state of each lock whose prefix begins with `start`, ordered by prefix. Writes nothing, and rejects
 * as {@link inspectLock} does.
 *
 * @example
 * ```ts
 * await using _hold = await createMutex(client, {prefix: 'jobs/weekly'}).acquire()
 * const locks = await inspectLocks(client, 'jobs/')
 * locks.map(one => `${one.prefix}: ${one.holders.length} of ${one.limit}`) // => ['jobs/weekly: 1 of 1']
 * ```
 */
export async function inspectLocks(
  client: ConsulClient,
  start: string,
  options: LockReadOptions = {},
): Promise<readonly LockStatus[]> {
  checkOptions('inspectLocks', {client, start}, {client: clientRule, start: text}, ['client', 'start'])
  checkOptions('inspectLocks', options, signalRules)
  const {value: keys} = await client.kv.keys(start.replace(/^\//, ''), {...options})
  const prefixes = keys.filter(isLockKey).map(key => key.slice(0, -'/.lock'.length))
  const sessions = await readSessions(client, options)
  const found: LockStatus[] = []
  for (let at = 0; at < prefixes.length; at += concurrency) {
    const some = prefixes.slice(at, at + concurrency)
    found.push(...(await Promise.all(some.map(prefix => readLock(client, prefix, {...options, sessions})))))
  }
  return found
}

const isLockKey = (key: string): boolean => key.endsWith('/.lock')

async function readSessions(
  client: ConsulClient,
  options: LockReadOptions,
): Promise<ReadonlyMap<SessionId, SessionInfo>> {
  const {value} = await client.session.list(options)
  return new Map(value.map(info => [info.id, info]))
}

async function readLock(
  client: ConsulClient,
  prefix: string,
  {sessions, ...options}: LockReadOptions & {readonly sessions: ReadonlyMap<SessionId, SessionInfo>},
): Promise<LockStatus> {
  const key = lockKey(prefix)
  const {value: entry} = await client.kv.get(key, options)
  const toParty = (session: SessionId, record?: HolderRecord): LockParty => ({
    session,
    info: sessions.get(session),
    record,
  })
  if (entry?.flags === semaphoreFlags) {
    const {value: entries} = await client.kv.list(joinKey(prefix, 'x').slice(0, -1), options)
    return {prefix, kind: 'semaphore', ...readSemaphore(key, entries, toParty)}
  }
  const {value: entries} = await client.kv.list(queuePrefix(prefix), options)
  const queue = toQueue(entries).filter(({session}) => session !== entry?.session)
  const queued = new Set(queue.map(({session}) => session))
  const isMutex = entry?.flags === mutexFlags
  const holder = isMutex ? entry.session : undefined
  return {
    prefix,
    kind: entry === undefined ? 'none' : isMutex ? 'mutex' : 'other',
    limit: isMutex ? 1 : undefined,
    holders: holder === undefined || !entry ? [] : [toParty(holder, parseHolderRecord(entry.value))],
    waiters: [
      ...inOrder(queue.map(({session, record}) => toParty(session, record))),
      ...[...sessions.values()]
        .filter(one => one.id !== holder && !queued.has(one.id) && isWaiter(one, prefix))
        .map(one => toParty(one.id)),
    ],
  }
}

function readSemaphore(
  key: string,
  entries: readonly KvEntry[],
  toParty: (session: SessionId, record?: HolderRecord) => LockParty,
): Pick<LockStatus, 'limit' | 'holders' | 'waiters'> {
  const contenders = entries
    .filter(entry => entry.key !== key && entry.flags === semaphoreFlags)
    .sort((one, other) => (one.createIndex < other.createIndex ? -1 : 1))
  const lock = entries.find(entry => entry.key === key)
  const document = parseSemaphoreDocument(key, lock?.value ?? new Uint8Array())
  const holders = document ? pruneHolders(document, contenders).holders : []
  const parties = contenders.flatMap(({session, value}) =>
    session === undefined ? [] : [toParty(session, parseHolderRecord(value))],
  )
  return {
    limit: document?.limit,
    holders: parties.filter(({session}) => holders.includes(session)),
    waiters: inOrder(parties.filter(({session}) => !holders.includes(session))),
  }
}

const inOrder = (parties: readonly LockParty[]): readonly LockParty[] =>
  parties.map((party, at) => ({...party, position: at + 1}))

/** True if the session's name has the form that `consul lock` ("Consul lock for 'a' at 'prefix'") or baton uses. */
const isWaiter = ({name}: SessionInfo, prefix: string): boolean => {
  const at = /^(?:Consul|baton) lock for '[\s\S]*' at '([\s\S]*)'$/.exec(name)?.[1]
  return at !== undefined && lockKey(at) === lockKey(prefix)
}
