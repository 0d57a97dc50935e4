import {type BadInput, describeBadInputs, pem} from './table.js'

const claim = ['--lock-prefix', 'a', '--lock-session', 'x']
const rows: readonly BadInput[] = [
  [['lock', 'k', '--events', `${pem}/x`, '--', 'true'], 'baton: --events: cannot write to -----BEGIN PRIVATE…: E…'],
  [['lock', 'k', '--metrics-file', '/dev/null/x', '--', 'true'], 'baton: --metrics-file: cannot write /dev/null/x: …'],
  [['lock'], 'baton: missing argument: PREFIX (see baton lock --help)'],
  [['lock', 'k'], 'baton: lock k: no command to run (baton lock k -- COMMAND)'],
  [['lock', '', 'true'], 'baton: lock: the prefix is empty (every command with an empty prefix would share one lock)'],
  [
    ['lock', '', '--', 'true'],
    'baton: lock: the prefix is empty (every command with an empty prefix would share one lock)',
  ],
  [['lock', '/', 'true'], 'baton: lock: the prefix is empty (every command with an empty prefix would share one lock)'],
  [
    ['lock', '../x', 'true'],
    "baton: key ../x/.lock: a path cannot carry empty, '.' or '..' segments (only a transaction can reach such a key)",
  ],
  [['lock', '-try', '', 'k', 'true'], "baton: --try: '' is not a value of it (leave it out, or give one)"],
  [['lock', '-try', '"5m"', 'k', 'true'], 'baton: --try: \'"5m"\' is not a value of it (leave it out, or give one)'],
  [['lock', '-try', 'five', 'k', 'true'], "baton: --try: 'five' is not a duration (write it like 1h30m, 15s or 250ms)"],
  [['lock', '--try=five', 'k', 'true'], "baton: --try: 'five' is not a duration (write it like 1h30m, 15s or 250ms)"],
  [['lock', '--try=', 'k', 'true'], "baton: --try: '' is not a duration (write it like 1h30m, 15s or 250ms)"],
  [
    ['lock', '-try', '10mins', 'k', 'true'],
    "baton: --try: '10mins' is not a duration (write it like 1h30m, 15s or 250ms)",
  ],
  [['lock', '-try=-5s', 'k', 'true'], "baton: --try: '-5s' is below 0ms"],
  [['lock', '-n', 'two', 'k', 'true'], "baton: --limit: 'two' is not a whole number (see baton lock --help)"],
  [['lock', '-n', '', 'k', 'true'], "baton: --limit: '' is not a whole number (see baton lock --help)"],
  [['lock', '--also', '/k', 'k', 'true'], 'baton: lock k: one of its keys is named twice'],
  [
    ['lock', '-n', '2', '--also', 'm', 'k', 'true'],
    'baton: lock: a semaphore cannot be acquired together with other keys',
  ],
  [['lock', '-n', '0', 'k', 'true'], 'baton: --limit must be positive'],
  [['lock', '-n', '-1', 'k', 'true'], 'baton: --limit must be positive'],
  [['lock', '-n', '1.5', 'k', 'true'], "baton: --limit: '1.5' is not a whole number (see baton lock --help)"],
  [
    ['lock', '--ttl', '0', 'k', 'true'],
    'baton: lock k: a session without a TTL would keep the lock forever if its holder died',
  ],
  [['lock', '--ttl', '', 'k', 'true'], "baton: --ttl: '' is not a duration (write it like 1h30m, 15s or 250ms)"],
  [
    ['lock', '--lock-delay', 'x', 'k', 'true'],
    "baton: --lock-delay: 'x' is not a duration (write it like 1h30m, 15s or 250ms)",
  ],
  [['lock', '--grace', '-1s', 'k', 'true'], "baton: --grace: '-1s' is below 0ms"],
  [
    ['lock', '--checks', 'bogus', 'k', 'true'],
    "baton: --checks: 'bogus' is not one of none, serf (see baton lock --help)",
  ],
  [['lock', '--checks', '', 'k', 'true'], "baton: --checks: '' is not one of none, serf (see baton lock --help)"],
  [
    ['lock', '--max-runtime', 'abc', 'k', 'true'],
    "baton: --max-runtime: 'abc' is not a duration (write it like 1h30m, 15s or 250ms)",
  ],
  [
    ['lock', '--events', '/no/such/dir/x', 'k', 'true'],
    'baton: --events: cannot write to /no/such/dir/x: ENOENT (name a file, or fd:N for an open descriptor)',
  ],
  ...['fd:', 'fd:x', 'fd:-1'].map(
    (place): BadInput => [
      ['lock', '--events', place, 'k', 'true'],
      `baton: --events: '${place}' does not name a descriptor (write it as fd:3, or a file of this name as ./${place})`,
    ],
  ),
  [
    ['lock', '--events', 'fd:77', 'k', 'true'],
    'baton: --events: cannot write to fd:77: EBADF (open it first: 77>file)',
  ],
  [
    ['lock', '--events', '', 'k', 'true'],
    'baton: --events: the value is empty (leave the flag out, or give it a value)',
  ],
  [['lock', '-child-exit-code=yes', 'k', 'true'], "baton: --child-exit-code: 'yes' is neither true nor false"],
  [['lock', '--shell=maybe', 'k', 'true'], "baton: --shell: 'maybe' is neither true nor false"],
  [['lock', '--compat', 'go', 'k', 'true'], "baton: --compat: 'go' is not one of consul (see baton lock --help)"],
  [
    ['lock', '--monitor-retry=abc', 'k', 'true'],
    "baton: --monitor-retry: 'abc' is not a whole number (see baton lock --help)",
  ],
  [
    ['lock', '--timeout', '', 'k', 'true'],
    "baton: --timeout: '' is not a duration (write it like 1h30m, 15s or 250ms)",
  ],
  [['lock', '-n5', 'k', 'true'], 'baton: unknown flag: -n5 (see baton lock --help)'],
  [['lock', '-vq', 'k', 'true'], 'baton: unknown flag: -vq (see baton lock --help)'],
  [['lock', '--unknown', 'k', 'true'], 'baton: unknown flag: --unknown (see baton lock --help)'],
  [['lock', 'k', '--'], 'baton: lock k: no command to run (baton lock k -- COMMAND)'],
  [['lock', 'k', '--', ''], 'baton: lock k: no command to run (baton lock k -- COMMAND)'],
  [
    ['lock', '--http-addr', 'foo bar', 'k', 'true'],
    "baton: Consul address: 'foo bar' cannot be used (write host:port, http://host:port, https://host:port or unix:///path/to/socket)",
  ],
  [
    ['lock', '--http-addr', 'http://', 'k', 'true'],
    "baton: Consul address: 'http://' cannot be used (write host:port, http://host:port, https://host:port or unix:///path/to/socket)",
  ],
  [
    ['lock', '--http-addr', '127.0.0.1:99999', 'k', 'true'],
    "baton: Consul address: '127.0.0.1:99999' cannot be used (write host:port, http://host:port, https://host:port or unix:///path/to/socket)",
  ],
  [
    ['lock', '--http-addr', 'ftp://x', 'k', 'true'],
    "baton: Consul address: 'ftp://x' cannot be used (write host:port, http://host:port, https://host:port or unix:///path/to/socket)",
  ],
  [['lock', '--token-file', '/no/such', 'k', 'true'], 'baton: token-file: cannot read /no/such: ENOENT'],
  [['lock', '--token-file', '/tmp', 'k', 'true'], 'baton: token-file: cannot read /tmp: EISDIR'],
  [['lock', '--ca-file', '/no/such', 'k', 'true'], 'baton: ca-file: cannot read /no/such: ENOENT'],
  [['lock', '--ca-file', '{junk}', 'k', 'true'], 'baton: ca-file: {junk}: holds no PEM certificate'],
  [['lock', '--ca-path', '/no/such', 'k', 'true'], 'baton: ca-path: cannot read /no/such: ENOENT'],
  [['lock', '--ca-path', '{junk}', 'k', 'true'], 'baton: ca-path: cannot read {junk}: ENOTDIR'],
  [
    ['lock', '--client-cert', '{junk}', 'k', 'true'],
    'baton: client-cert and client-key: one is given without the other',
  ],
  [
    ['lock', '--client-cert', '{junk}', '--client-key', '{junk}', 'k', 'true'],
    'baton: client-cert: {junk}: holds no PEM certificate',
  ],
  [
    ['lock', '--client-key', '{junk}', 'k', 'true'],
    'baton: client-cert and client-key: one is given without the other',
  ],
  [['lock', '--config', '/no/such', 'k', 'true'], 'baton: config: cannot read /no/such: ENOENT'],
  [['lock', '--config', '', 'k', 'true'], 'baton: --config: the value is empty (leave the flag out, or name a file)'],
  [['lock', '--config', '/tmp', 'k', 'true'], 'baton: config: cannot read /tmp: EISDIR'],
  [
    ['lock', '--config', '{broken}', 'k', 'true'],
    'baton: config: {broken}: Flow map must end with a } at line 1, column 2',
  ],
  [['lock', '--config', '{list}', 'k', 'true'], 'baton: config: {list} does not hold an object of settings'],
  [
    ['lock', '--config', '{typo}', 'k', 'true'],
    "baton: config: {typo}: unknown setting 'http-adr' (did you mean 'http-addr'?)",
  ],
  [['lock', '--config', '{binary}', 'k', 'true'], 'baton: config: {binary} does not hold an object of settings'],
  [['lock', '--config', '{empty}', 'k', 'true'], 'baton: config: {empty} does not hold an object of settings'],
  [
    ['lock', '--log-level', 'loud', 'k', 'true'],
    "baton: --log-level: 'loud' is not one of trace, debug, info, warn, error, silent (see baton lock --help)",
  ],
  [
    ['lock', '--log-level', '', 'k', 'true'],
    "baton: --log-level: '' is not one of trace, debug, info, warn, error, silent (see baton lock --help)",
  ],
  [
    ['lock', '--log-format', 'xml', 'k', 'true'],
    "baton: --log-format: 'xml' is not one of text, json (see baton lock --help)",
  ],
  [
    ['lock', '--token-file', '{binary}', 'k', 'true'],
    'baton: token-file: {binary}: holds characters that a token does not have',
  ],
  ...['hold', 'watch', 'break', 'history', 'overdue'].flatMap((verb): BadInput[] =>
    ['', '/'].map(prefix => [
      ['lock', verb, prefix],
      `baton: lock ${verb}: the prefix is empty (name the lock: usually a variable is not set)`,
    ]),
  ),
  [['lock', 'put', ...claim, '', 'v'], 'baton: lock put: the key is empty'],
  [['lock', 'put', ...claim, 'a/.lock', 'v'], 'baton: lock put: a/.lock is the key of the lock itself'],
  [['lock', 'put', ...claim, '/a/.lock', 'v'], 'baton: lock put: a/.lock is the key of the lock itself'],
  [
    ['lock', 'hold', '--parent-signal', 'KILL', 'a'],
    "baton: --parent-signal: 'KILL' is not one of TERM, INT, HUP, USR1, USR2 (see baton lock hold --help)",
  ],
  [['lock', 'overdue', 'a'], 'baton: lock overdue: --every is missing (for instance --every 24h)'],
]

describeBadInputs('lock', rows)
