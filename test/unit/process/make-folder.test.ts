import {mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, describe, expect, it} from 'vitest'
import {makeFolder} from '../../../src/process/make-folder.js'

const folder = mkdtempSync(join(tmpdir(), 'baton-make-folder-'))
afterAll(() => rmSync(folder, {recursive: true}))

describe('makeFolder', () => {
  it('creates all missing folders with the given mode', () => {
    const path = join(folder, 'a', 'b', 'c')
    makeFolder(path, 0o700)
    for (const one of [path, join(folder, 'a')]) expect(statSync(one).mode & 0o777).toBe(0o700)
  })

  it('does not change a folder that already exists', () => {
    const path = join(folder, 'open')
    mkdirSync(path, {mode: 0o755})
    makeFolder(path, 0o700)
    expect(statSync(path).mode & 0o777).toBe(0o755)
  })

  it('fails if a file has the name of the folder, or of a folder above it', () => {
    writeFileSync(join(folder, 'file'), '')
    expect(() => makeFolder(join(folder, 'file'), 0o700)).toThrow(/EEXIST/)
    expect(() => makeFolder(join(folder, 'file', 'below', 'it'), 0o700)).toThrow(/ENOTDIR/)
  })

  it.runIf(process.platform === 'linux')('fails below /proc, where no folder can be created', () => {
    expect(() => makeFolder('/proc/none/below', 0o700)).toThrow(/ENOENT/)
  })
})
