import {describe, expect, it} from 'vitest'
import {checkKeys, exportText, parseExchange} from '../../../src/kv/exchange.js'

const entry = (key: string, value: Uint8Array, flags = 0n) => ({
  key,
  value: Buffer.from(value),
  flags,
  session: undefined,
  createIndex: 1n,
  modifyIndex: 1n,
  lockIndex: 0n,
})

describe('a file of exported keys', () => {
  it('preserves binary values, unusual names, and flags up to 2^64-1', () => {
    const entries = [
      entry('a', Buffer.from([0, 1, 255])),
      entry('<&>"é\u2028/\u0001', Buffer.alloc(0), 2n ** 64n - 1n),
      entry('c', Buffer.from('"flags": 12345678901234567890')),
    ]
    const back = parseExchange(exportText(entries))
    expect(back).toEqual(entries.map(({key, value, flags}) => ({key, value, flags})))
  })

  it('has the same tabs and escapes as a file from Consul', () => {
    expect(exportText([entry('x<y', Buffer.from('1'))])).toBe(
      '[\n\t{\n\t\t"key": "x\\u003cy",\n\t\t"flags": 0,\n\t\t"value": "MQ=="\n\t}\n]',
    )
    expect(exportText([])).toBe('[]')
  })

  it('may omit flags, and may have field names in upper or lower case, as in Go', () => {
    expect(parseExchange('[{"Key":"a","VALUE":"eA=="}]')).toEqual([{key: 'a', value: Buffer.from('x'), flags: 0n}])
  })

  it.each([
    ['', /^import: the data is empty$/],
    ['nope', /^import: .*JSON/],
    ['{}', /expected an array/],
    ['[1]', /entry 0 is not an object/],
    ['[{"key":1}]', /key and value must be strings/],
    ['[{"key":"x","value":"!!"}]', /^import: key x: the value is not base64 from byte 0 on$/],
    ['[{"key":"x","flags":-1}]', /flags of key x/],
    ['[{"key":"x","flags":18446744073709551616}]', /flags of key x/],
    ['[{"key":"x","flags":1.5}]', /flags of key x/],
  ])('is refused with the reason if it contains %j', (text, pattern) => {
    expect(() => parseExchange(text)).toThrow(pattern)
  })

  it('is refused if it contains a key that Consul does not accept', () => {
    const check = (key: string) => () => checkKeys([{key, value: Buffer.alloc(0), flags: 0n}])
    expect(check('')).toThrow('import: a key is empty')
    expect(check('/a')).toThrow("import: key /a begins with '/'")
    expect(check('a//b')).not.toThrow()
  })
})
