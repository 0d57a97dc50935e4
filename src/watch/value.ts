import {type GoValue, goJson} from '../core/api/go-json.js'
import {parseConsulJson} from '../core/http/json-bigint.js'
import {BlockEntries, type EntryBlock} from '../core/query/entries.js'
import type {ViewEntry} from '../core/query/types.js'

/**
 * One item of a watched value: its key, and its JSON in Go's form. The text is also the item's version, because items
 * with the same text are equal. It is decoded only when `data` is read.
 */
export class WatchItem implements ViewEntry<WatchItem> {
  /** Identifies the item within its list: the name of a key, a node, a service or a check. */
  readonly key: string
  /** JSON of the item, as it appears in the value. */
  readonly version: string

  constructor(key: string, version: string) {
    this.key = key
    this.version = version
  }

  /** This object itself, because a view reads an item from the property `item` of an entry. */
  get item(): this {
    return this
  }

  /** The item as data. */
  get data(): GoValue {
    return parseConsulJson(this.version) as GoValue
  }
}

/** One service in the value of a watch of type `services`, which is an object with one member for each service. */
export class WatchMember extends WatchItem {
  override get data(): GoValue {
    const member = parseConsulJson(`{${this.version}}`) as Readonly<Record<string, GoValue>>
    return {Name: this.key, Tags: member[this.key] ?? null}
  }
}

/**
 * Form of a value. `one`: the item itself, or null if there is none. `nil`: Go's nil slice, which is written as null.
 */
type Form = 'one' | 'list' | 'nil' | 'members'
const brackets = {one: ['', ''], list: ['[', ']'], nil: ['null', ''], members: ['{', '}']} as const

/** Consecutive items of a value. */
export interface WatchBlock extends EntryBlock<WatchItem> {
  /** The items. They may be decoded each time this property is read. */
  readonly entries: readonly WatchItem[]
  /** The texts of the items in UTF-8, each preceded by a comma. */
  readonly text: Buffer
}

/** Returns a block of decoded items. */
export const toBlock = (items: readonly WatchItem[]): WatchBlock => ({
  size: items.length,
  entries: items,
  text: Buffer.from(items.map(({version}) => `,${version}`).join('')),
})

/** A watched value in the form of `consul watch`, stored as the texts of its items. */
export class WatchValue {
  /** The items, for a view. */
  readonly entries: BlockEntries<WatchItem, WatchBlock>
  readonly #form: Form

  constructor(form: Form, blocks: readonly WatchBlock[] = []) {
    const filled = blocks.filter(({size}) => size > 0)
    this.#form = form === 'one' && filled.length === 0 ? 'nil' : form
    this.entries = new BlockEntries(filled)
  }

  /** The items, in Consul's order. Each read of this property decodes them. */
  get items(): readonly WatchItem[] {
    return this.entries.blocks.flatMap(({entries}) => entries)
  }

  /** The value as data. Each read of this property decodes it. */
  get data(): GoValue {
    const {items} = this
    switch (this.#form) {
      case 'nil':
        return null
      case 'one':
        return items[0]?.data ?? null
      case 'list':
        return items.map(item => item.data)
      case 'members':
        return Object.fromEntries(items.map(({key, data}) => [key, (data as {readonly Tags: GoValue}).Tags]))
    }
  }

  /** The value as JSON in Go's form, in one line. */
  get text(): string {
    const [open, close] = brackets[this.#form]
    const items = this.entries.blocks.map(({text}) => text.toString()).join('')
    return open + items.slice(1) + close
  }

  /** Yields the bytes of the text and of a line break, in chunks. */
  *bytes(): Generator<Uint8Array, void, undefined> {
    const [open, close] = brackets[this.#form]
    yield Buffer.from(open)
    let isFirst = true
    for (const {text} of this.entries.blocks) {
      yield isFirst ? text.subarray(1) : text
      isFirst = false
    }
    yield Buffer.from(`${close}\n`)
  }

  /** True if both values have the same text. `comparable` may exclude parts of the items from the comparison. */
  equals(other: WatchValue, comparable?: (item: WatchItem) => string): boolean {
    if (this.#form !== other.#form) return false
    return this.entries.isLike(
      other.entries,
      ({item}, {item: of}) =>
        item.version === of.version || (comparable !== undefined && comparable(item) === comparable(of)),
    )
  }
}

/** Returns an item with the JSON of this data. */
export const toItem = (key: string, data: GoValue): WatchItem => new WatchItem(key, goJson(data))
