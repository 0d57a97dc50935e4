import {describe, expect, it} from 'vitest'
import {detailedRows, entryObject, listText, recurseLine, valueLine} from '../../../../src/cli/kv/text.js'
import type {KvEntry, SessionId} from '../../../../src/core/types.js'

const entry = (over: Partial<KvEntry> = {}): KvEntry => ({
  key: 'app/a',
  value: Buffer.from('v'),
  flags: 0n,
  session: undefined,
  createIndex: 3n,
  modifyIndex: 4n,
  lockIndex: 0n,
  ...over,
})

describe('the output of the kv commands', () => {
  it('contains values byte for byte', () => {
    const value = Buffer.from([0, 255, 10, 128])
    expect(valueLine(entry({value}))).toEqual(Buffer.from([0, 255, 10, 128, 10]))
    expect(recurseLine(entry({value})).subarray(6)).toEqual(Buffer.from([0, 255, 10, 128, 10]))
    expect(valueLine(entry({value}), {base64: true}).toString()).toBe('AP8KgA==\n')
  })

  it('aligns the fields of an entry if isDetailed is set', () => {
    const rows = detailedRows(entry({flags: 2n ** 64n - 1n, session: 'abc' as SessionId})).toString()
    expect(rows).toBe(
      'CreateIndex      3\nFlags            18446744073709551615\nKey              app/a\nLockIndex        0\n' +
        'ModifyIndex      4\nSession          abc\nValue            v\n',
    )
    expect(detailedRows(entry({value: Buffer.alloc(0)})).toString()).toMatch(/\nSession {10}-\nValue\n$/)
  })

  it('separates the entries of a detailed list by empty lines', () => {
    const text = listText([entry(), entry({key: 'b'})], {detailed: true}).toString()
    expect(text.split('\n\n')).toHaveLength(2)
    expect(listText([entry(), entry({key: 'b'})], {}).toString()).toBe('app/a:v\nb:v\n')
    expect(listText([], {detailed: true})).toHaveLength(0)
  })

  it('contains every field of an entry as JSON', () => {
    expect(entryObject(entry())).toEqual({
      key: 'app/a',
      value: 'dg==',
      flags: 0n,
      session: null,
      lockIndex: 0n,
      createIndex: 3n,
      modifyIndex: 4n,
    })
  })
})
