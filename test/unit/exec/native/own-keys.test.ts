import {chmodSync, mkdtempSync, rmSync, unlinkSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, expect, it} from 'vitest'
import {messageOf} from '../../../../src/core/errors.js'
import {initKey} from '../../../../src/exec/native/key-files.js'
import {inspectOwnKeys} from '../../../../src/exec/native/own-keys.js'

const directory = mkdtempSync(join(tmpdir(), 'baton-own-keys-'))
afterAll(() => rmSync(directory, {recursive: true}))

it('inspectOwnKeys names each signing key that cannot sign, with the reason', async () => {
  expect(await inspectOwnKeys(join(directory, 'none'))).toEqual([])
  const made = await Promise.all(['good', 'open', 'junk', 'lost'].map(name => initKey(directory, name, 0)))
  const pathOf = (name: string): string => made.find(one => one.name === name)!.privatePath
  chmodSync(pathOf('open'), 0o644)
  writeFileSync(pathOf('junk'), 'junk')
  unlinkSync(pathOf('lost'))
  const found = await inspectOwnKeys(directory)
  expect(found.map(({name, kid, problem}) => [name, kid, problem === undefined ? '' : messageOf(problem)])).toEqual([
    ['good', made[0]!.kid, ''],
    ['junk', undefined, expect.stringContaining(pathOf('junk'))],
    ['lost', undefined, expect.stringContaining('ENOENT')],
    ['open', undefined, `key ${pathOf('open')}: may be read by group or others`],
  ])
})
