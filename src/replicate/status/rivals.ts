import {UsageError} from '../../core/errors.js'
import type {CallOptions} from '../../core/types.js'
import type {CompleteOptions} from '../complete-options.js'
import {formatMapping, overlap} from '../mapping.js'
import type {Mapping} from '../types.js'
import {readStatuses} from './read-statuses.js'
import {isAlive, type ReplicatorReport} from './replicator-report.js'
import type {StatusDocument} from './status-document.js'

interface Rival {
  readonly mapping: Mapping
  readonly own: Mapping
  readonly report: ReplicatorReport
}

/**
 * True if the other replicator copies the same mapping, and may therefore run at the same time. False for a replicator
 * of another mapping with the same destination, because it would delete the keys that this replicator copies.
 */
const isSame = (own: Mapping, {source, destination}: StatusDocument, {datacenter}: ReplicatorReport): boolean =>
  own.source === source &&
  own.destination === destination &&
  (own.datacenter === undefined || datacenter === undefined || own.datacenter === datacenter)

function findRivals(
  documents: readonly StatusDocument[],
  mappings: readonly Mapping[],
  options: CompleteOptions,
): readonly Rival[] {
  const nowMs = options.clock.wallMs()
  return documents.flatMap(document =>
    document.replicators
      .filter(report => report.id !== options.identity.id && isAlive(report, nowMs))
      .flatMap(report =>
        mappings
          .filter(own => overlap(own.destination, document.destination) && !isSame(own, document, report))
          .map(own => ({own, report, mapping: {...document, datacenter: report.datacenter}})),
      ),
  )
}

/**
 * Which rivals (other replicators that conflict with this one) are refused: `all`, or only `earlier` ones, so
 * that one of two replicators that start together can continue.
 */
export type RivalKind = 'all' | 'earlier'

/**
 * Throws a UsageError if a running replicator of another source has a destination that overlaps one of these
 * mappings, because each of the two would keep deleting the keys that the other copies.
 */
export async function refuseRivals(
  mappings: readonly Mapping[],
  options: CompleteOptions,
  kind: RivalKind,
  call: Pick<CallOptions, 'signal'>,
): Promise<void> {
  const {identity} = options
  const documents = await readStatuses(options.destination, options.statusDir, call)
  const isEarlier = ({report: {startedAtMs, id}}: Rival): boolean =>
    startedAtMs < identity.startedAtMs || (startedAtMs === identity.startedAtMs && id < identity.id)
  const rival = findRivals(documents, mappings, options).find(each => kind === 'all' || isEarlier(each))
  if (!rival) return
  const {host, pid, everyMs, heartbeatMs} = rival.report
  const agoMs = Math.max(0, Math.round(options.clock.wallMs() - heartbeatMs))
  throw new UsageError(
    `replicate ${formatMapping(rival.own)}: '${formatMapping(rival.mapping)}' is replicated to an overlapping destination by process ${pid} on ${host}`,
    {
      hint: `each would delete what the other copies: stop that one; if it was killed, wait until it has been silent for ${Math.round((3 * everyMs) / 1000)}s (it last wrote ${Math.round(agoMs / 1000)}s ago)`,
      details: {host, pid},
    },
  )
}
