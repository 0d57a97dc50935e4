import {brief} from '../../core/brief.js'
import {UsageError} from '../../core/errors.js'

const facilities = new Set([
  ...['KERN', 'USER', 'MAIL', 'DAEMON', 'AUTH', 'SYSLOG', 'LPR', 'NEWS', 'UUCP', 'CRON', 'AUTHPRIV', 'FTP'],
  ...Array.from({length: 8}, (_, at) => `LOCAL${at}`),
])

interface SyslogFlags {
  readonly syslog: boolean
  readonly 'syslog-facility'?: string | undefined
}

/**
 * Returns what happens to log lines that were meant for syslog, and how to send them there. Node cannot open the
 * datagram socket of syslog. Throws a UsageError for an unknown facility.
 */
export function syslogAdvice({syslog, 'syslog-facility': facility}: SyslogFlags): string | undefined {
  if (facility !== undefined && !facilities.has(facility.toUpperCase())) {
    throw new UsageError(`--syslog-facility: '${brief(facility)}' is not a facility of syslog`, {
      code: 'BATON_CONFIG',
      hint: 'for example LOCAL0',
    })
  }
  if (!syslog && facility === undefined) return undefined
  const name = (facility ?? 'LOCAL0').toLowerCase()
  return `syslog: no effect: the log goes to stderr, which systemd's journal records (SyslogFacility=${name} in the unit); without systemd: 2>&1 | logger -t consul-replicate -p ${name}.notice`
}
