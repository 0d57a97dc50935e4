import {type BigIntStats, lstatSync, mkdirSync, statSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'

const othersMayWrite = 0o022n
const othersMayDoAnything = 0o077n
const sticky = 0o1000n

const isMine = (stats: BigIntStats, uid: number): boolean =>
  stats.isDirectory() && stats.uid === BigInt(uid) && (stats.mode & othersMayDoAnything) === 0n

/** True if, besides root, only this user can replace this user's files in the directory. */
function isSafeParent(path: string, uid: number): boolean {
  const {uid: owner, mode} = statSync(path, {bigint: true})
  return (owner === 0n || owner === BigInt(uid)) && ((mode & othersMayWrite) === 0n || (mode & sticky) !== 0n)
}

/** Creates the directory unless it exists. Throws if it does not belong to this user alone, or if it is a link. */
export function ownDirectory(path: string, parent: string, uid: number): string {
  if (!isSafeParent(parent, uid)) throw new Error(`${parent}: other users may replace files in it`)
  try {
    if (lstatSync(path, {throwIfNoEntry: false}) === undefined) mkdirSync(path, {mode: 0o700})
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  if (!isMine(lstatSync(path, {bigint: true}), uid)) throw new Error(`${path}: not a directory of this user alone`)
  return path
}

/**
 * Returns a directory that only this user can write: in the user's runtime directory if it exists, otherwise in the
 * directory for temporary files. Throws if neither is possible.
 */
export function localDirectory(): string {
  const uid = process.geteuid?.()
  if (uid === undefined) throw new Error('this system has no user IDs')
  const runtime = `/run/user/${uid}`
  try {
    return ownDirectory(join(runtime, 'baton'), runtime, uid)
  } catch {
    const parent = tmpdir()
    return ownDirectory(join(parent, `baton-${uid}`), parent, uid)
  }
}
