import {lateSignal} from '../core/cancel/late-signal.js'
import {abortSignal, checkOptions} from '../core/check-options.js'
import type {ConsulClient} from '../core/client.js'
import {begin, beginPreview, passOutage, retryTransient} from './begin.js'
import {openOptions} from './complete-options.js'
import {Merge} from './follow/merge-iterables.js'
import {ReplicatorRun} from './follow/replicator-run.js'
import {isSameMapping, type Member} from './members.js'
import {MappingWorker, type Stops} from './pass/worker.js'
import {shadowMapping} from './shadow/shadow-mapping.js'
import {reportOnce} from './status/heartbeat.js'
import type {
  MappingOptions,
  MappingStatus,
  ReplicationPass,
  ReplicationPreview,
  Replicator,
  ReplicatorObserver,
  ReplicatorOptions,
  ShadowReport,
} from './types.js'

const never = new AbortController().signal

function signalOf(call: string, options: {readonly signal?: AbortSignal}): AbortSignal {
  checkOptions(call, options, {signal: abortSignal})
  return options.signal ?? never
}

/**
 * Throws a UsageError if an option is not valid, or if destinations overlap. Sends nothing yet.
 * The caller owns both clients, and must not close them before the replicator has ended.
 *
 * @example
 * ```ts
 * await client.kv.put('orders/1', Buffer.from('apples'))
 * const mappings = [parseMapping('orders/@dc1:copy/orders/')]
 * const [pass] = await createReplicator(client, {mappings}).runOnce()
 * pass?.written // => 1
 * ```
 */
export function createReplicator(destination: ConsulClient, options: ReplicatorOptions): Replicator {
  return new MappingReplicator(destination, options)
}

class MappingReplicator implements Replicator {
  readonly #complete: ReturnType<typeof openOptions>
  readonly #attempts: number
  readonly #runs = new Set<ReplicatorRun>()
  #members: readonly Member[]

  constructor(destination: ConsulClient, options: ReplicatorOptions) {
    this.#complete = openOptions(destination, options)
    this.#attempts = options.attempts ?? defaultAttempts
    this.#members = this.#toMembers(options.mappings, [])
  }

  async runOnce(call: {readonly signal?: AbortSignal} = {}): Promise<readonly ReplicationPass[]> {
    return await passOnceEach(this.#members, {signal: signalOf('replicator.runOnce', call), attempts: this.#attempts})
  }

  async preview(call: {readonly signal?: AbortSignal} = {}): Promise<readonly ReplicationPreview[]> {
    return await previewEach(this.#members, {signal: signalOf('replicator.preview', call), attempts: this.#attempts})
  }

  run(call: {readonly signal: AbortSignal}): AsyncIterable<ReplicationPass> {
    checkOptions('replicator.run', call, {signal: abortSignal}, ['signal'])
    return this.#follow(call.signal)
  }

  shadow(call: {readonly signal: AbortSignal}): AsyncIterable<ShadowReport> {
    checkOptions('replicator.shadow', call, {signal: abortSignal}, ['signal'])
    return shadowEach(this.#members, {signal: call.signal, attempts: Number.POSITIVE_INFINITY})
  }

  async update(mappings: readonly MappingOptions[]): Promise<void> {
    this.#members = this.#toMembers(mappings, this.#members)
    for (const run of this.#runs) await run.replace(this.#members)
  }

  status(): readonly MappingStatus[] {
    return this.#members.map(({worker}) => worker.monitor.status())
  }

  async *#follow(signal: AbortSignal): AsyncGenerator<ReplicationPass, void, undefined> {
    const run = new ReplicatorRun(signal)
    this.#runs.add(run)
    try {
      for await (const pass of run.passes(this.#members)) {
        this.#observerOf(pass)?.({type: 'pass.finished', pass})
        yield pass
      }
    } finally {
      this.#runs.delete(run)
    }
  }

  #observerOf({mapping}: ReplicationPass): ReplicatorObserver | undefined {
    const member = this.#members.find(({worker}) => worker.mapping === mapping) ?? this.#members[0]
    return member?.options.observer
  }

  /** Returns a member (options and worker) for each mapping. An unchanged mapping keeps its present member. */
  #toMembers(mappings: readonly MappingOptions[], known: readonly Member[]): readonly Member[] {
    return this.#complete(mappings).map(({given, options}) => {
      const {source, datacenter, destination} = given
      const same = known.find(member => isSameMapping(member.given, given))
      return same ?? {given, options, worker: new MappingWorker(options, {source, datacenter, destination})}
    })
  }
}

interface Once {
  readonly signal: AbortSignal
  readonly attempts: number
}

const defaultAttempts = 5

async function passOnceEach(members: readonly Member[], once: Once): Promise<readonly ReplicationPass[]> {
  const {signal} = once
  await begin(members, once)
  const passes: ReplicationPass[] = []
  let failure: unknown
  for (const member of members) {
    const {worker, options} = member
    using late = lateSignal(signal, {lateMs: options.graceMs, clock: options.clock})
    try {
      const pass = await passOnce(member, once, {stop: signal, kill: late.signal})
      passes.push(pass)
      options.observer({type: 'pass.finished', pass})
    } catch (error) {
      signal.throwIfAborted()
      failure ??= error
    } finally {
      await reportOnce(worker, options, {phase: signal.aborted ? 'stopped' : 'finished', signal: late.signal})
    }
    signal.throwIfAborted()
  }
  if (failure !== undefined) throw failure
  reportUnusedApprovals(members)
  return passes
}

/** Reports each approval that no mapping has used, so that a wrong ID does not go unnoticed. */
function reportUnusedApprovals(members: readonly Member[]): void {
  const [first] = members
  if (!first) return
  const {approved, observer} = first.options
  for (const id of approved) {
    if (id !== 'all')
      observer({type: 'approval.refused', mapping: undefined, id, reason: 'nothing is held with this id'})
  }
}

async function* shadowEach(members: readonly Member[], once: Once): AsyncGenerator<ShadowReport, void, undefined> {
  const merge = new Merge<ShadowReport>()
  try {
    await beginPreview(members, once)
    for (const member of members) merge.add(shadowMapping(member, once.signal))
    yield* merge.values()
  } catch (error) {
    if (!once.signal.aborted) throw error
  }
}

async function previewEach(members: readonly Member[], once: Once): Promise<readonly ReplicationPreview[]> {
  await beginPreview(members, once)
  const previews: ReplicationPreview[] = []
  for (const member of members) {
    const {worker, options} = member
    using outage = passOutage(member)
    const look = async () => worker.preview(await worker.readSides(once.signal), once.signal)
    previews.push(await retryTransient(options, {...once, outage}, look))
  }
  return previews
}

/**
 * Makes one replication pass. If a failure ends the pass early, further passes make the missing changes, and the result
 * is the sum of all passes.
 */
async function passOnce(member: Member, once: Once, stops: Stops): Promise<ReplicationPass> {
  const {worker, options} = member
  const sum = {written: 0, deleted: 0, durationMs: 0}
  using outage = passOutage(member)
  let isFirst = true
  return await retryTransient(options, {...once, outage}, async () => {
    await worker.carryOutApprovals(stops)
    worker.monitor.began()
    const sides = await worker.readSides(stops.stop)
    // A long pass is not an outage. After a failure, the outage ends with the first complete pass.
    if (isFirst) outage.end()
    isFirst = false
    const pass = await worker.pass(sides, stops)
    // A stopped pass is not complete, although it reports no error.
    worker.monitor.ended(pass.error === undefined && !stops.stop.aborted)
    sum.written += pass.written
    sum.deleted += pass.deleted
    sum.durationMs += pass.durationMs
    if (pass.error !== undefined) throw pass.error
    return {...pass, ...sum}
  })
}
