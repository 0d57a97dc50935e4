import {closeSync, openSync, readSync} from 'node:fs'
import {open} from 'node:fs/promises'
import {messageOf} from './errors.js'

/** Default maximum size of an input file in bytes. Settings, keys, certificates, scripts and templates are smaller. */
export const inputLimitBytes = 16 * 1024 * 1024

/** Maximum size of a value for Consul in bytes. Consul itself refuses more than 512 kB by default. */
export const valueInputBytes = 64 * 1024 * 1024

/**
 * Maximum size of the text of a `kv export` in bytes. A longer text does not fit into a JavaScript string.
 */
export const exchangeInputBytes = 500 * 1024 * 1024

/** Thrown if an input is larger than its limit. */
export class InputTooLarge extends Error {}

/** Size of one read in bytes. */
const chunkBytes = 64 * 1024

/**
 * Reads a file that a user named: a regular file, or a pipe or device to its end. Rejects with the system's
 * error if reading fails, and with an InputTooLarge if the input has more than `limitBytes` (a device such as
 * /dev/zero never ends).
 */
export async function readInput(path: string, limitBytes = inputLimitBytes): Promise<Buffer> {
  const file = await open(path)
  return readStream(file.createReadStream({highWaterMark: chunkBytes}), limitBytes)
}

/**
 * Reads a stream to its end. If the stream has more than `limitBytes`, closes it and rejects with an
 * InputTooLarge.
 */
export async function readStream(stream: AsyncIterable<Uint8Array | string>, limitBytes: number): Promise<Buffer> {
  const collected = new Collected(limitBytes)
  for await (const chunk of stream) collected.add(Buffer.from(chunk))
  return collected.bytes
}

/**
 * The same as {@link readInput}, for callers that cannot wait. Blocks the process until a pipe delivers its
 * data.
 */
export function readInputSync(path: string, limitBytes = inputLimitBytes): Buffer {
  const file = openSync(path, 'r')
  try {
    const collected = new Collected(limitBytes)
    const chunk = Buffer.allocUnsafe(chunkBytes)
    for (let count = readSync(file, chunk); count > 0; count = readSync(file, chunk)) {
      collected.add(Buffer.from(chunk.subarray(0, count)))
    }
    return collected.bytes
  } finally {
    closeSync(file)
  }
}

/**
 * Returns the reason why a file cannot be read or written. The reason omits the path, because the caller's
 * message names it.
 */
export const whyUnreadable = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : messageOf(error)

class Collected {
  readonly #limitBytes: number
  readonly #chunks: Buffer[] = []
  #count = 0

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes
  }

  add(chunk: Buffer): void {
    this.#count += chunk.length
    if (this.#count > this.#limitBytes) {
      throw new InputTooLarge(`it has more than ${Math.floor(this.#limitBytes / 1024 / 1024)} MB`)
    }
    this.#chunks.push(chunk)
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#chunks)
  }
}
