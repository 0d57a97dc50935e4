import type {Readable} from 'node:stream'
import {whenAborted} from '../../core/cancel/link-signal.js'
import type {ConsulClient} from '../../core/client.js'
import {ChildError, messageOf} from '../../core/errors.js'
import type {Clock, Timer} from '../../core/types.js'
import type {Child} from '../../process/child.js'
import type {AnswerWriter} from '../native/answers.js'
import type {RunResult} from '../native/frames.js'
import type {Manifest} from '../native/manifest.js'
import type {JobChildOptions, StartJobChild} from './job-child.js'
import {JobWriter} from './job-writer.js'
import {OutputCap} from './output-cap.js'

export interface JobRunOptions extends Omit<JobChildOptions, 'clock' | 'onUnguarded'> {
  readonly client: ConsulClient
  readonly startChild: StartJobChild
  readonly answers: AnswerWriter
  /** Aborting this signal stops the job: the job's process group receives TERM, and KILL after the grace. */
  readonly cancel: AbortSignal
  /** Aborting this signal ends the grace at once. */
  readonly hurry: AbortSignal
  /** Aborting this signal ends the writing of output and result, because the responder must end. */
  readonly abandon: AbortSignal
  /** Shortest timeout of all policies, in milliseconds; Infinity if there is none. */
  readonly maxTimeoutMs: number
  readonly maxOutputBytes: number
}

/**
 * Time that a pipe may stay open after the child has ended, because a background process of the child may hold the pipe
 * open.
 */
const openPipeMs = 2000

type Ending = 'exited' | 'timed-out' | 'cancelled' | 'gone'

/** Runs a claimed job to its end and writes its result. Does not reject if the job fails. */
export async function runJob(manifest: Manifest, options: JobRunOptions): Promise<RunResult> {
  const {client} = options
  const {clock} = client
  const writer = new JobWriter({client, manifest, answers: options.answers, abandon: options.abandon})
  const cap = new OutputCap(Math.min(manifest.maxOutputBytes, options.maxOutputBytes))
  const startedAtMs = clock.wallMs()
  let ended: Pick<RunResult, 'code' | 'signal' | 'isTimedOut' | 'isCancelled'>
  try {
    const onUnguarded = (why: string): void => client.logger.warn({job: manifest.id, why}, 'exec.guardianFailed')
    await using started = await options.startChild(manifest, {...options, clock, onUnguarded})
    const {child} = started
    const pipes = [pump(child.stdout, 'stdout', {cap, writer}), pump(child.stderr, 'stderr', {cap, writer})]
    const ending = await waitForEnd(child, manifest, {...options, gone: writer.gone})
    if (ending === 'timed-out') writer.announceStop()
    if (ending !== 'exited') await child.stop({graceMs: manifest.killAfterMs, hurry: options.hurry})
    const exit = await child.exited
    await settle(pipes, child, client)
    ended = {
      code: exit.code,
      ...(exit.signal !== undefined && {signal: exit.signal}),
      ...(ending === 'timed-out' && {isTimedOut: true}),
      ...((ending === 'cancelled' || ending === 'gone') && {isCancelled: true}),
    }
  } catch (error) {
    const code = error instanceof ChildError ? error.exitCode : 126
    const chunk = Buffer.from(`${messageOf(error)}\n`)
    for (const part of cap.push({stream: 'stderr', chunk})) await writer.push(part)
    ended = {code}
  }
  for (const part of cap.end()) await writer.push(part)
  const {totalBytes: outputBytes, droppedBytes} = cap
  const result = {...ended, outputBytes, droppedBytes, startedAtMs, endedAtMs: clock.wallMs()}
  await writer.end(result)
  return {...result, frameCount: 0}
}

async function waitForEnd(
  child: Child,
  manifest: Manifest,
  options: JobRunOptions & {readonly gone: AbortSignal},
): Promise<Ending> {
  const timeoutMs = Math.min(manifest.timeoutMs, options.maxTimeoutMs)
  using cancelled = whenAborted(options.cancel)
  using gone = whenAborted(options.gone)
  using late = passed(options.client.clock, timeoutMs)
  return await Promise.race([
    child.exited.then(() => 'exited' as const),
    cancelled.promise.then(() => 'cancelled' as const),
    gone.promise.then(() => 'gone' as const),
    late.promise.then(() => 'timed-out' as const),
  ])
}

/**
 * Maximum delay of one timer. Longer waits use several timers in a row, because a timer in Node cannot exceed 24 days.
 */
const longestWaitMs = 86_400_000

/** Resolves when this time has passed; never resolves for Infinity. */
function passed(clock: Clock, ms: number): Disposable & {readonly promise: Promise<void>} {
  const untilMs = clock.monotonicMs() + ms
  let timer: Timer | undefined
  const promise = new Promise<void>(resolve => {
    const wait = (): void => {
      const leftMs = untilMs - clock.monotonicMs()
      if (leftMs <= 0) resolve()
      else timer = clock.timer(Math.min(leftMs, longestWaitMs), wait)
    }
    if (Number.isFinite(ms)) wait()
  })
  return {promise, [Symbol.dispose]: () => timer?.[Symbol.dispose]()}
}

interface Sink {
  readonly cap: OutputCap
  readonly writer: JobWriter
}

/**
 * Passes on the output of the child. Stops reading while output waits to be written, so that the child blocks when the
 * pipe is full.
 */
async function pump(stream: Readable | undefined, name: 'stdout' | 'stderr', {cap, writer}: Sink): Promise<void> {
  if (!stream) return
  try {
    for await (const chunk of stream) {
      for (const part of cap.push({stream: name, chunk: chunk as Buffer})) await writer.push(part)
    }
  } catch {
    // This responder has destroyed the stream. Output that was read before is still written.
  }
}

async function settle(pipes: readonly Promise<void>[], child: Child, client: ConsulClient): Promise<void> {
  using _timer = client.clock.timer(openPipeMs, () => {
    child.stdout?.destroy()
    child.stderr?.destroy()
  })
  await Promise.all(pipes)
}
