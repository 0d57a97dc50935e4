import {describe, expect, it} from 'vitest'
import {checkMappings, checkWithinDatacenter, formatMapping, parseMapping} from '../../../src/replicate/mapping.js'

describe('parsing a mapping', () => {
  it.each([
    ['global@dc1', {source: 'global', datacenter: 'dc1', destination: 'global'}],
    ['global@dc1:backup', {source: 'global', datacenter: 'dc1', destination: 'backup'}],
    ['/global@dc1:backup/', {source: 'global', datacenter: 'dc1', destination: 'backup/'}],
    ['b/@dc1:q@z:r/', {source: 'b/', datacenter: 'dc1', destination: 'q@z:r/'}],
    ['a@dc1:', {source: 'a', datacenter: 'dc1', destination: 'a'}],
    ['/@dc1:all/', {source: '', datacenter: 'dc1', destination: 'all/'}],
    ['all/@dc1:/', {source: 'all/', datacenter: 'dc1', destination: ''}],
  ])('reads %s', (text, mapping) => {
    expect(parseMapping(text)).toEqual(mapping)
  })

  it.each([
    ['global', /missing datacenter/],
    ['@dc1', /missing source/],
    ['a@dc 1', /'dc 1' is not a datacenter/],
    ['a@@dc1', /is not a datacenter/],
    ['a//b@dc1', /cannot be listed/],
    ['a@dc1:/abs', /cannot be listed/],
    ['../x@dc1', /cannot be listed/],
  ])('refuses %s', (text, message) => {
    expect(() => parseMapping(text)).toThrow(message)
  })

  it('accepts a source without a datacenter if the source has its own address', () => {
    const mapping = parseMapping('a/:b/', {datacenterRequired: false})
    expect(mapping).toEqual({source: 'a/', datacenter: undefined, destination: 'b/'})
    expect(formatMapping(mapping)).toBe('a/ -> b/')
  })
})

describe('the check for overlapping mappings', () => {
  const check =
    (...specs: string[]) =>
    () =>
      checkMappings(specs.map(spec => parseMapping(spec)))

  it('refuses two mappings whose destinations are equal or nested', () => {
    expect(check('a@dc1:x', 'b@dc1:x')).toThrow(/overlap/)
    expect(check('a@dc1:x/', 'b@dc2:x/y/')).toThrow(/overlap/)
    expect(check('a@dc1:app', 'b@dc1:application')).toThrow(/overlap/)
    expect(check('a@dc1:x/', 'b@dc1:y/', 'a@dc1:z/')).not.toThrow()
  })

  it('refuses a source that overlaps a destination in the same datacenter', () => {
    const mappings = [parseMapping('a/@dc1:b/'), parseMapping('b/@dc1:c/')]
    expect(() => checkWithinDatacenter(mappings, () => true)).toThrow(/overlaps 'b\/'/)
    expect(() => checkWithinDatacenter(mappings, () => false)).not.toThrow()
  })
})
