import type {ConsulClient} from '../../core/client.js'
import {txnOperationLimit} from '../../core/consul-constants.js'
import type {CallOptions, KvEntry} from '../../core/types.js'

export interface Verdict {
  /** Keys that the leader reports as not existing. */
  readonly absent: ReadonlySet<string>
  /** Keys that exist after all. */
  readonly present: ReadonlyMap<string, KvEntry>
  /** Keys that exist or may exist, but that the token may not read. */
  readonly hidden: ReadonlySet<string>
}

const rounds = 3

/**
 * Asks the leader about each key in a read transaction. Consul's answer names every key that does not exist, but
 * silently omits a key that the token may not read. So the answer distinguishes absent keys from hidden keys, whereas a
 * list contains neither.
 */
export async function confirmAbsent(
  client: ConsulClient,
  keys: readonly string[],
  options: CallOptions = {},
): Promise<Verdict> {
  const verdict = {absent: new Set<string>(), present: new Map<string, KvEntry>(), hidden: new Set<string>()}
  for (let at = 0; at < keys.length; at += txnOperationLimit) {
    await confirmSome(client, keys.slice(at, at + txnOperationLimit), {options, verdict})
  }
  return verdict
}

interface Confirmation {
  readonly options: CallOptions
  readonly verdict: {readonly absent: Set<string>; readonly present: Map<string, KvEntry>; readonly hidden: Set<string>}
}

async function confirmSome(
  client: ConsulClient,
  keys: readonly string[],
  {options, verdict}: Confirmation,
): Promise<void> {
  let open = keys
  for (let round = 0; round < rounds && open.length > 0; round += 1) {
    const asked = open
    const result = await client.txn.commit(
      asked.map(key => ({verb: 'get', key})),
      {...options, consistency: 'consistent'},
    )
    if (result.committed) {
      for (const entry of result.entries) verdict.present.set(entry.key, entry)
      open = asked.filter(key => !verdict.present.has(key))
      break
    }
    const named = new Set<string>()
    for (const {opIndex, what} of result.errors) {
      const key = asked[opIndex]
      if (key === undefined) continue
      named.add(key)
      if (/doesn't exist/.test(what)) verdict.absent.add(key)
      else verdict.hidden.add(key)
    }
    open = asked.filter(key => !named.has(key))
    if (named.size === 0) break
  }
  // The answer neither named the key as absent nor returned it, so the key exists but the token may not read it.
  for (const key of open) verdict.hidden.add(key)
}
