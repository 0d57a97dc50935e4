import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import {ConsulCommand} from '../../src/cli/consul-command.js'
import {readDataArgument} from '../../src/cli/data-argument.js'
import {bigintFlag} from '../../src/cli/flags.js'
import {typedInVain} from '../../src/cli/kv/no-effect.js'
import {refusalText} from '../../src/cli/kv/refusal.js'
import {decodeGoBase64} from '../../src/core/api/go-base64.js'
import {isBatonError} from '../../src/core/errors.js'
import type {SessionId} from '../../src/core/types.js'

type Mode = 'put' | 'cas' | 'acquire' | 'release'

const failures: Readonly<Record<Mode, (key: string) => string>> = {
  put: key => `Error! Did not write to ${key}`,
  cas: key => `Error! Did not write to ${key}: CAS failed`,
  acquire: () => 'Error! Did not acquire lock',
  release: () => 'Error! Did not release lock',
}
const successes: Readonly<Record<Mode, (key: string) => string>> = {
  put: key => `Success! Data written to: ${key}`,
  cas: key => `Success! Data written to: ${key}`,
  acquire: key => `Success! Lock acquired on: ${key}`,
  release: key => `Success! Lock released on: ${key}`,
}

export default class KvPut extends ConsulCommand<typeof KvPut> {
  static override summary = 'write a key'
  static override description =
    'Writes the value, byte for byte, and replaces what was there. With --create, --cas, --acquire or --release it writes only if the condition holds.'
  static override exitMeanings = {
    0: 'written',
    1: 'not written: the condition does not hold, or Consul refused the request',
  }
  static override usage = 'kv put KEY [DATA] [FLAGS]'
  static override examples = [
    '<%= config.bin %> kv put app/max-conns 5',
    '<%= config.bin %> kv put app/logo @logo.png',
    'date | <%= config.bin %> kv put app/built -',
    '<%= config.bin %> kv put --create app/owner me',
    '<%= config.bin %> kv put --cas --modify-index=123 app/max-conns 6',
  ]
  static override args = {
    key: Args.string({ignoreStdin: true, description: 'key to write'}),
    data: Args.string({ignoreStdin: true, description: 'value; @FILE for a file, - for stdin; empty when left out'}),
  }
  static override enableJsonFlag = true
  /** As in the Go tool, flags end at the first positional argument, which is the key. */
  static override dataForm = {after: 1, isLastWordData: true}
  static override emptyFlags = 'all' as const
  static override flags = {
    base64: Flags.boolean({description: 'the data is base64'}),
    flags: bigintFlag({description: 'number to store beside the value (default: 0)'}),
    cas: Flags.boolean({description: "write only if the key's index is still --modify-index"}),
    'modify-index': bigintFlag({description: 'index for --cas; 0: only if the key does not exist'}),
    create: Flags.boolean({description: 'write only if the key does not exist'}),
    acquire: Flags.boolean({description: 'lock the key with --session'}),
    release: Flags.boolean({description: 'unlock the key with --session'}),
    session: Flags.string({description: 'session for --acquire and --release'}),
    json: Flags.boolean({description: 'print the result as JSON', helpGroup: 'COMMON'}),
  }

  async run(): Promise<number> {
    const {key} = this.args
    if (key === undefined) return this.#usage('Error! Missing KEY argument')
    const {cas, acquire, release, session} = this.flags
    const modes = (['cas', 'create', 'acquire', 'release'] as const).filter(name => this.flags[name])
    if (modes.length > 1) return this.#usage(`Error! --${modes[0] ?? ''} and --${modes[1] ?? ''} contradict each other`)
    if (cas && this.flags['modify-index'] === undefined) return this.#usage('Must specify -modify-index with -cas!')
    if ((acquire || release) && session === undefined) {
      return this.#usage('Error! Missing -session (required with -acquire and -release)')
    }
    for (const line of [
      ...(cas ? [] : typedInVain(['modify-index'], 'it is for --cas', this.sources)),
      ...(acquire || release ? [] : typedInVain(['session'], 'it is for --acquire and --release', this.sources)),
    ])
      this.out.warn(line)
    const value = await this.#readValue()
    if (value === undefined) return 64
    const mode: Mode = cas || this.flags.create ? 'cas' : acquire ? 'acquire' : release ? 'release' : 'put'
    try {
      if (!(await this.#write(mode, key, value))) {
        return this.refuse(failures[mode](key), {code: 'BATON_CAS_CONFLICT', exit: 1})
      }
    } catch (error) {
      if (isBatonError(error, 'BATON_USAGE')) return this.#usage(`Error! Failed writing data: ${error.message}`)
      const refusal = refusalText(error)
      if (refusal === undefined) throw error
      return this.refuse(`Error! Failed writing data: ${refusal}`, {code: 'BATON_HTTP', exit: 1})
    }
    if (this.flags.json) this.out.json({key, written: true})
    else this.out.line(successes[mode](key))
    return 0
  }

  async #write(mode: Mode, key: string, value: Buffer): Promise<boolean> {
    const {kv} = this.openClient()
    const {flags = 0n, session = ''} = this.flags
    if (mode === 'cas') return kv.cas(key, value, {flags, index: this.flags['modify-index'] ?? 0n})
    if (mode === 'acquire') return kv.acquire(key, value, {flags, session: session as SessionId})
    if (mode === 'release') return kv.release(key, value, {flags, session: session as SessionId})
    await kv.put(key, value, {flags})
    return true
  }

  /** Resolves with undefined if the value cannot be read, after printing the reason. Nothing is written then. */
  async #readValue(): Promise<Buffer | undefined> {
    let data: Buffer
    try {
      data = await readDataArgument(this.args.data ?? '', this.host.stdin)
    } catch (error) {
      if (!isBatonError(error, 'BATON_USAGE')) throw error
      this.#usage(`Error! ${error.message}`)
      return undefined
    }
    if (!this.flags.base64) return data
    const decoded = decodeGoBase64(data.toString('latin1'))
    if (Buffer.isBuffer(decoded)) return decoded
    this.#usage(`Error! Cannot base 64 decode data: illegal base64 data at input byte ${decoded.offset}`)
    return undefined
  }

  #usage(text: string): number {
    return this.refuse(text, {code: 'BATON_USAGE', exit: 64})
  }
}
