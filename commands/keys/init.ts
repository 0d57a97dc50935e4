import {readFile} from 'node:fs/promises'
import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import {BaseCommand} from '../../src/cli/base-command.js'
import {keysDirectory, trustDirectory} from '../../src/cli/directories.js'
import {systemClock} from '../../src/core/time/clock.js'
import {addTrust, defaultKeyName, initKey} from '../../src/exec/native/key-files.js'

export default class KeysInit extends BaseCommand<typeof KeysInit> {
  static override summary = 'create a key to sign jobs with'
  static override description =
    "Creates an Ed25519 key pair: the private half stays here, the public half goes to each node, where 'baton keys add' trusts it. An existing key is never overwritten."
  static override exitMeanings = {
    0: 'the key was created',
  }
  static override examples = [
    '<%= config.bin %> keys init',
    '<%= config.bin %> keys init --trust',
    '<%= config.bin %> keys init deploy',
  ]
  static override enableJsonFlag = true
  static override args = {
    name: Args.string({ignoreStdin: true, description: 'name of the key', default: defaultKeyName}),
  }
  static override flags = {
    'keys-dir': Flags.string({description: 'where your keys are (default: ~/.config/baton/keys)', helpValue: 'DIR'}),
    trust: Flags.boolean({description: "also let this node's responder run its jobs, as baton keys add does"}),
    'trust-dir': Flags.string({
      description: 'with --trust: where trusted keys are',
      default: trustDirectory,
      helpValue: 'DIR',
    }),
    json: Flags.boolean({description: 'print the result as JSON', helpGroup: 'COMMON'}),
  }
  static override flagRules = [{flag: 'trust-dir', needs: ['trust']}]

  async run(): Promise<number> {
    const directory = this.flags['keys-dir'] ?? keysDirectory(this.host.env)
    const nowMs = systemClock.wallMs()
    const made = await initKey(directory, this.args.name, nowMs)
    const trusted = this.flags.trust
      ? await addTrust(this.flags['trust-dir'], await readFile(made.publicPath, 'utf8'), {changes: {}, nowMs})
      : undefined
    if (this.flags.json) this.out.json({...made, ...(trusted && {trustedIn: trusted.path})})
    else {
      this.out.line(`key ${made.kid} (${made.name})`)
      this.out.line(`private: ${made.privatePath}`)
      this.out.line(`public:  ${made.publicPath}`)
      if (trusted) this.out.line(`trusted: ${trusted.path}`)
    }
    this.out.say('copy the public file to each node, and there: baton keys add FILE')
    return 0
  }
}
