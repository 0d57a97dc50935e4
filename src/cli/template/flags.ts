import * as Flags from '@oclif/core/flags'
import {consulFlags, durationFlag} from '../flags.js'
import {acceptedFlag, aliased, goConnectionFlags, goTransportFlags} from '../go-connection-flags.js'
import {type LogLevel, parseLogLevel} from '../replicate/flags.js'

const files = 'FILES'
const child = 'CHILD'
const consulTemplate = 'CONSUL-TEMPLATE'

const textList = (description: string, helpValue: string) =>
  Flags.string({helpGroup: child, description, helpValue, multiple: true, multipleNonGreedy: true})

/** Flags for the child. */
export const superviseFlags = {
  'exec-reload-signal': Flags.string({
    helpGroup: child,
    description: 'send this to the child when something has changed (default: stop it and start it again)',
    helpValue: 'NAME',
  }),
  'exec-kill-signal': Flags.string({
    helpGroup: child,
    description: 'signal that asks the child to stop (default: TERM)',
    helpValue: 'NAME',
  }),
  grace: durationFlag({
    helpGroup: child,
    description: 'time between that signal and KILL for the child',
    default: '30s',
    aliases: ['exec-kill-timeout'],
  }),
  'exec-splay': durationFlag({
    helpGroup: child,
    description: 'wait for a random time up to this before the child is signalled or restarted',
    aliases: ['splay'],
  }),
  restart: Flags.option({
    options: ['never', 'on-failure', 'always'] as const,
    default: 'never' as const,
    helpGroup: child,
    description: 'when to start the child again after it has ended',
  })(),
}

export const templateFlags = {
  ...goConnectionFlags(consulTemplate),
  ...goTransportFlags,
  'token-file': aliased(consulFlags['token-file'], ['consul-token-file']),
  template: Flags.string({
    description: 'a template, as an argument says it (repeatable)',
    helpValue: 'IN:OUT[:COMMAND]',
    multiple: true,
    multipleNonGreedy: true,
  }),
  once: Flags.boolean({description: 'stop when every file is written', allowNo: true}),
  dry: Flags.boolean({description: 'print the texts; write no file and run no command'}),
  'parse-only': Flags.boolean({description: 'read the configuration and the templates, and stop'}),
  timeout: durationFlag({description: 'with --once: longest wait for what a template needs'}),
  wait: Flags.string({
    description: 'write when nothing changed for MIN, at the latest after MAX (4 times MIN)',
    helpValue: 'MIN[:MAX]',
  }),
  'max-stale': durationFlag({
    description: 'let a server answer that is at most this far behind (default: the leader)',
  }),
  check: Flags.string({
    helpGroup: files,
    description: 'run this on each new file, whose path is $1, before it replaces the old one',
    helpValue: 'COMMAND',
  }),
  rollback: Flags.boolean({
    helpGroup: files,
    description: 'put the old files back when a command fails, and run it again (default)',
    allowNo: true,
  }),
  diff: Flags.boolean({helpGroup: files, description: 'print what changes in each file'}),
  lock: Flags.string({
    helpGroup: files,
    description: 'hold the lock of this prefix while files change and commands run: one host at a time',
    helpValue: 'PREFIX',
  }),
  'error-on-missing-key': Flags.boolean({
    helpGroup: files,
    description: 'end with an error when a map has no entry of a name',
  }),
  'template-error-fatal': Flags.boolean({
    helpGroup: files,
    description: 'end when a template fails (default: only with --once)',
    allowNo: true,
  }),
  'default-left-delimiter': Flags.string({helpGroup: files, description: 'what begins an action', default: '{{'}),
  'default-right-delimiter': Flags.string({helpGroup: files, description: 'what ends an action', default: '}}'}),
  exec: Flags.string({helpGroup: child, description: 'a child as one line for the shell', helpValue: 'COMMAND'}),
  ...superviseFlags,
  'exec-env-pristine': Flags.boolean({helpGroup: child, description: 'give the child no variable of the environment'}),
  'exec-env-custom': textList('a variable for the child (repeatable)', 'NAME=VALUE'),
  'exec-env-allowlist': textList('pattern of variables that the child gets (repeatable)', 'PATTERN'),
  'exec-env-denylist': textList('pattern of variables that the child does not get (repeatable)', 'PATTERN'),
  'kill-signal': Flags.string({
    helpGroup: consulTemplate,
    description: 'one more signal that stops',
    helpValue: 'NAME',
  }),
  'reload-signal': Flags.string({
    helpGroup: consulTemplate,
    description: 'signal that reads the configuration again',
    default: 'HUP',
    helpValue: 'NAME',
  }),
  'pid-file': Flags.string({helpGroup: consulTemplate, description: 'file for the process id', helpValue: 'PATH'}),
  version: Flags.boolean({helpGroup: consulTemplate, description: 'print the version, and stop'}),
  compat: Flags.option({
    options: ['consul'] as const,
    helpGroup: consulTemplate,
    description: 'exit codes of consul-template, and no --rollback',
  })(),
  'log-level': Flags.custom<LogLevel>({
    helpGroup: 'COMMON',
    description: 'least severe log lines to write to stderr',
    default: 'warn',
    parse: async text => parseLogLevel(text),
  })(),
  dedup: Flags.boolean({description: 'accepted, without effect', hidden: true, allowNo: true}),
  retry: acceptedFlag('pause between attempts'),
  'block-query-wait': acceptedFlag('longest wait of a query'),
  'consul-retry': Flags.boolean({description: 'accepted, without effect', hidden: true, allowNo: true}),
  'consul-retry-attempts': acceptedFlag('number of attempts'),
  'consul-retry-backoff': acceptedFlag('pause between attempts'),
  'consul-retry-max-backoff': acceptedFlag('longest pause between attempts'),
  syslog: Flags.boolean({description: 'accepted, without effect', hidden: true, allowNo: true}),
  'syslog-facility': acceptedFlag('facility of syslog'),
  'syslog-name': acceptedFlag('name in syslog'),
  'log-file': acceptedFlag('file of the log'),
  'log-rotate-bytes': acceptedFlag('size of a file of the log'),
  'log-rotate-duration': acceptedFlag('age of a file of the log'),
  'log-rotate-max-files': acceptedFlag('number of files of the log'),
}
