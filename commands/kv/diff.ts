import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import {ConsulCommand} from '../../src/cli/consul-command.js'
import type {HiddenCheck} from '../../src/cli/hidden-items.js'
import {type Place, parsePlace} from '../../src/cli/kv/place.js'
import {unproven, unprovenCode, unprovenMeaning} from '../../src/cli/unproven.js'
import type {ConsulClient} from '../../src/core/client.js'
import {diffKeys, type KeyDifference, type KeysUnder} from '../../src/kv/diff.js'

const marks: Readonly<Record<KeyDifference['kind'], string>> = {create: '+', update: '~', delete: '-'}

export default class KvDiff extends ConsulCommand<typeof KvDiff> {
  static override summary = 'compare the keys under two prefixes'
  static override exitMeanings = {
    0: 'the keys are equal',
    1: 'there are differences',
    77: unprovenMeaning,
  }
  static override description =
    'Names each key (without its prefix) that is only under A (-), only under B (+), or under both with another value or other ' +
    'flags (~). Exits with 1 if there is one, and with 77 if none is visible but the token may not read all keys. PREFIX@DC is a prefix in another datacenter; / is the root.'
  static override examples = [
    '<%= config.bin %> kv diff app/staging/ app/production/',
    '<%= config.bin %> kv diff app/@dc1 app/@dc2',
  ]
  static override enableJsonFlag = true
  static override args = {
    a: Args.string({required: true, ignoreStdin: true, description: 'PREFIX or PREFIX@DC'}),
    b: Args.string({required: true, ignoreStdin: true, description: 'PREFIX or PREFIX@DC'}),
  }
  static override flags = {json: Flags.boolean({description: 'print the differences as JSON', helpGroup: 'COMMON'})}

  protected override get checksHidden(): HiddenCheck {
    return 'all'
  }

  async run(): Promise<number> {
    const [a, b] = [parsePlace(this.args.a), parsePlace(this.args.b)]
    const client = this.openClient()
    const [first, second] = await Promise.all([this.#read(client, a), this.#read(client, b)])
    const differences = diffKeys(first, second)
    const differ = differences.length > 0
    const isUnproven = !differ && (await this.hidesItems())
    if (this.flags.json) this.out.json({equal: isUnproven ? null : !differ, changes: differences})
    else for (const difference of differences) this.out.line(lineOf(difference))
    if (isUnproven) {
      this.out.error(`baton: kv diff: ${unproven}`)
      return unprovenCode
    }
    if (!differ && !this.flags.json) this.out.say('no differences')
    return differ ? 1 : 0
  }

  async #read(client: ConsulClient, {prefix, datacenter, text}: Place): Promise<KeysUnder> {
    const {value: entries} = await client.kv.list(prefix, datacenter === undefined ? {} : {datacenter})
    if (entries.length === 0) this.out.warn(`${text}: there are no keys`)
    return {prefix, entries}
  }
}

function lineOf({kind, key, differs}: KeyDifference): string {
  const what = differs === undefined ? '' : ` (${differs === 'both' ? 'value, flags' : differs})`
  return `${marks[kind]} ${key}${what}`
}
