/** The values of a transcript's placeholders, as far as answers have supplied them. */
export class Bindings {
  readonly indexes: Map<string, bigint>
  readonly uuids: Map<string, string>
  readonly #words: ReadonlyMap<string, string>

  constructor(
    words: ReadonlyMap<string, string>,
    indexes = new Map<string, bigint>(),
    uuids = new Map<string, string>(),
  ) {
    this.#words = words
    this.indexes = indexes
    this.uuids = uuids
  }

  copy = (): Bindings => new Bindings(this.#words, new Map(this.indexes), new Map(this.uuids))

  /** Takes over the bindings of a copy after a successful attempt. */
  adopt(other: Bindings): void {
    for (const [name, index] of other.indexes) this.indexes.set(name, index)
    for (const [name, uuid] of other.uuids) this.uuids.set(name, uuid)
  }

  /**
   * Replaces every `${name}`. Throws for an unknown name, which means that the transcript is wrong.
   */
  text = (template: string): string =>
    template.replace(/\$\{(\w+)\}/g, (_, name: string) => {
      const value = this.#words.get(name) ?? this.uuids.get(name) ?? this.indexes.get(name)?.toString()
      if (value === undefined) throw new Error(`nothing is bound to '${name}'`)
      return value
    })

  /** Replaces the placeholders in all strings of a value, including field names. */
  deep(value: unknown): unknown {
    if (typeof value === 'string') return this.text(value)
    if (Array.isArray(value)) return value.map(item => this.deep(item))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [this.text(name), this.deep(item)]))
  }
}
