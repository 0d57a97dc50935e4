import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {expandNodes, foldNodes} from '../../../src/exec/node-set.js'

describe('a set of nodes', () => {
  it.each([
    ['web-1', ['web-1']],
    ['web[1-3,7] db', ['web1', 'web2', 'web3', 'web7', 'db']],
    ['r[01-02]c[9-10]', ['r01c9', 'r01c10', 'r02c9', 'r02c10']],
    ['n[098-101].dc1, n098.dc1', ['n098.dc1', 'n099.dc1', 'n100.dc1', 'n101.dc1']],
    [' ,\n', []],
  ])('can be written as %j', (text, names) => {
    expect(expandNodes(text)).toEqual(names)
  })

  it.each(['web[1-', 'web]1', 'web[]', 'web[a-c]', 'web[9-1]', 'w[1-999][1-999]', 'w[1-999999999]'])(
    'cannot be written as %s',
    text => {
      expect(() => expandNodes(text)).toThrow(/^nodes '/)
    },
  )

  it.each([
    [['web3', 'web1', 'web2', 'db'], 'db,web[1-3]'],
    [['n9', 'n10', 'n12'], 'n[9-10,12]'],
    [['n09', 'n10', 'n9'], 'n09,n[9-10]'],
    [['r1c1', 'r1c2', 'r2c1'], 'r1c[1-2],r2c1'],
    [['web-1.dc1', 'web-2.dc1'], 'web-[1-2].dc1'],
  ])('of the names %j is shortened to %j', (names, text) => {
    expect(foldNodes(names)).toBe(text)
  })

  it('is unchanged after it was shortened to a text and expanded again', () => {
    const name = fc.stringMatching(/^[a-z][a-z.-]{0,2}\d{0,3}[a-z]{0,2}\d{0,2}$/)
    fc.assert(
      fc.property(fc.array(name, {maxLength: 30}), names => {
        expect([...expandNodes(foldNodes(names))].toSorted()).toEqual([...new Set(names)].toSorted())
      }),
    )
  })
})
