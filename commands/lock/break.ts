import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import {confirm} from '../../src/cli/confirm.js'
import {ConsulCommand} from '../../src/cli/consul-command.js'
import {afterBreak, toName} from '../../src/cli/lock/status-text.js'
import {checkSubVerb} from '../../src/cli/lock/sub-verb.js'
import {UsageError} from '../../src/core/errors.js'
import {inspectLock, type LockParty, type LockStatus} from '../../src/lock/inspect.js'
import {checkPrefix} from '../../src/lock/wire/names.js'

const nothingCode = 1

export default class LockBreak extends ConsulCommand<typeof LockBreak> {
  static override summary = 'take a lock away from its holder'
  static override exitMeanings = {
    0: 'broken: the session of the holder was ended',
    1: 'nothing to break: not held, or not by this session; or the answer was no',
  }
  static override description =
    'Ends the session of the holder. baton then stops the command, within the lock-delay, before another contender can hold the lock; consul lock sends TERM to its command. ' +
    'The key is never deleted, because that would give the lock away while the command still runs. Asks first unless --yes is given. ' +
    'With --session, only if that session holds the lock or waits for it. For a lock named break: baton lock break -- COMMAND.'
  static override usage = 'lock break KEY [FLAGS]'
  static override examples = [
    '<%= config.bin %> lock break jobs/backup',
    '<%= config.bin %> lock break --yes --session "$SESSION" jobs/backup',
  ]
  static override enableJsonFlag = true
  static override strict = false
  static override args = {key: Args.string({required: true, ignoreStdin: true, description: 'prefix of the lock'})}
  static override flags = {
    yes: Flags.boolean({char: 'y', description: 'do not ask'}),
    session: Flags.string({description: 'only this session', helpValue: 'ID'}),
    json: Flags.boolean({description: 'print the result as JSON', helpGroup: 'COMMON'}),
  }

  async run(): Promise<number> {
    checkSubVerb('break', this.words)
    const {key} = this.args
    checkPrefix(key)
    const client = this.openClient()
    const signal = this.stopSignal
    const status = await inspectLock(client, key, {signal})
    const victim = this.#victim(status)
    if (!victim) {
      const whose =
        this.flags.session === undefined ? 'not held' : `session ${this.flags.session} neither holds it nor waits`
      return this.refuse(`baton: lock ${key}: ${whose}`, {code: 'BATON_LOCK_LOST', exit: nothingCode})
    }
    if (!this.flags.yes && !(await this.#isConfirmed(status, victim))) return nothingCode
    await client.session.destroy(victim.session, {signal})
    const after = afterBreak(status, victim)
    if (this.flags.json) this.out.json({prefix: key, session: victim.session, broken: true, ...after.facts})
    else this.out.line(`${key}: ended session ${victim.session}: ${after.text}`)
    return 0
  }

  #victim({holders, waiters}: LockStatus): LockParty | undefined {
    const {session} = this.flags
    if (session !== undefined) return [...holders, ...waiters].find(one => one.session === session)
    if (holders.length < 2) return holders[0]
    throw new UsageError(`lock break ${this.args.key}: it has ${holders.length} holders`, {
      hint: `choose one with --session: ${holders.map(one => one.session).join(', ')}`,
    })
  }

  async #isConfirmed(status: LockStatus, victim: LockParty): Promise<boolean> {
    if (!this.host.isStdinTerminal) {
      throw new UsageError(`lock break ${this.args.key}: cannot ask, because stdin is not a terminal`, {
        hint: 'add --yes',
      })
    }
    const role = status.holders.includes(victim) ? 'is held by' : 'is waited for by'
    const question = `${this.args.key} ${role} ${toName(victim)}. End its session ${victim.session}?`
    return confirm(question, {input: this.host.stdin, output: this.host.stderr, signal: this.stopSignal})
  }
}
