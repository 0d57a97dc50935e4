import {formatMapping} from '../../replicate/mapping.js'
import {printable} from '../../replicate/plan/held.js'
import type {ShadowDifference, ShadowReport} from '../../replicate/types.js'

const shownCount = 10

const texts: Readonly<Record<ShadowDifference['kind'], string>> = {
  deleted: 'deleted, and baton would have kept',
  'not-deleted': 'not deleted, and baton would have deleted',
  written: 'written, and baton would not have written like this',
  'not-written': 'not written, and baton would have written',
}

/** Yields the lines of `--shadow`: one for each kind of difference, with up to ten keys. `--ndjson` lists all keys. */
export function* shadowLines({mapping, index, isBehind, differences}: ShadowReport): Generator<string> {
  const where = formatMapping(mapping)
  if (isBehind) yield `${where}: the status key has not reached index ${index}: some of these may only be late`
  for (const kind of Object.keys(texts) as ShadowDifference['kind'][]) {
    const some = differences.filter(difference => difference.kind === kind)
    const [first] = some
    if (!first) continue
    const names = some.slice(0, shownCount).map(({key}) => printable(key))
    const more = some.length > shownCount ? ', …' : ''
    yield `${where}: ${some.length} ${texts[kind]}: ${names.join(', ')}${more}`
    if (first.why !== undefined) yield `  because ${first.why}`
  }
}

/** Returns the fields of a line with --ndjson. */
export const shadowFields = (report: ShadowReport, wallMs: number): Readonly<Record<string, unknown>> => ({
  type: 'shadow',
  time: new Date(wallMs).toISOString(),
  ...report,
})
