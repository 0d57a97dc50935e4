import type {Snapshot} from '../../core/types.js'
import {forEachStep, runSteps, type Steps, sortSteps} from '../steps.js'
import {EntryLengths} from './entry-lengths.js'
import {
  clearSteps,
  cutTree,
  forgetSteps,
  growTree,
  homeOf,
  isBare,
  isListable,
  leafKeys,
  leafOf,
  sizeOf,
  type Vertex,
  versionsIn,
} from './key-tree.js'
import {
  addOwn,
  type Changes,
  forgetOwn,
  type Node,
  nodeOf,
  type SideOptions,
  type Version,
  verifyAfterMs,
} from './node.js'
import {NodeReader} from './node-reader.js'
import type {Look, ShardReads} from './shard-reads.js'
import {Verification} from './verification.js'

const longListing = 5000
const listingShareMs = 0.1
const changedShare = 0.05

/**
 * One side of a mapping (its source or its destination), of which only the ModifyIndex of each key is kept. To find
 * changed keys, reads the tree nodes whose blocking query has returned, and compares the indexes of smaller and smaller
 * parts. The reads are made one after another, so that an older answer never replaces a newer one.
 */
export class ShardSide {
  /** Changes that were found and that no pass has taken yet. */
  changes: Changes = new Map()
  nodes: Node[] = []
  readonly entryLengths = new EntryLengths()
  readonly #options: SideOptions
  readonly #reader: NodeReader
  readonly #verification: Verification
  #above: readonly Vertex[] = []
  readonly #foreign = new Set<string>()
  /** ModifyIndexes of the keys that are in no tree node. */
  #loose = new Map<string, number>()
  #baseline = 0n
  #listableAtMs = 0
  #isTooMuch = false
  #size = 0
  #lastNode: Node | undefined
  #lastHome: Vertex | undefined

  constructor(options: SideOptions) {
    this.#options = options
    this.#reader = new NodeReader(this, options)
    this.#verification = new Verification(this.#reader, options.clock)
  }

  get prefix(): string {
    return this.#options.prefix
  }

  get reads(): ShardReads {
    return this.#options.reads
  }

  /** Number of keys that the mapping covers. */
  get count(): number {
    return this.size - this.#foreign.size
  }

  /** Index of the list that the side was made from. A change with a greater index is newer than the list. */
  get baseline(): bigint {
    return this.#baseline
  }

  /** True if a tree node's query has returned and the tree node was not read since. */
  get hasMoved(): boolean {
    return this.nodes.some(({isMoved}) => isMoved)
  }

  /** Number of keys whose ModifyIndex is known. */
  get size(): number {
    return this.#size
  }

  /** True if so many keys have changed that listing everything is cheaper. */
  get isOverflowing(): boolean {
    return this.#isTooMuch || this.changes.size > this.#mostChanges
  }

  get #mostChanges(): number {
    return Math.max(this.#options.mostChanges, this.size * changedShare)
  }

  /**
   * True if the tree should be divided again: too many keys are in no tree node, or a tree node has grown far larger
   * than the others.
   */
  get isUneven(): boolean {
    const most = Math.max(4 * leafKeys, (4 * this.size) / Math.max(1, this.nodes.length))
    return (
      this.#loose.size > leafKeys ||
      this.nodes.some(({vertex}) => {
        const size = sizeOf(vertex)
        return size > most && size > 2 * vertex.count
      })
    )
  }

  /** Divides the keys of the side into tree nodes again, according to a list of these keys. */
  async divide(list: Iterable<readonly [string, Version]>, index: bigint): Promise<void> {
    const names: string[] = []
    await this.#run(forEachStep(list, ([name]) => names.push(name)))
    const sorted = await this.#run(sortSteps(names, (a, b) => (a < b ? -1 : a > b ? 1 : 0)))
    const root = await this.#run(growTree(this.prefix, sorted))
    const {nodes, above} = cutTree(root, this.#options.places, this.#options.isLeftOut)
    this.#forgetLast()
    this.nodes = nodes.map(vertex => nodeOf(vertex))
    this.#above = above
    await this.reset(list, index)
  }

  /** Replaces all known ModifyIndexes with those of a list. */
  async reset(list: Iterable<readonly [string, Version]>, index: bigint): Promise<void> {
    this.#loose = new Map()
    this.#size = 0
    this.#foreign.clear()
    this.#isTooMuch = false
    this.#verification.clear()
    this.changes = new Map()
    this.#baseline = index
    for (const node of this.nodes) {
      forgetOwn(node)
      await this.#run(clearSteps(node.vertex))
    }
    this.entryLengths.clear()
    await this.#run(
      forEachStep(list, ([name, version]) => {
        this.record(name, version)
        this.entryLengths.add(version.bytes)
      }),
    )
  }

  /** Records the version of a key, or its absence if `version` is undefined. Returns true if that is new. */
  record(name: string, version: Version | undefined): boolean {
    if (!this.#options.isInScope(name)) return false
    const versions = this.#homeOf(name)?.versions ?? this.#loose
    const before = versions.size
    const known = versions.get(name)
    const index = version && Number(version.modifyIndex)
    if (index === undefined) versions.delete(name)
    else versions.set(name, index)
    this.#size += versions.size - before
    if (version?.isForeign === true) this.#foreign.add(name)
    else this.#foreign.delete(name)
    return index !== known
  }

  /** Records the version of a key that this process has just read or written, so that it does not count as a change. */
  recordOwn(name: string, version: Version | undefined): void {
    if (this.record(name, version)) this.#verification.written()
    const node = this.nodeOf(name)
    if (node && version) addOwn(node, version.modifyIndex)
  }

  /** Returns the tree node that contains a name. Names come in order, so the last name's tree node is tried first. */
  nodeOf(name: string): Node | undefined {
    const last = this.#lastNode
    if (last !== undefined && name.startsWith(last.vertex.prefix)) return last
    this.#lastNode = this.nodes.find(({vertex}) => name.startsWith(vertex.prefix))
    return this.#lastNode
  }

  /** Returns the vertex that contains a name; undefined if no tree node does. The last name's leaf is tried first. */
  #homeOf(name: string): Vertex | undefined {
    const last = this.#lastHome
    if (last?.children.length === 0 && name.startsWith(last.prefix)) return last
    const node = this.nodeOf(name)
    this.#lastHome = node && homeOf(node.vertex, name)
    return this.#lastHome
  }

  #forgetLast(): void {
    this.#lastNode = undefined
    this.#lastHome = undefined
  }

  /** Removes an empty tree node, because a query for an absent prefix also returns for changes elsewhere. */
  drop(node: Node): void {
    this.#forgetLast()
    this.nodes = this.nodes.filter(other => other !== node)
  }

  /** True if the index shows that the vertex contains a change that was not read yet. */
  isNews(vertex: Vertex, index: bigint, isEmpty: boolean): boolean {
    // The last keys may have been deleted without an increase of the index, if their tombstone is at a shorter prefix.
    if (isEmpty) return !isBare(vertex) || this.#hasFound(vertex)
    return vertex.known === undefined ? index > this.#baseline : index !== vertex.known
  }

  #hasFound({prefix}: Vertex): boolean {
    for (const [name, entry] of this.changes) if (entry !== undefined && name.startsWith(prefix)) return true
    return false
  }

  /** Reads everything in the tree node again, because its indexes are no longer comparable. */
  async doubt(node: Node): Promise<void> {
    forgetOwn(node)
    await this.#run(forgetSteps(node.vertex, -1n))
    node.isMoved = true
  }

  /** Time at which the next step of {@link verify} is due. */
  get verifyAtMs(): number {
    return this.#verification.dueAtMs(this.nodes)
  }

  /** Reads the tree nodes whose blocking query has returned. A read that fails is repeated in the next round. */
  async look(nodes: readonly Node[] = this.#dueNodes()): Promise<void> {
    const {clock} = this.#options
    const results = await Promise.allSettled(
      nodes.map(async node => {
        const startedMs = clock.monotonicMs()
        node.isMoved = false
        try {
          await this.#reader.look(node)
          node.costMs = clock.monotonicMs() - startedMs
        } catch (error) {
          node.isMoved = true
          node.answer = undefined
          throw error
        }
      }),
    )
    for (const result of results) if (result.status === 'rejected') throw result.reason
  }

  /**
   * Returns true, and forgets the tree node's answer, if the answer shows a write of our own. That write may hide the
   * change of another client, so the tree node is read again later.
   */
  explain(node: Node): boolean {
    const index = node.answer?.index
    if (index === undefined || !node.ownIndexes.has(index)) return false
    node.answer = undefined
    node.verifyAtMs ??= this.#options.clock.monotonicMs() + verifyAfterMs
    return true
  }

  /** Makes the next step of the search for changes that our own writes may have hidden, if that step is due. */
  verify(): Promise<void> {
    return this.#verification.step(this.nodes)
  }

  #dueNodes(): readonly Node[] {
    for (const node of this.nodes) if (node.isMoved && this.explain(node)) node.isMoved = false
    return this.nodes.filter(({isMoved}) => isMoved)
  }

  /** The greatest index read so far. */
  get knownIndex(): bigint {
    let most = this.#baseline
    const see = (index: bigint | undefined): void => {
      if (index !== undefined && index > most) most = index
    }
    for (const {vertex, ownIndex} of this.nodes) {
      see(vertex.known)
      see(ownIndex)
    }
    for (const version of this.#loose.values()) see(BigInt(version))
    return most
  }

  /**
   * True if an answer of the root's query makes a search for hidden changes (sweep) unnecessary: it contains no new
   * name, its index is not above the greatest index read so far, and all keys are in tree nodes.
   */
  isSwept({index, value}: Snapshot<Look>): boolean {
    if (this.#loose.size > 0 || (index ?? 0n) > this.knownIndex) return false
    return !value.names().some(name => this.#isNew(name, this.prefix))
  }

  /**
   * Reads the keys that are in no tree node, and the new names among the given names of the root's list. Returns new
   * tree nodes that need a query.
   */
  async sweep(names: readonly string[]): Promise<readonly Node[]> {
    if (this.#loose.size > 0) await this.readKeys(await this.reads.changed([...this.#loose]))
    return await this.#addUncovered(this.prefix, names, false)
  }

  /**
   * Searches for changes that no query shows: new keys below divided folders that are in no tree node, and tree nodes
   * whose keys were deleted by a recursive delete of a shorter prefix. Consul does not wake the query of such a tree
   * node if the query knows a newer tombstone. One key of each tree node shows whether its keys were deleted.
   * `withRoot` also lists the root, whose query may be pausing.
   */
  async sweepWhole(withRoot: boolean): Promise<readonly Node[]> {
    const {reads, clock} = this.#options
    const witnesses = new Map<string, Node>()
    const versions: (readonly [string, number])[] = []
    for (const node of this.nodes) {
      const [first] = versionsIn(node.vertex)
      if (!first) continue
      witnesses.set(first[0], node)
      versions.push(first)
    }
    for (const name of await reads.changed(versions)) {
      const node = witnesses.get(name)
      if (node) node.isMoved = true
    }
    const added: Node[] = []
    if (clock.monotonicMs() < this.#listableAtMs) return added
    for (const {prefix} of this.#above) {
      // New names directly below the root are shown by the root's own query.
      if (prefix === this.prefix ? !withRoot : !prefix.endsWith('/')) continue
      const names = (await reads.look(prefix, '/')).value.names()
      if (names.length > longListing) this.#listableAtMs = clock.monotonicMs() + names.length * listingShareMs
      added.push(...(await this.#addUncovered(prefix, names, true)))
    }
    return added
  }

  async #addUncovered(folder: string, listed: readonly string[], isWhole: boolean): Promise<readonly Node[]> {
    const {places, isInScope} = this.#options
    const added: Node[] = []
    const names: string[] = []
    for (const name of listed.filter(each => this.#isNew(each, folder))) {
      if (name !== folder && this.nodes.length < places && this.#isApart(name)) added.push(this.#addNode(name))
      else if (name !== folder && name.endsWith('/')) names.push(...(await this.#namesBelow(name, folder, isWhole)))
      else names.push(name)
    }
    await this.readKeys(names.filter(isInScope))
    return added
  }

  /** True if the name in a folder's list is not known yet. A name that equals the name of the folder is a key. */
  #isNew(name: string, folder: string): boolean {
    if (this.nodeOf(name) || this.#loose.has(name)) return false
    if (name === folder || !name.endsWith('/')) return this.#options.isInScope(name)
    return !this.#options.isLeftOut(name) && !this.#above.some(({prefix}) => prefix === name)
  }

  /** True if a tree node with this prefix would have no keys in common with another tree node. */
  #isApart(name: string): boolean {
    return (
      isListable(name) &&
      ![...this.nodes.map(({vertex}) => vertex), ...this.#above].some(({prefix}) => prefix.startsWith(name))
    )
  }

  /**
   * Returns new names below a prefix. If no request path can contain the prefix, the names are taken from a
   * list of the whole folder, which is read seldom once one of the names is known.
   */
  async #namesBelow(prefix: string, folder: string, isWhole: boolean): Promise<readonly string[]> {
    const canList = isListable(prefix)
    const isKnown = [...this.#loose.keys()].some(name => name.startsWith(prefix))
    if (!canList && isKnown && !isWhole) return []
    const {value} = await this.#options.reads.names(canList ? prefix : folder)
    return value.filter(name => name.startsWith(prefix) && !this.#loose.has(name) && !this.nodeOf(name))
  }

  #addNode(prefix: string): Node {
    this.#forgetLast()
    const node: Node = {...nodeOf(leafOf(prefix, [], 1)), isMoved: true}
    for (const [name, version] of this.#loose) {
      if (!name.startsWith(prefix)) continue
      this.#loose.delete(name)
      node.vertex.versions.set(name, version)
    }
    this.nodes.push(node)
    return node
  }

  /** Reads keys by name, and adds them to the changes. */
  async readKeys(names: readonly string[]): Promise<void> {
    if (names.length > this.#mostChanges) this.#isTooMuch = true
    if (names.length === 0 || this.isOverflowing) return
    const {entries} = await this.#options.reads.keys(names)
    for (const name of names) this.changes.set(name, entries.get(name))
  }

  #run<T>(steps: Steps<T>): Promise<T> {
    return runSteps(steps, this.#options.clock, this.#options.signal)
  }
}
