import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import {BaseCommand} from '../../src/cli/base-command.js'
import {defined} from '../../src/cli/defined.js'
import {trustDirectory} from '../../src/cli/directories.js'
import {printable} from '../../src/cli/exec/printable.js'
import {briefPath} from '../../src/core/brief.js'
import {UsageError} from '../../src/core/errors.js'
import {inputLimitBytes, readInput, readStream, whyUnreadable} from '../../src/core/input.js'
import {systemClock} from '../../src/core/time/clock.js'
import {addTrust} from '../../src/exec/native/key-files.js'
import {isPrivateFile} from '../../src/exec/native/keys.js'
import {parsePolicy} from '../../src/exec/native/policy.js'

const labels = {policy: 'policy', exp: 'expiry', nbf: 'beginning'} as const

export default class KeysAdd extends BaseCommand<typeof KeysAdd> {
  static override summary = "let this node's responder run the jobs of a key"
  static override description =
    'Copies the public key into the trust directory of this node, so that its responder runs jobs signed with it. The policy limits what the key may run; without one it may run everything.'
  static override exitMeanings = {
    0: 'the key is trusted',
  }
  static override examples = [
    '<%= config.bin %> keys add deploy.pub.json',
    '<%= config.bin %> keys add ~/.ssh/id_ed25519.pub',
    '<%= config.bin %> keys add deploy.pub.json --policy uptime-only.json --expires 2027-01-01',
  ]
  static override enableJsonFlag = true
  static override args = {
    file: Args.string({
      ignoreStdin: true,
      required: true,
      description: 'public key of baton or OpenSSH (ssh-ed25519), - is stdin',
    }),
  }
  static override flags = {
    'trust-dir': Flags.string({description: 'where trusted keys are', default: trustDirectory, helpValue: 'DIR'}),
    name: Flags.string({description: "name of the key here (default: the key's own)"}),
    policy: Flags.string({description: 'JSON file with what the key may do (default: everything)', helpValue: 'FILE'}),
    expires: Flags.string({description: 'when the key stops being trusted', helpValue: 'DATE'}),
    json: Flags.boolean({description: 'print the result as JSON', helpGroup: 'COMMON'}),
  }

  async run(): Promise<number> {
    const {name, policy, expires} = this.flags
    const text = await this.#read(this.args.file)
    const added = await addTrust(this.flags['trust-dir'], text, {
      changes: defined({
        name,
        policy: policy === undefined ? undefined : await parsePolicy(await this.#read(policy), policy),
        expires,
      }),
      nowMs: systemClock.wallMs(),
    })
    if (this.flags.json) this.out.json(added)
    else this.out.line(`trusted ${added.kid} in ${added.path}`)
    if (isPrivateFile(text)) {
      this.out.warn(
        `keys: ${briefPath(this.args.file)} is the private file of the key: only its public part was stored (it must not leave the host that signs)`,
      )
    }
    if (added.kept.length > 0) {
      const kept = added.kept.map(field => labels[field]).join(' and ')
      this.out.warn(`keys: the key was trusted before: its ${kept} is kept (to drop it, remove ${added.path} first)`)
    }
    if (added.alsoIn.length > 0) {
      this.out.warn(`keys: the key is also in ${added.alsoIn.join(', ')}: the restrictions of all these files apply`)
    }
    for (const problem of added.problems)
      this.out.warn(`keys: responders cannot read their trust: ${printable(problem)}`)
    return 0
  }

  async #read(path: string): Promise<string> {
    try {
      const bytes = path === '-' ? await readStream(this.host.stdin, inputLimitBytes) : await readInput(path)
      return bytes.toString()
    } catch (error) {
      throw new UsageError(`key ${briefPath(path)}: cannot read it: ${whyUnreadable(error)}`, {cause: error})
    }
  }
}
