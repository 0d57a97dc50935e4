import {mkdtempSync, rmSync} from 'node:fs'
import {createServer} from 'node:net'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, describe, expect, it} from 'vitest'
import {prepareFile} from '../../../src/template/write.js'

const directory = mkdtempSync(join(tmpdir(), 'baton-write-'))
afterAll(() => rmSync(directory, {recursive: true}))

describe('a destination that is not a regular file', () => {
  it('is refused if it is a directory', async () => {
    await expect(prepareFile(directory, Buffer.from('a'))).rejects.toThrow(
      `${directory}: cannot be written: it is a directory`,
    )
  })

  it('is refused if it is a device or a socket', async () => {
    const path = join(directory, 's')
    await using server = createServer()
    await new Promise<void>(resolve => server.listen(path, resolve))
    await expect(prepareFile(path, Buffer.from('a'))).rejects.toThrow('it is not a regular file')
  })
})
