import {brief} from '../core/brief.js'
import {UsageError} from '../core/errors.js'

/** Maximum number of names in one text, so that a typing error cannot exhaust the memory. */
const maxNames = 100_000

/**
 * Returns the names in a text, in which names are separated by commas or white space and may contain ranges in
 * brackets. `web[1-3,7]` is `web1 web2 web3 web7`, `r[01-02]c[1-2]` has leading zeros and two ranges. Each name is
 * returned once, in the order of the text. Throws a UsageError if the text cannot be read.
 */
export function expandNodes(text: string): readonly string[] {
  if (!/^(?:[^[\]]|\[[^[\]]*\])*$/.test(text)) throw unreadable(text, 'a bracket has no partner')
  const names = new Set<string>()
  for (const item of splitItems(text)) {
    for (const name of expandItem(item)) {
      names.add(name)
      if (names.size > maxNames) throw unreadable(item, `more than ${maxNames} names`)
    }
  }
  return [...names]
}

const unreadable = (item: string, why: string): UsageError =>
  new UsageError(`nodes '${brief(item)}': ${why}`, {hint: 'write names and ranges like web[1-9],db-1'})

/** Divides a text at commas and white space outside brackets. */
const splitItems = (text: string): readonly string[] => text.match(/(?:\[[^\]]*\]|[^\s,[])+/g) ?? []

function expandItem(item: string): readonly string[] {
  let heads = ['']
  for (const part of item.match(/\[[^\]]*\]|[^[]+/g) ?? []) {
    const tails = part.startsWith('[') ? expandRanges(part.slice(1, -1), item) : [part]
    if (heads.length * tails.length > maxNames) throw unreadable(item, `more than ${maxNames} names`)
    heads = heads.flatMap(head => tails.map(tail => head + tail))
  }
  return heads
}

function expandRanges(list: string, item: string): readonly string[] {
  return list.split(',').flatMap(range => {
    const [, from = '', to = from] = /^(\d{1,15})(?:-(\d{1,15}))?$/.exec(range.trim()) ?? []
    if (from === '') throw unreadable(item, `'${brief(range)}' is not a number or a range`)
    const count = Number(to) - Number(from) + 1
    if (count < 1) throw unreadable(item, `the range ${range} ends before it begins`)
    if (count > maxNames) throw unreadable(item, `more than ${maxNames} names`)
    const width = from.startsWith('0') ? from.length : 0
    return Array.from({length: count}, (_, at) => String(Number(from) + at).padStart(width, '0'))
  })
}

const hostNumber = /^([^.]*?)(\d{1,15})([^.\d]*(?:\..*)?)$/

/**
 * Returns a short text for names, which {@link expandNodes} can read: `db,web[1-3]` for `web1 web2 web3 db`. Names that
 * differ only in the last number before the first dot share a range.
 */
export function foldNodes(names: Iterable<string>): string {
  const groups = new Map<string, string[]>()
  for (const name of new Set(names)) {
    const [, head = '', digits, tail = ''] = hostNumber.exec(name) ?? []
    const key = digits === undefined ? name : `${head}\0${tail}\0${digits.startsWith('0') ? digits.length : ''}`
    const group = groups.get(key) ?? []
    groups.set(key, group)
    if (digits !== undefined) group.push(digits)
  }
  return [...groups]
    .map(([key, digits]) => foldGroup(key, digits))
    .toSorted()
    .join(',')
}

function foldGroup(key: string, digits: readonly string[]): string {
  const [head = '', tail = ''] = key.split('\0')
  if (digits.length === 0) return key
  if (digits.length === 1) return `${head}${digits[0] ?? ''}${tail}`
  const sorted = digits.toSorted((a, b) => Number(a) - Number(b))
  const runs: string[][] = []
  for (const one of sorted) {
    const run = runs.at(-1)
    if (run && Number(run.at(-1)) + 1 === Number(one)) run.push(one)
    else runs.push([one])
  }
  const ranges = runs.map(run => (run.length === 1 ? run[0] : `${run[0] ?? ''}-${run.at(-1) ?? ''}`))
  return `${head}[${ranges.join(',')}]${tail}`
}
