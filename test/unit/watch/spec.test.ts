import {describe, expect, it} from 'vitest'
import {describeWatch, parseWatch, type WatchParameters} from '../../../src/watch/spec.js'

describe('the parameters of a watch', () => {
  it.each<[WatchParameters, unknown]>([
    [
      {type: 'key', key: '/a/b'},
      {type: 'key', key: 'a/b'},
    ],
    [
      {type: 'keyprefix', prefix: '/'},
      {type: 'keyprefix', prefix: ''},
    ],
    [{type: 'services'}, {type: 'services'}],
    [{type: 'nodes', key: ''}, {type: 'nodes'}],
    [
      {type: 'service', service: 'web', tag: ['a', 'b'], passingonly: 'T'},
      {type: 'service', service: 'web', tags: ['a', 'b'], passingOnly: true},
    ],
    [{type: 'checks'}, {type: 'checks', service: undefined, state: undefined}],
    [
      {type: 'event', name: 'deploy'},
      {type: 'event', name: 'deploy'},
    ],
  ])('of the form %j are accepted', (parameters, expected) => {
    expect(parseWatch(parameters)).toEqual(expected)
  })

  // The real `consul watch` printed these messages for the same flags.
  it.each<[WatchParameters, string]>([
    [{}, 'Watch type must be specified'],
    [{type: 'bogus'}, 'Unsupported watch type: bogus'],
    [{type: 'toString'}, 'Unsupported watch type: toString'],
    [{type: 'connect_leaf'}, 'Type connect_leaf is not supported in the CLI tool'],
    [{type: 'key'}, 'Must specify a single key to watch'],
    [{type: 'keyprefix'}, 'Must specify a single prefix to watch'],
    [{type: 'service'}, 'Must specify a single service to watch'],
    [{type: 'checks', service: 'a', state: 'any'}, 'Cannot specify service and state'],
    [{type: 'services', key: 'x'}, 'Invalid parameters: [key]'],
    [{type: 'key', key: 'x', tag: ['a']}, 'Invalid parameters: [tag]'],
    [
      {type: 'service', service: 'x', passingonly: 'maybe'},
      'Failed to parse passingonly flag: strconv.ParseBool: parsing "maybe": invalid syntax',
    ],
  ])('of the form %j are refused', (parameters, message) => {
    expect(() => parseWatch(parameters)).toThrow(message)
  })

  it('have a short form for messages', () => {
    const names = [{type: 'key', key: 'a'}, {type: 'nodes'}, {type: 'checks', service: 'web'}, {type: 'event'}]
    expect(names.map(one => describeWatch(parseWatch(one)))).toEqual(['key a', 'nodes', 'checks of web', 'events'])
  })
})
