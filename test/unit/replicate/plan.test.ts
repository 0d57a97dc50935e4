import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {mutexFlags, semaphoreFlags} from '../../../src/core/consul-constants.js'
import type {KvEntry, SessionId} from '../../../src/core/types.js'
import {createKeyScope, type KeyScopeOptions} from '../../../src/replicate/plan/key-scope.js'
import {planSteps, type ReplicaEntry} from '../../../src/replicate/plan/plan.js'
import {finish} from './finish.js'

const entry = (key: string, value = 'v', more: Partial<KvEntry> = {}): KvEntry => ({
  key,
  value: Buffer.from(value),
  flags: 0n,
  session: undefined,
  createIndex: 1n,
  modifyIndex: 1n,
  lockIndex: 0n,
  ...more,
})
const replica = (...entries: KvEntry[]): Map<string, ReplicaEntry> => new Map(entries.map(each => [each.key, each]))
const scope = (source: string, destination: string, more: Partial<KeyScopeOptions> = {}) =>
  createKeyScope({
    mapping: {source, datacenter: 'dc1', destination},
    filters: [],
    lockKeys: 'skip',
    statusDir: 'service/consul-replicate/statuses',
    ...more,
  })
const plan = (...given: Parameters<typeof planSteps>) => finish(planSteps(...given))
const keysOf = (made: ReturnType<typeof plan>) => ({sets: made.sets.map(each => each.key), deletes: made.deletes})

describe('the plan of a replication pass', () => {
  it('compares values and flags, not indexes', () => {
    const source = [
      entry('a/same'),
      entry('a/value', 'new'),
      entry('a/flags', 'v', {flags: 7n}),
      entry('a/both', 'n', {flags: 1n}),
    ]
    const there = replica(
      entry('b/same', 'v', {modifyIndex: 99n, createIndex: 98n}),
      entry('b/value', 'old'),
      entry('b/flags'),
      entry('b/both'),
    )
    const made = plan(source, there, scope('a/', 'b/'))
    expect(made.sets.map(({key, kind, differs}) => ({key, kind, differs}))).toEqual([
      {key: 'b/value', kind: 'update', differs: 'value'},
      {key: 'b/flags', kind: 'update', differs: 'flags'},
      {key: 'b/both', kind: 'update', differs: 'both'},
    ])
    expect(made).toMatchObject({unchanged: 1, deletes: []})
  })

  it('writes keys in the order in which they were written at the source', () => {
    const source = [
      entry('a', '', {modifyIndex: 30n}),
      entry('b', '', {modifyIndex: 10n}),
      entry('c', '', {modifyIndex: 20n}),
    ]
    expect(keysOf(plan(source, replica(), scope('', 'x/'))).sets).toEqual(['x/b', 'x/c', 'x/a'])
  })

  it('replaces the prefix in a name only at its first occurrence', () => {
    const excluded = scope('s/', 'd/', {filters: [{excludes: ['s/d/']}]})
    expect(plan([], replica(entry('d/d/keepme')), excluded).deletes).toEqual([])
    expect(plan([entry('s/s/s')], replica(), scope('s/', 'd/')).sets[0]?.key).toBe('d/s/s')
  })

  it('matches a prefix even within a word, not only at slashes', () => {
    const made = plan([entry('app'), entry('app2'), entry('application/x')], replica(), scope('app', 'copy'))
    expect(keysOf(made).sets).toEqual(['copy', 'copy2', 'copylication/x'])
  })

  it.each([
    ['the flags of a mutex', {flags: mutexFlags}],
    ['the flags of a semaphore', {flags: semaphoreFlags}],
    ['a session', {session: 's' as SessionId}],
  ])('does not change a key with %s at the source or the destination, unless `lockKeys` is copy', (_, lock) => {
    const both = scope('a/', 'a/')
    expect(plan([entry('a/k', 'x', lock)], replica(entry('a/k', 'y')), both)).toMatchObject({
      sets: [],
      deletes: [],
      skipped: 1,
    })
    expect(plan([entry('a/k', 'x')], replica(entry('a/k', 'y', lock)), both)).toMatchObject({
      sets: [],
      deletes: [],
      skipped: 1,
    })
    expect(plan([], replica(entry('a/k', 'y', lock)), both)).toMatchObject({deletes: [], skipped: 1})
    const copied = plan([entry('a/k', 'x', lock)], replica(), scope('a/', 'a/', {lockKeys: 'copy'}))
    expect(keysOf(copied).sets).toEqual(['a/k'])
  })

  it('never changes a status key, an excluded key, or a key whose name cannot be decoded', () => {
    const narrow = scope('', '', {filters: [{excludes: ['no/']}, {excludeMatches: ['.lock']}]})
    const names = ['service/consul-replicate/statuses/x', 'no/x', 'a/.lock/x', 'bad\ufffdname']
    expect(
      keysOf(
        plan(
          names.map(name => entry(name)),
          replica(),
          narrow,
        ),
      ),
    ).toEqual({sets: [], deletes: []})
    expect(keysOf(plan([], replica(...names.map(name => entry(name))), narrow))).toEqual({sets: [], deletes: []})
  })

  it('makes the destination equal to the source, whatever both sides contain', () => {
    const side = fc.dictionary(
      fc.string({maxLength: 3}).filter(name => name !== '' && !name.includes('\ufffd')),
      fc.nat(2),
      {maxKeys: 12},
    )
    fc.assert(
      fc.property(side, side, (left, right) => {
        const source = Object.entries(left).map(([key, value]) => entry(`s/${key}`, String(value)))
        const there = new Map<string, ReplicaEntry>(
          replica(...Object.entries(right).map(([key, value]) => entry(`d/${key}`, String(value)))),
        )
        const made = plan(source, there, scope('s/', 'd/'))
        for (const each of made.sets) there.set(each.key, each.entry)
        for (const key of made.deletes) there.delete(key)
        const result = [...there].map(([key, value]) => [key, value.value.toString()]).sort()
        expect(result).toEqual(
          Object.entries(left)
            .map(([key, value]) => [`d/${key}`, String(value)])
            .sort(),
        )
        expect(made.sets.length + made.unchanged).toBe(source.length)
      }),
    )
  })

  it('lists skipped keys whose names cannot be decoded', () => {
    const made = plan(
      [entry('a/\ufffd'), entry('a/no/\ufffd'), entry('a/b')],
      replica(),
      scope('a/', 'b/', {filters: [{excludes: ['a/no/']}]}),
    )
    expect(made).toMatchObject({skipped: 2, unreadable: ['a/\ufffd']})
    expect(keysOf(made).sets).toEqual(['b/b'])
  })
})
