import {fromBytes} from '../go/bytes.js'

/**
 * A query string as Go parses it: `&` and `;` separate parameters, `+` is a space, and the first value of a
 * name counts.
 */
export class Query {
  readonly #pairs: readonly (readonly [string, string])[]

  constructor(pairs: readonly (readonly [string, string])[]) {
    this.#pairs = pairs
  }

  get = (name: string): string => this.#pairs.find(([key]) => key === name)?.[1] ?? ''
  has = (name: string): boolean => this.#pairs.some(([key]) => key === name)
  all = (name: string): readonly string[] => this.#pairs.filter(([key]) => key === name).map(([, value]) => value)

  without = (names: ReadonlySet<string>): Query => new Query(this.#pairs.filter(([key]) => !names.has(key)))

  /** Returns the whole query string, sorted by name and escaped again. */
  encode = (): string =>
    [...this.#pairs]
      .map(([key, value], at) => ({key, value, at}))
      .sort((a, b) => (a.key === b.key ? a.at - b.at : a.key < b.key ? -1 : 1))
      .map(({key, value}) => `${escapeQuery(key)}=${escapeQuery(value)}`)
      .join('&')
}

const escapeQuery = (text: string): string =>
  encodeURIComponent(text)
    .replaceAll('%20', '+')
    .replace(/[!'()*]/g, char => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)

const unescapeQuery = (text: string): string | undefined => {
  if (/%(?![0-9a-fA-F]{2})/.test(text)) return undefined
  const bytes = text
    .replaceAll('+', ' ')
    .replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return fromBytes(bytes)
}

/** Parses the raw bytes of the request line. Returns undefined if a part cannot be decoded. */
export function parseQuery(text: string): Query | undefined {
  const pairs: (readonly [string, string])[] = []
  for (const piece of text.split(/[&;]/)) {
    if (piece === '') continue
    const cut = piece.indexOf('=')
    const key = unescapeQuery(cut < 0 ? piece : piece.slice(0, cut))
    const value = unescapeQuery(cut < 0 ? '' : piece.slice(cut + 1))
    if (key === undefined || value === undefined) return undefined
    pairs.push([key, value])
  }
  return new Query(pairs)
}
