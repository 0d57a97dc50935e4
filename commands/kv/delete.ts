import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import {ConsulCommand} from '../../src/cli/consul-command.js'
import {bigintFlag} from '../../src/cli/flags.js'

export default class KvDelete extends ConsulCommand<typeof KvDelete> {
  static override summary = 'delete a key, or all keys under a prefix'
  static override description =
    'Deletes one key; a key that does not exist is a success. With --recurse it deletes every key that starts with the prefix, byte for byte: app includes apple.'
  static override exitMeanings = {
    0: 'deleted',
    1: 'not deleted: the index of the key has changed',
  }
  static override usage = ['kv delete KEY [FLAGS]', 'kv delete --recurse PREFIX']
  static override examples = [
    '<%= config.bin %> kv delete app/max-conns',
    '<%= config.bin %> kv delete --recurse app/',
    '<%= config.bin %> kv delete --cas --modify-index=123 app/max-conns',
  ]
  static override enableJsonFlag = true
  static override args = {key: Args.string({ignoreStdin: true, description: 'key, or prefix with --recurse'})}
  static override flags = {
    recurse: Flags.boolean({description: 'delete all keys that start with the prefix, byte for byte'}),
    cas: Flags.boolean({description: "delete only if the key's index is still --modify-index"}),
    'modify-index': bigintFlag({description: 'index for --cas'}),
    json: Flags.boolean({description: 'print the result as JSON', helpGroup: 'COMMON'}),
  }

  async run(): Promise<number> {
    const {recurse, cas} = this.flags
    const index = this.flags['modify-index'] ?? 0n
    const key = (this.args.key ?? '').replace(/^\//, '')
    const fault =
      key === '' && !recurse
        ? 'Error! Missing KEY argument'
        : recurse && (this.args.key ?? '') === ''
          ? 'Error! An empty prefix would delete every key: write / to do so'
          : cas && index === 0n
            ? 'Must specify -modify-index with -cas!'
            : !cas && index !== 0n
              ? 'Cannot specify -modify-index without -cas!'
              : cas && recurse
                ? 'Cannot specify both -cas and -recurse!'
                : undefined
    if (fault !== undefined) return this.refuse(fault, {code: 'BATON_USAGE', exit: 64})
    const {kv} = this.openClient()
    if (recurse) {
      await kv.deleteTree(key)
      if (this.flags.json) this.out.json({prefix: key, deleted: true})
      else this.out.line(`Success! Deleted keys with prefix: ${key}`)
      return 0
    }
    if (!cas) await kv.delete(key)
    else if (!(await kv.deleteCas(key, {index})))
      return this.refuse(`Error! Did not delete key ${key}: CAS failed`, {code: 'BATON_CAS_CONFLICT', exit: 1})
    if (this.flags.json) this.out.json({key, deleted: true})
    else this.out.line(`Success! Deleted key: ${key}`)
    return 0
  }
}
