import {mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {Readable} from 'node:stream'
import {afterAll, describe, expect, it} from 'vitest'
import {InputTooLarge, readInput, readInputSync, readStream, whyUnreadable} from '../../../src/core/input.js'

const folder = mkdtempSync(join(tmpdir(), 'baton-input-'))
afterAll(() => rmSync(folder, {recursive: true}))

const fileOf = (bytes: number): string => {
  const path = join(folder, `${bytes}`)
  writeFileSync(path, Buffer.alloc(bytes, 'x'))
  return path
}

describe.each([
  ['readInput', readInput],
  ['readInputSync', async (path: string, limit?: number) => readInputSync(path, limit)],
] as const)('%s', (_, read) => {
  it.each([0, 1, 65_536, 65_537, 200_000])(
    'reads a file of %d bytes completely if the limit is the same number of bytes',
    async bytes => {
      expect((await read(fileOf(bytes), bytes)).equals(Buffer.alloc(bytes, 'x'))).toBe(true)
    },
  )

  it('rejects if a file has one byte more than the limit', async () => {
    await expect(read(fileOf(70_000), 69_999)).rejects.toThrow(InputTooLarge)
  })

  it.each(['/dev/zero', '/dev/urandom'])('rejects for a device that never ends: %s', async device => {
    await expect(read(device)).rejects.toThrow('it has more than 16 MB')
  })

  it('returns nothing from /dev/null', async () => {
    expect(await read('/dev/null')).toHaveLength(0)
  })

  it("rejects with the system's error for a folder and for a file that does not exist", async () => {
    const why = async (path: string): Promise<string> => read(path).then(() => 'read', whyUnreadable)
    expect(await why(folder)).toBe('EISDIR')
    expect(await why(join(folder, 'none'))).toBe('ENOENT')
  })
})

describe('readStream', () => {
  it('closes a stream that exceeds the limit', async () => {
    const stream = Readable.from(
      (function* () {
        for (;;) yield Buffer.alloc(1000)
      })(),
    )
    await expect(readStream(stream, 5000)).rejects.toThrow(InputTooLarge)
    expect(stream.destroyed).toBe(true)
  })

  it('joins text and bytes from a stream', async () => {
    expect((await readStream(Readable.from(['ä', Buffer.from('b')]), 10)).toString()).toBe('äb')
  })
})
