import {mkdtempSync, readFileSync, rmSync, statSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import {compareKeys} from '../../../src/exec/initiator/known-responders.js'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'known-'))
})
afterEach(() => rmSync(folder, {recursive: true}))

const responder = (name: string, answerKey: string | undefined) => ({name, consulNode: name, protocol: 2, answerKey})

describe('the public keys of known responders', () => {
  const file = (): string => join(folder, 'new', 'known')
  const compare = async (keys: Readonly<Record<string, string | undefined>>, isListOnly = false): Promise<object> => {
    const all = Object.entries(keys).map(([name, key]) => responder(name, key))
    const refusals = await compareKeys(all, {path: file(), datacenter: 'dc1', isListOnly})
    return Object.fromEntries(refusals.map(({node, code}) => [node, code]))
  }

  it('are recorded at the first run, and compared with the keys of every later run', async () => {
    expect(await compare({a: 'key-a', b: 'key-b', old: undefined})).toEqual({})
    expect(readFileSync(file(), 'utf8')).toBe('dc1/a key-a\ndc1/b key-b\n')
    expect(statSync(file()).mode & 0o777).toBe(0o600)
    const changed = 'responder-key-changed'
    expect(await compare({a: 'key-x', b: undefined, c: 'key-c'})).toEqual({a: changed, b: changed})
    expect(await compare({a: 'key-a', c: 'key-c'})).toEqual({})
  })

  it('must already be in the file if only listed responders may answer, and are not added to it', async () => {
    await compare({a: 'key-a'})
    writeFileSync(file(), '# by hand\n dc1/a   key-a # ours\ndc1/a key-x\ndc2/b key-b\n')
    const before = readFileSync(file(), 'utf8')
    expect(await compare({a: 'key-a', b: 'key-b'}, true)).toEqual({b: 'responder-key-unknown'})
    expect(readFileSync(file(), 'utf8')).toBe(before)
  })

  it('cannot be read if their file is a directory', async () => {
    const path = folder
    const options = {path, datacenter: 'dc1', isListOnly: false}
    await expect(compareKeys([responder('a', 'x')], options)).rejects.toMatchObject({code: 'BATON_CONFIG'})
  })
})
