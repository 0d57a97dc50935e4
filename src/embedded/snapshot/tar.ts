/** The part of the tar format that snapshots need: plain files with short names. */

const block = 512

export interface TarFile {
  readonly name: string
  readonly data: Buffer
}

const octal = (value: number, width: number): string => `${value.toString(8).padStart(width - 1, '0')}\0`

function header({name, data}: TarFile): Buffer {
  const fields = Buffer.alloc(block)
  fields.write(name, 0)
  fields.write(octal(0o600, 8), 100)
  fields.write(octal(0, 8), 108)
  fields.write(octal(0, 8), 116)
  fields.write(octal(data.length, 12), 124)
  fields.write(octal(0, 12), 136)
  fields.write(' '.repeat(8), 148)
  fields.write('0', 156)
  fields.write('ustar\x0000', 257)
  const sum = fields.reduce((total, byte) => total + byte, 0)
  fields.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return fields
}

const padding = (length: number): Buffer => Buffer.alloc((block - (length % block)) % block)

export const writeTar = (files: readonly TarFile[]): Buffer =>
  Buffer.concat([
    ...files.flatMap(file => [header(file), file.data, padding(file.data.length)]),
    Buffer.alloc(2 * block),
  ])

/** Throws if the archive is truncated or malformed. */
export function readTar(archive: Buffer): ReadonlyMap<string, Buffer> {
  const files = new Map<string, Buffer>()
  for (let at = 0; at + block <= archive.length; ) {
    const head = archive.subarray(at, at + block)
    if (head.every(byte => byte === 0)) return files
    const name = head.toString('latin1', 0, 100).replace(/\0.*$/s, '')
    const size = Number.parseInt(head.toString('latin1', 124, 136).replace(/[\0 ].*$/s, ''), 8)
    const end = at + block + size
    if (!Number.isInteger(size) || end > archive.length) throw new Error('unexpected EOF')
    files.set(name, archive.subarray(at + block, end))
    at = end + ((block - (size % block)) % block)
  }
  throw new Error('unexpected EOF')
}
