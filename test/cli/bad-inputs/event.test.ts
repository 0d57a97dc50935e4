import {type BadInput, describeBadInputs} from './table.js'

const rows: readonly BadInput[] = [
  [
    ['event', 'bogus'],
    "baton: unknown command 'event bogus' (see 'baton help event'; to fire: baton event -name NAME)",
  ],
  [['event'], 'Event name must be specified'],
  [['event', 'fire'], 'baton: missing argument: NAME (see baton event fire --help)'],
  [['event', 'fire', ''], 'baton: Event name must be specified'],
  [['event', 'fire', 'x', 'y', 'z'], 'baton: unexpected argument: z (see baton event fire --help)'],
  [['event', 'fire', 'x', '@/no/such'], 'baton: Failed to read file: open /no/such: no such file or directory'],
  [
    ['event', 'fire', '--node', '(', 'x'],
    'baton: Failed to compile node filter regexp: error parsing regexp: missing closing ): `(`',
  ],
  [['event', 'fire', '--tag', 'x', 'y'], 'baton: Cannot provide tag filter without service filter.'],
  [['event', 'fire', '--keep', '-1', 'x'], 'baton: event fire: --keep is for --durable'],
  [
    ['event', 'fire', '--durable', ''],
    "baton: '' is not a valid name for a durable event (use letters, digits, '_', '-' and '.')",
  ],
  [['event', 'list', 'extra'], 'baton: unexpected argument: extra (see baton event list --help)'],
  [['event', 'list', '--name', ''], 'baton: --name: the value is empty (leave the flag out, or give it a value)'],
  [['event', 'prune'], 'baton: missing argument: NAME (see baton event prune --help)'],
  [['event', 'prune', '--name', ''], 'baton: unknown flag: --name (see baton event prune --help)'],
  [['event', 'prune', '--keep', 'x'], 'baton: missing argument: NAME (see baton event prune --help)'],
  [['event', 'watch', '--name', ''], 'baton: --name: the value is empty (leave the flag out, or give it a value)'],
  [
    ['event', 'watch', '--handler', ''],
    'baton: --handler: the value is empty (leave the flag out, or give it a value)',
  ],
  [
    ['event', 'watch', '--handler', 'member-explode=./x'],
    "baton: handler 'member-explode=./x': unknown event type 'member-explode' (known: user, user:NAME, member-join, member-leave, member-failed, member-update, member-reap, *)",
  ],
  [
    ['event', 'watch', '--from', 'bogus', '--', 'true'],
    "baton: --from: 'bogus' is not now, earliest or the ID of an event",
  ],
  [
    ['event', 'watch', '--concurrency', '0', '--', 'true'],
    "baton: --concurrency: '0' is less than 1 (see baton event watch --help)",
  ],
  [
    ['event', 'watch', '--concurrency', 'x', '--', 'true'],
    "baton: --concurrency: 'x' is not a whole number (see baton event watch --help)",
  ],
  [
    ['event', 'watch', '--retries', '-1', '--', 'true'],
    "baton: --retries: '-1' is less than 0 (see baton event watch --help)",
  ],
  [
    ['event', 'watch', '--retry-delay', 'x', '--', 'true'],
    "baton: --retry-delay: 'x' is not a duration (write it like 1h30m, 15s or 250ms)",
  ],
  [['event', 'watch', '--batch'], 'baton: event watch: --batch needs a command'],
  [['event', 'watch', '--durable'], 'baton: event watch: --durable needs --name, once'],
  [
    ['event', 'watch', '--durable', '--from-stdin', '--name', 'x'],
    'baton: event watch: give --durable or --from-stdin, not both',
  ],
  [
    ['event', 'watch', '--on-error', 'bogus', '--', 'true'],
    "baton: --on-error: 'bogus' is not one of continue, exit (see baton event watch --help)",
  ],
  [
    ['event', 'watch', '--on-crash', 'bogus', '--', 'true'],
    "baton: --on-crash: 'bogus' is not one of rerun, skip (see baton event watch --help)",
  ],
  [
    ['event', 'watch', '--state', '', '--', 'true'],
    'baton: --state: the value is empty (leave the flag out, or give it a value)',
  ],
  [
    ['event', 'watch', '--from-stdin'],
    'baton: event watch: --from-stdin without --state treats every event as already seen (give --state FILE, or --from earliest to handle each list whole)',
  ],
  [
    ['event', 'watch', '--coalesce', 'x', '--', 'true'],
    "baton: --coalesce: 'x' is not a duration (write it like 1h30m, 15s or 250ms)",
  ],
  [
    ['event', 'watch', '--order-window', 'x', '--', 'true'],
    "baton: --order-window: 'x' is not a duration (write it like 1h30m, 15s or 250ms)",
  ],
  [
    ['event', 'watch', '--dead-letter', '', '--', 'true'],
    'baton: --dead-letter: the value is empty (leave the flag out, or give it a value)',
  ],
  [
    ['event', 'watch', '--dead-letter', '{none}/dead', '--', 'true'],
    'baton: --dead-letter: cannot write to {none}/dead: ENOTDIR (name a file)',
  ],
  [
    ['event', 'watch', '--dead-letter', '{}', '--', 'true'],
    'baton: --dead-letter: cannot write to {}: EISDIR (name a file)',
  ],
  [
    ['event', 'watch', '--on-overflow', 'x', '--', 'true'],
    "baton: --on-overflow: 'x' is not one of warn, exit (see baton event watch --help)",
  ],
  [['event', '-name'], 'baton: --name: a value is missing'],
  [['event', '-name', ''], 'Event name must be specified'],
  [['event', '-name', 'x', 'a', 'b'], 'baton: unexpected argument: b (see baton event --help)'],
  [
    ['event', '-name', 'x', '-node', '('],
    'Failed to compile node filter regexp: error parsing regexp: missing closing ): `(`',
  ],
  [
    ['event', 'list', '--config', '{typo}'],
    "baton: config: {typo}: unknown setting 'http-adr' (did you mean 'http-addr'?)",
  ],
  [
    ['event', 'fire', '--durable', 'a/b'],
    "baton: 'a/b' is not a valid name for a durable event (use letters, digits, '_', '-' and '.')",
  ],
  [['event', 'prune', 'a', '--keep', 'x'], "baton: --keep: 'x' is not a duration (write it like 1h30m, 15s or 250ms)"],
  [
    ['event', 'watch', '--timeout', 'x', '--', 'true'],
    "baton: --timeout: 'x' is not a duration (write it like 1h30m, 15s or 250ms)",
  ],
  [
    ['event', 'watch', '--grace', 'x', '--', 'true'],
    "baton: --grace: 'x' is not a duration (write it like 1h30m, 15s or 250ms)",
  ],
  [['event', 'watch', '--state', ''], 'baton: --state: the value is empty (leave the flag out, or give it a value)'],
]

describeBadInputs('event', rows)
