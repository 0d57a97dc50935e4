import {resolve} from 'node:path'
import {isSea} from 'node:sea'
import {CancelledError} from '../core/errors.js'
import {systemClock} from '../core/time/clock.js'
import type {CommandHost} from './base-command.js'
import type {Output} from './output.js'
import type {StopSignals} from './signals.js'

/** The program with which a tour starts baton, and where it prints. */
interface TourHost {
  readonly baton: readonly [string, ...string[]]
  readonly clock: typeof systemClock
  readonly env: CommandHost['env']
  readonly stdout: CommandHost['stdout']
  readonly signal: AbortSignal
}

/** Runs a tour. Stops it, without an error, when the reader of stdout closes the pipe. */
export async function showTour(
  {env, stdout}: Pick<CommandHost, 'env' | 'stdout'>,
  {out, stops}: {readonly out: Pick<Output, 'onClosed'>; readonly stops: StopSignals},
  run: (options: TourHost) => Promise<void>,
): Promise<void> {
  const unread = new CancelledError('stdout was closed')
  out.onClosed(() => stops.abort(unread))
  try {
    await run({
      baton: isSea() ? [process.execPath] : [process.execPath, resolve(process.argv[1] ?? '')],
      clock: systemClock,
      env,
      stdout,
      signal: stops.signal,
    })
  } catch (error) {
    if (error !== unread) throw error
  }
}
