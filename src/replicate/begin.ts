import {isTransient, PermissionError} from '../core/errors.js'
import {isHopeless} from '../core/hopeless.js'
import type {Outage} from '../core/outage.js'
import {retry} from '../core/retry.js'
import {Backoff} from '../core/time/backoff.js'
import type {CompleteOptions} from './complete-options.js'
import {checkWithinDatacenter} from './mapping.js'
import {byDestination, type Member} from './members.js'
import {outageOf} from './outage.js'
import {reportOnce} from './status/heartbeat.js'
import {type RivalKind, refuseRivals} from './status/rivals.js'
import type {Mapping} from './types.js'

interface Attempts {
  readonly signal: AbortSignal
  /** Maximum number of consecutive attempts of each request. */
  readonly attempts: number
}

/** Mappings that share a destination and its settings. */
interface Group extends Attempts {
  readonly members: readonly Member[]
  readonly options: CompleteOptions
}

const groupsOf = (members: readonly Member[], given: Attempts): readonly Group[] =>
  byDestination(members).flatMap(some => (some[0] ? [{members: some, options: some[0].options, ...given}] : []))

/**
 * Throws a UsageError if a mapping conflicts with another mapping, of this replicator or of another running one. Each
 * replicator writes its own reports before it looks for the reports of others a second time, so that of two replicators
 * that start together, at least one sees the other.
 */
export async function begin(members: readonly Member[], given: Attempts): Promise<void> {
  for (const group of groupsOf(members, given)) {
    await checkDatacenters(group)
    await lookForRivals(group, 'all')
    for (const {worker, options} of group.members) {
      await reportOnce(worker, options, {phase: 'running', signal: given.signal})
    }
    await lookForRivals(group, 'earlier')
    await loadHolds(group)
  }
}

/** Checks the conditions for a preview. Writes nothing. */
export async function beginPreview(members: readonly Member[], given: Attempts): Promise<void> {
  for (const group of groupsOf(members, given)) {
    await checkDatacenters(group)
    await loadHolds(group)
  }
}

/** Repeats `work` after transient failures, with increasing delays. */
export async function retryTransient<T>(
  options: CompleteOptions,
  {signal, attempts, outage}: Attempts & {readonly outage: Outage},
  attempt: () => Promise<T>,
): Promise<T> {
  const {clock, destination} = options
  const backoff = new Backoff({random: destination.random, maxMs: 5000})
  const result = await retry(() => outage.watch(attempt), {
    signal,
    clock,
    backoff,
    attempts,
    isRetryable: error => isTransient(error) && !isHopeless(error),
  })
  outage.end()
  return result
}

export const passOutage = ({worker, options}: Member): Outage =>
  outageOf({...options, part: 'pass', mapping: worker.mapping, monitors: [worker.monitor]})

/**
 * Loads the undo holds (keys that an earlier undo restored and that the first replication pass must leave alone), and
 * the index up to which an earlier run has copied.
 */
async function loadHolds({members, ...given}: Group): Promise<void> {
  for (const member of members) {
    const {worker, options} = member
    using outage = passOutage(member)
    try {
      await retryTransient(options, {...given, outage}, async () => {
        await worker.loadHolds(given.signal)
        await worker.loadPosition(given.signal)
      })
    } catch (error) {
      if (!(error instanceof PermissionError)) throw error
    }
  }
}

const mappingsOf = ({members}: Group): readonly Mapping[] => members.map(({worker}) => worker.mapping)

async function lookForRivals(group: Group, kind: RivalKind): Promise<void> {
  const {options, members, ...given} = group
  using outage = outageOf({...options, part: 'destination', monitors: members.map(({worker}) => worker.monitor)})
  try {
    await retryTransient(options, {...given, outage}, () => refuseRivals(mappingsOf(group), options, kind, given))
  } catch (error) {
    if (!(error instanceof PermissionError)) throw error
    options.logger.warn(
      {component: 'replicate', key: options.statusDir},
      'the token has no permission to read the status keys: other replicators of the destination are not looked for',
    )
  }
}

/**
 * Throws a UsageError if mappings share keys within one datacenter. Asks the agent for its datacenter unless the
 * options name it.
 */
async function checkDatacenters(group: Group): Promise<void> {
  const {options, members, ...given} = group
  const local = members.filter(each => each.options.isOneAddress)
  if (local.length === 0) return
  using outage = outageOf({...options, part: 'agent', monitors: members.map(({worker}) => worker.monitor)})
  const own =
    options.destination.scope.datacenter ??
    (await retryTransient(options, {...given, outage}, () => ownDatacenter(options, given.signal)))
  const isLocal = (mapping: Mapping): boolean =>
    (mapping.datacenter === undefined || mapping.datacenter === own) &&
    local.some(({worker}) => worker.mapping === mapping)
  checkWithinDatacenter(mappingsOf(group), isLocal)
}

async function ownDatacenter({destination, logger}: CompleteOptions, signal: AbortSignal): Promise<string | undefined> {
  try {
    return (await destination.agent.self({signal})).datacenter
  } catch (error) {
    if (!(error instanceof PermissionError)) throw error
    logger.warn(
      {component: 'replicate'},
      "the token has no permission to read the agent's datacenter: overlaps with the source are not checked",
    )
    return undefined
  }
}
