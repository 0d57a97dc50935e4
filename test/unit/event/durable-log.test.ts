import {describe, expect, it} from 'vitest'
import type {KvEntry} from '../../../src/core/types.js'
import {
  encodeEntry,
  encodePruneMark,
  logKey,
  logPrefix,
  pruneMarkKey,
  readLog,
} from '../../../src/event/durable/durable-log.js'
import {parseKeep, pruneEvents} from '../../../src/event/durable/durable-prune.js'
import {isUlid, newUlid, ulidTimeMs} from '../../../src/event/durable/ulid.js'

const entry = (key: string, createIndex: bigint, value = encodeEntry('deploy', Buffer.from(key), {})): KvEntry => ({
  key,
  value,
  flags: 0n,
  session: undefined,
  createIndex,
  modifyIndex: createIndex,
  lockIndex: 0n,
})

describe('a ULID', () => {
  it('contains its time and is unique', () => {
    const nowMs = 1_763_772_000_123
    const ids = Array.from({length: 100}, () => newUlid(nowMs))
    expect(ids.every(isUlid)).toBe(true)
    expect(new Set(ids).size).toBe(100)
    expect(new Set(ids.map(ulidTimeMs))).toEqual(new Set([nowMs]))
    expect(newUlid(nowMs + 1) > (ids[0] ?? '')).toBe(true)
    expect(isUlid('pruned')).toBe(false)
  })
})

describe('the log of durable events', () => {
  it('has a separate prefix for each name, and refuses names that would share a prefix', () => {
    expect(logPrefix('web.deploy-1')).toBe('baton/events/v1/web.deploy-1/')
    for (const name of ['', '.', '..', 'a/b', 'a b', 'ä', '*'])
      expect(() => logPrefix(name)).toThrow(/is not a valid name/)
  })

  it('returns events in the order of CreateIndex, then of their keys, and ignores keys that are not events', () => {
    const [a, b, c] = [newUlid(3000), newUlid(2000), newUlid(1000)] as const
    const {events, keys, unreadable, prunedThrough, markIndex} = readLog('deploy', [
      entry(logKey('deploy', b), 9n),
      entry(logKey('deploy', c), 9n),
      entry(logKey('deploy', a), 7n),
      entry(`${logPrefix('deploy')}notes`, 1n),
      entry(`${logKey('deploy', a)}/below`, 1n),
      entry(pruneMarkKey('deploy'), 8n, encodePruneMark(c)),
    ])
    expect(events.map(({id, lTime}) => [id, lTime])).toEqual([
      [a, 7n],
      [c, 9n],
      [b, 9n],
    ])
    expect(keys.map(({id}) => id)).toEqual([a, c, b])
    expect([unreadable, prunedThrough, markIndex]).toEqual([[], c, 8n])
  })

  it('stores payloads and filters byte for byte', () => {
    const id = newUlid(1)
    const bytes = Buffer.from([0, 255, 10])
    const value = encodeEntry('deploy', bytes, {node: '^a$', service: 'web', tag: 'blue'})
    expect(readLog('deploy', [entry(logKey('deploy', id), 5n, value)]).events).toEqual([
      {
        id,
        name: 'deploy',
        payload: bytes,
        nodeFilter: '^a$',
        serviceFilter: 'web',
        tagFilter: 'blue',
        version: 1,
        lTime: 5n,
      },
    ])
  })

  it('can be read even if the record of the last pruning is invalid', () => {
    const {prunedThrough, markIndex} = readLog('deploy', [entry(pruneMarkKey('deploy'), 8n, Buffer.from('?'))])
    expect([prunedThrough, markIndex]).toEqual([undefined, 8n])
  })
})

describe('pruning a log of durable events', () => {
  /**
   * Creates a log in memory. `rivals` is the number of transactions that fail because another writer was
   * faster.
   */
  function setUp(ages: readonly number[], rivals = 0) {
    const nowMs = 1_000_000
    const entries = new Map(
      ages.map((ageMs, at) => {
        const key = logKey('deploy', newUlid(nowMs - ageMs))
        return [key, entry(key, BigInt(at + 1))]
      }),
    )
    const left = () => readLog('deploy', [...entries.values()]).keys.map(({id}) => nowMs - ulidTimeMs(id))
    let losing = rivals
    const client = {
      clock: {wallMs: () => nowMs},
      kv: {list: async () => ({value: [...entries.values()]})},
      txn: {
        commit: async (operations: readonly {verb: string; key: string; value?: Buffer}[]) => {
          if (losing-- > 0) return {committed: false, errors: []}
          for (const {verb, key, value} of operations) {
            if (verb === 'delete-cas') entries.delete(key)
            else entries.set(key, entry(key, 500n, value))
          }
          return {committed: true, entries: []}
        },
      },
    } as unknown as Parameters<typeof pruneEvents>[0]
    return {client, left}
  }

  it('keeps the given number of events, and uses several transactions if necessary', async () => {
    const {client, left} = setUp(Array.from({length: 150}, (_, n) => 200 - n))
    expect(await pruneEvents(client, 'deploy', {count: 2})).toBe(148)
    expect(left()).toEqual([52, 51])
    expect(await pruneEvents(client, 'deploy', {count: 2})).toBe(0)
  })

  it('keeps events that are younger than the given age, and all events written after them', async () => {
    const {client, left} = setUp([500, 400, 50, 450, 10])
    expect(await pruneEvents(client, 'deploy', {ageMs: 100})).toBe(2)
    expect(left()).toEqual([50, 450, 10])
  })

  it('is retried if another client prunes at the same time, and rejects after several conflicts', async () => {
    const some = setUp([3, 2, 1], 2)
    expect(await pruneEvents(some.client, 'deploy', {count: 1})).toBe(2)
    const always = setUp([3, 2, 1], 1000)
    await expect(pruneEvents(always.client, 'deploy', {count: 1})).rejects.toThrow(/other clients keep pruning/)
  })

  it('accepts a number of events or an age, and refuses other values', () => {
    expect([parseKeep('1000', '--keep'), parseKeep('168h', '--keep')]).toEqual([{count: 1000}, {ageMs: 604_800_000}])
    for (const text of ['0', '0s', '', 'all', '-5', '-5s']) expect(() => parseKeep(text, '--keep')).toThrow(/--keep/)
  })
})
