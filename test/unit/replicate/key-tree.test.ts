import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {
  adopt,
  cutTree,
  growTree,
  homeOf,
  isListable,
  type Vertex,
  versionsIn,
} from '../../../src/replicate/shard/key-tree.js'
import {finish} from './finish.js'

const tree = (prefix: string, names: readonly string[], most: number): Vertex =>
  finish(growTree(prefix, [...names].sort(), most))

function* leaves(vertex: Vertex): Generator<Vertex> {
  if (vertex.children.length === 0) yield vertex
  for (const child of vertex.children) yield* leaves(child)
}

function* vertices(vertex: Vertex): Generator<Vertex> {
  yield vertex
  for (const child of vertex.children) yield* vertices(child)
}

const name = fc
  .array(fc.constantFrom('a', 'b', 'key-', '/', '.', '..', '\u00e9', '\u{1f600}', '\u{1f601}', '\u0001', '\ufffd'), {
    maxLength: 6,
  })
  .map(parts => `p/${parts.join('')}`)

describe('a tree that divides keys by their prefixes', () => {
  it('assigns each key to one leaf, or to an inner node that has no child for that key', () => {
    fc.assert(
      fc.property(fc.uniqueArray(name, {maxLength: 60}), fc.integer({min: 1, max: 8}), (names, most) => {
        const root = tree('p/', names, most)
        for (const each of names) {
          const inLeaves = [...leaves(root)].filter(({prefix}) => each.startsWith(prefix))
          const home = homeOf(root, each)
          expect(inLeaves, JSON.stringify(each)).toEqual(home.children.length === 0 ? [home] : [])
        }
      }),
    )
  })

  it('has only prefixes that a request path can contain, and separators with which a name that Consul cuts at the separator belongs to the right child', () => {
    fc.assert(
      fc.property(fc.uniqueArray(name, {maxLength: 60}), name, (names, added) => {
        const root = tree('p/', names, 3)
        for (const {prefix, children, separator} of vertices(root)) {
          expect(isListable(prefix), prefix).toBe(true)
          for (const child of children) expect(child.prefix.slice(prefix.length, -1)).not.toContain('/')
          if (children.length === 0 || !added.startsWith(prefix)) continue
          const cut = added.indexOf(separator, prefix.length)
          const listed = cut < 0 ? added : added.slice(0, cut + 1)
          const isIn = (text: string): boolean => children.some(child => text.startsWith(child.prefix))
          expect(isIn(listed)).toBe(isIn(added))
        }
      }),
    )
  })

  it('keeps the known version of each key when a leaf is divided', () => {
    fc.assert(
      fc.property(fc.uniqueArray(name, {maxLength: 60}), names => {
        const root = tree('p/', names, 100)
        for (const [at, each] of names.entries()) root.versions.set(each, at)
        adopt(root, tree('p/', names, 3))
        expect(new Map(versionsIn(root))).toEqual(new Map(names.map((each, at) => [each, at])))
        for (const each of names) expect(homeOf(root, each).versions.has(each)).toBe(true)
      }),
    )
  })

  it('is divided into folders, and a large folder is divided by the next characters of its names', () => {
    const names = ['app/', 'web/'].flatMap(folder => Array.from({length: 20}, (_, at) => `p/${folder}key-${at}`))
    const root = tree('p/', names, 12)
    expect(root.children.map(({prefix}) => prefix)).toEqual(['p/app/', 'p/web/'])
    expect([...leaves(root)].map(({prefix, count}) => `${prefix} ${count}`)).toContain('p/app/key-1 11')
  })

  it('chooses a separator for a leaf that all names in the leaf contain', () => {
    const [leaf] = leaves(
      tree(
        'p/',
        Array.from({length: 9}, (_, at) => `p/k${at}`),
        9,
      ),
    )
    expect(leaf?.separator).toBe('k')
  })
})

describe('the prefixes of a tree that each get their own blocking query', () => {
  const names = Array.from({length: 400}, (_, at) => `p/${at % 20}/key-${at}`)

  it('are no more than permitted, and contain every key exactly once', () => {
    for (const places of [1, 2, 11, 20, 60]) {
      const {nodes} = cutTree(tree('p/', names, 8), places)
      expect(nodes.length).toBeLessThanOrEqual(places)
      for (const each of names) expect(nodes.filter(({prefix}) => each.startsWith(prefix))).toHaveLength(1)
    }
    expect(cutTree(tree('p/', names, 8), 1).nodes).toHaveLength(1)
  })

  it('do not include excluded prefixes', () => {
    const {nodes} = cutTree(tree('p/', names, 8), 60, prefix => prefix.startsWith('p/7/'))
    expect(nodes.some(({prefix}) => prefix.startsWith('p/7/'))).toBe(false)
  })
})
