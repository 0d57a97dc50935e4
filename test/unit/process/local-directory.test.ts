import {chmodSync, chownSync, lstatSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import {localDirectory, ownDirectory} from '../../../src/process/local-directory.js'

const uid = process.geteuid?.() ?? 0
const stranger = 1234

describe('the directory of the local line', () => {
  let parent = ''
  let path = ''
  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), 'baton-test-'))
    path = join(parent, 'own')
  })
  afterEach(() => rmSync(parent, {recursive: true}))

  it('is created for this user alone, and used again', () => {
    expect(ownDirectory(path, parent, uid)).toBe(path)
    expect(lstatSync(path).mode & 0o777).toBe(0o700)
    expect(ownDirectory(path, parent, uid)).toBe(path)
  })

  it('is created among the directories of others where each can remove only its own', () => {
    chmodSync(parent, 0o1777)
    expect(ownDirectory(path, parent, uid)).toBe(path)
  })

  it.each([
    [
      'a link to a directory of its own',
      () => {
        mkdirSync(join(parent, 'target'), {mode: 0o700})
        symlinkSync(join(parent, 'target'), path)
      },
    ],
    ['a link to nowhere', () => symlinkSync(join(parent, 'target'), path)],
    ['a file', () => writeFileSync(path, '', {mode: 0o700})],
    ['a directory that others may enter', () => mkdirSync(path, {mode: 0o755})],
    ['a directory in one where others may exchange it', () => chmodSync(parent, 0o777)],
  ])('is not %s', (_what, prepare) => {
    prepare()
    expect(() => ownDirectory(path, parent, uid)).toThrow(/not a directory of this user alone|others may exchange/)
  })

  it.runIf(uid === 0)("is not a stranger's, nor in a stranger's", () => {
    mkdirSync(path, {mode: 0o700})
    chownSync(path, stranger, stranger)
    expect(() => ownDirectory(path, parent, uid)).toThrow('not a directory of this user alone')
    chownSync(parent, stranger, stranger)
    expect(() => ownDirectory(path, parent, uid)).toThrow('others may exchange')
  })

  it('belongs to this user alone on this machine', () => {
    const {uid: owner, mode} = lstatSync(localDirectory())
    expect({owner, mode: mode & 0o777}).toEqual({owner: uid, mode: 0o700})
  })
})
