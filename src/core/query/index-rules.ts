import type {ConsulIndex} from '../types.js'
import type {IndexRule} from './types.js'

/**
 * Relation of an answer's index to the previous one. `early`: the index is unchanged although the wait time of the
 * blocking query had not ended, so the server replaced its state store while the query waited.
 */
export type Verdict = 'changed' | 'unchanged' | 'reset' | 'early'

/** Compares an answer's index with the index that was sent or, after a read without index, with the last one seen. */
export function judgeIndex(rule: IndexRule, before: ConsulIndex, now: ConsulIndex, isEarly: boolean): Verdict {
  if (now === before) return isEarly ? 'early' : 'unchanged'
  return rule === 'monotonic' && now < before ? 'reset' : 'changed'
}

/**
 * A request with index 0 would not block, so 1 is sent instead, as Consul's documentation advises.
 */
export const toBlockingIndex = (index: ConsulIndex): ConsulIndex => (index < 1n ? (1n as ConsulIndex) : index)
