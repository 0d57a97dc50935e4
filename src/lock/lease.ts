import {UsageError} from '../core/errors.js'
import {formatDuration} from '../core/time/duration.js'

/** The facts that decide how long a hold lasts after Consul has last confirmed that the session holds the lock. */
export interface LeaseShape {
  /**
   * True if another contender must wait for the lock-delay. False for a semaphore, whose slots are taken by
   * plain writes.
   */
  readonly hasLockDelay: boolean
  readonly ttlMs: number
  readonly lockDelayMs: number
  /**
   * True if only the TTL can end the session: it has no checks, and its node is not a server. The cluster itself may
   * remove the node of a server.
   */
  readonly isTtlOnly: boolean
  /** Time that the child has between TERM and KILL. */
  readonly graceMs: number
}

/** Times since boot at which the newest requests that proved the hold were sent. */
export interface LeaseProofs {
  /** A request that created or renewed the session. */
  readonly renewedAtMs: number
  /** A request that wrote the key, or a consistent read that showed the session as its holder. */
  readonly seenAtMs: number
  /**
   * True if, after the last proof, Consul has reported that the session does not exist, and no consistent read has
   * confirmed or disproved this yet.
   */
  readonly isDoubted?: boolean
}

/** Times of a lease, in milliseconds since boot. */
export interface LeaseDeadline {
  /** Time at which the child receives TERM. No child is started after it. */
  readonly termAtMs: number
  /** Time at which the remaining processes receive KILL. */
  readonly killAtMs: number
  /** Earliest time at which another session can hold the lock. */
  readonly freeAtMs: number
}

const smallestMarginMs = 1000
const marginShare = 0.02
/**
 * Minimum time that the settings must leave for the work between two confirmations of the hold by Consul. With less,
 * several requests a second would be needed.
 */
const leastUsableMs = 500
/** Longest lock-delay that Consul enforces. */
const longestLockDelayMs = 60_000

const delayOf = (shape: LeaseShape): number => Math.min(longestLockDelayMs, Math.max(0, shape.lockDelayMs))

/** Returns the earliest time at which another contender may hold the lock if Consul does not confirm the hold again. */
function freeAt(shape: LeaseShape, proofs: LeaseProofs): number {
  if (!shape.hasLockDelay) return proofs.renewedAtMs + shape.ttlMs
  const seen = proofs.seenAtMs + delayOf(shape)
  if (!shape.isTtlOnly) return seen
  // The session may have been destroyed right after its last proof. Then only the lock-delay protects the lock.
  if (proofs.isDoubted) return Math.max(seen, proofs.renewedAtMs + delayOf(shape))
  return Math.max(seen, proofs.renewedAtMs + shape.ttlMs + delayOf(shape))
}

/**
 * Returns how long a hold lasts after its session was renewed and its key was read at the same time, if Consul does not
 * confirm the hold again.
 */
export const leaseWindowMs = (shape: LeaseShape): number => freeAt(shape, {renewedAtMs: 0, seenAtMs: 0})

/**
 * Returns the margin between KILL and the time at which another contender may hold the lock. It allows for late timers
 * and slow clocks.
 */
export const leaseMarginMs = (shape: LeaseShape): number =>
  Math.max(smallestMarginMs, leaseWindowMs(shape) * marginShare)

/** Returns how long the child may run after Consul has confirmed the hold, if no further confirmation follows. */
export const usableMs = (shape: LeaseShape): number => leaseWindowMs(shape) - shape.graceMs - leaseMarginMs(shape)

export const isUsable = (shape: LeaseShape): boolean => usableMs(shape) >= leastUsableMs

export function leaseDeadline(shape: LeaseShape, proofs: LeaseProofs): LeaseDeadline {
  const freeAtMs = freeAt(shape, proofs)
  const killAtMs = freeAtMs - leaseMarginMs(shape)
  return {freeAtMs, killAtMs, termAtMs: killAtMs - shape.graceMs}
}

/**
 * Returns the interval at which baton has Consul confirm the hold. It is so short that two failures in a row do not end
 * the hold.
 */
export const proveEveryMs = (shape: LeaseShape): number => Math.min(shape.ttlMs, usableMs(shape)) / 3

/**
 * Returns the interval of renewals while a contender waits. Renewing every half TTL keeps the session alive. The
 * interval is shorter if a hold may start with a renewal as its only proof, because that renewal must then be recent.
 */
export const contendEveryMs = (shape: LeaseShape): number =>
  shape.hasLockDelay && !shape.isTtlOnly ? shape.ttlMs / 2 : proveEveryMs(shape)

/**
 * Throws a UsageError that shows the calculation if the settings leave no time to stop the child before
 * another contender may hold the lock.
 */
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
