import {defaultGraceMs} from '../../core/consul-constants.js'
import type {Clock} from '../../core/types.js'
import {startChild} from '../../process/child.js'
import {readAll} from '../data-argument.js'

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
  /** The complete output, up to the end of stdout. */
  readonly output: Buffer
}

/** Runs a command with `input` on its stdin. Rejects with the signal's reason, and stops the command, if that aborts. */
export async function runFilter(spec: FilterSpec): Promise<Filtered> {
  const {argv, env, clock, input, stderr, signal} = spec
  signal.throwIfAborted()
  const child = await startChild({argv, env, clock, stdin: 'pipe', output: 'pipe', shape: 'group'})
  const onStop = (): void => void child.stop({graceMs: defaultGraceMs})
  signal.addEventListener('abort', onStop, {once: true})
  try {
    // A command may end without reading its input.
    child.stdin?.on('error', () => undefined)
    child.stdin?.end(input)
    child.stderr?.on('data', (chunk: Buffer) => stderr.write(chunk))
    const [{code}, output] = await Promise.all([child.exited, child.stdout ? readAll(child.stdout) : Buffer.alloc(0)])
    signal.throwIfAborted()
    return {exitCode: code, output}
  } finally {
    signal.removeEventListener('abort', onStop)
  }
}
