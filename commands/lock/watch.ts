import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import {ConsulCommand} from '../../src/cli/consul-command.js'
import {changeLines} from '../../src/cli/lock/change-lines.js'
import {toStatusJson} from '../../src/cli/lock/status-text.js'
import {checkSubVerb} from '../../src/cli/lock/sub-verb.js'
import {CancelledError, isTransient, messageOf} from '../../src/core/errors.js'
import {systemClock} from '../../src/core/time/clock.js'
import {followLock} from '../../src/lock/follow-lock.js'
import type {LockStatus} from '../../src/lock/inspect.js'
import {checkPrefix} from '../../src/lock/wire/names.js'

export default class LockWatch extends ConsulCommand<typeof LockWatch> {
  static override summary = 'print each change of a lock: its holders, and those that wait'
  static override exitMeanings = {
    0: 'stopped by a signal, or nothing reads the output any more',
  }
  static override description =
    'Prints the state of the lock, then a line when a holder acquires or ends, and when a contender begins to wait or leaves. Only reads. ' +
    'A waiting consul lock is noticed within 10 s. Short holds between two answers are not seen. For a lock named watch: baton lock watch -- COMMAND.'
  static override usage = 'lock watch KEY [FLAGS]'
  static override examples = [
    '<%= config.bin %> lock watch jobs/backup',
    '<%= config.bin %> lock watch --ndjson jobs/backup',
  ]
  static override strict = false
  static override args = {key: Args.string({required: true, ignoreStdin: true, description: 'prefix of the lock'})}
  static override flags = {
    ndjson: Flags.boolean({
      description: 'print the whole state as one line of JSON at each change',
      helpGroup: 'COMMON',
    }),
  }

  #trouble: string | undefined

  async run(): Promise<number> {
    checkSubVerb('watch', this.words)
    const {key} = this.args
    checkPrefix(key)
    const client = this.openClient()
    this.out.onClosed(() => this.stopSignals.abort(new CancelledError('stdout was closed')))
    let before: LockStatus | undefined
    try {
      const onTrouble = (error: unknown): void => this.#report(key, error)
      for await (const status of followLock(client, key, {signal: this.stopSignal, onTrouble})) {
        const time = new Date(systemClock.wallMs()).toISOString()
        if (this.flags.ndjson) this.out.json({time, ...toStatusJson([status])}, {compact: true})
        else for (const line of changeLines(before, status)) this.out.line(`${time}  ${line}`)
        before = status
      }
    } catch (error) {
      if (!this.stopSignal.aborted) throw error
    }
    return 0
  }

  protected override sayWaiting(text: string): void {
    this.out.warn(text)
  }

  /**
   * Reports once that Consul refuses to show the lock, and once that it shows the lock again. Outages are reported by
   * the client.
   */
  #report(key: string, error: unknown): void {
    if (error !== undefined && isTransient(error)) return
    const trouble = error === undefined ? undefined : messageOf(error)
    if (trouble === this.#trouble) return
    this.#trouble = trouble
    this.out.warn(`lock ${key}: ${trouble === undefined ? 'can be read again' : `cannot be read: ${trouble}`}`)
  }
}
