import type {Writable} from 'node:stream'
import {linkSignal} from '../core/cancel/link-signal.js'
import {defaultGraceMs} from '../core/consul-constants.js'
import {BatonError, isBatonError} from '../core/errors.js'
import type {Clock} from '../core/types.js'
import {startChild} from './child.js'
import type {ChildExit} from './exit-code.js'
import {launchPlainly} from './launch.js'

export interface HandlerSpec {
  readonly argv: readonly [string, ...string[]]
  readonly env: Readonly<Record<string, string>>
  /**
   * Written to the handler's stdin, which is then closed. A handler need not read all of it. From an iterable, only as
   * much is taken as the handler reads, about 128 kB at a time.
   */
  readonly input: Uint8Array | Iterable<Uint8Array>
  readonly clock: Clock
  /** Aborting this signal stops the handler and all its descendants: TERM, the grace, KILL. */
  readonly signal?: AbortSignal
  /** Time in milliseconds after which the handler is stopped. @default no limit */
  readonly timeoutMs?: number
  /** Time in milliseconds between TERM and KILL. @default 5000 */
  readonly graceMs?: number
}

interface HandlerResult extends ChildExit {
  /** The reason why baton stopped the handler; undefined if it did not. */
  readonly stopped: 'timeout' | 'signal' | undefined
}

/**
 * Runs one handler to its end in its own process group. The handler shares the stdout and stderr of this process.
 * Rejects with a ChildError if the handler cannot be started. Processes that the handler leaves behind are not stopped.
 */
async function runHandler(spec: HandlerSpec): Promise<HandlerResult> {
  const {clock} = spec
  spec.signal?.throwIfAborted()
  const {argv, env} = spec
  // Handlers are frequent and short: with execa, starting one would take a third more CPU time.
  const child = await startChild({argv, env, stdin: 'pipe', shape: 'group', clock}, launchPlainly)
  let stopped: HandlerResult['stopped']
  using stop = linkSignal(spec.signal, {
    clock,
    ...(spec.timeoutMs !== undefined && {timeoutMs: spec.timeoutMs, onTimeout: () => timedOut}),
  })
  let stopping: Promise<void> | undefined
  const onStop = (): void => {
    stopped = stop.signal.reason === timedOut ? 'timeout' : 'signal'
    stopping ??= child.stop({graceMs: spec.graceMs ?? defaultGraceMs})
  }
  stop.signal.addEventListener('abort', onStop, {once: true})
  if (stop.signal.aborted) onStop()
  child.stdin?.on('error', () => undefined)
  if (child.stdin) void feed(child.stdin, spec.input)
  const exit = await child.exited
  stop.signal.removeEventListener('abort', onStop)
  await stopping
  return {...exit, stopped}
}

const batchBytes = 128 * 1024

async function feed(stdin: Writable, input: HandlerSpec['input']): Promise<void> {
  const chunks = (input instanceof Uint8Array ? [input] : input)[Symbol.iterator]()
  for (;;) {
    // Corking the stream combines all chunks into one system call.
    stdin.cork()
    let last: Promise<unknown> = Promise.resolve(undefined)
    while (stdin.writableLength < batchBytes) {
      const chunk = chunks.next()
      if (chunk.done === true) {
        stdin.end()
        return
      }
      last = new Promise(resolve => stdin.write(chunk.value, resolve))
    }
    stdin.uncork()
    if (await last) return
  }
}

const timedOut = Symbol('timed out')

/** The ways in which a handler can fail. */
export type HandlerFailure =
  | {readonly how: 'exit' | 'timeout'}
  | {readonly how: 'signal'; readonly signal: NodeJS.Signals}
  /** The handler could not be started. */
  | {readonly how: 'start'; readonly file: string}
  /** An HTTP handler did not answer with 2xx. */
  | {readonly how: 'answer'; readonly why: string}

/** A handler that failed. `exitCode` is the handler's own, 124 if it ran too long, and 1 if it has none. */
export class HandlerError extends BatonError {
  readonly exitCode: number
  readonly failure: HandlerFailure

  constructor(
    message: string,
    options: {readonly exitCode: number; readonly failure: HandlerFailure; readonly cause?: unknown},
  ) {
    const {exitCode, failure, cause} = options
    super('BATON_CHILD', message, {cause, details: {exitCode, ...failure}})
    this.exitCode = exitCode
    this.failure = failure
  }
}

/** Runs one handler. Rejects with a HandlerError if it fails, and with the signal's reason if the signal stopped it. */
export async function runHandlerToSuccess(spec: HandlerSpec): Promise<void> {
  const [file] = spec.argv
  const {code, signal, stopped} = await runHandler(spec).catch((error: unknown) => {
    throw toStartError(file, error)
  })
  if (stopped === 'timeout') {
    throw new HandlerError(`handler ${file}: stopped at its time limit`, {exitCode: 124, failure: {how: 'timeout'}})
  }
  if (code === 0) return
  if (stopped === 'signal') spec.signal?.throwIfAborted()
  const how = signal === undefined ? `exit code ${code}` : `killed by ${signal}`
  const failure: HandlerFailure = signal === undefined ? {how: 'exit'} : {how: 'signal', signal}
  throw new HandlerError(`handler ${file}: ${how}`, {exitCode: code, failure})
}

function toStartError(file: string, error: unknown): unknown {
  if (!isBatonError(error, 'BATON_CHILD') || !('exitCode' in error) || typeof error.exitCode !== 'number') return error
  return new HandlerError(error.message, {exitCode: error.exitCode, failure: {how: 'start', file}, cause: error})
}

/** Returns the arguments that run `text` in the user's shell, as Consul's tools do: `$SHELL`, otherwise /bin/sh. */
export const shellWords = (text: string, shell: string | undefined): [string, ...string[]] => [
  shell === undefined || shell === '' ? '/bin/sh' : shell,
  '-c',
  text,
]
