import {linkSignal} from '../../core/cancel/link-signal.js'
import type {ConsulClient} from '../../core/client.js'
import {isBatonError, messageOf} from '../../core/errors.js'
import type {Wake} from '../../core/time/wake.js'
import type {Hold} from '../../lock/types.js'
import {createReplicator} from '../../replicate/replicator.js'
import type {Replicator, ReplicatorOptions} from '../../replicate/types.js'

/** A replicator's options, including its clients. */
export interface Opened {
  readonly destination: ConsulClient
  readonly options: ReplicatorOptions
  /** The settings that all mappings share, as a text that can be compared. */
  readonly shared: string
}

export interface FollowHost {
  readonly stop: AbortSignal
  /** Wakes when the reload signal arrives. */
  readonly reloads: Wake
  /** Reads the current settings. Rejects if they are not valid. */
  readonly reopen: () => Promise<Opened>
  readonly tell: (text: string) => void
  /** Called after a reload that needs no new replicator, or has failed. */
  readonly onReloaded: () => void
  /** Called with each replicator before it starts. */
  readonly onReplicator: (replicator: Replicator) => void
  /** Called when the clients of earlier settings are no longer in use. */
  readonly onSettled: (opened: Opened) => Promise<void>
  /** Waits for the lock that must be held during replication; undefined if no lock was requested. */
  readonly acquire: ((opened: Opened, signal: AbortSignal) => Promise<Hold>) | undefined
}

/**
 * Replicates until stopped. If a reload changes only mappings, only the changed mappings are ended or started. If it
 * changes shared settings, all mappings are started again after they have finished their transactions. If the new
 * settings are invalid, the run continues unchanged.
 */
export async function followUntilStopped(first: Opened, host: FollowHost): Promise<void> {
  let current = first
  while (!host.stop.aborted) {
    const round = new Round(current, host)
    await round.run()
    if (round.next === undefined && host.acquire === undefined) return
    current = round.next ?? round.current
    await host.onSettled(current)
  }
}

/** One run of a replicator, from its start to its end. */
class Round {
  current: Opened
  /** The settings for the next replicator; undefined unless a reload requires a new one. */
  next: Opened | undefined
  readonly #host: FollowHost
  #replicator: Replicator | undefined

  constructor(opened: Opened, host: FollowHost) {
    this.current = opened
    this.#host = host
  }

  async run(): Promise<void> {
    using link = linkSignal(this.#host.stop)
    const reloading = this.#watchReloads(link.signal).then(() => link.abort(undefined))
    try {
      await this.#replicate(link.signal)
    } catch (error) {
      if (!link.signal.aborted) throw error
    } finally {
      link.abort(undefined)
      await reloading
    }
  }

  async #replicate(signal: AbortSignal): Promise<void> {
    const {acquire, onReplicator, tell} = this.#host
    await using hold = await acquire?.(this.current, signal)
    using held = linkSignal(signal)
    using _lost = hold && linkAbort(hold.signal, () => held.abort(hold.signal.reason))
    const {destination, options} = this.current
    const fence = hold && {key: hold.key, session: hold.session}
    const replicator = createReplicator(destination, {...options, ...(fence && {fence})})
    onReplicator(replicator)
    this.#replicator = replicator
    try {
      // The observer in the options reports each replication pass, so the loop has nothing to do.
      for await (const _ of replicator.run({signal: held.signal}));
    } catch (error) {
      if (!isBatonError(error, 'BATON_LOCK_LOST')) throw error
    } finally {
      this.#replicator = undefined
    }
    if (hold && !signal.aborted) tell('the lock is lost: nothing is copied until it is held again')
  }

  /** Resolves when the replicator must end, because of new settings or because it was stopped. */
  async #watchReloads(signal: AbortSignal): Promise<void> {
    const {reloads, reopen, tell, onReloaded} = this.#host
    const isStopped = (): boolean => signal.aborted
    while (!isStopped()) {
      try {
        await reloads.wait(signal)
      } catch {
        return
      }
      tell('Reloading configuration...')
      try {
        const opened = await reopen()
        if (!(await this.#update(opened))) {
          this.next = opened
          return
        }
      } catch (error) {
        if (isStopped()) return
        tell(`reload failed, the old settings stay in effect: ${messageOf(error)}`)
      }
      onReloaded()
    }
  }

  /** Applies changed mappings. Resolves with false if other settings have also changed. */
  async #update(opened: Opened): Promise<boolean> {
    const {current} = this
    const replicator = this.#replicator
    const isSame = opened.destination === current.destination && opened.options.source === current.options.source
    if (!isSame || opened.shared !== current.shared || !replicator) return false
    await replicator.update(opened.options.mappings)
    this.current = {...opened, options: {...current.options, mappings: opened.options.mappings}}
    await this.#host.onSettled(this.current)
    return true
  }
}

function linkAbort(signal: AbortSignal, listener: () => void): Disposable {
  if (signal.aborted) listener()
  else signal.addEventListener('abort', listener, {once: true})
  return {[Symbol.dispose]: () => signal.removeEventListener('abort', listener)}
}
