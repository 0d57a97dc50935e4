import {parseConsulJson} from '../core/http/json-bigint.js'
import {sharedEnd, sharedStart} from './shared-bytes.js'
import type {WatchItem} from './value.js'

type Raw = Readonly<Record<string, unknown>>

/** An answer, where each of its items begins in it, and the items. */
interface Divided {
  readonly body: Buffer
  readonly starts: readonly number[]
  readonly items: readonly WatchItem[]
}

const nothing: Divided = {body: Buffer.alloc(0), starts: [], items: []}
const longestHead = 200

/**
 * Decodes the answers of one list, of which the next one is much like the last: what both begin and end with is not read
 * again, and an item whose text was in the answer before is the same item. So a change costs what changed.
 *
 * An answer is divided where the beginning of its first item comes again. A piece that is not the JSON of an object by
 * itself shows that this was not between two items; then there is no division, and the caller decodes the whole.
 */
export class ListMemory {
  readonly #toItem: (raw: Raw) => WatchItem
  #last = nothing

  constructor(toItem: (raw: Raw) => WatchItem) {
    this.#toItem = toItem
  }

  /** Returns the items, or undefined if the answer cannot be divided. */
  decode(answer: Buffer): readonly WatchItem[] | undefined {
    const body = answer.at(-1) === 0x0a ? answer.subarray(0, -1) : answer
    const [head, start] = /^\[(\{"[^"\\]*":\{?)/.exec(body.toString('latin1', 0, longestHead)) ?? []
    if (head === undefined || start === undefined || body.toString('latin1', body.length - 2) !== '}]') return undefined
    try {
      this.#last = this.#divide(body, head.length, start)
      return this.#last.items
    } catch (error) {
      if (error instanceof SyntaxError) return undefined
      throw error
    }
  }

  #divide(body: Buffer, headLength: number, start: string): Divided {
    const old = this.#last
    const separator = Buffer.from(`},${start}`, 'latin1')
    const most = Math.min(body.length, old.body.length)
    const sameStart = sharedStart(old.body, body, most)
    // An item is the same if what separates it from the next is the same, too.
    const first = Math.max(
      0,
      old.starts.findLastIndex(at => at <= sameStart),
    )
    const sameEnd = old.body.length - sharedEnd(old.body, body, most - sameStart)
    const next = old.starts.findIndex((at, index) => index >= first && at - separator.length >= sameEnd)
    const rest = next < 0 ? old.starts.length : next
    const moved = body.length - old.body.length
    const from = old.starts[first] ?? headLength
    const restStart = old.starts[rest]
    const end = restStart === undefined ? body.length - 2 : restStart + moved - separator.length
    const known = new Map<string, WatchItem | undefined>()
    const oldEnd = restStart === undefined ? old.body.length - 2 : restStart - separator.length
    const oldPieces = old.starts.length === 0 ? [] : piecesOf(old.body, separator, old.starts[first] ?? 0, oldEnd)
    for (const [at, {text}] of oldPieces.entries()) known.set(text, old.items[first + at])
    const pieces = piecesOf(body, separator, from, end)
    return {
      body,
      starts: [
        ...old.starts.slice(0, first),
        ...pieces.map(({at}) => at),
        ...old.starts.slice(rest).map(at => at + moved),
      ],
      items: [
        ...old.items.slice(0, first),
        ...pieces.map(({text}) => known.get(text) ?? this.#toItem(parseConsulJson(`${start}${text}}`) as Raw)),
        ...old.items.slice(rest),
      ],
    }
  }
}

function piecesOf(
  body: Buffer,
  separator: Buffer,
  from: number,
  end: number,
): readonly {readonly at: number; readonly text: string}[] {
  const pieces = []
  for (let at = from; ; ) {
    const found = body.indexOf(separator, at)
    const isLast = found < 0 || found >= end
    pieces.push({at, text: body.toString('utf8', at, isLast ? end : found)})
    if (isLast) return pieces
    at = found + separator.length
  }
}
