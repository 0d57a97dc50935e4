import {resolve} from 'node:path'
import * as Flags from '@oclif/core/flags'
import {BaseCommand} from '../../src/cli/base-command.js'
import {stateDirectory} from '../../src/cli/directories.js'
import {printable} from '../../src/cli/exec/printable.js'
import {systemClock} from '../../src/core/time/clock.js'
import {type ResponderStatus, readStatuses} from '../../src/exec/responder/status.js'

export default class ResponderStatusCommand extends BaseCommand<typeof ResponderStatusCommand> {
  static override summary = 'show how the responders of this machine are'
  static override description =
    'Prints for each responder of this machine whether it is alive, whose keys it trusts, what runs, and how many jobs it has run and refused since its start. It reads their state directory, and asks neither them nor Consul.'
  static override exitMeanings = {
    0: 'every responder is alive and can read its trust',
    2: 'a responder is not alive, cannot read its trust, or ignores jobs',
    3: 'no responder has a status',
  }
  static override examples = ['<%= config.bin %> responder status', '<%= config.bin %> responder status --json']
  static override enableJsonFlag = true
  static override flags = {
    'state-dir': Flags.string({
      description: 'state directory of the responders (default: /var/lib/baton or ~/.local/state/baton)',
      helpValue: 'DIR',
    }),
    json: Flags.boolean({description: 'print the result as JSON', helpGroup: 'COMMON'}),
  }

  async run(): Promise<number> {
    const directory = resolve(this.flags['state-dir'] ?? stateDirectory(this.host.env, 'responder'))
    const statuses = await readStatuses(directory)
    const nowMs = systemClock.wallMs()
    const rows = statuses.map(status => ({...status, isAlive: Date.parse(status.staleAfter) > nowMs}))
    if (this.flags.json) this.out.json({responders: rows})
    else for (const row of rows) this.out.line(toLine(row))
    if (rows.length === 0) {
      this.out.warn(`responder: no status below ${directory}: none runs, or with another --state-dir`)
      return 3
    }
    const isFine = rows.every(row => row.isAlive && row.trustTrouble === undefined && row.ignoredJobs === 0)
    return isFine ? 0 : 2
  }
}

function toLine(status: ResponderStatus & {readonly isAlive: boolean}): string {
  const {node, isAlive, updatedAt, pid, trustedKeys, trustTrouble, running, ignoredJobs, jobs, refusals} = status
  const refused = Object.entries(refusals).map(([code, count]) => `${count} ${code}`)
  return [
    printable(node),
    isAlive ? `alive (pid ${pid})` : `NOT ALIVE since ${updatedAt}`,
    `${trustedKeys} key(s)`,
    ...(trustTrouble === undefined ? [] : [`TRUST UNREADABLE: ${printable(trustTrouble)}`]),
    `${running.length} running`,
    `${jobs.started ?? 0} started, ${jobs.refused ?? 0} refused${refused.length > 0 ? ` (${refused.join(', ')})` : ''}`,
    ...(ignoredJobs > 0 ? [`${ignoredJobs} LISTED JOBS IGNORED`] : []),
  ].join('  ')
}
