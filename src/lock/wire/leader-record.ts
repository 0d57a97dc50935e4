import type {KvEntry, SessionId} from '../../core/types.js'
import type {Leader} from '../election-types.js'
import {joinKey, lockKey} from './names.js'

const version = 1

/**
 * The key with the value of an election's leader. The value counts only while the session that it names holds the
 * lock.
 */
export const leaderKey = (prefix: string): string => joinKey(prefix, '.leader')

/** The common prefix of `.lock` and `.leader`, so that one read returns both in the same state. */
export const electionPrefix = (prefix: string): string => joinKey(prefix, '.l')

export const encodeLeader = ({session, token, value}: Required<Leader>): Buffer =>
  Buffer.from(JSON.stringify({v: version, session, token: String(token), value}))

/** Returns the session that holds the lock, with the value that this session has published. */
export function toLeader(prefix: string, entries: readonly KvEntry[]): Leader | undefined {
  const session = entries.find(({key}) => key === lockKey(prefix))?.session
  if (session === undefined) return undefined
  const published = entries.find(({key}) => key === leaderKey(prefix))
  return {session, value: undefined, token: undefined, ...(published && parse(published.value, session))}
}

function parse(bytes: Buffer, holder: SessionId): Pick<Leader, 'value' | 'token'> | undefined {
  try {
    const {v, session, token, value} = JSON.parse(bytes.toString()) as Readonly<Record<string, unknown>>
    if (v !== version || session !== holder || typeof value !== 'string' || typeof token !== 'string') return undefined
    return {value, token: BigInt(token) as NonNullable<Leader['token']>}
  } catch {
    // Another program or a later version wrote the key, so the value is unknown.
    return undefined
  }
}
