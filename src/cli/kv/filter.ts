import type {Readable} from 'node:stream'
import {defaultGraceMs} from '../../core/consul-constants.js'
import {valueInputBytes} from '../../core/input.js'
import type {Clock} from '../../core/types.js'
import {startChild} from '../../process/child.js'

export interface FilterSpec {
  readonly argv: readonly [string, ...string[]]
  readonly env: Readonly<Record<string, string>>
  readonly input: Uint8Array
  readonly stderr: NodeJS.WritableStream
  readonly clock: Clock
  readonly signal: AbortSignal
}

export interface Filtered {
  readonly exitCode: number
  /** The complete content of stdout. */
  readonly output: Buffer
  /** True if the program was stopped because it printed more than {@link valueInputBytes}. */
  readonly isEndless: boolean
}

/**
 * Runs a command with `input` on its stdin. If the signal aborts, stops the command with all its descendants, then
 * rejects with the signal's reason.
 */
export async function runFilter(spec: FilterSpec): Promise<Filtered> {
  const {argv, env, clock, input, stderr, signal} = spec
  signal.throwIfAborted()
  const child = await startChild({argv, env, clock, stdin: 'pipe', output: 'pipe', shape: 'group'})
  let stopping: Promise<void> | undefined
  const onStop = (): void => {
    stopping ??= child.stop({graceMs: defaultGraceMs})
  }
  signal.addEventListener('abort', onStop, {once: true})
  try {
    // A command may end before it has read its input.
    child.stdin?.on('error', () => undefined)
    child.stdin?.end(input)
    child.stderr?.on('data', (chunk: Buffer) => stderr.write(chunk))
    const output = await readUpTo(valueInputBytes, child.stdout)
    if (!output) onStop()
    const {code} = await child.exited
    await stopping
    signal.throwIfAborted()
    return {exitCode: code, output: output ?? Buffer.alloc(0), isEndless: !output}
  } finally {
    signal.removeEventListener('abort', onStop)
  }
}

/** Returns the content of a stream. If it has more than `most` bytes, closes the stream and returns undefined. */
async function readUpTo(most: number, stream: Readable | undefined): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of (stream ?? []) as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > most) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
