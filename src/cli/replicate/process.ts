import {closeSync, openSync, rmSync, writeFileSync} from 'node:fs'
import {constants} from 'node:os'
import {UsageError} from '../../core/errors.js'
import {whyUnreadable} from '../../core/input.js'
import {refuseSpecial} from '../../process/refuse-special.js'
import type {SignalSource} from '../signals.js'

/** Writes the process ID to a file. Disposing removes the file. */
export function writePidFile(path: string, pid: number): Disposable {
  try {
    refuseSpecial(path)
    const file = openSync(path, 'w')
    try {
      writeFileSync(file, `${pid}\n`)
    } catch (error) {
      rmSync(path, {force: true})
      throw error
    } finally {
      closeSync(file)
    }
  } catch (cause) {
    throw new UsageError(`--pid-file: cannot write ${path}: ${whyUnreadable(cause)}`, {cause})
  }
  return {[Symbol.dispose]: () => rmSync(path, {force: true})}
}

/**
 * Parses the name of a signal: `SIGHUP`, `HUP` or `hup`. Returns undefined for an empty name, which turns the signal
 * off.
 */
export function parseSignal(text: string, what: string): NodeJS.Signals | undefined {
  if (text === '') return undefined
  const upper = text.toUpperCase()
  const name = upper.startsWith('SIG') ? upper : `SIG${upper}`
  if (Object.hasOwn(constants.signals, name) && name !== 'SIGKILL' && name !== 'SIGSTOP') return name as NodeJS.Signals
  throw new UsageError(`${what}: '${text}' is not a signal that can be caught`)
}

/** Throws a UsageError if the same signal is set both to reload and to stop. */
export function checkSignals({reload, kill}: Readonly<Record<'reload' | 'kill', NodeJS.Signals | undefined>>): void {
  if (reload !== undefined && reload === kill) throw new UsageError(`--kill-signal: ${kill} reloads (--reload-signal)`)
}

/** Calls the listener for each signal of this name until the returned object is disposed. */
export function listen(source: SignalSource, name: NodeJS.Signals | undefined, listener: () => void): Disposable {
  if (name !== undefined) source.on(name, listener)
  return {
    [Symbol.dispose]: () => {
      if (name !== undefined) source.off(name, listener)
    },
  }
}
