import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import {ConsulCommand} from '../../src/cli/consul-command.js'
import {readDataArgument} from '../../src/cli/data-argument.js'
import {bigintFlag} from '../../src/cli/flags.js'
import {checkKey} from '../../src/cli/kv/key.js'
import {UsageError} from '../../src/core/errors.js'

export default class KvCas extends ConsulCommand<typeof KvCas> {
  static override summary = 'write a key only if its value or index is still the expected one'
  static override exitMeanings = {
    0: 'written',
    1: 'not written: the key has another value or index',
  }
  static override description =
    'Compares and writes in one step: if the key has changed, nothing is written and the exit code is 1. ' +
    'Flags of the key are kept unless --flags is given.'
  static override examples = [
    '<%= config.bin %> kv cas app/leader new-value --expect old-value',
    '<%= config.bin %> kv cas app/leader me --create',
    '<%= config.bin %> kv cas app/leader new-value --modify-index=123',
  ]
  static override args = {
    key: Args.string({required: true, ignoreStdin: true, description: 'key to write'}),
    data: Args.string({required: true, ignoreStdin: true, description: 'new value; @FILE for a file, - for stdin'}),
  }
  static override enableJsonFlag = true
  static override dataForm = {after: 1}
  static override emptyFlags = ['expect']
  static override flags = {
    expect: Flags.string({description: 'the value it must have now; @FILE for a file'}),
    create: Flags.boolean({description: 'it must not exist'}),
    'modify-index': bigintFlag({description: 'the index it must have now'}),
    flags: bigintFlag({description: 'number to store beside the value (default: as it is)'}),
    json: Flags.boolean({description: 'print the result as JSON', helpGroup: 'COMMON'}),
  }

  async run(): Promise<number> {
    const {expect, create} = this.flags
    const index = this.flags['modify-index']
    if ([expect !== undefined, create, index !== undefined].filter(Boolean).length !== 1) {
      throw new UsageError('kv cas: give exactly one of --expect, --create and --modify-index')
    }
    const key = this.args.key
    checkKey('cas', key)
    const value = await readDataArgument(this.args.data, this.host.stdin)
    const wanted = expect === undefined ? undefined : await this.#read(expect)
    const {kv} = this.openClient()
    const refused = (why: string): number =>
      this.refuse(`Error! Did not write to ${key}: ${why}`, {code: 'BATON_CAS_CONFLICT', exit: 1})
    let at = index ?? 0n
    let flags = this.flags.flags
    if (!create) {
      const {value: current} = await kv.get(key, {consistency: 'consistent'})
      flags ??= current?.flags
      if (wanted !== undefined) {
        if (!current) return refused('no such key')
        if (!current.value.equals(wanted)) return refused('the value is another')
        at = current.modifyIndex
      }
    }
    if (!(await kv.cas(key, value, {index: at, flags: flags ?? 0n}))) return refused('CAS failed')
    if (this.flags.json) this.out.json({key, written: true})
    else this.out.line(`Success! Data written to: ${key}`)
    return 0
  }

  /**
   * Reads the expected value. A `-` is the value itself here, because stdin is reserved for the
   * data.
   */
  #read(expected: string): Promise<Buffer> {
    return readDataArgument(expected === '-' ? '@-' : expected, this.host.stdin)
  }
}
