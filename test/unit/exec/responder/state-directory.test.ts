import {chmod, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import {openReplayStore} from '../../../../src/exec/native/replay-store.js'
import {openStateDirectory} from '../../../../src/exec/responder/state-directory.js'

let root: string
let path: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'state-'))
  path = join(root, 'n1')
})
afterEach(() => rm(root, {recursive: true}))

describe('the state directory of a responder', () => {
  it('is created with mode 0700', async () => {
    await openStateDirectory(path)
    expect((await stat(path)).mode & 0o777).toBe(0o700)
  })

  it.each([
    ['is writable by others', async () => chmod(path, 0o777), /writable by group or others/],
    ['lies in a directory that is writable by others', async () => chmod(root, 0o777), /writable by group or others/],
    [
      'contains a record that is a link',
      async () => symlink('/etc/passwd', join(path, 'replay.jsonl')),
      /symbolic link/,
    ],
  ])('is refused if it %s', async (_, spoil, message) => {
    await mkdir(path, {mode: 0o700})
    await spoil()
    await expect(openStateDirectory(path)).rejects.toMatchObject({
      code: 'BATON_CONFIG',
      message: expect.stringMatching(message) as string,
    })
  })

  it('is refused if it is a symbolic link', async () => {
    await mkdir(join(root, 'elsewhere'))
    await symlink(join(root, 'elsewhere'), path)
    await expect(openStateDirectory(path)).rejects.toThrow(/symbolic link/)
  })

  it('is not written through a symbolic link that has the name of a temporary file', async () => {
    await openStateDirectory(path)
    const victim = join(root, 'victim')
    await writeFile(victim, 'precious')
    await symlink(victim, join(path, 'replay.jsonl.new'))
    await using _store = await openReplayStore(path, 0)
    expect(await readFile(victim, 'utf8')).toBe('precious')
  })
})
