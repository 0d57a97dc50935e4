import type {Readable} from 'node:stream'
import {linkSignal} from '../core/cancel/link-signal.js'
import type {Clock} from '../core/types.js'
import {startChild} from './child.js'

export interface CaptureSpec {
  readonly argv: readonly [string, ...string[]]
  readonly env: Readonly<Record<string, string>>
  readonly clock: Clock
  readonly timeoutMs: number
  readonly signal: AbortSignal
  /** Maximum number of bytes of output that are returned. The rest is read and discarded. */
  readonly mostBytes: number
}

export interface Captured {
  readonly exitCode: number
  /** Output to stdout and stderr, in the order in which it arrived. */
  readonly output: string
  readonly isTimedOut: boolean
}

/**
 * Runs a short command without stdin and returns its output. At the timeout, the command's whole process
 * group is killed.
 */
export async function captureOutput(spec: CaptureSpec): Promise<Captured> {
  const {argv, env, clock, timeoutMs, mostBytes} = spec
  const child = await startChild({argv, env, clock, stdin: 'ignore', output: 'pipe', shape: 'group'})
  const chunks: Buffer[] = []
  let room = mostBytes
  const keep = async (stream: Readable | undefined): Promise<void> => {
    for await (const chunk of (stream ?? []) as AsyncIterable<Buffer>) {
      chunks.push(chunk.subarray(0, room))
      room -= Math.min(room, chunk.length)
    }
  }
  using limit = linkSignal(spec.signal, {clock, timeoutMs})
  const onStop = (): void => child.signal('SIGKILL')
  limit.signal.addEventListener('abort', onStop, {once: true})
  const [{code}] = await Promise.all([child.exited, keep(child.stdout), keep(child.stderr)])
  const isTimedOut = limit.signal.aborted && !spec.signal.aborted
  return {exitCode: code, output: Buffer.concat(chunks).toString(), isTimedOut}
}
