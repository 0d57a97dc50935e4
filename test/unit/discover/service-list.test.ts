import {describe, expect, it} from 'vitest'
import {noopLogger} from '../../../src/core/log.js'
import {systemClock} from '../../../src/core/time/clock.js'
import type {LogFields, Logger} from '../../../src/core/types.js'
import {ServiceList} from '../../../src/discover/service-list.js'
import type {SourceDocument} from '../../../src/discover/types.js'

let decodes = 0
/** Returns a document. Its content is a URI, or `!` for a document that cannot be decoded. */
const documentOf = (key: string, content: string): SourceDocument => ({
  key,
  fingerprint: content,
  decode: () => {
    decodes += 1
    if (content.startsWith('!')) throw new Error(`services document ${key}: bad ${content}`)
    return content === '' ? [] : [{uri: content, capabilities: []}]
  },
})
const uris = (list: ServiceList): string[] | undefined => list.published?.services.map(service => service.uri)

function setUp(sources = ['one']) {
  const lines: string[] = []
  const note = (fields: LogFields, message: string): void => {
    lines.push(`${message} ${String(fields.about)}`)
  }
  const logger: Logger = {...noopLogger, info: note, warn: note, error: note}
  const list = new ServiceList(sources, {clock: systemClock, logger})
  const accept = (contents: Readonly<Record<string, string>>, index?: bigint, source = sources[0] ?? ''): boolean =>
    list.accept({source, documents: Object.entries(contents).map(([key, text]) => documentOf(key, text)), index})
  return {list, accept, lines}
}

describe('the list of services', () => {
  it('is updated without decoding a document that has not changed', () => {
    const {list, accept} = setUp()
    decodes = 0
    expect(accept({a: 'http://a', b: 'http://b'}, 5n)).toBe(true)
    expect(accept({b: 'http://b', a: 'http://a'}, 6n)).toBe(false)
    expect(decodes).toBe(2)
    expect(accept({a: 'http://a2', b: 'http://b'}, 7n)).toBe(true)
    expect(decodes).toBe(3)
    expect(uris(list)).toEqual(['http://a2', 'http://b'])
    expect(list.counts).toEqual({badDocuments: 0, unchanged: 1, updates: 2})
  })

  it('keeps the previous services of a document that becomes invalid, and reports the problem once', () => {
    const {list, accept, lines} = setUp()
    accept({a: 'http://a', b: 'http://b'})
    accept({a: '!1', b: 'http://b2'})
    expect(uris(list)).toEqual(['http://a', 'http://b2'])
    expect(list.problems).toMatchObject([{about: 'a', message: 'services document a: bad !1'}])
    accept({a: '!1', b: 'http://b3'})
    expect(uris(list)).toEqual(['http://a', 'http://b3'])
    expect(lines).toEqual(['problem found a'])
    accept({a: 'http://a2', b: 'http://b3'})
    expect(uris(list)).toEqual(['http://a2', 'http://b3'])
    expect(list.problems).toEqual([])
    expect(lines).toEqual(['problem found a', 'problem solved a'])
    expect(list.counts.badDocuments).toBe(1)
  })

  it('keeps the last valid services of a document that several invalid ones in a row replace', () => {
    const {list, accept} = setUp()
    accept({a: 'http://a'})
    accept({a: '!1'})
    accept({a: '!2'})
    expect(uris(list)).toEqual(['http://a'])
    expect(list.problems).toHaveLength(1)
  })

  it('is undefined, not empty, if the first document is invalid', () => {
    const {list, accept} = setUp()
    accept({a: '!'})
    expect(list.published).toBeUndefined()
    expect(list.problems).toHaveLength(1)
    accept({})
    expect(uris(list)).toEqual([])
    expect(list.problems).toEqual([])
  })

  it('no longer contains deleted documents and their problems', () => {
    const {list, accept} = setUp()
    accept({a: '!', b: 'http://b'})
    expect(uris(list)).toEqual(['http://b'])
    accept({b: 'http://b'})
    expect(list.problems).toEqual([])
    accept({})
    expect(uris(list)).toEqual([])
  })

  it('waits for every source, and contains services in the order of the sources', () => {
    const {list, accept} = setUp(['one', 'two'])
    expect(accept({b: 'http://b'}, 9n, 'two')).toBe(false)
    expect(list.published).toBeUndefined()
    expect(accept({a: 'http://a'}, 3n, 'one')).toBe(true)
    expect(uris(list)).toEqual(['http://a', 'http://b'])
  })

  it('has an index that grows with every change, even if the index of the source goes back', () => {
    const {list, accept} = setUp()
    accept({a: 'http://a'}, 100n)
    expect(list.published?.index).toBe(100n)
    accept({a: 'http://b'}, 7n)
    expect(list.published?.index).toBe(101n)
    accept({a: 'http://c'}, 2n ** 64n - 1n)
    expect(list.published?.index).toBe(2n ** 64n - 1n)
  })

  it('keeps its index if other documents contain the same services', () => {
    const {list, accept} = setUp()
    accept({a: 'http://a'}, 1n)
    expect(accept({other: 'http://a'}, 2n)).toBe(false)
    expect(list.published?.index).toBe(1n)
  })
})
