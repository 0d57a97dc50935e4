import type {Snapshot} from '../../core/types.js'
import {runSteps} from '../steps.js'
import type {EntryLengths} from './entry-lengths.js'
import {adopt, growTree, isListable, leafKeys, leafOf, type Vertex} from './key-tree.js'
import type {Changes, Node, SideOptions} from './node.js'
import type {Look} from './shard-reads.js'

/** The side (source or destination) to which the tree nodes belong. */
interface Side {
  readonly changes: Changes
  readonly isOverflowing: boolean
  readonly entryLengths: EntryLengths
  isNews(vertex: Vertex, index: bigint, isEmpty: boolean): boolean
  readKeys(names: readonly string[]): Promise<void>
}

/**
 * Finds the changes in a tree node by comparing the indexes of smaller and smaller parts, and adds these changes to
 * those of its side.
 */
export class NodeReader {
  readonly #side: Side
  readonly #options: SideOptions

  constructor(side: Side, options: SideOptions) {
    this.#side = side
    this.#options = options
  }

  /** Reads the parts of a tree node that have changed. */
  async look(node: Node): Promise<void> {
    const {vertex, answer} = node
    node.answer = undefined
    node.verifyAtMs = undefined
    if (vertex.children.length === 0) return this.#readLeaf(vertex)
    // If the vertex was divided after the query was sent, the answer is a list with values, not a list of names.
    const {prefix, separator} = vertex
    const {index = 0n, value} = await (answer
      ? this.#listOf(vertex, answer)
      : this.#options.reads.look(prefix, separator))
    if (!this.#side.isNews(vertex, index, value.isEmpty)) return
    await this.#descend(vertex, {index, names: value.names()})
  }

  /** Continues with the children whose index has changed. */
  async #descend(vertex: Vertex, now: {readonly index: bigint; readonly names: readonly string[]}): Promise<void> {
    if (this.#side.isOverflowing) return
    await this.#readUncovered(vertex, now.names)
    await Promise.all(vertex.children.map(child => this.#lookAtChild(child)))
    await this.#readLoose(vertex)
    vertex.known = now.index
    vertex.count = now.names.length === 0 ? 0 : Math.max(1, vertex.count)
  }

  async #lookAtChild(child: Vertex): Promise<void> {
    const {reads, isLeftOut} = this.#options
    if (isLeftOut(child.prefix)) return
    const look = await reads.look(child.prefix, child.shortest)
    if (!this.#side.isNews(child, look.index ?? 0n, look.value.isEmpty)) return
    if (child.children.length === 0) return this.#readLeaf(child)
    const {index = 0n, value} = await this.#listOf(child, look)
    await this.#descend(child, {index, names: value.names()})
  }

  #listOf(vertex: Vertex, look: Snapshot<Look>): Promise<Snapshot<Look>> | Snapshot<Look> {
    const isUsable = look.value.separator === vertex.separator
    return isUsable ? look : this.#options.reads.look(vertex.prefix, vertex.separator)
  }

  /**
   * Makes one step of a verification: if the vertex has changed and is a leaf, reads it; if it has changed and is
   * divided, returns its children, each of which needs a step of its own.
   */
  async step(vertex: Vertex): Promise<readonly Vertex[]> {
    const {reads, isLeftOut} = this.#options
    const look = await reads.look(vertex.prefix, vertex.shortest)
    if (!this.#side.isNews(vertex, look.index ?? 0n, look.value.isEmpty)) return []
    if (vertex.children.length === 0) {
      await this.#readLeaf(vertex)
      return []
    }
    const {index, value} = await this.#listOf(vertex, look)
    await this.#readUncovered(vertex, value.names())
    await this.#readLoose(vertex)
    vertex.known = index
    return vertex.children.filter(child => !isLeftOut(child.prefix))
  }

  /** Adds names that are in no child: a key to the vertex's own versions, a name cut at the separator as a new leaf. */
  async #readUncovered(vertex: Vertex, names: readonly string[]): Promise<void> {
    const {isInScope, isLeftOut, reads} = this.#options
    const {separator} = vertex
    const fresh: string[] = []
    for (const name of names) {
      if (vertex.children.some(({prefix}) => name.startsWith(prefix))) continue
      const isCut = name.endsWith(separator) && name !== vertex.prefix
      if (isCut && isListable(name)) {
        const children = [...vertex.children, {...leafOf(name, [], 1), known: -1n}]
        if (!isLeftOut(name)) adopt(vertex, {children, separator})
        continue
      }
      const all = isCut ? (await reads.names(vertex.prefix)).value.filter(each => each.startsWith(name)) : [name]
      fresh.push(...all.filter(each => isInScope(each) && !vertex.versions.has(each)))
    }
    await this.#side.readKeys(fresh)
  }

  async #readLoose({versions}: Vertex): Promise<void> {
    if (versions.size > 0) await this.#side.readKeys(await this.#options.reads.changed([...versions]))
  }

  async #readLeaf(vertex: Vertex): Promise<void> {
    if (!this.#options.readsValues && !this.#side.entryLengths.areShort) return this.#checkLeaf(vertex)
    const {versions} = vertex
    const {changes} = this.#side
    const {reads, isInScope} = this.#options
    const {value: list, index = 0n} = await reads.entries(vertex.prefix, versions)
    const changed = new Map(list.changed.map(entry => [entry.key, entry]))
    const present = new Set<string>()
    for (const name of list.names) {
      if (!isInScope(name)) continue
      present.add(name)
      const entry = changed.get(name)
      if (entry) changes.set(name, entry)
      else changes.delete(name)
    }
    this.#missGone(vertex, present)
    this.#side.entryLengths.addList(list.names.length, list.bytes)
    vertex.known = index
    vertex.count = list.names.length
    if (list.names.length > 2 * leafKeys) await this.#divideLeaf(vertex, list.names)
  }

  /** Compares names and indexes without reading values, which may be long, because there is hardly ever a difference. */
  async #checkLeaf(vertex: Vertex): Promise<void> {
    const {reads, isInScope} = this.#options
    const {value: names, index = 0n} = await reads.names(vertex.prefix)
    this.#missGone(vertex, new Set(names))
    const known: [string, number][] = []
    const unknown: string[] = []
    for (const name of names.filter(isInScope)) {
      const version = vertex.versions.get(name)
      if (version === undefined) unknown.push(name)
      else known.push([name, version])
    }
    await this.#side.readKeys([...unknown, ...(await reads.changed(known))])
    vertex.known = index
    vertex.count = names.length
    if (names.length > 2 * leafKeys) await this.#divideLeaf(vertex, names)
  }

  /** Records keys that are not in `present` as deleted, even those that an earlier read of the same round has found. */
  #missGone({prefix, versions}: Vertex, present: ReadonlySet<string>): void {
    const {changes} = this.#side
    for (const name of versions.keys()) if (!present.has(name)) changes.set(name, undefined)
    for (const [name, entry] of changes) {
      if (entry !== undefined && name.startsWith(prefix) && !present.has(name)) changes.set(name, undefined)
    }
  }

  async #divideLeaf(vertex: Vertex, names: readonly string[]): Promise<void> {
    const {clock, signal} = this.#options
    adopt(vertex, await runSteps(growTree(vertex.prefix, [...names].sort()), clock, signal))
  }
}
