import type {ConsulIndex} from '../types.js'
import type {IndexRule} from './types.js'

/**
 * Relation of an answer's index to the one before. `early`: unchanged although the wait had not ended, so the server
 * replaced its state store while the query was parked.
 */
export type Verdict = 'changed' | 'unchanged' | 'reset' | 'early'

/** Compares an answer's index with the index that was sent or, after a read without index, with the last one seen. */
export function judgeIndex(rule: IndexRule, before: ConsulIndex, now: ConsulIndex, isEarly: boolean): Verdict {
  if (now === before) return isEarly ? 'early' : 'unchanged'
  return rule === 'monotonic' && now < before ? 'reset' : 'changed'
}

/** An index of 0 would not block at all, so 1 is sent instead, as Consul's documentation asks. */
export const toBlockingIndex = (index: ConsulIndex): ConsulIndex => (index < 1n ? (1n as ConsulIndex) : index)
