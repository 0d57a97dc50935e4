import {chmodSync, chownSync, lstatSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import {localDirectory, ownDirectory} from '../../../src/process/local-directory.js'

const uid = process.geteuid?.() ?? 0
const otherUser = 1234

describe('the directory for the sockets of contenders on this host', () => {
  let parent = ''
  let path = ''
  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), 'baton-test-'))
    path = join(parent, 'own')
  })
  afterEach(() => rmSync(parent, {recursive: true}))

  it('is created for this user alone, and reused later', () => {
    expect(ownDirectory(path, parent, uid)).toBe(path)
    expect(lstatSync(path).mode & 0o777).toBe(0o700)
    expect(ownDirectory(path, parent, uid)).toBe(path)
  })

  it('is accepted below a directory with the sticky bit', () => {
    chmodSync(parent, 0o1777)
    expect(ownDirectory(path, parent, uid)).toBe(path)
  })

  it.each([
    [
      'a link to a directory of this user',
      () => {
        mkdirSync(join(parent, 'target'), {mode: 0o700})
        symlinkSync(join(parent, 'target'), path)
      },
    ],
    ['a link to nowhere', () => symlinkSync(join(parent, 'target'), path)],
    ['a file', () => writeFileSync(path, '', {mode: 0o700})],
    ['a directory that others may enter', () => mkdirSync(path, {mode: 0o755})],
    ['a directory whose parent lets other users replace it', () => chmodSync(parent, 0o777)],
  ])('is refused if it is %s', (_what, prepare) => {
    prepare()
    expect(() => ownDirectory(path, parent, uid)).toThrow(/not a directory of this user alone|other users may replace/)
  })

  it.runIf(uid === 0)('is refused if it or its parent belongs to another user', () => {
    mkdirSync(path, {mode: 0o700})
    chownSync(path, otherUser, otherUser)
    expect(() => ownDirectory(path, parent, uid)).toThrow('not a directory of this user alone')
    chownSync(parent, otherUser, otherUser)
    expect(() => ownDirectory(path, parent, uid)).toThrow('other users may replace')
  })

  it('has mode 0700 and belongs to this user', () => {
    const {uid: owner, mode} = lstatSync(localDirectory())
    expect({owner, mode: mode & 0o777}).toEqual({owner: uid, mode: 0o700})
  })
})
