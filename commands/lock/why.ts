import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import {BaseCommand} from '../../src/cli/base-command.js'
import {stateDirectory} from '../../src/cli/directories.js'
import {readFlights} from '../../src/cli/lock/flight-recorder.js'
import {checkSubVerb} from '../../src/cli/lock/sub-verb.js'
import {endOf, type Flight, toFlights, whyLines} from '../../src/cli/lock/why-text.js'

const noneCode = 1

export default class LockWhy extends BaseCommand<typeof LockWhy> {
  static override summary = 'explain why a lock on this machine ended'
  static override exitMeanings = {
    0: 'shown',
    1: 'nothing is recorded',
  }
  static override description =
    'Prints what the last baton lock or baton lock hold of this user on this machine recorded: what was proven when, when the command would have been stopped, and why it ended. ' +
    'The record also exists if baton was killed. For a lock named why: baton lock why -- COMMAND.'
  static override usage = 'lock why KEY|PID [FLAGS]'
  static override examples = ['<%= config.bin %> lock why jobs/backup', '<%= config.bin %> lock why 4711 --json']
  static override enableJsonFlag = true
  static override strict = false
  static override args = {
    key: Args.string({required: true, ignoreStdin: true, description: 'prefix of the lock, or ID of the process'}),
  }
  static override flags = {
    all: Flags.boolean({description: 'show every record, newest first, and not only the newest'}),
    json: Flags.boolean({description: 'print the records as JSON', helpGroup: 'COMMON'}),
  }

  run(): Promise<number> {
    checkSubVerb('why', this.words)
    const {key} = this.args
    const found = findFlights(stateDirectory(this.host.env, 'locks'), key)
    const shown = this.flags.all ? found : found.slice(0, 1)
    if (this.flags.json) {
      const flights = shown.map(flight => ({...flight, end: endOf(flight, isRunning(flight))}))
      this.out.json({flights})
    } else {
      for (const flight of shown) for (const line of whyLines(flight, isRunning(flight))) this.out.line(line)
    }
    if (shown.length > 0) return Promise.resolve(0)
    if (!this.flags.json) this.out.error(`baton: lock ${key}: nothing is recorded by this user on this machine`)
    return Promise.resolve(noneCode)
  }
}

/**
 * Returns the recorded runs of a lock. If there are none and the text is a number, returns those of the process
 * with this ID.
 */
function findFlights(directory: string, key: string): readonly Flight[] {
  const ofKey = toFlights(readFlights(directory, key))
  if (ofKey.length > 0 || !/^\d+$/.test(key)) return ofKey
  return toFlights(readFlights(directory)).filter(({pid}) => pid === Number(key))
}

function isRunning({pid}: Flight): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
