import type {ViewEntry} from '../../../../src/core/query/types.js'
import type {FakeClock} from '../../../kit/fake-clock.js'
import {ScriptedQuery} from './scripted-query.js'

export interface Thing {
  readonly name: string
  readonly text: string
  readonly at: bigint
}

/** Parses things from words: `a=1@7` is the thing `a` with the text `1` and ModifyIndex 7. */
export function things(...words: string[]): readonly Thing[] {
  return words.map(word => {
    const [, name = '', text = '', at = '0'] = /^(\w+)=(\w*)@(\d+)$/.exec(word) ?? []
    return {name, text, at: BigInt(at)}
  })
}

const toEntry = (thing: Thing): ViewEntry<Thing> => ({
  key: thing.name,
  version: thing.at,
  item: thing,
  modifyIndex: thing.at,
})

export const listQuery = (
  clock: FakeClock,
  options: {readonly id?: string; readonly guardEmpty?: boolean; readonly appendOnly?: boolean} = {},
): ScriptedQuery<readonly Thing[], Thing> =>
  new ScriptedQuery<readonly Thing[], Thing>(clock, {
    guardEmpty: true,
    entries: list => list.map(toEntry),
    ...options,
  })
