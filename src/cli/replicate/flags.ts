import * as Flags from '@oclif/core/flags'
import {brief} from '../../core/brief.js'
import {UsageError} from '../../core/errors.js'
import {durationFlag} from '../flags.js'
import {acceptedFlag, goConnectionFlags, goTransportFlags} from '../go-connection-flags.js'

const consulReplicate = 'CONSUL-REPLICATE'
const source = 'SOURCE'
const deletes = 'DELETES'

/** Flags for a source whose cluster is not federated with the destination's. */
const sourceFlags = {
  'source-http-addr': Flags.string({
    helpGroup: source,
    description: 'agent of the source, where it has one of its own',
    helpValue: 'ADDR',
  }),
  'source-token': Flags.string({
    helpGroup: source,
    description: 'ACL token for the source (prefer --source-token-file)',
  }),
  'source-token-file': Flags.string({helpGroup: source, description: 'file with the ACL token for the source'}),
  'source-ca-file': Flags.string({helpGroup: source, description: 'file with the CA certificate'}),
  'source-ca-path': Flags.string({helpGroup: source, description: 'directory of CA certificates'}),
  'source-client-cert': Flags.string({helpGroup: source, description: 'file with the client certificate'}),
  'source-client-key': Flags.string({helpGroup: source, description: 'file with the key of the client certificate'}),
  'source-tls-server-name': Flags.string({
    helpGroup: source,
    description: "name that the agent's certificate must hold",
  }),
  'source-namespace': Flags.string({helpGroup: source, description: 'Enterprise namespace'}),
  'source-partition': Flags.string({helpGroup: source, description: 'Enterprise partition'}),
}

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

/**
 * Parses a log level. As in consul-replicate, `err` is accepted, and letters may be in upper or
 * lower case.
 */
export function parseLogLevel(text: string, what = '--log-level'): LogLevel {
  const lower = text.toLowerCase()
  const level = logLevels.find(each => each === (lower === 'err' ? 'error' : lower))
  if (level !== undefined) return level
  throw new UsageError(`${what}: '${brief(text)}' is none of trace, debug, info, warn, err`, {code: 'BATON_CONFIG'})
}

/** Returns the flag for the directory with the entries that an undo can restore. */
export const undoDirFlag = (group: {readonly helpGroup?: string} = {}) =>
  Flags.string({
    ...group,
    description: 'where it is kept (default: /var/lib/baton/replicate, or ~/.local/state/baton/replicate)',
    helpValue: 'DIR',
  })

const patternFlag = (description: string, helpValue: string) =>
  Flags.string({
    description: `${description} (repeatable)`,
    helpValue,
    multiple: true,
    multipleNonGreedy: true,
  })

export const replicateFlags = {
  ...goConnectionFlags(consulReplicate),
  ...sourceFlags,
  ...goTransportFlags,
  prefix: Flags.string({
    description: 'SOURCE@DC[:DESTINATION], like the arguments (repeatable)',
    multiple: true,
    multipleNonGreedy: true,
  }),
  once: Flags.boolean({description: 'copy what differs, and stop', allowNo: true}),
  'dry-run': Flags.boolean({description: 'show what differs and write nothing; exit 1 if something does'}),
  exclude: Flags.string({
    description: 'leave out source keys that start with this (repeatable)',
    helpValue: 'PREFIX',
    multiple: true,
    multipleNonGreedy: true,
  }),
  'exclude-match': Flags.string({
    description: 'leave out source keys that hold this anywhere (repeatable)',
    helpValue: 'TEXT',
    aliases: ['excludematch'],
    multiple: true,
    multipleNonGreedy: true,
  }),
  'exclude-glob': patternFlag('leave out source keys that fit this glob: * stays within a folder, ** does not', 'GLOB'),
  'exclude-regex': patternFlag('leave out source keys in which this RE2 expression is found', 'RE2'),
  include: patternFlag('copy only source keys that start with this', 'PREFIX'),
  'include-glob': patternFlag('copy only source keys that fit this glob', 'GLOB'),
  'include-regex': patternFlag('copy only source keys in which this RE2 expression is found', 'RE2'),
  'lock-keys': Flags.option({
    options: ['skip', 'copy'] as const,
    default: 'skip' as const,
    description: 'keys that locks and semaphores use',
  })(),
  delete: Flags.boolean({
    helpGroup: deletes,
    description: 'delete destination keys that the source does not have (default)',
    default: true,
    allowNo: true,
  }),
  'max-delete': Flags.string({
    helpGroup: deletes,
    description: 'hold more deletes than this: a part of the keys (never below 10), a number, or off',
    default: '10%',
  }),
  'delete-budget': Flags.string({
    helpGroup: deletes,
    description:
      'hold more deletes than this within a time, like 10%/10m or 500/1h, or off (default: --max-delete in 10m)',
    helpValue: 'LIMIT/TIME',
  }),
  'approve-deletes': Flags.boolean({
    helpGroup: deletes,
    description: 'with --once: do the deletes of the first pass, however many',
  }),
  approve: Flags.string({
    helpGroup: deletes,
    description: 'with --once: do the held deletes with this id (repeatable)',
    helpValue: 'ID',
    multiple: true,
    multipleNonGreedy: true,
  }),
  'on-drift': Flags.option({
    options: ['repair', 'report', 'protect'] as const,
    description:
      'what others change at the destination: repaired, named and left until the source changes, or kept (default: repair)',
  })(),
  report: Flags.boolean({description: 'the same as --on-drift report'}),
  protect: Flags.boolean({description: 'the same as --on-drift protect'}),
  lock: Flags.string({
    description: 'copy only while this lock is held at the destination, which each transaction checks',
    helpValue: 'KEY',
  }),
  shadow: Flags.boolean({
    description: 'beside consul-replicate: write nothing, and name each decision that would have been another one',
  }),
  'max-stale': durationFlag({
    description: 'let a server answer for the source that is at most this far behind (default: the leader)',
  }),
  wait: Flags.string({
    description: 'collect changes until it is quiet for MIN, at most MAX (default: 4 x MIN)',
    helpValue: 'MIN[:MAX]',
  }),
  'status-dir': Flags.string({
    description: 'where the status keys are',
    default: 'service/consul-replicate/statuses',
    helpValue: 'PREFIX',
  }),
  grace: durationFlag({description: 'time for transactions in flight when stopped', default: '10s'}),
  'shard-above': Flags.integer({
    description: 'follow a prefix of more keys than this in parts',
    default: 1000,
    min: 0,
    helpValue: 'KEYS',
  }),
  'audit-every': durationFlag({
    description: 'time between two comparisons of everything, where parts are followed',
    default: '10m',
  }),
  compress: Flags.boolean({
    description: 'compress long lists on the way (default: over networks, not within one machine)',
    allowNo: true,
  }),
  'undo-keep': durationFlag({
    helpGroup: deletes,
    description: 'how long what is overwritten and deleted is kept for baton replicate undo (0: not at all)',
    default: '24h',
  }),
  'undo-dir': undoDirFlag({helpGroup: deletes}),
  listen: Flags.string({
    description: 'serve /metrics, /healthz and /readyz; without a host it is loopback',
    helpValue: 'HOST:PORT',
  }),
  ndjson: Flags.boolean({description: 'print a line of JSON for each pass, outage and approval'}),
  heartbeat: durationFlag({
    description: 'interval at which the status keys say that it runs',
    default: '30s',
    min: 1000,
  }),
  'consul-retry': Flags.boolean({
    helpGroup: consulReplicate,
    description: 'with --once: try again after failures (default)',
    default: true,
    allowNo: true,
  }),
  'consul-retry-attempts': Flags.integer({
    helpGroup: consulReplicate,
    description: 'with --once: maximum number of attempts (0: no limit)',
    default: 5,
    min: 0,
  }),
  'consul-retry-backoff': durationFlag({
    helpGroup: consulReplicate,
    description: 'accepted, without effect',
    max: Number.POSITIVE_INFINITY,
    aliases: ['retry'],
  }),
  'consul-retry-max-backoff': durationFlag({
    helpGroup: consulReplicate,
    description: 'accepted, without effect',
    max: Number.POSITIVE_INFINITY,
  }),
  'kill-signal': Flags.string({helpGroup: consulReplicate, description: 'one more signal that stops (exit 12)'}),
  'reload-signal': Flags.string({
    helpGroup: consulReplicate,
    description: 'signal that reads the settings again',
    default: 'SIGHUP',
  }),
  'pid-file': Flags.string({helpGroup: consulReplicate, description: 'file for the process id', helpValue: 'PATH'}),
  version: Flags.boolean({helpGroup: consulReplicate, description: 'print the version, and stop'}),
  syslog: Flags.boolean({helpGroup: consulReplicate, description: 'accepted, without effect', allowNo: true}),
  'syslog-facility': acceptedFlag('facility of syslog'),
  'log-level': Flags.custom<LogLevel>({
    helpGroup: 'COMMON',
    description: 'least severe log lines to write to stderr',
    default: 'warn',
    parse: async text => parseLogLevel(text),
  })(),
}

/**
 * Deprecated names of flags that consul-replicate also accepts, each with the name to use instead.
 */
export const deprecatedFlags: Readonly<Record<string, string>> = {
  auth: 'consul-auth',
  consul: 'consul-addr',
  retry: 'consul-retry-backoff',
  ssl: 'consul-ssl',
  'ssl-verify': 'consul-ssl-verify',
  'ssl-ca-cert': 'consul-ssl-ca-cert',
  'ssl-ca-path': 'consul-ssl-ca-path',
  'ssl-cert': 'consul-ssl-cert',
  'ssl-server-name': 'consul-ssl-server-name',
}
