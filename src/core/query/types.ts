import type {BlockingReadOptions, Clock, Consistency, ConsulIndex, Logger, Random, Snapshot} from '../types.js'
import type {HiddenProbe} from './hidden-items.js'

/**
 * Kind of the index of an endpoint. `monotonic`: grows, and may be reset. `equality` (events): random; a request blocks
 * while the index is equal. `hash`: a hash of the content, compared for equality.
 */
export type IndexRule = 'monotonic' | 'equality' | 'hash'

/** One item of an answer, with a key and a version for comparing answers. */
export interface ViewEntry<Item> {
  /** Identifies the item within one answer. */
  readonly key: string
  /** Changes whenever the item changes. */
  readonly version: string | bigint
  /** The item itself. */
  readonly item: Item
  /**
   * Consul's ModifyIndex of the item, if it has one. A ModifyIndex that goes back means that the whole store went back
   * to an earlier state.
   */
  readonly modifyIndex?: bigint
}

/**
 * A read of Consul that can wait for the next change. The functions in `topics.ts` return such queries;
 * programs can also define their own.
 */
export interface BlockingQuery<T, Item = unknown> {
  /** Queries with equal IDs send the same request to the same agent, and share one view. */
  readonly id: string
  /** Kind of the index in the answers. */
  readonly indexRule: IndexRule
  /**
   * True if an empty answer can also mean that a permission or data is missing. Such an answer is confirmed
   * before it is used.
   */
  readonly guardEmpty: boolean
  /** Longest time in milliseconds from a read without index to the first byte of its answer. @default 15000 */
  readonly answerTimeoutMs?: number
  /** Sends one request with these options. */
  read(options: BlockingReadOptions): Promise<Snapshot<T>>
  /** Divides an answer into its items. */
  entries(value: T): Iterable<ViewEntry<Item>>
  /**
   * Finds out whether missing items are hidden because the token lost a permission. If this is undefined,
   * every missing item counts as deleted.
   */
  readonly hides?: HiddenProbe
  /** True for lists that drop their oldest items by themselves (events): an item that is missing was not deleted. */
  readonly appendOnly?: boolean
}

/** Clock, randomness and logger for a query. A ConsulClient has all three. */
export interface QueryContext {
  /** The source of time. */
  readonly clock: Clock
  /** The source of jitter. */
  readonly random: Random
  /** Logs what happens to the query. */
  readonly logger: Logger
}

/**
 * One successful answer. `first`: the first answer. `changed`: the index grew. `unchanged`: the query's wait time ended
 * without a change. `reset`: the index went back. `recovered`: the first answer after errors, read without index.
 */
export interface Followed<T> {
  /** Relation of this answer to the previous one. */
  readonly kind: 'first' | 'changed' | 'unchanged' | 'reset' | 'recovered'
  /** The answer. */
  readonly snapshot: Snapshot<T>
}

/** `totalMs` is the sum of all delays that the rate limiter has imposed on this query. */
export type FollowStatus =
  | {readonly type: 'retrying'; readonly attempt: number; readonly delayMs: number; readonly error: unknown}
  | {readonly type: 'limited'; readonly delayMs: number; readonly totalMs: number}

/** Options for following a query. */
export interface FollowOptions {
  /** Ends the query, even while a request is in progress. */
  readonly signal: AbortSignal
  /** Maximum time for which a request waits at the agent, in milliseconds. @default 60000 */
  readonly waitMs?: number
  /** Consistency of all reads. @default the client's */
  readonly consistency?: Consistency
  /**
   * Consistency of reads without an index: the first, and each after a failure. With `consistent`, the first answer
   * cannot show old state from a leader that has not applied its log yet.
   * @default `consistency`
   */
  readonly freshConsistency?: Consistency
  /**
   * Maximum age in milliseconds of the answer to a stale read. An older one is discarded, and the next read asks the
   * leader.
   */
  readonly maxStaleMs?: number
  /** Longest pause in milliseconds between two attempts while Consul cannot be reached. @default 30000 */
  readonly maxPauseMs?: number
  /**
   * Index of an earlier answer. The first request then waits for a change after that answer.
   * @default the first request does not wait
   */
  readonly index?: ConsulIndex
  /**
   * Called for each failure after which the query pauses, and for each delay by the rate limiter. The first
   * of several failures is retried at once and not reported. If the function throws, the loop ends with that
   * error.
   */
  readonly onStatus?: (status: FollowStatus) => void
  /** Called when a request is sent, with the monotonic time in milliseconds. */
  readonly onRequest?: (sentAtMs: number) => void
}

/**
 * The content of a frame without the frame's position. A frame is one element of the stream that a reader of a view
 * receives.
 */
export type FrameBody<Item> =
  | {readonly type: 'new-snapshot-to-follow'; readonly reason: 'initial' | 'lagged' | 'resume-miss' | 'reset'}
  | {readonly type: 'upsert'; readonly key: string; readonly item: Item; readonly previous: Item | undefined}
  | {readonly type: 'delete'; readonly key: string; readonly previous: Item | undefined}
  | {readonly type: 'end-of-snapshot'; readonly index: ConsulIndex | undefined; readonly count: number}
  | {readonly type: 'status'; readonly status: ViewStatus}
  | {readonly type: 'gap'; readonly afterId: string | undefined}

/**
 * One element of the stream that a reader of a view receives. All frames that come from one answer have the same `seq`.
 * `epoch` changes when frames that were delivered before are no longer valid. `gap` (append-only queries): after the
 * item with this key, other items may have been added and dropped between two answers.
 */
export type Frame<Item> = FrameBody<Item> & {readonly epoch: number; readonly seq: number}

/**
 * The `state` strings are part of the interface. `connecting`: no answer yet. `stale`: requests fail; the newest answer
 * is from the monotonic time `sinceMs`, and the error is the latest one. `held`: an empty answer, or one that omits
 * items because the token may not read them (`denied`), is ignored until it is confirmed. `limited`: the query changes
 * faster than it may be read. `failed`: the request itself is wrong; the view has ended.
 */
export type ViewStatus =
  | {readonly state: 'connecting'; readonly error: unknown}
  | {readonly state: 'live'; readonly lastContactMs: number | undefined}
  | {readonly state: 'stale'; readonly sinceMs: number; readonly error: unknown}
  | {readonly state: 'held'; readonly reason: 'empty' | 'filtered' | 'no-leader' | 'denied'}
  | {readonly state: 'limited'; readonly delayMs: number}
  | {readonly state: 'failed'; readonly error: unknown}

/** Counters since the view began. */
export interface ViewStats {
  /** Number of requests sent, confirmations included. */
  readonly requests: number
  /** Number of answers that differed from the previous one. */
  readonly changes: number
  /** Number of failures after which the query paused. */
  readonly failures: number
  /** Sum of the delays by the rate limiter, in milliseconds. */
  readonly limitedMs: number
}

/** The position at which a reader of frames stopped. Valid only for one view of one process. */
export interface ResumeToken {
  /** Changes when earlier frames are no longer valid. */
  readonly epoch: number
  /** `seq` of the last frames that were delivered. */
  readonly seq: number
}

/** One reader of a view, at its own pace. Dispose it to leave the view. */
export interface Subscription<T, Item = unknown> extends AsyncDisposable {
  /**
   * Resolves with the first snapshot; a later reset does not change it. Rejects if the view fails or the subscription
   * is disposed before that.
   */
  readonly ready: Promise<Snapshot<T>>
  /**
   * Yields the newest snapshot, never a backlog; an answer that changed nothing is not delivered. Snapshots are whole:
   * the filter does not apply. Ends when the subscription or the view is disposed. Throws the error that made the view
   * fail.
   */
  snapshots(): AsyncIterableIterator<Snapshot<T>>
  /**
   * Yields every change in order, as frames. A reader that is too slow gets a new snapshot instead of a
   * backlog. A `status` frame comes when the state changes; a state that ends before the reader gets to it is
   * left out. Ends as {@link snapshots} does.
   */
  frames(): AsyncIterableIterator<Frame<Item>>
  /** The position after the last answer whose frames were all delivered. */
  readonly token: ResumeToken
}

/** Options of one reader of a view. */
export interface SubscribeOptions<Item = unknown> {
  /** Aborting this signal disposes the subscription. */
  readonly signal?: AbortSignal
  /** Continues after this position if the view still has all later changes, otherwise starts with a snapshot. */
  readonly resume?: ResumeToken
  /**
   * Selects the items in this reader's frames. An item that stops matching is reported to the reader as
   * deleted.
   */
  readonly filter?: (item: Item, key: string) => boolean
}

/**
 * A live result that any number of subscribers share. One request at a time serves all of them. Keeps its last snapshot
 * during an outage.
 */
export interface View<T, Item = unknown> extends AsyncDisposable {
  /** The ID of the query. */
  readonly id: string
  /** The newest snapshot. It is kept up to date only while there are subscribers. */
  readonly current: Snapshot<T> | undefined
  /** States whether the newest snapshot is up to date and, if it is not, why. */
  readonly status: ViewStatus
  /** Counters since the view began. */
  readonly stats: ViewStats
  /**
   * Adds a subscriber. The first subscriber starts the reading; later ones receive the current snapshot
   * without a request.
   */
  subscribe(options?: SubscribeOptions<Item>): Subscription<T, Item>
}

/**
 * Owns the views of one client. Queries with equal IDs share a view. Disposing closes all views and their
 * subscriptions.
 */
export interface ViewRegistry extends AsyncDisposable {
  /**
   * Returns the view of a query, which is the existing view if a query with this ID is already being read.
   * Throws a UsageError after the registry was disposed.
   */
  view<T, Item>(query: BlockingQuery<T, Item>): View<T, Item>
}
