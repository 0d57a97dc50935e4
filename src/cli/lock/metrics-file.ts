import {readFileSync, renameSync, rmSync, writeFileSync} from 'node:fs'
import {briefPath} from '../../core/brief.js'
import {UsageError} from '../../core/errors.js'
import {whyUnreadable} from '../../core/input.js'
import {refuseSpecial} from '../../process/refuse-special.js'
import type {AnyLockEvent} from './event-lines.js'

interface MetricsFileOptions {
  readonly path: string
  readonly prefix: string
  readonly wallMs: () => number
  /** Called once, if the file cannot be written any more. */
  readonly warn: (text: string) => void
}

const helps = {
  waiting: '1 while the lock is waited for, else 0',
  held: '1 while the lock is held, else 0',
  lost: '1 if the lock was lost, else 0',
  wait_seconds: 'Time from the start of the acquisition to the grant',
  acquired_timestamp_seconds: 'When the lock was acquired',
  released_timestamp_seconds: 'When the lock was released',
  command_exit_code: 'Exit code of the command',
  last_success_timestamp_seconds: 'When a command last ended with 0 and had the lock all the time',
} as const
type Name = keyof typeof helps

const labelOf = (prefix: string): string =>
  `{key="${prefix.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"}`

/**
 * Writes the state of one run in the text format of Prometheus, for the textfile collector of its node exporter. The
 * file is replaced as a whole at each change. The time of the last success is kept from the file of an earlier run.
 */
export class MetricsFile implements Disposable {
  readonly #options: MetricsFileOptions
  readonly #label: string
  readonly #values = new Map<Name, number>([
    ['waiting', 1],
    ['held', 0],
    ['lost', 0],
  ])
  #isBroken = false

  /** Throws a UsageError if the file cannot be written. */
  constructor(options: MetricsFileOptions) {
    const {path, prefix} = options
    this.#options = options
    this.#label = labelOf(prefix)
    try {
      refuseSpecial(path)
      const success = this.#earlierSuccess()
      if (success !== undefined) this.#values.set('last_success_timestamp_seconds', success)
      this.#write()
    } catch (cause) {
      throw new UsageError(`--metrics-file: cannot write ${briefPath(path)}: ${whyUnreadable(cause)}`, {cause})
    }
  }

  /** Writes the file again if the event changes a value. */
  handle(event: AnyLockEvent): void {
    const values = this.#values
    const now = this.#options.wallMs() / 1000
    switch (event.type) {
      case 'lock.acquired':
        values.set('waiting', 0).set('held', 1).set('lost', 0)
        values.set('wait_seconds', event.waitMs / 1000).set('acquired_timestamp_seconds', now)
        values.delete('released_timestamp_seconds')
        break
      case 'lock.lost':
        values.set('lost', 1).set('held', 0)
        break
      case 'child.exited':
        values.set('command_exit_code', event.code)
        return
      case 'lock.released':
        values.set('held', 0).set('released_timestamp_seconds', now)
        if (event.report.lock === 'lost') values.set('lost', 1)
        if (values.get('command_exit_code') === 0 && values.get('lost') === 0)
          values.set('last_success_timestamp_seconds', now)
        break
      default:
        return
    }
    this.#update()
  }

  [Symbol.dispose](): void {
    if (this.#values.get('waiting') === 0) return
    this.#values.set('waiting', 0)
    this.#update()
  }

  #update(): void {
    const {path, warn} = this.#options
    if (this.#isBroken) return
    try {
      this.#write()
    } catch (error) {
      this.#isBroken = true
      warn(`--metrics-file: cannot write ${briefPath(path)} any more: ${whyUnreadable(error)}`)
    }
  }

  #write(): void {
    const {path} = this.#options
    const lines = [...this.#values].flatMap(([name, value]) => [
      `# HELP baton_lock_${name} ${helps[name]}`,
      `# TYPE baton_lock_${name} gauge`,
      `baton_lock_${name}${this.#label} ${value}`,
    ])
    // The collector reads only names that end in .prom.
    const draft = `${path}.${process.pid}.tmp`
    try {
      writeFileSync(draft, `${lines.join('\n')}\n`, {mode: 0o644})
      renameSync(draft, path)
    } catch (error) {
      rmSync(draft, {force: true})
      throw error
    }
  }

  #earlierSuccess(): number | undefined {
    const start = `baton_lock_last_success_timestamp_seconds${this.#label} `
    try {
      const line = readFileSync(this.#options.path, 'utf8')
        .split('\n')
        .find(one => one.startsWith(start))
      const seconds = Number(line?.slice(start.length) ?? Number.NaN)
      return Number.isFinite(seconds) ? seconds : undefined
    } catch {
      // There is no file of an earlier run.
      return undefined
    }
  }
}
