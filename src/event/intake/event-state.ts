import {boolean, checkOptions, name, type OptionRule, oneOf, text, texts, withMethod} from '../../core/check-options.js'
import {UsageError} from '../../core/errors.js'
import {whyUnreadable} from '../../core/input.js'
import type {UserEvent} from '../../core/types.js'
import {type FileLock, lockFile, readHolder} from '../../process/file-lock.js'
import {refuseSpecial} from '../../process/refuse-special.js'
import type {Outcome, PendingEvent} from '../types.js'
import {RecordLog} from './record-log.js'

/**
 * Number of IDs to keep: four times the length of an agent's list. That is enough, because an agent drops an event that
 * arrives after more than half this number of newer events.
 */
const keptIds = 1024

/** The owner of a state. Each agent has its own list of events, whereas a durable log has the same events for all. */
export interface StateIdentity {
  /** Name of the agent's datacenter. */
  readonly datacenter: string
  /** Node name of the agent; empty for a log. */
  readonly node: string
  /** Name of the durable log. @default none: the state belongs to the agent's own events */
  readonly log?: string
}

interface Entry {
  readonly phase: 'taken' | 'started' | 'over'
  /**
   * The event; undefined after it was handled. Until then the state keeps it, because the agent may have dropped it
   * from its list.
   */
  readonly event: UserEvent | undefined
}

interface Header {
  readonly kind: 'baton-event-state'
  readonly v: 1
  readonly dc: string
  readonly node: string
  readonly log?: string
  /** 1 if a first list was recorded. Files of older versions lack this record. */
  readonly b?: 1
}

interface WireRecord {
  readonly i: string
  readonly s: 'take' | 'start' | 'ring' | Outcome
  readonly empty?: boolean
  readonly e?: {
    readonly n: string
    readonly p?: string
    readonly lt: string
    readonly nf?: string
    readonly sf?: string
    readonly tf?: string
    readonly v: number
  }
}

/**
 * Records which events one handler has seen, started and finished, by event ID. The watch works on the copy in memory;
 * the file keeps it across restarts. An event is `taken` (with its content) when it arrives, `started` right before its
 * handler, and `over` after it. Each step is on disk before the next one begins. So after a crash, an event is either
 * unknown, or taken but not handled, or started with an unknown outcome, or over.
 *
 * @example
 * ```ts
 * await using state = EventState.inMemory({datacenter: 'dc1', node: 'web-1'})
 * state.isNew // => true
 * state.pending() // => []
 * ```
 */
export class EventState implements AsyncDisposable {
  readonly #entries = new Map<string, Entry>()
  readonly #log: RecordLog | undefined
  readonly #lock: FileLock | undefined
  readonly #identity: StateIdentity
  /** True until a first list was recorded. */
  readonly isNew: boolean
  #wasRingEmpty = false

  private constructor(identity: StateIdentity, options: {log?: RecordLog; lock?: FileLock; isNew: boolean}) {
    this.#identity = identity
    this.#log = options.log
    this.#lock = options.lock
    this.isNew = options.isNew
  }

  /** Returns a state that is lost when the process ends. */
  static inMemory(identity: StateIdentity): EventState {
    checkIdentity('EventState.inMemory', identity)
    return new EventState(identity, {isNew: true})
  }

  /**
   * Opens or creates a state file. Rejects with a UsageError if another watch uses it, if it belongs to another agent
   * or log, or if it cannot be read or written.
   */
  static async open(path: string, identity: StateIdentity): Promise<EventState> {
    checkOptions('EventState.open', {path}, {path: name}, ['path'])
    checkIdentity('EventState.open', identity)
    try {
      refuseSpecial(path)
    } catch (error) {
      throw new UsageError(`${path}: cannot be created: ${whyUnreadable(error)}`, {cause: error})
    }
    const lockPath = `${path}.lock`
    const lock = await lockFile(lockPath).catch((error: unknown) => {
      const {code} = error as NodeJS.ErrnoException
      if (code !== 'ENOENT' && code !== 'EACCES' && code !== 'ENOTDIR') throw error
      throw new UsageError(`${path}: cannot be created: ${code}`, {cause: error})
    })
    if (!lock) {
      throw new UsageError(`${path}: in use by process ${await readHolder(lockPath)}`, {
        hint: 'each handler needs a state file of its own',
      })
    }
    let log: RecordLog | undefined
    try {
      const opened = await RecordLog.open(path)
      log = opened.log
      const state = new EventState(identity, {log, lock, isNew: isNew(opened.records)})
      if (opened.records.length === 0) await log.append([toHeader(identity)])
      else state.#load(path, opened.records)
      return state
    } catch (error) {
      await log?.[Symbol.asyncDispose]()
      await lock[Symbol.asyncDispose]()
      throw error
    }
  }

  #load(path: string, records: readonly unknown[]): void {
    const [header, ...rest] = records as [Partial<Header>, ...Partial<WireRecord>[]]
    if (header.kind !== 'baton-event-state') {
      throw new UsageError(`${path}: is not an event state file`, {hint: 'name a file of its own'})
    }
    if (header.v !== 1) {
      throw new UsageError(`${path}: has version ${String(header.v)}, this baton knows version 1`)
    }
    const {dc = '', node = '', log} = header
    const owner = ownerOf({datacenter: dc, node, ...(log !== undefined && {log})})
    if (owner !== ownerOf(this.#identity)) {
      throw new UsageError(`${path}: belongs to ${owner}, not to ${ownerOf(this.#identity)}`, {
        hint: 'each agent, and each durable log, needs a state file of its own',
      })
    }
    for (const record of rest) {
      if (record.s === 'ring') this.#wasRingEmpty = record.empty === true
      if (typeof record.i !== 'string') continue
      if (record.s === 'take') this.#entries.set(record.i, {phase: 'taken', event: toEvent(record as WireRecord)})
      else if (record.s === 'start') {
        this.#entries.set(record.i, {phase: 'started', event: this.#entries.get(record.i)?.event})
      } else this.#entries.set(record.i, {phase: 'over', event: undefined})
    }
  }

  /** True if the event with this ID was recorded, whether or not it has been handled. */
  has(id: string): boolean {
    checkOptions('EventState.has', {id}, {id: name}, ['id'])
    return this.#entries.has(id)
  }

  /** Number of recorded IDs. */
  get size(): number {
    return this.#entries.size
  }

  /** Events that are not handled yet, in the order of their arrival. */
  pending(): readonly PendingEvent[] {
    return [...this.#entries.values()].flatMap(({phase, event}) =>
      phase === 'over' || !event ? [] : [{event, isRestarted: phase === 'started'}],
    )
  }

  /** True if the agent's list contained no events when it was last read. */
  get wasRingEmpty(): boolean {
    return this.#wasRingEmpty
  }

  /** Records whether the agent's list contains any events. Writes only if that has changed. */
  async noteRing(isEmpty: boolean): Promise<void> {
    checkOptions('EventState.noteRing', {isEmpty}, {isEmpty: boolean}, ['isEmpty'])
    if (isEmpty === this.#wasRingEmpty) return
    this.#wasRingEmpty = isEmpty
    await this.#append([{s: 'ring', empty: isEmpty}])
  }

  /** Records that a first list was read, even if no event in it was accepted. */
  begin(): Promise<void> {
    return this.#append([{s: 'begin'}])
  }

  /** Records events with their content. Resolves when the records are on disk. */
  take(events: readonly UserEvent[]): Promise<void> {
    checkOptions('EventState.take', {events}, {events: eventsRule}, ['events'])
    for (const event of events) this.#entries.set(event.id, {phase: 'taken', event})
    return this.#append(events.map(toTakeRecord))
  }

  /** Records that handlers start. Resolves when this record and all earlier outcomes are on disk. */
  start(ids: readonly string[]): Promise<void> {
    checkOptions('EventState.start', {ids}, {ids: texts}, ['ids'])
    for (const id of ids) this.#entries.set(id, {phase: 'started', event: this.#entries.get(id)?.event})
    return this.#append(ids.map(id => ({i: id, s: 'start'})))
  }

  /** Records the outcome of events. Resolves when the record is on disk. */
  finish(ids: readonly string[], outcome: Outcome): Promise<void> {
    checkOptions('EventState.finish', {ids, outcome}, {ids: texts, outcome: outcomeRule}, ['ids', 'outcome'])
    for (const id of ids) this.#entries.set(id, {phase: 'over', event: undefined})
    return this.#append(ids.map(id => ({i: id, s: outcome})))
  }

  /**
   * Removes the oldest IDs, but never one that is still listed or not handled yet. Of the others, the newest 1024 stay,
   * because an answer may be older than the previous one.
   */
  async prune(listed: ReadonlySet<string>): Promise<void> {
    checkOptions('EventState.prune', {listed}, {listed: withMethod('a Set of IDs', 'has')}, ['listed'])
    if (this.#entries.size > keptIds) {
      const unlisted = [...this.#entries].filter(([id, {phase}]) => phase === 'over' && !listed.has(id))
      for (const [id] of unlisted.slice(0, -keptIds)) this.#entries.delete(id)
    }
    const log = this.#log
    if (log && log.lines > 2 * this.#entries.size + keptIds) await log.rewrite(() => this.#snapshot())
  }

  #snapshot(): readonly object[] {
    return [
      toHeader(this.#identity),
      {s: 'begin'},
      ...(this.#wasRingEmpty ? [{s: 'ring', empty: true}] : []),
      ...[...this.#entries].flatMap(([id, {phase, event}]): object[] => {
        if (phase === 'over' || !event) return [{i: id, s: 'done'}]
        return phase === 'taken' ? [toTakeRecord(event)] : [toTakeRecord(event), {i: id, s: 'start'}]
      }),
    ]
  }

  #append(records: readonly object[]): Promise<void> {
    return records.length === 0 || !this.#log ? Promise.resolve() : this.#log.append(records)
  }

  /** Closes the file and lets other watches use it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#log?.[Symbol.asyncDispose]()
    await this.#lock?.[Symbol.asyncDispose]()
  }
}

const identityRules = {datacenter: name, node: text, log: name}
const checkIdentity = (what: string, identity: StateIdentity): void =>
  checkOptions(what, identity, identityRules, ['datacenter', 'node'])
const outcomeRule = oneOf(['done', 'seen', 'skipped', 'coalesced', 'dead'])
const isEvent = (one: {readonly id?: unknown; readonly lTime?: unknown} | null): boolean =>
  name.accepts(one?.id) && typeof one?.lTime === 'bigint'
const eventsRule: OptionRule = {
  expected: 'an array of events',
  accepts: value => Array.isArray(value) && value.every(isEvent),
}

const ownerOf = ({datacenter, node, log}: StateIdentity): string =>
  log === undefined ? `agent ${node} in ${datacenter}` : `the log of ${log} in ${datacenter}`

/** True if no watch has recorded a first list in this file. */
const isNew = ([header, ...rest]: readonly unknown[]): boolean =>
  header === undefined ||
  ((header as Partial<Header>).b === 1 && !rest.some(record => (record as {s?: unknown}).s === 'begin'))

const toHeader = (identity: StateIdentity): Header => ({
  kind: 'baton-event-state',
  v: 1,
  dc: identity.datacenter,
  node: identity.node,
  ...(identity.log !== undefined && {log: identity.log}),
  b: 1,
})

const toTakeRecord = (event: UserEvent): WireRecord => ({
  i: event.id,
  s: 'take',
  e: {
    n: event.name,
    ...(event.payload && {p: event.payload.toString('base64')}),
    lt: event.lTime.toString(),
    ...(event.nodeFilter !== '' && {nf: event.nodeFilter}),
    ...(event.serviceFilter !== '' && {sf: event.serviceFilter}),
    ...(event.tagFilter !== '' && {tf: event.tagFilter}),
    v: event.version,
  },
})

function toEvent(record: WireRecord): UserEvent | undefined {
  const {i: id, e: content} = record
  if (!content) return undefined
  return {
    id,
    name: content.n,
    payload: content.p === undefined ? undefined : Buffer.from(content.p, 'base64'),
    nodeFilter: content.nf ?? '',
    serviceFilter: content.sf ?? '',
    tagFilter: content.tf ?? '',
    version: content.v,
    lTime: BigInt(content.lt),
  }
}
