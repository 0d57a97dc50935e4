import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {parseConsulJson, stringifyConsulJson} from '../../../../src/core/http/json-bigint.js'

const wide = ['Flags', 'CreateIndex', 'ModifyIndex', 'LockIndex', 'LTime']

describe('parseConsulJson', () => {
  it('keeps 64-bit numbers exact', () => {
    const text = '[{"Key":"a","Flags":18446744073709551615,"ModifyIndex": 9007199254740993,"Port":80}]'
    expect(parseConsulJson(text)).toEqual([
      {Key: 'a', Flags: 18446744073709551615n, ModifyIndex: 9007199254740993n, Port: 80},
    ])
  })

  it('does not change strings that look like number fields', () => {
    const value = {Key: '"Flags":1', Note: 'say \\"Flags\\":12 twice', Other: '\\'}
    expect(parseConsulJson(JSON.stringify(value))).toEqual(value)
  })

  it('keeps a string as a string even if it is in a field that normally contains a 64-bit number', () => {
    const value = {Meta: {Flags: '12', LTime: '\u0000n12', ModifyIndex: '\u0000nn7'}, Flags: 5n}
    expect(parseConsulJson(stringifyConsulJson(value))).toEqual(value)
  })

  it('reads indented JSON, which a dev agent sends', () => {
    expect(parseConsulJson('{\n    "Flags": 7,\n    "Deep": {\n        "LockIndex": 0\n    }\n}')).toEqual({
      Flags: 7n,
      Deep: {LockIndex: 0n},
    })
  })

  it('throws a SyntaxError for text that is not JSON', () => {
    expect(() => parseConsulJson('<html>')).toThrow(SyntaxError)
    expect(() => parseConsulJson('')).toThrow(SyntaxError)
  })

  it('reads back any JSON value, with and without indentation', () => {
    const leaf = fc.oneof(fc.string(), fc.boolean(), fc.constant(null), fc.integer())
    const name = fc.string({maxLength: 20}).filter(text => !wide.includes(text) && text !== '__proto__')
    const entry = fc.record({
      Flags: fc.bigInt({min: 0n, max: 2n ** 64n - 1n}),
      Any: fc.dictionary(name, leaf),
      Text: fc.string({maxLength: 20}),
    })
    fc.assert(
      fc.property(fc.array(entry), fc.constantFrom(undefined, 4), (list, indent) => {
        expect(parseConsulJson(stringifyConsulJson(list, indent))).toEqual(list)
      }),
    )
  }, 30_000)
})

describe('stringifyConsulJson', () => {
  it('writes bigints as digits, and strings unchanged', () => {
    expect(stringifyConsulJson({Flags: 2n ** 64n - 1n, Key: 'n12', Mark: '\u0000n12'})).toBe(
      '{"Flags":18446744073709551615,"Key":"n12","Mark":"\\u0000n12"}',
    )
  })
})
