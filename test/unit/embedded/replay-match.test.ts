import {describe, expect, it} from 'vitest'
import {Bindings} from '../../integration/embedded/replay/bindings.js'
import {differences, parseExact} from '../../integration/embedded/replay/match.js'

const bindings = (): Bindings => new Bindings(new Map([['p', 'golden']]))
const uuid = '11111111-2222-3333-4444-555555555555'

describe('the comparison with recorded answers', () => {
  it.each([
    [{a: 1}, {a: 1, b: 2}],
    [{a: 1, b: 2}, {a: 1}],
    [
      [1, 2],
      [2, 1],
    ],
    ['${p}', 'other'],
    [null, undefined],
    [{$type: 'string'}, 1],
    [{$match: '^a'}, 'ba'],
    [{$superset: {a: 1}}, {b: 1}],
    [{$contains: [1, 1]}, [1, 2]],
    [{$unordered: [1, 2]}, [1, 2, 3]],
    [{$oneof: [1, 2]}, 3],
    [{$uuid: 'u'}, 'nope'],
    [{$index: 'i'}, 'nope'],
    [
      [{$index: 'i'}, {$index: 'i'}],
      [1, 2],
    ],
    [
      [{$index: 'i'}, {$index: 'j', new: true}],
      [2, 2],
    ],
    [
      [{$uuid: 'u'}, {$uuid: 'u'}],
      [uuid, uuid.replace('1', '9')],
    ],
    [{$bignum: '18446744073709551615'}, 18446744073709551615],
  ])('reports that the pattern %j does not match %j', (expected, actual) => {
    expect(differences(expected, actual, bindings())).not.toEqual([])
  })

  it.each([
    [{a: '${p}/x'}, {a: 'golden/x'}],
    [
      [{$index: 'i'}, {$index: 'j', new: true}, {$index: 'i'}],
      ['3', 4, 3],
    ],
    [{$unordered: [{$superset: {n: 2}}, {n: 1}]}, [{n: 1}, {n: 2, m: 3}]],
    [{$bignum: '18446744073709551615'}, 18446744073709551615n],
    [{$oneof: [{$type: 'null'}, 5]}, 5],
  ])('accepts an answer that matches the pattern %j', (expected, actual) => {
    expect(differences(expected, actual, bindings())).toEqual([])
  })

  it('reads 64-bit integers exactly, and digits in strings as text', () => {
    expect(parseExact('{"a":18446744073709551615,"b":"18446744073709551615"}')).toEqual({
      a: 18446744073709551615n,
      b: '18446744073709551615',
    })
  })
})
