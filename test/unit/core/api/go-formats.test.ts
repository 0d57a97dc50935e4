import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {decodeGoBase64} from '../../../../src/core/api/go-base64.js'
import {type GoValue, goJson} from '../../../../src/core/api/go-json.js'

describe('the base64 decoder, which behaves like that of Go', () => {
  it.each([
    ['', ''],
    ['YWI=', 'ab'],
    ['YWJj', 'abc'],
    ['YW\nI=\r\n', 'ab'],
  ])('decodes %j', (text, expected) => {
    expect(decodeGoBase64(text)).toEqual(Buffer.from(expected))
  })

  // Go reported these offsets for the same texts.
  it.each([
    ['!!!', 0],
    ['a', 0],
    ['YQ', 0],
    ['abcde', 4],
    ['abcdef', 4],
    ['ab=', 3],
    ['a===', 1],
    ['abcd=', 4],
    ['ab==x', 4],
    ['abc d', 3],
    ['ab=c', 2],
    ['=', 0],
    ['ab==\n=', 5],
  ])('reports the position of the first invalid character of %j', (text, offset) => {
    expect(decodeGoBase64(text)).toEqual({offset})
  })
})

describe('the JSON encoder, which behaves like that of Go', () => {
  it('escapes the special characters of HTML, and the line separators', () => {
    expect(goJson('<a>&"\\\n\u0001\u0008\u2028é')).toBe('"\\u003ca\\u003e\\u0026\\"\\\\\\n\\u0001\\u0008\\u2028é"')
  })

  it('writes 64-bit numbers as digits, and leaves undefined fields out', () => {
    expect(goJson({a: 2n ** 64n - 1n, b: undefined, c: [null, true, 1]})).toBe(
      '{"a":18446744073709551615,"c":[null,true,1]}',
    )
  })

  it('indents objects and arrays that are not empty', () => {
    expect(goJson({a: [], b: {}, c: [{d: 1}]}, '  ')).toBe(
      '{\n  "a": [],\n  "b": {},\n  "c": [\n    {\n      "d": 1\n    }\n  ]\n}',
    )
  })
})

describe('the text from the JSON encoder, for any value', () => {
  const special: Readonly<Record<string, string>> = {
    '<': '\\u003c',
    '>': '\\u003e',
    '&': '\\u0026',
    '\u2028': '\\u2028',
    '\u2029': '\\u2029',
  }
  // Converts the output of JSON.stringify to that of Go. The two outputs differ in these characters, and in the short
  // forms of two control characters.
  const byGo = (text: string): string =>
    text
      .replaceAll(/\\.|[<>&\u2028\u2029]/g, match =>
        match === '\\b' ? '\\u0008' : match === '\\f' ? '\\u000c' : match,
      )
      .replaceAll(/[<>&\u2028\u2029]/g, match => special[match] ?? match)

  it('equals the output of JSON.stringify, except for the characters that Go escapes differently', () => {
    const json = fc.jsonValue({stringUnit: 'binary', maxDepth: 4})
    fc.assert(
      fc.property(json, fc.constantFrom('', '  ', '\t'), (value, indent) => {
        expect(goJson(value as GoValue, indent)).toBe(byGo(JSON.stringify(value, null, indent)))
      }),
    )
  })

  it('keeps every digit of a 64-bit number', () => {
    fc.assert(
      fc.property(fc.bigInt({min: 0n, max: 2n ** 64n - 1n}), number => {
        expect(goJson([number])).toBe(`[${number}]`)
      }),
    )
  })
})
