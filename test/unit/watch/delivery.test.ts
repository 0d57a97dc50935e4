import {describe, expect, it} from 'vitest'
import type {GoValue} from '../../../src/core/api/go-json.js'
import type {ConsulIndex, Snapshot} from '../../../src/core/types.js'
import {Delivery, type ItemChange, NewsFilter, withoutIndexes} from '../../../src/watch/delivery.js'
import type {WatchSpec} from '../../../src/watch/spec.js'
import type {WatchValue} from '../../../src/watch/value.js'
import {watchValue} from './support/watch-value.js'

const prefix = {type: 'keyprefix', prefix: 'a/'} as const
const events = {type: 'event', name: undefined} as const
const snapshot = (data: GoValue, index = 1n): Snapshot<WatchValue> => ({
  value: watchValue(prefix, data),
  index: index as ConsulIndex,
  knownLeader: true,
  lastContactMs: 0,
  filteredByAcls: false,
  sentAtMs: 0,
})
const pair = (key: string, value: string, modify = 1n, create = 1n): GoValue => ({
  Key: key,
  CreateIndex: create,
  ModifyIndex: modify,
  Value: value,
})
const changesBetween = (spec: WatchSpec, before: GoValue, after: GoValue): readonly ItemChange[] => {
  const [content, old] = [watchValue(spec, after), watchValue(spec, before)]
  const delivery = new Delivery({spec, index: undefined, isFirst: false, content, before: old})
  expect(delivery.changeCount).toBe(delivery.changes.length)
  return delivery.changes
}

describe('the results that a watch delivers to its handler', () => {
  it('are the first answer, even if it is empty, and later answers if they differ from the last delivered one', () => {
    const news = new NewsFilter(prefix)
    expect(news.take(snapshot(null))).toMatchObject({value: null, previous: undefined, isFirst: true})
    expect(news.take(snapshot(null, 9n))).toBeUndefined()
    const one = [pair('a/1', 'x')]
    expect(news.take(snapshot(one))).toMatchObject({value: one, previous: null, isFirst: false})
    expect(news.take(snapshot([pair('a/1', 'x')], 12n))).toBeUndefined()
  })

  it('include an answer that differs only in an index, unless indexes are ignored', () => {
    const strict = new NewsFilter(prefix)
    const loose = new NewsFilter(prefix, {ignoreIndexes: true})
    for (const news of [strict, loose]) news.take(snapshot([pair('a/1', 'x', 1n)]))
    expect(strict.take(snapshot([pair('a/1', 'x', 2n)]))).toBeDefined()
    expect(loose.take(snapshot([pair('a/1', 'x', 2n)]))).toBeUndefined()
    expect(loose.take(snapshot([pair('a/1', 'y', 3n)]))).toBeDefined()
  })

  it('contain each event once: first all listed events, then only new ones', () => {
    const event = (id: string): GoValue => ({ID: id, Name: 'e'})
    const news = new NewsFilter(events)
    expect(news.take(snapshot([event('a'), event('b')]))?.value).toEqual([event('a'), event('b')])
    expect(news.take(snapshot([event('a'), event('b')]))).toBeUndefined()
    expect(news.take(snapshot([]))).toBeUndefined()
    expect(news.take(snapshot([event('b'), event('c')]))?.value).toEqual([event('c')])
    expect(new NewsFilter({type: 'event', name: 'x'}).take(snapshot([]))?.value).toEqual([])
  })
})

describe('the changes between two values', () => {
  it('are creations, updates, replacements and deletions', () => {
    const before = [pair('same', 'x'), pair('up', 'x', 2n, 1n), pair('again', 'x', 3n, 1n), pair('gone', 'x')]
    const after = [pair('same', 'x'), pair('up', 'y', 5n, 1n), pair('again', 'x', 6n, 6n), pair('new', 'x')]
    expect(changesBetween(prefix, before, after).map(({op, key}) => `${op} ${key}`)).toEqual([
      'update up',
      'replace again',
      'create new',
      'delete gone',
    ])
  })

  it('name each service whose list of tags differs', () => {
    const services = {type: 'services'} as const
    expect(changesBetween(services, {web: ['a'], db: []}, {web: ['a', 'b'], mq: []})).toEqual([
      {op: 'update', key: 'web', item: {Name: 'web', Tags: ['a', 'b']}, previous: {Name: 'web', Tags: ['a']}},
      {op: 'create', key: 'mq', item: {Name: 'mq', Tags: []}, previous: null},
      {op: 'delete', key: 'db', item: null, previous: {Name: 'db', Tags: []}},
    ])
  })

  it('are a creation or a deletion if a key exists in only one of the values', () => {
    const key = {type: 'key', key: 'a'} as const
    expect(changesBetween(key, null, null)).toEqual([])
    expect(changesBetween(key, null, pair('a', 'x')).map(change => change.op)).toEqual(['create'])
    expect(changesBetween(key, pair('a', 'x'), null).map(change => change.op)).toEqual(['delete'])
  })

  it('do not include changes of indexes, at any depth, if indexes are ignored', () => {
    expect(withoutIndexes([{Service: {ID: 'a', ModifyIndex: 3n}, Checks: [{CreateIndex: 1n, Name: 'n'}]}])).toEqual([
      {Service: {ID: 'a'}, Checks: [{Name: 'n'}]},
    ])
  })
})
