import {formatMapping} from '../../replicate/mapping.js'
import {printable} from '../../replicate/plan/held.js'
import type {ShadowDifference, ShadowReport} from '../../replicate/types.js'

const texts: Readonly<Record<ShadowDifference['kind'], string>> = {
  deleted: 'was deleted; baton would have kept it',
  'not-deleted': 'was not deleted; baton would have deleted it',
  written: 'was written; baton would not have written this',
  'not-written': 'was not written; baton would have written it',
}

/** Yields the lines of `--shadow`, one for each difference. */
export function* shadowLines({mapping, index, isBehind, differences}: ShadowReport): Generator<string> {
  const where = formatMapping(mapping)
  if (isBehind) yield `${where}: the status key has not reached index ${index}: some of these may only be late`
  for (const {key, kind, why} of differences) {
    yield `${where}: ${printable(key)} ${texts[kind]}${why === undefined ? '' : `: ${why}`}`
  }
}

/** Returns the fields of a line with --ndjson. */
export const shadowFields = (report: ShadowReport, wallMs: number): Readonly<Record<string, unknown>> => ({
  type: 'shadow',
  time: new Date(wallMs).toISOString(),
  ...report,
})
