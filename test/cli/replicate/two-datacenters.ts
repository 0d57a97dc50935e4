import {mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, beforeAll} from 'vitest'
import {type EmbeddedAgent, startEmbeddedAgent} from '../../../src/embedded/index.js'
import {raw} from '../../kit/raw-consul.js'
import {type InProcessOptions, runInProcess, startInProcess} from '../../kit/run-in-process.js'

/** Starts dc1 and dc2 for the tests of a file. Commands run in dc2. */
export function twoDatacenters() {
  let agent: EmbeddedAgent
  let folder = ''
  beforeAll(async () => {
    agent = await startEmbeddedAgent({datacenters: ['dc1', 'dc2']})
    folder = mkdtempSync(join(tmpdir(), 'baton-replicate-'))
  })
  afterAll(async () => {
    rmSync(folder, {recursive: true})
    await agent[Symbol.asyncDispose]()
  })

  const addressOf = (dc: string): string => agent.addresses.get(dc)!
  const at = (dc: string) => raw(addressOf(dc))
  const options = (more: InProcessOptions = {}): InProcessOptions => ({
    agent: {address: addressOf('dc2')},
    // Keeps the files that `replicate undo` reads out of the user's own directory.
    env: {XDG_STATE_HOME: folder},
    ...more,
  })
  return {
    addressOf,
    at,
    options,
    faults: () => agent.faults,
    pathOf: (name: string): string => join(folder, name),
    replicate: (...args: string[]) => runInProcess(['replicate', ...args], options()),
    start: (...args: string[]) => startInProcess(['replicate', ...args], options()),
    /** Writes a file, and returns its path. */
    file: (name: string, text: string): string => {
      writeFileSync(join(folder, name), text)
      return join(folder, name)
    },
    put: async (dc: string, keys: Readonly<Record<string, string>>): Promise<void> => {
      for (const [key, value] of Object.entries(keys)) await at(dc).kvPut(key, value)
    },
  }
}
