import {decodeJson} from '../api/json.js'
import {kvListCall, type RawKvEntry, toKvEntry} from '../api/kv.js'
import {ListBlocks, type ListText} from '../api/list-blocks.js'
import type {ConsulClient} from '../client.js'
import {BodyMemory} from '../http/body-memory.js'
import {type Answer, toSnapshot} from '../http/caller.js'
import {parseConsulJson} from '../http/json-bigint.js'
import type {CallOptions, KvEntry} from '../types.js'
import {BlockEntries, type EntryBlock} from './entries.js'
import type {BlockingQuery, ViewEntry} from './types.js'

type KvList = Pick<BlockingQuery<readonly KvEntry[], KvEntry>, 'read' | 'entries'>

/** Consecutive keys of an answer. */
class KvBlock implements EntryBlock<KvEntry> {
  readonly raw: Buffer
  readonly list: readonly KvEntry[]

  /** Throws a SyntaxError if the text is not JSON. */
  constructor({raw, json}: ListText) {
    this.raw = raw
    this.list = (parseConsulJson(json) as readonly RawKvEntry[]).map(toKvEntry)
  }

  get size(): number {
    return this.list.length
  }

  get entries(): readonly ViewEntry<KvEntry>[] {
    return this.list.map(toKvViewEntry)
  }
}

/**
 * Returns the properties of a query that read a list of keys. Successive answers share the entries of those parts of
 * the list that did not change.
 */
export function readKvList(client: ConsulClient, prefix: string, scope: CallOptions): KvList {
  const list = new ListBlocks(text => new KvBlock(text))
  const memory = new BodyMemory()
  const blocksOf = new WeakMap<readonly KvEntry[], readonly KvBlock[]>()
  const decode = (answer: Answer): readonly KvEntry[] => {
    if (answer.status === 404) return []
    const blocks = list.divide(answer.body)
    if (!blocks) return decodeJson<RawKvEntry[]>('kv list', answer).map(toKvEntry)
    const entries = blocks.flatMap(block => block.list)
    blocksOf.set(entries, blocks)
    return entries
  }
  return {
    read: options =>
      memory.lend(async takeMemory => {
        const answer = await client.caller.call({...kvListCall(prefix), takeMemory}, {...scope, ...options})
        return toSnapshot(answer, decode(answer))
      }),
    entries: value => {
      const blocks = blocksOf.get(value)
      return blocks ? new BlockEntries(blocks) : value.map(toKvViewEntry)
    },
  }
}

/** Converts a key to an entry of a view. */
export const toKvViewEntry = (entry: KvEntry): ViewEntry<KvEntry> => ({
  key: entry.key,
  version: entry.modifyIndex,
  item: entry,
  modifyIndex: entry.modifyIndex,
})
