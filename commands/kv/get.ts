import * as Args from '@oclif/core/args'
import {ConsulCommand} from '../../src/command/consul-command.js'

export default class KvGet extends ConsulCommand<typeof KvGet> {
  static override summary = 'print the value of a key'
  static override examples = ['<%= config.bin %> kv get app/max-conns']
  static override args = {key: Args.string({required: true, ignoreStdin: true, description: 'key to read'})}

  async run(): Promise<number> {
    const client = this.openClient()
    const key = this.args.key.replace(/^\//, '')
    const {value: entry} = await client.kv.get(key)
    if (!entry) {
      this.out.error(`Error! No key exists at: ${key}`)
      return 1
    }
    this.out.raw(entry.value)
    this.out.raw('\n')
    return 0
  }
}
