import type {Datacenter} from '../datacenter.js'
import type {Headers} from '../refusals.js'
import type {WatchList} from '../store/watches.js'
import {type Call, ClientGone, type ReadMode, type ReadParameters} from './call.js'

export interface Reading<T> {
  readonly value: T
  /** Index of the answer; 0 if nothing that the answer could contain was ever written. */
  readonly index: bigint
  /** False if what was requested does not exist. A blocking query then waits until it exists. */
  readonly found?: boolean
}

export interface BlockingRead<T> {
  readonly parameters: ReadParameters
  readonly watch: WatchList
  readonly read: () => Reading<T>
}

const atLeastOne = (index: bigint): bigint => (index < 1n ? 1n : index)

/**
 * Answers at once if the index is greater than the requested one. Otherwise answers after a change, or when the wait
 * time of the blocking query has passed.
 */
export async function blockingRead<T>(call: Call, target: Datacenter, query: BlockingRead<T>): Promise<Reading<T>> {
  const {index: asked, waitMs} = query.parameters
  let current = query.read()
  if (asked === 0n || atLeastOne(current.index) > asked) return current
  const deadlineMs = target.clock.monotonicMs() + waitMs + (target.random() * waitMs) / 16
  for (;;) {
    const how = await park(call, target, query.watch, deadlineMs)
    const before = current
    current = query.read()
    if (how === 'late') return {...current, index: before.index}
    if (how === 'abandoned') return current
    const stillMissing = before.found === false && current.found === false
    if (atLeastOne(current.index) > asked && !stillMissing) return current
  }
}

export type WakeReason = 'changed' | 'abandoned' | 'late'

/** Waits until one of the watched topics changes. Rejects when the client disconnects. */
async function park(call: Call, target: Datacenter, watch: WatchList, deadlineMs: number): Promise<WakeReason> {
  const leftMs = deadlineMs - target.clock.monotonicMs()
  if (leftMs <= 0) return 'late'
  return await new Promise<WakeReason>((resolve, reject) => {
    const settle = (reason: WakeReason | undefined): void => {
      release()
      timer[Symbol.dispose]()
      forget()
      if (reason === undefined) reject(new ClientGone())
      else resolve(reason)
    }
    const release = target.state.watches.watch(watch, reason => settle(reason))
    const timer = target.clock.timer(leftMs, () => settle('late'), {ref: false})
    const forget = call.onGone(() => settle(undefined))
    if (call.gone) settle(undefined)
  })
}

export const metaHeaders = (index: bigint): Headers => ({
  'x-consul-index': String(atLeastOne(index)),
  ...contactHeaders,
})

export const contactHeaders: Headers = {'x-consul-knownleader': 'true', 'x-consul-lastcontact': '0'}

/** Headers of an answer that refuses a read of sessions, catalog or health. Consul sets these headers even then. */
export const refusedMeta: Headers = {
  'x-consul-index': '1',
  'x-consul-knownleader': 'false',
  'x-consul-lastcontact': '0',
}

export const effective = (mode: ReadMode): Headers => ({'x-consul-effective-consistency': mode})
