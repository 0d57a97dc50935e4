import type {BlockingReadOptions, Clock, Consistency, ConsulIndex, Logger, Random, Snapshot} from '../types.js'
import type {HiddenProbe} from './hidden-items.js'

/**
 * What an index means: `monotonic` grows and may be reset, `equality` (events) is random and only blocks while equal,
 * `hash` is an opaque content hash, compared as for `equality`.
 */
export type IndexRule = 'monotonic' | 'equality' | 'hash'

/** One item of an answer, for telling answers apart: `version` changes whenever the item does. */
export interface ViewEntry<Item> {
  /** Identifies the item among those of one answer. */
  readonly key: string
  /** Equal for equal items. */
  readonly version: string | bigint
  /** The item itself. */
  readonly item: Item
  /** Consul's own ModifyIndex, where there is one: when it goes back, so did the whole store. */
  readonly modifyIndex?: bigint
}

/** Something that can be read and waited for. Made by the topics in `topics.ts`, or by hand. */
export interface BlockingQuery<T, Item = unknown> {
  /** Equal ids mean the same question to the same agent: they share one upstream request. */
  readonly id: string
  /** What the index of an answer means. */
  readonly indexRule: IndexRule
  /** True where an empty answer may mean "not allowed" or "not known yet", so that the empty guard applies. */
  readonly guardEmpty: boolean
  /** Longest time from a read without index to the first byte of its answer. @default 15000 */
  readonly answerTimeoutMs?: number
  /** Sends one request with these options. */
  read(options: BlockingReadOptions): Promise<Snapshot<T>>
  /** Divides an answer into its items. */
  entries(value: T): Iterable<ViewEntry<Item>>
  /** Tells items that are gone from those that the token may not read any more; without it, what is gone was deleted. */
  readonly hides?: HiddenProbe
  /** True for logs that drop their oldest items by themselves (events): an item that is gone was not deleted. */
  readonly appendOnly?: boolean
}

/** What the loop needs besides the query. A ConsulClient is one. */
export interface QueryContext {
  /** The source of time. */
  readonly clock: Clock
  /** The source of jitter. */
  readonly random: Random
  /** Receives what happens to the query. */
  readonly logger: Logger
}

/**
 * One good answer. `first` after the start; `changed`: the index moved; `unchanged`: the wait ran out;
 * `reset`: the index went back; `recovered`: the first answer after errors, read without index.
 */
export interface Followed<T> {
  /** How this answer relates to the one before. */
  readonly kind: 'first' | 'changed' | 'unchanged' | 'reset' | 'recovered'
  /** The answer. */
  readonly snapshot: Snapshot<T>
}

/** `totalMs`: all the limiter's delays of this query since its start. */
export type FollowStatus =
  | {readonly type: 'retrying'; readonly attempt: number; readonly delayMs: number; readonly error: unknown}
  | {readonly type: 'limited'; readonly delayMs: number; readonly totalMs: number}

/** How a query is followed. */
export interface FollowOptions {
  /** Ends the query, also while a request is in progress. */
  readonly signal: AbortSignal
  /** @default 60000 */
  readonly waitMs?: number
  /** Of all reads. @default the client's */
  readonly consistency?: Consistency
  /**
   * Of reads without an index: the first, and each after a failure. `consistent` keeps a leader that has not applied its
   * log yet from beginning with an old state. @default `consistency`
   */
  readonly freshConsistency?: Consistency
  /** With `stale`: an answer older than this is thrown away and asked of the leader instead. */
  readonly maxStaleMs?: number
  /** Longest pause between two attempts while Consul cannot be reached. @default 30000 */
  readonly maxPauseMs?: number
  /** Starts as if this answer had just been seen. */
  readonly index?: ConsulIndex
  /** Called for each failure that is backed off (not for the first of a row, retried at once), and for each wait of the rate limiter. Throwing from it ends the loop with that error. */
  readonly onStatus?: (status: FollowStatus) => void
  /** Called when a request is sent, with its monotonic instant. */
  readonly onRequest?: (sentAtMs: number) => void
}

/** What a frame says, without its place in the stream. */
export type FrameBody<Item> =
  | {readonly type: 'new-snapshot-to-follow'; readonly reason: 'initial' | 'lagged' | 'resume-miss' | 'reset'}
  | {readonly type: 'upsert'; readonly key: string; readonly item: Item; readonly previous: Item | undefined}
  | {readonly type: 'delete'; readonly key: string; readonly previous: Item | undefined}
  | {readonly type: 'end-of-snapshot'; readonly index: ConsulIndex | undefined; readonly count: number}
  | {readonly type: 'status'; readonly status: ViewStatus}
  | {readonly type: 'gap'; readonly afterId: string | undefined}

/**
 * All frames of one upstream answer share `seq`; `epoch` changes when what was delivered before no longer holds.
 * `gap` (append-only queries): items may have come and gone unseen after the one with this key.
 */
export type Frame<Item> = FrameBody<Item> & {readonly epoch: number; readonly seq: number}

/**
 * `state` strings are part of the interface. `connecting`: no answer yet. `stale`: the newest answer is of the
 * monotonic instant `sinceMs`, and the error is the latest one. `held`: an empty answer, or one
 * without items that exist but may not be read (`denied`), is not believed.
 * `limited`: the query changes faster than it may be read. `failed`: the request itself is wrong; the view has ended.
 */
export type ViewStatus =
  | {readonly state: 'connecting'; readonly error: unknown}
  | {readonly state: 'live'; readonly lastContactMs: number | undefined}
  | {readonly state: 'stale'; readonly sinceMs: number; readonly error: unknown}
  | {readonly state: 'held'; readonly reason: 'empty' | 'filtered' | 'no-leader' | 'denied'}
  | {readonly state: 'limited'; readonly delayMs: number}
  | {readonly state: 'failed'; readonly error: unknown}

/** Counted since the view began. */
export interface ViewStats {
  /** Requests sent, confirmations included. */
  readonly requests: number
  /** Answers that changed something. */
  readonly changes: number
  /** Failures that were backed off. */
  readonly failures: number
  /** How long the rate limiter has held requests back, in all. */
  readonly limitedMs: number
}

/** Where a reader of frames stopped. Good for this view only, as long as the process lives. */
export interface ResumeToken {
  /** Changes when earlier frames no longer hold. */
  readonly epoch: number
  /** The last batch that was delivered. */
  readonly seq: number
}

/** One reader of a view, at its own pace. Dispose to leave. */
export interface Subscription<T, Item = unknown> extends AsyncDisposable {
  /**
   * Resolves with the first snapshot. Does not resolve again after a reset. Rejects when the view fails or the
   * subscription is disposed before.
   */
  readonly ready: Promise<Snapshot<T>>
  /**
   * Newest snapshot wins, never a backlog; an answer that changed nothing is not delivered. Whole snapshots: the filter
   * does not apply. Ends when the subscription or the view is disposed; throws what made the view fail.
   */
  snapshots(): AsyncIterableIterator<Snapshot<T>>
  /**
   * Every change in order, framed; a reader that lags too far gets a fresh snapshot instead of a backlog.
   * `status` frames come when the state changes, never one per state missed. Ends as {@link snapshots} does.
   */
  frames(): AsyncIterableIterator<Frame<Item>>
  /** Behind the last batch of frames that was delivered whole. */
  readonly token: ResumeToken
}

/** How one reader reads a view. */
export interface SubscribeOptions<Item = unknown> {
  /** Aborting it disposes the subscription. */
  readonly signal?: AbortSignal
  /** Goes on behind this token if the log still reaches back to it, else starts with a snapshot. */
  readonly resume?: ResumeToken
  /** Evaluated here, per subscriber, for frames: an item that stops matching is deleted for this reader. */
  readonly filter?: (item: Item, key: string) => boolean
}

/** A shared live result: one upstream request however many subscribers. Its last good snapshot survives any outage. */
export interface View<T, Item = unknown> extends AsyncDisposable {
  /** The ID of the query. */
  readonly id: string
  /** Kept up to date while there are subscribers. */
  readonly current: Snapshot<T> | undefined
  /** What the view knows about its own freshness. */
  readonly status: ViewStatus
  /** Counters since the view began. */
  readonly stats: ViewStats
  /** The first one starts the reading; a later one gets the current snapshot without a request. */
  subscribe(options?: SubscribeOptions<Item>): Subscription<T, Item>
}

/** Owns the views of one client. Equal query ids give the same view. Dispose closes them all, and their subscriptions. */
export interface ViewRegistry extends AsyncDisposable {
  /**
   * The view of a query: the existing one if a query with this ID is being read. Throws a UsageError once the
   * registry is disposed.
   */
  view<T, Item>(query: BlockingQuery<T, Item>): View<T, Item>
}
