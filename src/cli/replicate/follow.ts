import {linkSignal} from '../../core/cancel/link-signal.js'
import type {ConsulClient} from '../../core/client.js'
import {messageOf} from '../../core/errors.js'
import type {Wake} from '../../core/time/wake.js'
import {createReplicator} from '../../replicate/replicator.js'
import type {Replicator, ReplicatorOptions} from '../../replicate/types.js'

/** A replicator's options with the clients in them. Disposing closes the clients. */
export interface Opened extends AsyncDisposable {
  readonly destination: ConsulClient
  readonly options: ReplicatorOptions
}

export interface FollowHost {
  readonly stop: AbortSignal
  /** Wakes when the reload signal arrives. */
  readonly reloads: Wake
  /** Reads the current settings. Rejects if they are not valid. */
  readonly reopen: () => Promise<Opened>
  readonly tell: (text: string) => void
  /** Called with each replicator before it starts. */
  readonly onReplicator: (replicator: Replicator) => void
}

/**
 * Replicates until stopped. After a reload the next run starts when the last one has finished its transactions. If the
 * new settings are not valid, the run continues unchanged.
 */
export async function followUntilStopped(first: Opened, host: FollowHost): Promise<void> {
  let next: Opened | undefined = first
  while (next !== undefined && !host.stop.aborted) {
    await using current: Opened = next
    next = undefined
    using round = linkSignal(host.stop)
    const reloading = waitForReload(host, round.signal).then(opened => {
      next = opened
      round.abort(undefined)
    })
    try {
      const replicator = createReplicator(current.destination, current.options)
      host.onReplicator(replicator)
      // Only iterates: the observer in the options reports each pass.
      for await (const _ of replicator.run({signal: round.signal}));
    } finally {
      round.abort(undefined)
      await reloading
    }
  }
  await next?.[Symbol.asyncDispose]()
}

/** Resolves with undefined if this run ended first. */
async function waitForReload(host: FollowHost, signal: AbortSignal): Promise<Opened | undefined> {
  while (!signal.aborted) {
    try {
      await host.reloads.wait(signal)
    } catch {
      return undefined
    }
    host.tell('Reloading configuration...')
    try {
      return await host.reopen()
    } catch (error) {
      host.tell(`reload failed, the old settings stay in effect: ${messageOf(error)}`)
    }
  }
  return undefined
}
