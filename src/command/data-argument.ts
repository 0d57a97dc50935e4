import {readFile} from 'node:fs/promises'
import {UsageError} from '../core/errors.js'

/** Everything a stream has to say. */
export async function readAll(stream: AsyncIterable<Uint8Array | string>): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks)
}

/**
 * The bytes a DATA argument stands for, by the convention of Consul's command line: `@FILE` is a file, `-` is stdin,
 * anything else is itself.
 */
export async function readDataArgument(text: string, stdin: AsyncIterable<Uint8Array | string>): Promise<Buffer> {
  if (text === '-') return readAll(stdin)
  if (!text.startsWith('@')) return Buffer.from(text)
  const path = text.slice(1)
  try {
    return await readFile(path)
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'no such file or directory' : String(error)
    throw new UsageError(`Failed to read file: open ${path}: ${why}`, {cause: error})
  }
}
