import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import {ConsulCommand} from '../../src/cli/consul-command.js'
import {checkKey} from '../../src/cli/kv/key.js'
import {refusedWrite} from '../../src/cli/kv/refusal.js'
import {brief} from '../../src/core/brief.js'
import {UsageError} from '../../src/core/errors.js'

const wholeNumber = /^[+-]?\d{1,19}$/
const [least, most] = [-(2n ** 63n), 2n ** 63n - 1n]
const isWithin = (value: bigint): boolean => value >= least && value <= most

export default class KvIncr extends ConsulCommand<typeof KvIncr> {
  static override summary = 'add to the number in a key, and print the result'
  static override exitMeanings = {
    0: 'the new number is written and printed',
    1: 'the value is not a number, the sum is too large, or Consul refused it',
  }
  static override description =
    'Reads and writes with a compare-and-set, again if another client was faster, so that no addition is lost. A key that does ' +
    'not exist counts as 0. Numbers have up to 64 bits.'
  static override examples = [
    '<%= config.bin %> kv incr app/builds',
    '<%= config.bin %> kv incr app/free-slots --by -1',
    'BUILD=$(<%= config.bin %> kv incr app/builds)',
  ]
  static override enableJsonFlag = true
  static override args = {key: Args.string({required: true, ignoreStdin: true, description: 'key with the number'})}
  static override flags = {
    by: Flags.custom<bigint>({
      description: 'what to add; negative numbers subtract',
      helpValue: 'N',
      default: 1n,
      defaultHelp: async () => '1',
      parse: async text => {
        if (wholeNumber.test(text) && isWithin(BigInt(text))) return BigInt(text)
        throw new UsageError(`--by: '${brief(text)}' is not a whole number of 64 bits`)
      },
    })(),
    json: Flags.boolean({description: 'print the result as JSON', helpGroup: 'COMMON'}),
  }

  async run(): Promise<number> {
    const {key} = this.args
    checkKey('incr', key)
    if (this.flags.by === 0n) this.out.warn('--by: no effect: 0 adds nothing')
    const client = this.openClient()
    let sum = 0n
    let fault: string | undefined
    const add = (value: Buffer | undefined): Buffer | undefined => {
      const text = value === undefined ? '0' : value.toString('latin1').trim()
      sum = wholeNumber.test(text) ? BigInt(text) + this.flags.by : 0n
      fault = !wholeNumber.test(text)
        ? `'${brief(text)}' is not a whole number`
        : isWithin(sum)
          ? undefined
          : `${sum} does not fit in 64 bits`
      const changed = Buffer.from(sum.toString())
      return fault !== undefined || value?.equals(changed) ? undefined : changed
    }
    try {
      await client.kv.update(key, entry => add(entry?.value), {signal: this.stopSignal})
    } catch (error) {
      return this.refuse(refusedWrite(error), {code: 'BATON_HTTP', exit: 1})
    }
    if (fault !== undefined) {
      return this.refuse(`Error! Did not write to ${key}: ${fault}`, {code: 'BATON_REFUSED', exit: 1})
    }
    if (this.flags.json) this.out.json({key, value: sum.toString()})
    else this.out.line(sum.toString())
    return 0
  }
}
