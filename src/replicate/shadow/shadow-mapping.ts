import {messageOf} from '../../core/errors.js'
import {follow} from '../../core/query/follow.js'
import {kvKeys} from '../../core/query/topics.js'
import {Backoff} from '../../core/time/backoff.js'
import {Wake} from '../../core/time/wake.js'
import {formatMapping} from '../mapping.js'
import type {Member} from '../members.js'
import type {Sides} from '../pass/worker.js'
import type {Replica} from '../plan/plan.js'
import type {ShadowReport} from '../types.js'
import {compareResults} from './compare-results.js'

const settleMs = 500
const lookEveryMs = 500
/** Maximum time to wait until the other program has copied a change. */
const behindMs = 30_000

/**
 * Waits for a change at the source or the destination, lets another program copy it, and compares the result with the
 * pass that baton would have made. Repeats this until the signal aborts. Writes nothing. Reports each difference once.
 * The first report lists the changes that a pass would make now.
 */
export async function* shadowMapping(
  member: Member,
  signal: AbortSignal,
): AsyncGenerator<ShadowReport, void, undefined> {
  const {worker, options} = member
  const {clock, logger, waitMs, destination} = options
  const moved = new Wake()
  const watches = [watch(member, 'source', {moved, signal}), watch(member, 'destination', {moved, signal})]
  const backoff = new Backoff({random: destination.random})
  const known = new Set<string>()
  let before: Replica | undefined
  const isOver = (): boolean => signal.aborted
  try {
    while (!isOver()) {
      try {
        const look = await lookAtBoth(member, signal)
        const report = await compare(member, {...look, before: before ?? look.sides.replica, signal})
        before = look.sides.replica
        backoff.reset()
        const fresh = report.differences.filter(({key, kind}) => !known.has(`${kind} ${key}`))
        known.clear()
        for (const {key, kind} of report.differences) known.add(`${kind} ${key}`)
        if (fresh.length > 0 || report.isBehind) yield {...report, differences: fresh}
        await moved.waitAtMost(waitMs, {clock, signal})
        await clock.sleep(settleMs, signal)
        moved.clear()
      } catch (error) {
        if (isOver()) return
        logger.warn(
          {component: 'replicate', mapping: formatMapping(worker.mapping), problem: messageOf(error)},
          'not compared',
        )
        await clock.sleep(backoff.next(), signal).catch(() => {})
      }
    }
  } finally {
    await Promise.all(watches)
  }
}

/** Wakes the loop when the source or the destination has changed. Never rejects. */
async function watch(
  {worker, options}: Member,
  side: 'source' | 'destination',
  {moved, signal}: {readonly moved: Wake; readonly signal: AbortSignal},
): Promise<void> {
  const {waitMs, sourceCall} = options
  const {mapping} = worker
  const topic =
    side === 'source'
      ? kvKeys(options.source, mapping.source, {separator: '/', ...sourceCall(mapping)})
      : kvKeys(options.destination, mapping.destination, {separator: '/'})
  while (!signal.aborted) {
    try {
      for await (const _ of follow(topic, options[side], {signal, waitMs})) moved.wake()
    } catch {
      await options.clock.sleep(settleMs, signal).catch(() => {})
    }
  }
}

interface Look {
  readonly sides: Sides
  readonly isBehind: boolean
}

/** Reads source and destination as soon as the status key shows that the other program has copied the source. */
async function lookAtBoth({worker, options}: Member, signal: AbortSignal): Promise<Look> {
  const {clock} = options
  const endsAtMs = clock.monotonicMs() + behindMs
  for (;;) {
    const sides = await worker.readSides(signal)
    const position = (await worker.position(signal)) ?? 0n
    if (position >= (sides.source.index ?? 0n))
      return {sides: {...sides, ...(await worker.readReplica(signal))}, isBehind: false}
    if (clock.monotonicMs() >= endsAtMs) return {sides, isBehind: true}
    await clock.sleep(lookEveryMs, signal)
  }
}

async function compare(
  {worker}: Member,
  {sides, isBehind, before, signal}: Look & {readonly before: Replica; readonly signal: AbortSignal},
): Promise<ShadowReport> {
  const preview = await worker.preview({...sides, replica: new Map(before)}, signal)
  const source = new Map(sides.source.value.map(entry => [worker.scope.toDestination(entry.key), entry]))
  return {
    mapping: worker.mapping,
    index: sides.source.index ?? 0n,
    isBehind,
    differences: compareResults({before, preview, source, now: sides.replica}),
  }
}
