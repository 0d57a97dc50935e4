import {describe, expect, it} from 'vitest'
import type {KvEntry, SessionId} from '../../../src/core/types.js'
import {OtherTurns} from '../../../src/lock/contend/share.js'
import {encodeHolderRecord, encodeReceiver, owedTurnsOf} from '../../../src/lock/wire/holder-record.js'

const record = {host: 'h', pid: 1, since: '2026-01-01T00:00:00.000Z'}

/** The key of a lock as `consul lock` writes it, or with a record of baton. */
const lock = (session: string | undefined, lockIndex: number, {createIndex = 1, isOurs = false} = {}): KvEntry =>
  ({
    session,
    lockIndex: BigInt(lockIndex),
    createIndex: BigInt(createIndex),
    value: isOurs ? encodeHolderRecord(record) : new Uint8Array(),
  }) as unknown as KvEntry

const owedAfter = (...seen: readonly (KvEntry | undefined)[]): number => {
  const turns = new OtherTurns()
  for (const one of seen) turns.note(one, 'head' as SessionId)
  return turns.owedTurns
}

describe('the number of turns that contenders of baton may take to balance those of consul lock', () => {
  it('makes the turns of both sides equal, together with the own turn of the contender', () => {
    expect(owedAfter(lock('a', 1), lock(undefined, 1), lock('b', 2), lock('c', 3))).toBe(2)
  })

  it('contains turns that were not seen, because Consul counts them in the key', () => {
    expect(owedAfter(lock('a', 1), lock('d', 5))).toBe(4)
    expect(owedAfter(lock('a', 7), undefined, lock('d', 3, {createIndex: 2}))).toBe(3)
  })

  it('is 0 after a turn of baton, and while no tool has held the lock', () => {
    expect(owedAfter(lock('a', 1), lock('b', 2), lock('c', 3, {isOurs: true}))).toBe(0)
    expect(owedAfter(lock(undefined, 4), undefined)).toBe(0)
  })

  it('begins again when another contender is first in the queue', () => {
    const turns = new OtherTurns()
    turns.note(lock('a', 1), 'one' as SessionId)
    turns.note(lock('b', 4), 'two' as SessionId)
    turns.note(lock('c', 5), 'two' as SessionId)
    expect(turns.owedTurns).toBe(3)
  })

  it('has a limit', () => {
    expect(owedAfter(lock('a', 1), lock('b', 1000))).toBe(100)
  })

  it('is passed on in the record that a holder writes for the next one', () => {
    expect(owedTurnsOf(encodeReceiver(record, 7))).toBe(7)
    expect(owedTurnsOf(encodeReceiver(record))).toBe(0)
    expect(owedTurnsOf(Buffer.from('{"v":1,"owedTurns":"x"}'))).toBe(0)
  })
})
