import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import {ConsulCommand} from '../../src/cli/consul-command.js'
import type {HiddenCheck} from '../../src/cli/hidden-items.js'
import {typedInVain} from '../../src/cli/kv/no-effect.js'
import {refusalText} from '../../src/cli/kv/refusal.js'
import {detailedRows, entryObject, listText, shownValue} from '../../src/cli/kv/text.js'
import type {ConsulClient} from '../../src/core/client.js'

export default class KvGet extends ConsulCommand<typeof KvGet> {
  static override summary = 'print the value of a key, or list the keys under a prefix'
  static override description =
    'Prints the value as it is stored, and a newline. With --recurse or --keys it prints every key that starts with the prefix, byte for byte: app includes apple.'
  static override exitMeanings = {
    0: 'printed',
    1: 'the key does not exist, or Consul refused the request',
  }
  static override usage = ['kv get KEY [FLAGS]', 'kv get --recurse|--keys [PREFIX] [FLAGS]']
  static override examples = [
    '<%= config.bin %> kv get app/max-conns',
    '<%= config.bin %> kv get --detailed app/max-conns',
    '<%= config.bin %> kv get --recurse app/',
    '<%= config.bin %> kv get --keys app/',
    '<%= config.bin %> kv get --raw app/logo > logo.png',
  ]
  static override enableJsonFlag = true
  static override args = {key: Args.string({ignoreStdin: true, description: 'key, or prefix with --recurse or --keys'})}
  static override emptyFlags = ['separator']
  static override flagRules = ['raw', 'base64', 'detailed'].map(flag => ({flag, besides: ['json']}))
  static override flags = {
    base64: Flags.boolean({description: 'print values as base64'}),
    detailed: Flags.boolean({description: 'print flags, indexes and session too'}),
    keys: Flags.boolean({description: 'print the names under the prefix, not their values'}),
    recurse: Flags.boolean({description: 'print all keys that start with the prefix'}),
    separator: Flags.string({description: 'with --keys: cut names after this', default: '/'}),
    raw: Flags.boolean({description: 'print exactly the bytes of the value, without a newline'}),
    json: Flags.boolean({description: 'print the result as JSON, values as base64', helpGroup: 'COMMON'}),
  }

  protected override get aclNeeds(): ConsulCommand['aclNeeds'] {
    const isList = this.flags.keys || this.flags.recurse
    return [[isList ? 'kv ls' : 'kv get', (this.args.key ?? '').replace(/^\//, '')]]
  }

  protected override get checksHidden(): HiddenCheck {
    return 'empty'
  }

  async run(): Promise<number> {
    const {keys, recurse} = this.flags
    const key = (this.args.key ?? '').replace(/^\//, '')
    if (key === '' && !keys && !recurse) {
      return this.refuse('Error! Missing KEY argument', {code: 'BATON_USAGE', exit: 64})
    }
    for (const line of this.#withoutEffect()) this.out.warn(line)
    const client = this.openClient()
    try {
      if (keys) return await this.#names(client, key)
      return await (recurse ? this.#tree(client, key) : this.#one(client, key))
    } catch (error) {
      const refusal = refusalText(error)
      if (refusal === undefined) throw error
      return this.refuse(`Error querying Consul agent: ${refusal}`, {code: 'BATON_HTTP', exit: 1})
    }
  }

  /** Returns a line for each flag that has no effect. The Go tool ignores these flags silently. */
  #withoutEffect(): readonly string[] {
    const {keys, recurse} = this.flags
    if (keys) return typedInVain(['recurse', 'detailed', 'base64', 'raw'], '--keys prints names only', this.sources)
    return [
      ...typedInVain(['separator'], 'it is for --keys', this.sources),
      ...(recurse ? typedInVain(['raw'], '--recurse prints lines', this.sources) : []),
    ]
  }

  async #names(client: ConsulClient, prefix: string): Promise<number> {
    const {value: names} = await client.kv.keys(prefix, {separator: this.flags.separator})
    if (this.flags.json) this.out.json({keys: names})
    else this.out.raw(names.map(name => `${name}\n`).join(''))
    return 0
  }

  async #tree(client: ConsulClient, prefix: string): Promise<number> {
    const {value: entries} = await client.kv.list(prefix)
    if (this.flags.json) this.out.json({entries: entries.map(entryObject)})
    else this.out.raw(listText(entries, this.flags))
    return 0
  }

  async #one(client: ConsulClient, key: string): Promise<number> {
    const {value: entry} = await client.kv.get(key)
    if (!entry) {
      return this.refuse(`Error! No key exists at: ${key}`, {code: 'BATON_NOT_FOUND', exit: 1})
    }
    if (this.flags.json) this.out.json(entryObject(entry))
    else if (this.flags.detailed) this.out.raw(detailedRows(entry, {base64: this.flags.base64}))
    else {
      this.out.raw(shownValue(entry, this.flags))
      if (!this.flags.raw) this.out.raw('\n')
    }
    return 0
  }
}
