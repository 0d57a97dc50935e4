import {describe, expect, it} from 'vitest'
import {heldIdSteps, printable, toHeld} from '../../../src/replicate/plan/held.js'
import {finish} from './finish.js'

const mapping = {source: 'a/', datacenter: 'dc1', destination: 'b/'}

const heldId = (...given: Parameters<typeof heldIdSteps>) => finish(heldIdSteps(...given))

describe('a set of deletes held back for approval', () => {
  it('has an ID that depends on its keys and its mapping, but not on the order of the keys', () => {
    expect(heldId(mapping, ['b/1', 'b/2'])).toBe(heldId(mapping, ['b/2', 'b/1']))
    expect(heldId(mapping, ['b/1'])).not.toBe(heldId(mapping, ['b/1', 'b/2']))
    expect(heldId({...mapping, datacenter: 'dc3'}, ['b/1'])).not.toBe(heldId(mapping, ['b/1']))
    expect(heldId(mapping, ['b/1', 'b/2'])).not.toBe(heldId(mapping, ['b/1\0b/2']))
  })

  it('is described in one line by its reason, the number of keys, and up to ten names', () => {
    const keys = ['b/new\nline', ...Array.from({length: 11}, (_, at) => `b/${at}`)]
    const held = toHeld(mapping, keys, {id: '3f2a91c0', reason: 'limit', text: 'more than 10 of 12 keys'})
    expect(held.sample).toHaveLength(10)
    expect(held.message).toBe(
      `replicate a/@dc1 -> b/: 12 deletes held: more than 10 of 12 keys: "b/new\\nline", b/0, b/1, b/2, b/3, b/4, b/5, b/6, b/7, b/8, …`,
    )
  })

  it('is described in one line even if key names contain control characters or outer spaces, which are escaped', () => {
    expect(printable('plain/key')).toBe('plain/key')
    expect(printable('tab\t')).toBe('"tab\\t"')
    expect(printable(' x')).toBe('" x"')
  })
})
