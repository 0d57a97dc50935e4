import {linkSignal} from '../core/cancel/link-signal.js'
import type {Clock} from '../core/types.js'
import {startChild} from './child.js'
import type {ChildExit} from './exit-code.js'

export interface HandlerSpec {
  readonly argv: readonly [string, ...string[]]
  readonly env: Readonly<Record<string, string>>
  /** Written to its stdin, which is then closed. A handler that does not read it is no failure. */
  readonly input: Uint8Array
  readonly clock: Clock
  /** Stops the handler with everything it started: TERM, the grace, KILL. */
  readonly signal?: AbortSignal
  /** Longest run; then it is stopped. @default no limit */
  readonly timeoutMs?: number
  /** Between TERM and KILL. @default 5000 */
  readonly graceMs?: number
}

export interface HandlerResult extends ChildExit {
  /** Why it was stopped, if it was. */
  readonly stopped: 'timeout' | 'signal' | undefined
}

/**
 * Runs one handler to its end in a process group of its own. Its output goes where ours goes. Rejects with a ChildError
 * when it cannot be started. Processes it leaves behind when it ends by itself are left alone.
 */
export async function runHandler(spec: HandlerSpec): Promise<HandlerResult> {
  const {clock} = spec
  spec.signal?.throwIfAborted()
  const child = await startChild({argv: spec.argv, env: spec.env, stdin: 'pipe', shape: 'group', clock})
  let stopped: HandlerResult['stopped']
  using stop = linkSignal(spec.signal, {
    clock,
    ...(spec.timeoutMs !== undefined && {timeoutMs: spec.timeoutMs, onTimeout: () => timedOut}),
  })
  let stopping: Promise<void> | undefined
  const onStop = (): void => {
    stopped = stop.signal.reason === timedOut ? 'timeout' : 'signal'
    stopping ??= child.stop({graceMs: spec.graceMs ?? 5000})
  }
  stop.signal.addEventListener('abort', onStop, {once: true})
  if (stop.signal.aborted) onStop()
  child.stdin?.on('error', () => undefined)
  child.stdin?.end(spec.input)
  const exit = await child.exited
  stop.signal.removeEventListener('abort', onStop)
  await stopping
  return {...exit, stopped}
}

const timedOut = Symbol('timed out')

/** The words that run `text` in the user's shell, as the Go tools do: `$SHELL`, else /bin/sh. */
export const shellWords = (text: string, shell: string | undefined): [string, ...string[]] => [
  shell === undefined || shell === '' ? '/bin/sh' : shell,
  '-c',
  text,
]
