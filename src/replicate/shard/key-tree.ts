import {encodeKey} from '../../core/api/kv.js'
import type {Steps} from '../steps.js'

/**
 * A part of the keys, as a tree: all keys that start with `prefix`, divided by the characters that follow the prefix.
 */
export interface Vertex {
  readonly prefix: string
  /**
   * The children of a divided vertex. Each key of the vertex belongs to one child or to `versions`. A leaf
   * has no children; its keys are read with their values, those of a divided vertex as names only.
   */
  children: readonly Vertex[]
  /**
   * ModifyIndex, as last read, of each key that the mapping covers and that is in no child. For a leaf, this contains
   * all of its keys. For a divided vertex, it contains the key that equals its prefix, and keys for which no child can
   * exist because no request path could contain the child's prefix.
   */
  readonly versions: Map<string, number>
  /**
   * The separator at which Consul cuts the names in a list of the vertex. The prefix of a child contains this separator
   * only if it is `/`, and then only at the end, so that the list of a divided vertex shows every name that is in no
   * child.
   */
  separator: string
  /** The separator that shortens the names the most, for lists of which only the index is used. */
  readonly shortest: string
  /** Number of keys when the vertex was last divided or read. */
  count: number
  /**
   * Index of a read that showed all earlier changes of the vertex. Undefined if nothing was read since the
   * list from which the tree was made.
   */
  known: bigint | undefined
}

/** Maximum number of keys in a leaf. A change costs one read of a leaf. */
export const leafKeys = 128

/**
 * Divides sorted names into a tree, until no leaf has more than `most` names. Between the parent's prefix and its own
 * end, a child's prefix contains no `/`, so a list of the parent with the separator `/` shows every name that is in no
 * child.
 */
export function* growTree(prefix: string, names: readonly string[], most = leafKeys): Steps<Vertex> {
  return yield* grow({names, most}, {prefix, from: 0, to: names.length})
}

interface Growth {
  readonly names: readonly string[]
  readonly most: number
}

interface Span {
  readonly prefix: string
  readonly from: number
  readonly to: number
}

function* grow(growth: Growth, span: Span): Steps<Vertex> {
  const {prefix, from, to} = span
  const sample = sampleOf(growth.names, from, to)
  const vertex = leafOf(prefix, sample, to - from)
  if (to - from <= growth.most) return vertex
  const children: Vertex[] = []
  let looseCount = 0
  for (let at = from; at < to; ) {
    const end = yield* endOfGroup(growth.names, span, at)
    const child = childPrefix(growth.names, prefix, at, end)
    if (child === undefined) looseCount += end - at
    else children.push(yield* grow(growth, {prefix: child, from: at, to: end}))
    at = end
  }
  const [only] = children
  const isChain = children.length === 1 && looseCount === 0 && only?.children.length !== 0
  vertex.children = isChain && only?.prefix.endsWith('/') === false ? only.children : children
  vertex.separator = shortener(prefix, sample, vertex.children)
  return vertex
}

const sampleSize = 32

/** Returns up to 32 of the names from `from` up to `to`, evenly spaced and in order. */
const sampleOf = (names: readonly string[], from: number, to: number): readonly string[] =>
  Array.from(
    {length: Math.min(sampleSize, to - from)},
    (_, at, step = Math.max(1, (to - from) / sampleSize)) => names[from + Math.floor(at * step)] as string,
  )

/** Returns a leaf without keys, with the separators that suit names like those in `sample`. */
export const leafOf = (prefix: string, sample: readonly string[], count: number): Vertex => ({
  prefix,
  children: [],
  versions: new Map(),
  separator: shortener(prefix, sample),
  shortest: shortener(prefix, sample),
  count,
  known: undefined,
})

/** Returns the vertex at or below `top` whose `versions` may contain the name. */
export function homeOf(top: Vertex, name: string): Vertex {
  for (let vertex = top; ; ) {
    const child = vertex.children.find(({prefix}) => name.startsWith(prefix))
    if (child === undefined) return vertex
    vertex = child
  }
}

/** Yields name and ModifyIndex of each key in a vertex and below it. */
export function* versionsIn(vertex: Vertex): Generator<readonly [string, number], void, undefined> {
  yield* vertex.versions
  for (const child of vertex.children) yield* versionsIn(child)
}

const coldSample = 32

/**
 * Returns the name with the lowest ModifyIndex among some names from each vertex; undefined if no request path can
 * contain any of these names.
 */
export function coldestIn(vertices: readonly Vertex[]): string | undefined {
  let coldest: {readonly name: string; readonly version: number} | undefined
  for (const vertex of vertices) {
    let left = coldSample
    for (const [name, version] of versionsIn(vertex)) {
      if ((left -= 1) < 0) break
      if (version < (coldest?.version ?? Number.POSITIVE_INFINITY) && isListable(name)) coldest = {name, version}
    }
  }
  return coldest?.name
}

/** Returns the number of known keys in a vertex and below it. */
export const sizeOf = ({versions, children}: Vertex): number =>
  children.reduce((sum, child) => sum + sizeOf(child), versions.size)

/** True if no key is known in the vertex or below it. */
export const isBare = (vertex: Vertex): boolean => vertex.versions.size === 0 && vertex.children.every(isBare)

/**
 * Gives a vertex the children of another vertex with the same prefix, and moves the versions of the vertex's keys to
 * these children.
 */
export function adopt(vertex: Vertex, {children, separator}: Pick<Vertex, 'children' | 'separator'>): void {
  vertex.children = children
  vertex.separator = separator
  for (const [name, version] of vertex.versions) {
    const home = homeOf(vertex, name)
    if (home === vertex) continue
    vertex.versions.delete(name)
    home.versions.set(name, version)
  }
}

/**
 * Returns the character at which names have to be cut so that the fewest different names are left. The prefixes of the
 * children must not be cut.
 */
function shortener(prefix: string, sample: readonly string[], children: readonly Vertex[] = []): string {
  const [first = ''] = sample
  const last = sample.at(-1) ?? ''
  const texts = [first, last].map(name => name.slice(prefix.length, prefix.length + 12))
  const inChildren = new Set(children.flatMap(child => Array.from(child.prefix.slice(prefix.length))))
  let best = {separator: '/', left: Number.POSITIVE_INFINITY}
  for (const separator of new Set(['/', ...texts.flatMap(text => Array.from(text))])) {
    if (!/[ -~]/.test(separator) || (separator !== '/' && inChildren.has(separator))) continue
    const left = new Set(sample.map(name => cutAt(name, separator, prefix.length))).size
    if (left < best.left) best = {separator, left}
  }
  return best.separator
}

function cutAt(name: string, separator: string, from: number): string {
  const at = name.indexOf(separator, from)
  return at < 0 ? name : name.slice(0, at + 1)
}

/**
 * Returns the end of a group of names that have the same first character after the prefix. The names are
 * sorted, so a group is contiguous.
 */
function* endOfGroup(names: readonly string[], {prefix, to}: Span, at: number): Steps<number> {
  const start = prefix + characterAt(names[at] as string, prefix.length)
  let end = at + 1
  if (start === prefix) return end
  for (; end < to && (names[end] as string).startsWith(start); end += 1) if (end % 500 === 0) yield
  return end
}

function characterAt(text: string, at: number): string {
  const point = text.codePointAt(at)
  return point === undefined ? '' : String.fromCodePoint(point)
}

/**
 * Returns the longest common prefix of the group that can be the prefix of a child; undefined if no request
 * can list such a prefix.
 */
function childPrefix(names: readonly string[], prefix: string, from: number, end: number): string | undefined {
  const [first, last] = [names[from] as string, names[end - 1] as string]
  const shortest = prefix + characterAt(first, prefix.length)
  if (shortest === prefix) return undefined
  const slash = first.indexOf('/', prefix.length)
  const most = Math.min(first.length, last.length, slash < 0 ? first.length : slash + 1)
  let length = shortest.length
  while (length < most && first[length] === last[length]) length += 1
  const isSplit = length < first.length && /[\ud800-\udbff]/.test(first[length - 1] ?? '')
  return [first.slice(0, isSplit ? length - 1 : length), shortest].find(isListable)
}

/** Characters that Consul accepts in a path. */
const printable = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]*$/u

/** True if a request path can contain the prefix. */
export function isListable(prefix: string): boolean {
  if (!printable.test(prefix) || prefix.includes('\ufffd')) return false
  try {
    encodeKey(prefix)
    return true
  } catch {
    return false
  }
}

/** The parts of a tree that have a blocking query of their own (tree nodes), and the vertices above them. */
export interface Cut {
  readonly nodes: readonly Vertex[]
  /** Divided vertices above the tree nodes. */
  readonly above: readonly Vertex[]
}

/**
 * Chooses at most `places` vertices as tree nodes. Starts with the root, and replaces the largest vertex by its
 * children, again and again, as long as the number of vertices permits it.
 */
export function cutTree(root: Vertex, places: number, isLeftOut: (prefix: string) => boolean = () => false): Cut {
  const above: Vertex[] = []
  const nodes: Vertex[] = []
  let open = [root]
  while (open.length > 0) {
    open.sort((a, b) => b.count - a.count)
    const [largest, ...rest] = open as [Vertex, ...Vertex[]]
    const chain = chainOf(largest)
    const {children: all} = chain.at(-1) ?? largest
    const children = all.filter(child => !isLeftOut(child.prefix))
    if (all.length > 0 && nodes.length + rest.length + children.length <= places) {
      above.push(...chain)
      open = [...rest, ...children]
    } else {
      nodes.push(largest)
      open = rest
    }
  }
  return {nodes, above}
}

/**
 * Returns the vertex, its child if that is an only child and divided, the child of that child on the same condition,
 * and so on.
 */
function chainOf(top: Vertex): readonly Vertex[] {
  const chain = [top]
  for (let vertex = top; ; ) {
    const [only] = vertex.children
    if (vertex.children.length !== 1 || only === undefined || only.children.length === 0) return chain
    chain.push(only)
    vertex = only
  }
}

/** Sets the known index of the vertex and of all vertices below it. */
export function* forgetSteps(vertex: Vertex, known?: bigint): Steps<void> {
  vertex.known = known
  for (const child of vertex.children) yield* forgetSteps(child, known)
  yield
}

/** Removes all keys and known indexes of the vertex. */
export function* clearSteps(vertex: Vertex): Steps<void> {
  vertex.known = undefined
  vertex.versions.clear()
  for (const child of vertex.children) yield* clearSteps(child)
  yield
}
