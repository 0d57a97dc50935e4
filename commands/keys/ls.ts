import {readdir} from 'node:fs/promises'
import * as Flags from '@oclif/core/flags'
import {BaseCommand} from '../../src/cli/base-command.js'
import {keysDirectory, trustDirectory} from '../../src/cli/directories.js'
import {printable} from '../../src/cli/exec/printable.js'
import {briefPath} from '../../src/core/brief.js'
import {UsageError} from '../../src/core/errors.js'
import {whyUnreadable} from '../../src/core/input.js'
import {listOwnKeys, listTrust} from '../../src/exec/native/key-files.js'

interface Row {
  readonly kid: string
  readonly name: string
  readonly use: 'sign' | 'trust'
  readonly isRevoked: boolean
  readonly expires: string | undefined
  readonly hasPolicy: boolean
  /** Other trust files with the same key. The restrictions of all these files apply. */
  readonly alsoIn: readonly string[]
}

export default class KeysLs extends BaseCommand<typeof KeysLs> {
  static override summary = "list one's own keys and those that this node's responder trusts"
  static override description =
    'Lists your signing keys and the keys that a responder of this node trusts, with their limits. Files that cannot be used are named.'
  static override exitMeanings = {
    0: 'listed',
  }
  static override examples = ['<%= config.bin %> keys ls', '<%= config.bin %> keys ls --json']
  static override enableJsonFlag = true
  static override flags = {
    'keys-dir': Flags.string({description: 'where your keys are (default: ~/.config/baton/keys)', helpValue: 'DIR'}),
    'trust-dir': Flags.string({description: 'where trusted keys are', default: trustDirectory, helpValue: 'DIR'}),
    json: Flags.boolean({description: 'print the result as JSON', helpGroup: 'COMMON'}),
  }

  async run(): Promise<number> {
    await this.#checkTyped('keys-dir')
    await this.#checkTyped('trust-dir')
    const own = await listOwnKeys(this.flags['keys-dir'] ?? keysDirectory(this.host.env))
    const trust = await listTrust(this.flags['trust-dir'])
    const revoked = new Set(trust.revoked)
    const rows: readonly Row[] = [
      ...own.map(({kid, name}) => ({
        kid,
        name,
        use: 'sign' as const,
        isRevoked: false,
        expires: undefined,
        hasPolicy: false,
        alsoIn: [],
      })),
      ...trust.keys.map(({entry, path}) => ({
        kid: entry.kid,
        name: entry.name,
        use: 'trust' as const,
        isRevoked: revoked.has(entry.kid),
        expires: entry.exp,
        hasPolicy: entry.policy !== undefined,
        alsoIn: trust.keys
          .filter(other => other.path !== path && other.entry.kid === entry.kid)
          .map(other => other.path),
      })),
    ]
    for (const problem of trust.problems)
      this.out.warn(`keys: responders cannot read their trust: ${printable(problem)}`)
    if (this.flags.json) this.out.json({keys: rows, problems: trust.problems})
    else for (const row of rows) this.out.line(toLine(row))
    if (rows.length === 0) this.out.say('no keys: create one with baton keys init')
    return 0
  }

  /** Throws if a directory that a flag names does not exist. The default directories may be missing. */
  async #checkTyped(flag: 'keys-dir' | 'trust-dir'): Promise<void> {
    const path = this.flags[flag]
    if (path === undefined || this.sources.get(flag) !== 'flag') return
    await readdir(path).catch((error: unknown) => {
      throw new UsageError(`--${flag}: cannot read ${briefPath(path)}: ${whyUnreadable(error)}`, {cause: error})
    })
  }
}

function toLine({kid, name, use, isRevoked, expires, hasPolicy, alsoIn}: Row): string {
  const remarks = [
    ...(isRevoked ? ['revoked'] : []),
    ...(expires === undefined ? [] : [`expires ${expires}`]),
    ...(hasPolicy ? ['with policy'] : []),
    ...(alsoIn.length > 0 ? [`also in ${alsoIn.join(', ')}: the restrictions of all apply`] : []),
  ]
  return [kid, use.padEnd(5), name, ...remarks].join('  ')
}
