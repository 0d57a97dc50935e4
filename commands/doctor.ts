import * as Args from '@oclif/core/args'
import {ConsulCommand} from '../src/cli/consul-command.js'
import {examine} from '../src/doctor/examine.js'
import type {TokenSource} from '../src/doctor/machine.js'
import type {Finding} from '../src/doctor/types.js'

export default class Doctor extends ConsulCommand<typeof Doctor> {
  static override summary = 'check everything baton depends on, and say what to fix'
  static override description = 'Reads only: nothing is written to Consul.'
  static override examples = [
    '<%= config.bin %> doctor',
    '<%= config.bin %> doctor app/db --token-file /etc/baton/token',
  ]
  static override enableJsonFlag = true
  static override args = {
    key: Args.string({
      ignoreStdin: true,
      default: 'baton/doctor',
      description: 'a key that is going to be used: can it be read?',
    }),
  }

  async run(): Promise<number> {
    const findings = await examine({
      client: this.openClient(),
      nodeVersion: process.version,
      searchPath: this.host.env['PATH'] ?? '',
      token: this.#tokenSource(),
      key: this.args.key.replace(/^\//, ''),
    })
    const failed = findings.some(({verdict}) => verdict === 'fail')
    if (this.jsonEnabled()) this.out.json({ok: !failed, findings: findings.map(one => this.#phrased(one))})
    else {
      for (const {verdict, check, text, fix} of findings.map(one => this.#phrased(one))) {
        const line = `${verdict.padEnd(4)} ${check.padEnd(11)} ${text}${fix === undefined ? '' : ` (${fix})`}`
        this.out.line(line.replaceAll(/\s*\n\s*/g, ' '))
      }
    }
    return failed ? 69 : 0
  }

  #phrased(finding: Finding): Finding {
    const {fix} = finding
    return fix === undefined ? finding : {...finding, fix: this.phrase(fix)}
  }

  #tokenSource(): TokenSource {
    const {token, 'token-file': file} = this.flags
    if (file !== undefined && file !== '') return {file}
    if (token === undefined || token === '') return 'none'
    return this.sources.get('token') === 'flag' ? 'flag' : 'other'
  }
}
