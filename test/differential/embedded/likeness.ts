import {Bindings} from '../../integration/embedded/replay/bindings.js'
import {differences, foldedUuid, parseExact} from '../../integration/embedded/replay/match.js'
import type {Answer} from './side.js'

const compared = [
  'age',
  'allow',
  'content-security-policy',
  'content-type',
  'location',
  'vary',
  'x-cache',
  'x-consul-contenthash',
  'x-consul-effective-consistency',
  'x-consul-knownleader',
  'x-consul-lastcontact',
  'x-content-type-options',
]
/** The name that replaces the names of both agents' own nodes before answers are compared. */
export const ownNode = 'NODE'
const indexField = /^(CreateIndex|ModifyIndex|LTime)$/
const uuid = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g
const named = /((?:modify index|!=) )(\d+)/g

/**
 * Pairs the indexes and UUIDs of the two agents. Indexes must be in the same order, and each UUID must have exactly one
 * counterpart.
 */
export class Likeness {
  readonly #indexes = new Map<bigint, bigint>()
  readonly #back = new Map<bigint, bigint>()
  readonly #uuids = new Map<string, string>()

  /** Returns every difference between two answers, as text. */
  compare(real: Answer, embedded: Answer): string[] {
    const lines: string[] = []
    if (real.status !== embedded.status) lines.push(`status: ${real.status} and ${embedded.status}`)
    for (const name of compared) {
      const [a, b] = [this.#translate(real.headers[name] ?? ''), embedded.headers[name] ?? '']
      if (a !== b) lines.push(`${name}: '${a}' and '${b}'`)
    }
    lines.push(...this.#compareIndexHeader(real, embedded))
    if (real.headers['content-type'] !== 'application/json' || lines.length > 0) {
      const text = this.#translate(real.text)
      const same = text === embedded.text || isLooseText(text, embedded.text)
      return same ? lines : [...lines, `text: ${real.text.slice(0, 500)} and ${embedded.text.slice(0, 500)}`]
    }
    return [...lines, ...this.#compareValues(parseExact(real.text), parseExact(embedded.text), 'body')]
  }

  #compareIndexHeader(real: Answer, embedded: Answer): string[] {
    const [a, b] = [real.headers['x-consul-index'], embedded.headers['x-consul-index']]
    if (a === undefined || b === undefined) return a === b ? [] : [`x-consul-index: ${a} and ${b}`]
    if (real.text.includes('"LTime"')) return this.#compareEventIndex(a, b, real, embedded)
    return this.#pair(BigInt(a), BigInt(b))
      ? []
      : [`x-consul-index: ${a} and ${b}, paired with ${this.#partners(a, b)}`]
  }

  #compareEventIndex(a: string, b: string, real: Answer, embedded: Answer): string[] {
    const last = (answer: Answer): string => String(foldedUuid(answer.text.match(uuid)!.at(-1)!))
    return a === last(real) && b === last(embedded) ? [] : [`event index: ${a} and ${b}`]
  }

  #partners = (a: string, b: string): string =>
    `${this.#indexes.get(BigInt(a)) ?? '-'}, ${this.#back.get(BigInt(b)) ?? '-'}`

  /**
   * The indexes 0 (nothing was written) and 1 (initial) exist before this run, so both agents must report the same one.
   */
  #pair(a: bigint, b: bigint): boolean {
    if (a <= 1n || b <= 1n) return a === b
    const known = this.#indexes.get(a)
    if (known !== undefined || this.#back.has(b)) return known === b
    for (const [otherA, otherB] of this.#indexes) if (otherA < a !== otherB < b) return false
    this.#indexes.set(a, b)
    this.#back.set(b, a)
    return true
  }

  #compareValues(real: unknown, embedded: unknown, where: string): string[] {
    if (Array.isArray(real) && Array.isArray(embedded)) {
      if (real.length !== embedded.length) return [`${where}: ${show(real)} and ${show(embedded)}`]
      const [a, b] = where.endsWith('.Errors') ? [real, embedded] : this.#alike(real, embedded, where)
      return a.flatMap((item, at) => this.#compareValues(item, b[at], `${where}[${at}]`))
    }
    if (isObject(real) && isObject(embedded)) {
      if ('AggregatedStatus' in real && where === 'body') {
        return this.#compareValues([real], [embedded], where)
      }
      const names = new Set([...Object.keys(real), ...Object.keys(embedded)])
      return [...names].flatMap(name => this.#compareField(name, real, embedded, where))
    }
    if (typeof real === 'string' && typeof embedded === 'string') {
      this.#learn(real, embedded)
      return this.#translate(real) === embedded ? [] : [`${where}: ${show(real)} and ${show(embedded)}`]
    }
    return differences(real, embedded, new Bindings(new Map()), where)
  }

  /**
   * Sorts lists whose order is random before it compares them. Lists of sessions are sorted by random IDs, so sessions
   * are paired by their order of creation. The agent lists its services in random order, as does the list of all
   * services with the tags of each service.
   */
  #alike(
    real: readonly unknown[],
    embedded: readonly unknown[],
    where: string,
  ): readonly [readonly unknown[], readonly unknown[]] {
    const order = (list: readonly unknown[]): readonly unknown[] => {
      if (tagsOfService.test(where) && list.every(item => typeof item === 'string')) return list.toSorted()
      if (!list.every(isObject)) return list
      if (list.every(item => typeof item['ID'] === 'string' && 'NodeChecks' in item)) {
        return list.toSorted((a, b) => Number(a['CreateIndex']) - Number(b['CreateIndex']))
      }
      return list.every(item => 'AggregatedStatus' in item) ? list.map(inOrder).toSorted(byText) : list
    }
    return [order(real), order(embedded)]
  }

  #compareField(name: string, real: Row, embedded: Row, where: string): string[] {
    const [a, b] = [real[name], embedded[name]]
    const path = `${where}.${name}`
    if (name === 'LTime') return []
    if (!(name in real) || !(name in embedded)) return [`${path}: ${show(a)} and ${show(b)}`]
    // The indexes at which the agents registered their own nodes differ, so they are not compared.
    if (indexField.test(name) && real['Node'] === ownNode) return []
    if (!indexField.test(name)) return this.#compareValues(a, b, path)
    return this.#pair(BigInt(a as number), BigInt(b as number)) ? [] : [`${path}: ${String(a)} and ${String(b)}`]
  }

  /** Pairs the UUIDs and indexes at the same positions of two texts. */
  #learn(real: string, embedded: string): void {
    const [ours, theirs] = [embedded.match(uuid) ?? [], real.match(uuid) ?? []]
    for (const [at, id] of theirs.entries()) {
      const other = ours[at]
      if (other !== undefined && !this.#uuids.has(id)) this.#uuids.set(id, other)
    }
    const digits = (text: string): bigint[] => [...text.matchAll(named)].map(([, , index]) => BigInt(index!))
    for (const [at, index] of digits(real).entries()) this.#pair(index, digits(embedded)[at] ?? 0n)
  }

  #translate = (text: string): string =>
    text
      .replace(uuid, id => this.#uuids.get(id) ?? id)
      .replace(named, (_, words: string, digits: string) => `${words}${this.#indexes.get(BigInt(digits)) ?? digits}`)
}

/** Matches the path of a service's tags in an answer of `catalog/services`. */
const tagsOfService = /^body\.[^.[]+$/
type Row = Readonly<Record<string, unknown>>
const byText = (a: unknown, b: unknown): number => (show(a) < show(b) ? -1 : 1)
/** Returns an agent's service with its checks in order. */
const inOrder = (item: Row): Row => {
  const checks = item['Checks'] as readonly Row[] | null
  return {...item, Checks: checks?.toSorted((a, b) => (String(a['CheckID']) < String(b['CheckID']) ? -1 : 1)) ?? null}
}
const isObject = (value: unknown): value is Row => typeof value === 'object' && value !== null && !Array.isArray(value)
const show = (value: unknown): string =>
  value === undefined
    ? 'nothing'
    : JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? String(item) : item)).slice(0, 300)

/** Messages that contain messages of other parsers. Only their beginnings are compared. */
const loose = [
  /^failed session lookup: index error: Invalid UUID: /,
  /^Invalid \w+ filter: error parsing regexp: /,
  /^Request decode failed: json: cannot unmarshal \w+ into Go (?:value|struct field) /,
]
const isLooseText = (a: string, b: string): boolean =>
  loose.some(pattern => pattern.test(a) && pattern.exec(a)?.[0] === pattern.exec(b)?.[0])
