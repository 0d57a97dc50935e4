import {randomBytes} from 'node:crypto'
import * as Flags from '@oclif/core/flags'
import {keysDirectory} from '../src/cli/directories.js'
import {ExaminingCommand, failureCode} from '../src/cli/doctor/examining-command.js'
import {UsageError} from '../src/core/errors.js'
import {examine} from '../src/doctor/examine.js'
import {readDefaultKey} from '../src/exec/native/key-files.js'
import {runSelftest} from '../src/selftest/selftest.js'

export default class Selftest extends ExaminingCommand<typeof Selftest> {
  static override summary = 'prove on this cluster what baton promises'
  static override description =
    "Checks what 'baton doctor' checks, then takes locks, lets a holder die, watches a key, runs a job on one responder and copies keys from every other datacenter, all below a prefix of its own. It removes what it wrote and takes about 20 s. The report can be attached to a ticket."
  static override exitMeanings = {
    0: 'everything that this cluster can show is proven',
    69: 'something failed: the line says what',
    77: 'only permissions are missing',
    '128+n': 'stopped by signal n; what it wrote was removed',
  }
  static override examples = ['<%= config.bin %> selftest', '<%= config.bin %> selftest --json > report.json']
  static override enableJsonFlag = true
  static override flags = {
    prefix: Flags.string({
      description: 'prefix below which each run has a folder of its own',
      default: 'baton/selftest',
      helpValue: 'PREFIX',
    }),
  }

  async run(): Promise<number> {
    const given = this.flags.prefix.replace(/^\/|\/$/g, '')
    if (given === '') throw new UsageError('selftest: the prefix is empty')
    const client = this.openClient()
    const id = randomBytes(4).toString('hex')
    const prefix = `${given}/${id}`
    const findings = await examine({...(await this.examinationOptions()), client, key: prefix})
    const failed = findings.filter(({verdict}) => verdict === 'fail')
    if (failed.length > 0) {
      this.printFindings([...findings, {check: 'selftest', verdict: 'skip', text: 'not begun, because a check failed'}])
      return failureCode(failed)
    }
    const key = await readDefaultKey(keysDirectory(this.host.env))
    const proofs = await runSelftest({
      client,
      prefix,
      signal: this.stopSignal,
      keys: key === undefined ? [] : [key],
      sessionName: `baton selftest ${id}`,
    })
    const shown = proofs.map(({isDenied: _isDenied, ...proof}) => proof)
    if (this.printFindings([...findings, ...shown])) return 0
    return proofs.every(({verdict, isDenied}) => verdict !== 'fail' || isDenied === true) ? 77 : 69
  }
}
