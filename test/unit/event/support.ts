import {mkdtempSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll} from 'vitest'
import type {UserEvent} from '../../../src/core/types.js'

export const userEvent = (id: string, lTime: number, over: Partial<UserEvent> = {}): UserEvent => ({
  id,
  name: 'deploy',
  payload: undefined,
  nodeFilter: '',
  serviceFilter: '',
  tagFilter: '',
  version: 1,
  lTime: BigInt(lTime),
  ...over,
})

/** Creates a directory for the tests of one file, which is removed after the tests. */
export function temporaryDirectory(): (name: string) => string {
  const directory = mkdtempSync(join(tmpdir(), 'baton-event-'))
  afterAll(() => rmSync(directory, {recursive: true, force: true}))
  return name => join(directory, name)
}
