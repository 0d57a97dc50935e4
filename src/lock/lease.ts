import {UsageError} from '../core/errors.js'
import {formatDuration} from '../core/time/duration.js'

/** What decides how long a hold lasts after its last proof. */
export interface LeaseShape {
  /** True if a rival must wait for the lock-delay. A slot of a semaphore is taken by a plain write, which does not. */
  readonly hasLockDelay: boolean
  readonly ttlMs: number
  readonly lockDelayMs: number
  /**
   * True when nothing but the TTL ends the session: no checks, and on a client agent's node. A server's node may be
   * removed by the cluster itself.
   */
  readonly isTtlOnly: boolean
  /** Time the child gets between TERM and KILL. */
  readonly graceMs: number
}

/** Send times (boot time) of the newest requests that proved something. */
export interface LeaseProofs {
  /** The session was created or renewed. */
  readonly renewedAtMs: number
  /** The key was written by us, or read consistently and showed our session. */
  readonly seenAtMs: number
  /** Consul has said since then that the session is gone, which is neither confirmed nor refuted. */
  readonly isDoubted?: boolean
}

/** The instants of a lease, in milliseconds of boot time. */
export interface LeaseDeadline {
  /** The child gets TERM; from here on none is started. */
  readonly termAtMs: number
  /** Whatever is left gets KILL. */
  readonly killAtMs: number
  /** Another session cannot hold the lock before this instant. */
  readonly freeAtMs: number
}

const smallestMarginMs = 1000
const marginShare = 0.02
/** With less left for the work, the proofs would have to follow each other at a mad pace. */
const leastUsableMs = 500
/** Consul enforces no more than this. */
const longestLockDelayMs = 60_000

const delayOf = (shape: LeaseShape): number => Math.min(longestLockDelayMs, Math.max(0, shape.lockDelayMs))

/** The earliest instant at which a rival may hold, if nothing is proven after `proofs`. */
function freeAt(shape: LeaseShape, proofs: LeaseProofs): number {
  if (!shape.hasLockDelay) return proofs.renewedAtMs + shape.ttlMs
  const seen = proofs.seenAtMs + delayOf(shape)
  if (!shape.isTtlOnly) return seen
  // If the session was destroyed right after its last proof, only the lock-delay remains.
  if (proofs.isDoubted) return Math.max(seen, proofs.renewedAtMs + delayOf(shape))
  return Math.max(seen, proofs.renewedAtMs + shape.ttlMs + delayOf(shape))
}

/** How long a hold lasts after a proof of everything. */
export const leaseWindowMs = (shape: LeaseShape): number => freeAt(shape, {renewedAtMs: 0, seenAtMs: 0})

/** Covers what clocks, timers and the kernel may be late. */
export const leaseMarginMs = (shape: LeaseShape): number =>
  Math.max(smallestMarginMs, leaseWindowMs(shape) * marginShare)

/** What is left of the window for the child's undisturbed work between two proofs. */
export const usableMs = (shape: LeaseShape): number => leaseWindowMs(shape) - shape.graceMs - leaseMarginMs(shape)

export const isUsable = (shape: LeaseShape): boolean => usableMs(shape) >= leastUsableMs

export function leaseDeadline(shape: LeaseShape, proofs: LeaseProofs): LeaseDeadline {
  const freeAtMs = freeAt(shape, proofs)
  const killAtMs = freeAtMs - leaseMarginMs(shape)
  return {freeAtMs, killAtMs, termAtMs: killAtMs - shape.graceMs}
}

/** How often the hold must be proven so that two lost proofs in a row do no harm. */
export const proveEveryMs = (shape: LeaseShape): number => Math.min(shape.ttlMs, usableMs(shape)) / 3

/** Refuses, with the arithmetic, what leaves no time to stop the child before a rival may start. */
export function checkLease(shape: LeaseShape, options: {readonly prefix: string; readonly hasChecks: boolean}): void {
  const {prefix, hasChecks} = options
  if (!shape.hasLockDelay && hasChecks) {
    throw new UsageError(`lock ${prefix}: a semaphore whose session depends on checks has no safe time to stop`, {
      hint: 'leave `nodeChecks` out: a failed check would free the slot at once',
    })
  }
  if (!(shape.ttlMs > 0)) {
    throw new UsageError(`lock ${prefix}: a session without a TTL would keep the lock forever if its holder died`)
  }
  const needMs = shape.graceMs + leaseMarginMs(shape)
  const need = `grace ${formatDuration(shape.graceMs)} and margin ${formatDuration(leaseMarginMs(shape))} need ${formatDuration(needMs)}`
  if (!isUsable(shape)) {
    throw new UsageError(
      `lock ${prefix}: no time to stop the child: a rival may hold ${formatDuration(leaseWindowMs(shape))} after the ` +
        `last proof (${arithmetic(shape)}), ${need} of it, the work ${formatDuration(leastUsableMs)}`,
      {hint: `shorten the grace, or lengthen ${shape.hasLockDelay ? 'the TTL or the lock-delay' : 'the TTL'}`},
    )
  }
  if (!shape.hasLockDelay || needMs <= delayOf(shape)) return
  throw new UsageError(
    `lock ${prefix}: no time to stop the child: when its session is destroyed, or its agent leaves, a rival may hold ` +
      `${formatDuration(delayOf(shape))} later (the lock-delay), and ${need} of it`,
    {hint: 'shorten the grace, or lengthen the lock-delay'},
  )
}

function arithmetic(shape: LeaseShape): string {
  const delay = `lock-delay ${formatDuration(delayOf(shape))}`
  if (!shape.hasLockDelay) return `TTL ${formatDuration(shape.ttlMs)}`
  return shape.isTtlOnly ? `TTL ${formatDuration(shape.ttlMs)} + ${delay}` : delay
}
