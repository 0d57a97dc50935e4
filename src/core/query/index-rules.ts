import type {ConsulIndex} from '../types.js'
import type {IndexRule} from './types.js'

/** `early`: unchanged although the wait had not run out, so the server dropped the state under the query. */
export type Verdict = 'changed' | 'unchanged' | 'reset' | 'early'

/** What an answer's index says, compared with the one that was sent (or, after a fresh read, last seen). */
export function judgeIndex(rule: IndexRule, before: ConsulIndex, now: ConsulIndex, isEarly: boolean): Verdict {
  if (now === before) return isEarly ? 'early' : 'unchanged'
  return rule === 'monotonic' && now < before ? 'reset' : 'changed'
}

/** An index of 0 would not block at all: Consul's own rule is to send 1 instead. */
export const toBlockingIndex = (index: ConsulIndex): ConsulIndex => (index < 1n ? (1n as ConsulIndex) : index)
