import {formatMapping} from '../../replicate/mapping.js'
import {printable} from '../../replicate/plan/held.js'
import type {Held, ReplicationPass, ReplicatorEvent} from '../../replicate/types.js'
import type {Progress} from '../progress.js'
import {approvalLine, driftLine, heldLine, isGathering, keyTroubles, outageLine, passLine} from './report.js'

/**
 * Receives lines: `say` for actions, `warn` for states that the user should know, `error` for failures that need an
 * action.
 */
export type ReporterOutput = Readonly<Record<'say' | 'warn' | 'error', (text: string) => unknown>>

export interface ReporterOptions {
  readonly out: ReporterOutput
  readonly progress: Progress
  /** True to print one line for each key. */
  readonly namesKeys: boolean
}

/**
 * Reports the actions of a replicator. A state that is the same in several replication passes is reported only once.
 */
export class Reporter {
  readonly #options: ReporterOptions
  /** Keys that were last reported as not copied, by mapping. */
  readonly #troubles = new Map<string, readonly string[]>()
  /** Keys that were reported as changed at the destination, by mapping. */
  readonly #drifted = new Map<string, Set<string>>()
  /** Numbers of held-back deletes in the last report, by mapping and reason. */
  readonly #heldCounts = new Map<string, Map<string, number>>()

  constructor(options: ReporterOptions) {
    this.#options = options
  }

  observe(event: ReplicatorEvent): void {
    const {out, progress, namesKeys} = this.#options
    if (event.type === 'pass.progressed') {
      progress.update(`${formatMapping(event.mapping)}: `, event.doneCount, event.totalCount)
      return
    }
    if (event.type === 'key.written' || event.type === 'key.deleted') {
      if (!namesKeys) return
      progress.clear()
      out.warn(`${formatMapping(event.mapping)}: ${event.type.slice('key.'.length)} ${printable(event.key)}`)
      return
    }
    progress.end()
    if (event.type === 'pass.finished') this.#finish(event.pass)
    else {
      const line = outageLine(event) ?? approvalLine(event)
      if (line !== undefined) out.warn(line)
    }
  }

  #finish(pass: ReplicationPass): void {
    const {out} = this.#options
    out.say(passLine(pass))
    const mapping = formatMapping(pass.mapping)
    const troubles = [...keyTroubles(pass)]
    const known = this.#troubles.get(mapping) ?? []
    for (const line of troubles) if (!known.includes(line)) out.error(line)
    this.#troubles.set(mapping, troubles)
    this.#reportDrift(mapping, pass)
    this.#reportHeld(mapping, pass)
  }

  /** Reports each key that another client has changed at the destination, but only once. */
  #reportDrift(mapping: string, {drifted}: ReplicationPass): void {
    const known = this.#drifted.get(mapping) ?? new Set<string>()
    const fresh = drifted.filter(key => !known.has(key))
    for (const key of fresh) known.add(key)
    this.#drifted.set(mapping, known)
    if (fresh.length > 0) this.#options.out.error(driftLine(mapping, fresh))
  }

  /**
   * Reports only once that deletes are held back. While further deletes are being collected, reports their number again
   * whenever it has doubled.
   */
  #reportHeld(mapping: string, {held}: ReplicationPass): void {
    const {out} = this.#options
    const known = this.#heldCounts.get(mapping) ?? new Map<string, number>()
    const next = new Map<string, number>()
    for (const set of held) {
      const subject = set.isKept ? set.id : set.reason
      const saidCount = known.get(subject) ?? (isGathering(set) && known.size > 0 ? 1 : undefined)
      const isGrown = saidCount !== undefined && set.count >= 2 * saidCount && !set.isKept
      if (saidCount === undefined) out.error(heldLine(set))
      else if (isGrown) out.error(`replicate ${mapping}: ${set.count} ${moreHeld(set)}`)
      next.set(subject, saidCount === undefined || isGrown ? set.count : saidCount)
    }
    if (held.length === 0 && known.size > 0) out.warn(`replicate ${mapping}: no deletes are held any more`)
    this.#heldCounts.set(mapping, next)
  }
}

const moreHeld = (set: Held): string =>
  isGathering(set)
    ? 'more deletes held; they get an id of their own within 10 minutes'
    : 'deletes held by now (--dry-run shows them)'
