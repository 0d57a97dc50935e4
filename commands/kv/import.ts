import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import {ConsulCommand} from '../../src/cli/consul-command.js'
import {readDataArgument} from '../../src/cli/data-argument.js'
import {importText} from '../../src/cli/kv/import-text.js'
import {typedInVain} from '../../src/cli/kv/no-effect.js'
import {refusals} from '../../src/cli/kv/refusal.js'
import {Progress} from '../../src/cli/progress.js'
import {aclRuleText} from '../../src/core/api/acl-rule.js'
import {ConsulError, isBatonError, isTransient} from '../../src/core/errors.js'
import {exchangeInputBytes} from '../../src/core/input.js'
import {type ExchangeEntry, parseExchange} from '../../src/kv/exchange.js'
import {ImportError, type ImportEvent, type ImportResult, importEntries, planImport} from '../../src/kv/import.js'

const badData = {code: 'BATON_USAGE', exit: 64} as const

/** True if it is unknown whether a transaction was applied, because its answer was lost. */
const isUnclear = (error: unknown): boolean => error instanceof ImportError && isTransient(error.cause)

export default class KvImport extends ConsulCommand<typeof KvImport> {
  static override summary = 'write the keys of a kv export'
  static override exitMeanings = {
    0: 'imported, or shown with --dry-run',
    1: 'Consul refused a key; the message says how many are written',
    '128+n': 'stopped by signal n; what is written stays',
  }
  static override description =
    'Everything is read and checked before the first key is written. Keys are written in transactions, in their order; ' +
    'each is named when it is written.'
  static override usage = 'kv import DATA [FLAGS]'
  static override examples = [
    '<%= config.bin %> kv import @app.json',
    '<%= config.bin %> kv export app/ | <%= config.bin %> kv import --http-addr=other:8500 -',
    '<%= config.bin %> kv import --dry-run @app.json',
    '<%= config.bin %> kv import --prefix restored/ @app.json',
  ]
  static override enableJsonFlag = true
  static override args = {data: Args.string({ignoreStdin: true, description: 'JSON; @FILE for a file, - for stdin'})}
  static override flags = {
    atomic: Flags.boolean({description: 'all keys in one transaction, or none'}),
    create: Flags.boolean({description: 'leave keys alone that exist'}),
    'dry-run': Flags.boolean({description: 'only say what would be written'}),
    prefix: Flags.string({description: 'put this folder before each key', helpValue: 'PREFIX'}),
    json: Flags.boolean({description: 'print the result as JSON', helpGroup: 'COMMON'}),
  }

  protected override get aclTargets(): readonly string[] {
    return [this.flags.prefix ?? '']
  }

  async run(): Promise<number> {
    const entries = await this.#read()
    if (!entries) return badData.exit
    if (this.flags['dry-run']) {
      for (const line of typedInVain(['atomic'], '--dry-run writes nothing', this.sources)) this.out.warn(line)
      return this.#plan(entries)
    }
    let done = 0
    const {stdout, stderr} = this.host
    // On a terminal, the names of the written keys already show the progress.
    const isQuiet = this.flags.quiet || (stdout.isTTY && !this.flags.json)
    const progress = new Progress({stderr, isQuiet, line: this.statusLine})
    const observer = ({keys}: ImportEvent): void => {
      done += keys.length
      if (!this.flags.json) this.out.raw(keys.map(key => `Imported: ${key}\n`).join(''))
      progress.update('', done, entries.length)
    }
    const {atomic, create} = this.flags
    try {
      const result = await importEntries(this.openClient(), entries, {
        isAtomic: atomic,
        isCreateOnly: create,
        observer,
        signal: this.stopSignal,
      })
      progress.end()
      this.#report(result)
      return 0
    } catch (error) {
      progress.end()
      if (done > 0)
        this.out.warn(`${done} of ${entries.length} keys are written${isUnclear(error) ? ', perhaps more' : ''}`)
      if (error instanceof ImportError) {
        if (isBatonError(error.cause, 'BATON_ACL_DENIED') && !(error.cause instanceof ConsulError)) {
          const rule = aclRuleText({resource: 'key', segment: error.key, access: 'write'})
          return this.refuse(`${importText(error)} (the token lacks ${rule})`, {code: error.cause.code, exit: 77})
        }
        // A failure of the connection keeps its own exit code.
        if (isBatonError(error.cause) && !refusals.has(error.cause.code)) throw error.cause
        return this.refuse(importText(error), {code: error.code, exit: 1})
      }
      if (!isBatonError(error, 'BATON_USAGE')) throw error
      return this.refuse(importText(error), badData)
    }
  }

  #report(result: ImportResult): void {
    if (this.flags.json) this.out.json(result)
    else for (const key of result.skipped) this.out.line(`Skipped: ${key}`)
    this.out.say(`imported ${result.imported} keys, skipped ${result.skipped.length}`)
  }

  async #plan(entries: readonly ExchangeEntry[]): Promise<number> {
    let plan: Awaited<ReturnType<typeof planImport>>
    try {
      plan = await planImport(this.openClient(), entries, {isCreateOnly: this.flags.create})
    } catch (error) {
      if (!isBatonError(error, 'BATON_USAGE')) throw error
      return this.refuse(importText(error), badData)
    }
    if (this.flags.json) this.out.json({changes: plan})
    else for (const {key, change} of plan) this.out.line(`${change.padEnd(9)} ${key}`)
    return 0
  }

  /** Resolves with undefined if the data is not valid, after printing the reason. */
  async #read(): Promise<readonly ExchangeEntry[] | undefined> {
    const {data} = this.args
    if (data === undefined) {
      this.refuse('Error! Missing DATA argument', badData)
      return undefined
    }
    let text: string
    try {
      text = (await readDataArgument(data, this.host.stdin, exchangeInputBytes)).toString()
    } catch (error) {
      if (!isBatonError(error, 'BATON_USAGE')) throw error
      this.refuse(`Error! ${error.message}`, badData)
      return undefined
    }
    try {
      return this.#withPrefix(parseExchange(text))
    } catch (error) {
      if (!isBatonError(error, 'BATON_USAGE')) throw error
      this.refuse(importText(error), badData)
      return undefined
    }
  }

  /**
   * Adds the prefix as newer versions of `consul kv import` do: with one `/` between prefix and key. The key of a
   * folder keeps its final `/`.
   */
  #withPrefix(entries: readonly ExchangeEntry[]): readonly ExchangeEntry[] {
    const {prefix = ''} = this.flags
    const folder = prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`
    // An empty key stays empty, so that it is refused later.
    return entries.map(entry => (entry.key === '' ? entry : {...entry, key: folder + entry.key}))
  }
}
