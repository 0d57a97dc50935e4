import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import {ConsulCommand} from '../../src/cli/consul-command.js'
import {runFilter} from '../../src/cli/kv/filter.js'
import {checkKey} from '../../src/cli/kv/key.js'
import {refusedWrite} from '../../src/cli/kv/refusal.js'
import {ChildError, UsageError} from '../../src/core/errors.js'
import {valueInputBytes} from '../../src/core/input.js'
import type {KvEntry} from '../../src/core/types.js'

/** Thrown if the program's result means that nothing should be written. */
class NoNewValue extends Error {
  readonly exitCode: number
  constructor(message: string, exitCode: number) {
    super(message)
    this.exitCode = exitCode
  }
}

export default class KvUpdate extends ConsulCommand<typeof KvUpdate> {
  static override summary = 'replace the value of a key by what a command makes of it'
  static override exitMeanings = {
    0: 'written, or already the same',
    1: 'the program printed nothing, or Consul refused the value',
    126: 'the program cannot be run',
    127: 'the program does not exist',
    '128+n': 'signal n ended the program or baton',
    other: "the program's own exit code; nothing was written",
  }
  static override description =
    'The command reads the value on its stdin and prints the new one, byte for byte. It is written only if the key has not ' +
    'changed meanwhile; otherwise the command runs again on the newer value. If the command fails, nothing is written and its exit code is ' +
    "baton's. A key that does not exist is an empty input, and is created."
  static override usage = 'kv update KEY [FLAGS] -- PROGRAM ARG...'
  static override examples = [
    "<%= config.bin %> kv update app/config -- jq -j '.debug = true'",
    "<%= config.bin %> kv update app/hosts -- sed '/old-host/d'",
  ]
  static override enableJsonFlag = true
  static override args = {key: Args.string({required: true, ignoreStdin: true, description: 'key to update'})}
  static override childForm = {ownArgs: 1, needsSeparator: true}
  static override flags = {
    'allow-empty': Flags.boolean({description: 'write an empty value if the command prints nothing'}),
    json: Flags.boolean({description: 'print the result as JSON', helpGroup: 'COMMON'}),
  }

  async run(): Promise<number> {
    const [command, ...words] = this.child?.words ?? []
    const {key} = this.args
    checkKey('update', key)
    if (command === undefined) {
      throw new UsageError('kv update: no command was given', {hint: `baton kv update ${key} -- COMMAND`})
    }
    const client = this.openClient()
    const env = this.childEnvironment()
    let runs = 0
    const run = async (entry: KvEntry | undefined): Promise<Buffer | undefined> => {
      if (runs > 0) this.out.say(`${key} has changed meanwhile: running ${command} again`)
      runs += 1
      const {exitCode, output, isEndless} = await runFilter({
        argv: [command, ...words],
        env,
        input: entry?.value ?? Buffer.alloc(0),
        stderr: this.host.stderr,
        clock: client.clock,
        signal: this.stopSignal,
      })
      if (isEndless) throw new NoNewValue(`${command} printed more than ${valueInputBytes / 1024 ** 2} MiB`, 1)
      if (exitCode !== 0) throw new NoNewValue(`${command} ended with ${exitCode}`, exitCode)
      if (entry?.value.equals(output)) return undefined
      if (output.length > 0 || this.flags['allow-empty']) return output
      throw new NoNewValue(`${command} printed nothing (--allow-empty writes an empty value)`, 1)
    }
    try {
      const {value, isWritten} = await client.kv.update(key, run, {signal: this.stopSignal})
      this.#report(value ?? Buffer.alloc(0), isWritten)
      return 0
    } catch (error) {
      if (error instanceof NoNewValue) return this.#refuse(error.message, error.exitCode)
      if (error instanceof ChildError) return this.#refuse(error.message, error.exitCode)
      return this.refuse(refusedWrite(error), {code: 'BATON_HTTP', exit: 1})
    }
  }

  #refuse(reason: string, exit: number): number {
    return this.refuse(`Error! Did not write to ${this.args.key}: ${reason}`, {code: 'BATON_CHILD', exit})
  }

  #report(value: Uint8Array, isWritten: boolean): void {
    const {key} = this.args
    if (this.flags.json) this.out.json({key, value: Buffer.from(value).toString('base64'), written: isWritten})
    else this.out.line(isWritten ? `Success! Data written to: ${key}` : `Unchanged: ${key}`)
  }
}
