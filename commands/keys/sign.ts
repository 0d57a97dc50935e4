import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import {BaseCommand} from '../../src/cli/base-command.js'
import {keysDirectory} from '../../src/cli/directories.js'
import {jobJson, jobLines, readJobFile, replaceJobFile} from '../../src/cli/exec/job-file.js'
import {systemClock} from '../../src/core/time/clock.js'
import {addSignatures} from '../../src/exec/native/job-file.js'
import {defaultKeyName, readSigningKey} from '../../src/exec/native/key-files.js'

export default class KeysSign extends BaseCommand<typeof KeysSign> {
  static override summary = 'add a signature to a job that was prepared'
  static override description =
    'Shows what a file of baton exec --prepare would run and where, and adds your signature to it. Responders whose policy asks for several signatures run it only then. Nothing is sent.'
  static override exitMeanings = {
    0: 'the job is signed',
  }
  static override examples = [
    '<%= config.bin %> keys sign restart.job',
    '<%= config.bin %> keys sign restart.job --key ~/.ssh/id_ed25519.pub',
  ]
  static override enableJsonFlag = true
  static override args = {
    file: Args.string({ignoreStdin: true, required: true, description: 'file of baton exec --prepare'}),
  }
  static override flags = {
    key: Flags.string({
      description: 'sign with this key, by name or path (repeatable; default: the key named default)',
      multiple: true,
      multipleNonGreedy: true,
    }),
    'keys-dir': Flags.string({description: 'where your keys are (default: ~/.config/baton/keys)', helpValue: 'DIR'}),
    json: Flags.boolean({description: 'print the result as JSON', helpGroup: 'COMMON'}),
  }

  async run(): Promise<number> {
    const {file: path} = this.args
    const {key: names = [defaultKeyName], json} = this.flags
    const directory = this.flags['keys-dir'] ?? keysDirectory(this.host.env)
    const job = await readJobFile(path)
    const socket = this.host.env['SSH_AUTH_SOCK']
    const keys = await Promise.all(names.map(name => readSigningKey(directory, name, socket)))
    if (!json) for (const line of jobLines(job, systemClock.wallMs())) this.out.line(line)
    await replaceJobFile(path, await addSignatures(job, keys))
    const kids = keys.map(({kid}) => kid)
    if (json) this.out.json({...jobJson(job), file: path, signedBy: kids})
    else this.out.line(`signed by ${keys.map(({kid, name}) => `${kid} (${name})`).join(', ')}`)
    return 0
  }
}
