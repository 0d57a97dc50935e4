import {type GoValue, goJson} from '../core/api/go-json.js'
import {parseConsulJson} from '../core/http/json-bigint.js'
import type {ViewEntry} from '../core/query/types.js'

const chunkBytes = 128 * 1024
/** Most bytes of UTF-8 that one UTF-16 unit takes. */
const bytesPerUnit = 3

/**
 * One item of a watched value: what identifies it, and its JSON as Go writes it. The text is also its version: items
 * with the same text are equal. It is decoded when `data` is read.
 */
export class WatchItem implements ViewEntry<WatchItem> {
  /** What identifies the item within its list: a key, a node, a service or a check. */
  readonly key: string
  /** JSON of the item as it is written within the value. */
  readonly version: string

  constructor(key: string, version: string) {
    this.key = key
    this.version = version
  }

  /** The item itself, as a view expects it. */
  get item(): this {
    return this
  }

  /** The item as data. */
  get data(): GoValue {
    return parseConsulJson(this.version) as GoValue
  }
}

/** A service of `services`: a member of the object that is the value. */
export class WatchMember extends WatchItem {
  override get data(): GoValue {
    const member = parseConsulJson(`{${this.version}}`) as Readonly<Record<string, GoValue>>
    return {Name: this.key, Tags: member[this.key] ?? null}
  }
}

/** `one`: the item itself, or null without one. `nil`: Go's nil slice, null. */
type Form = 'one' | 'list' | 'nil' | 'members'
const brackets = {one: ['', ''], list: ['[', ']'], nil: ['null', ''], members: ['{', '}']} as const

/** A watched value in the form of `consul watch`, held as the texts of its items. */
export class WatchValue {
  /** The items, in Consul's order. */
  readonly items: readonly WatchItem[]
  readonly #form: Form

  constructor(form: Form, items: readonly WatchItem[] = []) {
    this.#form = form === 'one' && items.length === 0 ? 'nil' : form
    this.items = items
  }

  /** The value as data; it is decoded each time. */
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

  /** JSON as Go writes it, in one line. */
  get text(): string {
    const [open, close] = brackets[this.#form]
    return open + this.items.map(({version}) => version).join(',') + close
  }

  /** The bytes of the text and a line break, in chunks. A chunk is good until the next one is asked for. */
  *bytes(): Generator<Uint8Array, void, undefined> {
    const [open, close] = brackets[this.#form]
    const chunk = Buffer.allocUnsafe(chunkBytes)
    let used = chunk.write(open)
    let before = ''
    for (const {version} of this.items) {
      if (used + version.length * bytesPerUnit + 2 > chunkBytes) {
        yield chunk.subarray(0, used)
        used = 0
      }
      used += chunk.write(before, used)
      before = ','
      if (version.length * bytesPerUnit + 2 <= chunkBytes) used += chunk.write(version, used)
      else {
        yield chunk.subarray(0, used)
        yield Buffer.from(version)
        used = 0
      }
    }
    used += chunk.write(`${close}\n`, used)
    yield chunk.subarray(0, used)
  }

  /** True if both values are written alike, but for what `comparable` leaves out of their items. */
  equals(other: WatchValue, comparable?: (item: WatchItem) => string): boolean {
    const {items} = this
    if (this.#form !== other.#form || items.length !== other.items.length) return false
    return items.every((item, at) => {
      const before = other.items[at]
      if (before === undefined) return false
      if (item === before || item.version === before.version) return true
      return comparable !== undefined && comparable(item) === comparable(before)
    })
  }
}

/** Returns an item with the JSON of this data. */
export const toItem = (key: string, data: GoValue): WatchItem => new WatchItem(key, goJson(data))
