import type {Outage} from '../../core/outage.js'
import type {CompleteOptions} from '../complete-options.js'
import type {MappingWorker} from '../pass/worker.js'
import {ShardReads} from './shard-reads.js'
import {ShardSide} from './shard-side.js'
import {type Doubt, SideWatch} from './side-watch.js'

/** Maximum number of tree nodes at the destination. It is small, because other clients make few changes there. */
const placesOfDestination = 8
const mostChanges = 2000
/** Minimum time between two answers of one query, in milliseconds: of any, and after one that shows our own write. */
const pauses = {source: {leastPauseMs: 50, ownPauseMs: 50}, destination: {leastPauseMs: 500, ownPauseMs: 2000}}

/**
 * Creates the source side and the destination side of a mapping. Together they keep at most `placeCount` queries
 * waiting at one agent; two queries of each side are not for tree nodes.
 */
export function openSides(
  {mapping, scope}: MappingWorker,
  {destination, source, sourceCall, isOneAddress, clock, compress}: CompleteOptions,
  {placeCount, signal}: {readonly placeCount: number; readonly signal: AbortSignal},
): readonly [ShardSide, ShardSide] {
  const places = placeCount - (isOneAddress ? 4 : 2)
  const here = Math.max(1, Math.min(placesOfDestination, Math.floor(places / 4)))
  const there = Math.max(1, isOneAddress ? places - here : places)
  const common = {consistency: 'consistent', compress: compress.parts, signal} as const
  const isInScope = (name: string): boolean => scope.includes(name)
  const readsThere = new ShardReads({
    client: source,
    call: sourceCall(mapping),
    ...common,
    compressNames: compress.source,
  })
  const readsHere = new ShardReads({client: destination, call: {}, ...common, compressNames: compress.parts})
  return [
    new ShardSide({
      prefix: mapping.source,
      reads: readsThere,
      clock,
      signal,
      places: there,
      mostChanges,
      isInScope,
      readsValues: true,
      isLeftOut: scope.excludesAll,
    }),
    new ShardSide({
      prefix: mapping.destination,
      reads: readsHere,
      clock,
      signal,
      places: here,
      mostChanges,
      readsValues: false,
      isInScope: key => isInScope(scope.toSource(key)),
      isLeftOut: prefix => prefix.length >= mapping.destination.length && scope.excludesAll(scope.toSource(prefix)),
    }),
  ]
}

interface WatchGiven {
  readonly options: CompleteOptions
  readonly part: 'source' | 'destination'
  readonly outage: Outage
  readonly onMoved: () => void
  readonly onSeen: () => void
  readonly onDoubt: (kind: Doubt) => void
}

/** Creates the blocking queries of one side. */
export function openWatch(side: ShardSide, {options, part, outage, ...on}: WatchGiven): SideWatch {
  const {destination, source, waitMs, maxStaleMs} = options
  const isStale = part === 'source' && maxStaleMs > 0
  return new SideWatch({
    side,
    reads: side.reads,
    context: part === 'source' ? source : destination,
    follow: {waitMs, freshConsistency: 'consistent', ...(isStale && {consistency: 'stale', maxStaleMs})},
    outage,
    ...pauses[part],
    ...on,
  })
}
