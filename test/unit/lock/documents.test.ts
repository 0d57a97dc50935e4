import {describe, expect, it} from 'vitest'
import type {KvEntry, SessionId} from '../../../src/core/types.js'
import {encodeHolderRecord, parseHolderRecord} from '../../../src/lock/wire/holder-record.js'
import {
  encodeSemaphoreDocument,
  parseSemaphoreDocument,
  pruneHolders,
} from '../../../src/lock/wire/semaphore-document.js'

const parse = (text: string) => parseSemaphoreDocument('p/.lock', Buffer.from(text))
const ids = (...names: string[]) => names as SessionId[]

describe("a semaphore's document (the JSON value of its key)", () => {
  it('is written exactly as `consul lock` writes it', () => {
    expect(encodeSemaphoreDocument({limit: 3, holders: ids('a', 'b')}).toString()).toBe(
      '{"Limit":3,"Holders":{"a":true,"b":true}}',
    )
  })

  it('always contains an object of holders, because `consul lock` crashes without it', () => {
    expect(encodeSemaphoreDocument({limit: 2, holders: []}).toString()).toBe('{"Limit":2,"Holders":{}}')
  })

  it.each([
    ['{"Limit":2,"Holders":{"a":true}}', 2, ['a']],
    ['{"limit":2,"HOLDERS":{"a":false}}', 2, ['a']],
    ['{"Limit":2,"Holders":null}', 2, []],
    ['{"Limit":2}', 2, []],
    ['{"Limit":2,"Holders":{},"More":1}', 2, []],
  ])('is read from %s', (text, limit, holders) => {
    expect(parse(text)).toEqual({limit, holders})
  })

  it('is undefined if the value is empty', () => {
    expect(parse('')).toBeUndefined()
  })

  it.each(['garbage', '[]', '"x"', 'null', '{"Limit":"2"}'])('cannot be read from %s', text => {
    expect(() => parse(text)).toThrow("does not hold a semaphore's document")
  })

  it('drops holders whose session no longer owns a key', () => {
    const entries = [{session: 'a'}, {session: undefined}] as unknown as KvEntry[]
    expect(pruneHolders({limit: 2, holders: ids('a', 'b')}, entries).holders).toEqual(['a'])
  })
})

describe('the record of a holder', () => {
  const record = {host: 'h', pid: 1, since: '2026-01-01T00:00:00.000Z', command: 'sh'}

  it('can be encoded and read back unchanged', () => {
    expect(parseHolderRecord(encodeHolderRecord(record))).toEqual(record)
  })

  it('may have unknown fields', () => {
    expect(parseHolderRecord(Buffer.from(JSON.stringify({v: 1, ...record, more: 1})))).toEqual(record)
  })

  it.each(['', 'x', '{}', 'null', '{"v":2,"host":"h","pid":1,"since":""}', '{"v":1,"host":1}'])(
    'is undefined if the value is %j',
    text => {
      expect(parseHolderRecord(Buffer.from(text))).toBeUndefined()
    },
  )
})
