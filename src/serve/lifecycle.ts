import {whenAborted} from '../core/cancel/link-signal.js'
import {BatonError, messageOf} from '../core/errors.js'
import type {Clock, Logger} from '../core/types.js'

/** A part of a program that runs until it is stopped. */
export interface Worker {
  /** Log messages for the start and the stop of this worker. */
  readonly texts: {
    readonly starting: string
    readonly started?: string
    readonly stopping: string
    readonly stopped: string
  }
  /** Resolves when the worker is running, with fields for the log. */
  start(): Promise<Readonly<Record<string, unknown>> | undefined>
  /** Resolves when the worker has stopped completely. Called once, and only after `start` has resolved. */
  stop(): Promise<void>
  /**
   * Settles if the worker ends by itself. A rejection stops the other workers. Left out for a worker that cannot end by
   * itself.
   */
  readonly ended?: () => Promise<void>
}

export interface LifecycleOptions {
  readonly signal: AbortSignal
  readonly logger: Logger
  readonly clock: Clock
  /**
   * Maximum time in milliseconds for each worker to stop. After this time, the next worker is stopped anyway.
   * @default 10000
   */
  readonly graceMs?: number
}

/**
 * Starts the workers in order. When the signal aborts, a worker fails or a later one cannot start, stops them in
 * reverse order, one after another. When the last worker has stopped, resolves or, if a worker has failed, rejects with
 * that failure. If a stop fails or takes too long, that is logged, and the others are stopped anyway.
 */
export async function runWorkers(workers: readonly Worker[], options: LifecycleOptions): Promise<void> {
  const {logger} = options
  const running: Worker[] = []
  let failure: {readonly error: unknown} | undefined
  logger.info({}, 'starting up')
  try {
    for (const worker of workers) {
      if (options.signal.aborted) break
      logger.info({}, worker.texts.starting)
      const facts = await worker.start()
      running.push(worker)
      if (worker.texts.started !== undefined) logger.info({...facts}, worker.texts.started)
    }
    await untilStopped(running, options.signal)
  } catch (error) {
    failure = {error}
  }
  logger.info({}, 'shutting down')
  for (const worker of running.reverse()) await stop(worker, options)
  logger.info({}, 'stopped')
  if (failure) throw failure.error
}

async function untilStopped(workers: readonly Worker[], signal: AbortSignal): Promise<void> {
  using aborted = whenAborted(signal)
  await Promise.race([aborted.promise, ...workers.flatMap(worker => (worker.ended ? [worker.ended()] : []))])
}

async function stop(worker: Worker, {clock, graceMs = 10_000, logger}: LifecycleOptions): Promise<void> {
  logger.info({}, worker.texts.stopping)
  const overdue = new BatonError('BATON_TIMEOUT', `still not stopped after ${graceMs}ms`)
  let expire: (error: unknown) => void = () => {}
  const late = new Promise<never>((_resolve, reject) => {
    expire = reject
  })
  using _timer = clock.timer(graceMs, () => expire(overdue))
  try {
    await Promise.race([worker.stop(), late])
    logger.info({}, worker.texts.stopped)
  } catch (error) {
    logger.warn({problem: messageOf(error)}, worker.texts.stopped)
  }
}
