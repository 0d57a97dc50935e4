import {type BadInput, describeBadInputs} from './table.js'

const rows: readonly BadInput[] = [
  [['watch'], 'Watch type must be specified'],
  [
    ['watch', 'bogus'],
    "baton: unknown command 'watch bogus' (did you mean 'baton watch nodes'? A command to run needs -type before it)",
  ],
  [
    ['watch', 'keys', 'a'],
    "baton: unknown command 'watch keys' (did you mean 'baton watch key'? A command to run needs -type before it)",
  ],
  [['watch', '--type', 'bogus'], 'Unsupported watch type: bogus'],
  [['watch', '--type', ''], 'Watch type must be specified'],
  [['watch', '--type', 'key'], 'Must specify a single key to watch'],
  [['watch', '--type', 'key', '--key', ''], 'Must specify a single key to watch'],
  [['watch', '--type', 'keyprefix'], 'Must specify a single prefix to watch'],
  [['watch', '--type', 'service'], 'Must specify a single service to watch'],
  [['watch', '--type', 'checks', '--state', 'bogus'], 'Unknown state of checks: bogus'],
  [['watch', '--type', 'checks', '--state', 'passing', '--service', 'x'], 'Cannot specify service and state'],
  [['watch', '--type', 'key', '--key', 'a', '--prefix', 'b'], 'Invalid parameters: [prefix]'],
  [['watch', '--type', 'key', '--key', 'a', '--service', 's'], 'Invalid parameters: [service]'],
  [
    ['watch', '--type', 'service', '--service', 's', '--passingonly', 'maybe'],
    'Failed to parse passingonly flag: strconv.ParseBool: parsing "maybe": invalid syntax',
  ],
  [['watch', '--type', 'nodes', '--key', 'x'], 'Invalid parameters: [key]'],
  [['watch', 'key'], 'baton: missing argument: KEY (see baton watch key --help)'],
  [['watch', 'key', ''], 'baton: Must specify a single key to watch'],
  [['watch', 'key', 'a', '--once', '--http-handler', 'x'], "baton: --http-handler: 'x' is not an HTTP URL"],
  [
    ['watch', 'key', 'a', '--http-handler', ''],
    'baton: --http-handler: the value is empty (leave the flag out, or give it a value)',
  ],
  [['watch', 'key', 'a', '--http-handler', 'ftp://x'], "baton: --http-handler: 'ftp://x' is not an HTTP URL"],
  [
    ['watch', 'key', 'a', '--http-handler', 'http://x', '--http-header', 'bad'],
    "baton: --http-header: 'bad' is not of the form 'Name: value'",
  ],
  [
    ['watch', 'key', 'a', '--http-handler', 'http://x', '--http-header', ''],
    'baton: --http-header: the value is empty (leave the flag out, or give it a value)',
  ],
  [
    ['watch', 'key', 'a', '--http-handler', 'http://x', '--http-method', ''],
    'baton: --http-method: the value is empty (leave the flag out, or give it a value)',
  ],
  [
    ['watch', 'key', 'a', '--http-handler', 'http://x', '--', 'true'],
    'baton: watch: give a command or --http-handler, not both',
  ],
  [['watch', 'key', 'a', '--http-method', 'PUT', '--', 'true'], 'baton: --http-method: only with --http-handler'],
  [
    ['watch', 'key', 'a', '--http-timeout', 'x'],
    "baton: --http-timeout: 'x' is not a duration (write it like 1h30m, 15s or 250ms)",
  ],
  [
    ['watch', 'key', 'a', '--debounce', 'x'],
    "baton: --debounce: 'x' is not a duration (write it like 1h30m, 15s or 250ms)",
  ],
  [['watch', 'key', 'a', '--debounce', '-1s'], "baton: --debounce: '-1s' is below 0ms"],
  [
    ['watch', 'key', 'a', '--on-error', 'bogus', '--', 'true'],
    "baton: --on-error: 'bogus' is not one of exit, continue, retry (see baton watch key --help)",
  ],
  [
    ['watch', 'key', 'a', '--ndjson', '--', 'true'],
    'baton: watch: --ndjson prints every change as it comes (leave out the handler, --debounce and --ignore-indexes)',
  ],
  [
    ['watch', 'key', 'a', '--ndjson', '--debounce', '1s'],
    'baton: watch: --ndjson prints every change as it comes (leave out the handler, --debounce and --ignore-indexes)',
  ],
  [
    ['watch', 'key', 'a', '--once', '--debounce', '1s'],
    'baton: --debounce: it is about changes, and only the present value is printed (leave --debounce out, or give a command)',
  ],
  [
    ['watch', '-type=key', '-key=a', '--ignore-indexes'],
    'baton: --ignore-indexes: it is about changes, and only the present value is printed (leave --ignore-indexes out, or give a command)',
  ],
  [
    ['watch', 'key', 'a', '--previous'],
    'baton: watch: --previous is for a handler (--ndjson prints previous values, too)',
  ],
  [
    ['watch', 'key', 'a', '--timeout', 'x', '--', 'true'],
    "baton: --timeout: 'x' is not a duration (write it like 1h30m, 15s or 250ms)",
  ],
  [
    ['watch', 'key', 'a', '--grace', 'x', '--', 'true'],
    "baton: --grace: 'x' is not a duration (write it like 1h30m, 15s or 250ms)",
  ],
  [['watch', 'keyprefix'], 'baton: missing argument: PREFIX (see baton watch keyprefix --help)'],
  [['watch', 'service'], 'baton: missing argument: SERVICE (see baton watch service --help)'],
  [['watch', 'service', ''], 'baton: Must specify a single service to watch'],
  [['watch', 'service', 'a', '--tag', ''], 'baton: --tag: the value is empty (leave the flag out, or give it a value)'],
  [
    ['watch', 'checks', '--state', 'bogus'],
    'baton: Unknown state of checks: bogus (it is one of any, passing, warning, critical)',
  ],
  [
    ['watch', 'checks', '--service', 'a', '--state', 'bad'],
    'baton: Unknown state of checks: bad (it is one of any, passing, warning, critical)',
  ],
  [['watch', 'query'], 'baton: missing argument: QUERY (see baton watch query --help)'],
  [['watch', 'event', '--name', ''], 'baton: --name: the value is empty (leave the flag out, or give it a value)'],
  [['watch', '--watches', '/no/such'], 'baton: config: cannot read /no/such: ENOENT'],
  [['watch', '--watches', ''], 'baton: --watches: the value is empty (leave the flag out, or give it a value)'],
  [['watch', '--watches', '{broken}'], 'baton: {broken}: no watches: expected {"watches": [{"type": …}]}'],
  [['watch', '--watches', '{list}'], 'baton: config: {list}: …'],
  [['watch', '--watches', '{typo}'], 'baton: {typo}: no watches: expected {"watches": [{"type": …}]}'],
  [['watch', '--watches', '{watch}'], 'baton: {watch}: watches[0]: Must specify a single key to watch'],
  [
    ['watch', '--watches', '{extra}'],
    "baton: config: {extra}: unknown setting 'watches[0].argz' (did you mean 'args'?)",
  ],
  [['watch', '--watches', '{none}'], 'baton: {none}: no watches: expected {"watches": [{"type": …}]}'],
  [
    ['watch', '--watches', '{none}', '--', 'true'],
    'baton: watch: a command does not go with --watches (the file says what is watched and what is run for it)',
  ],
  [
    ['watch', '--watches', '{watch}', '--debounce', '1s'],
    'baton: watch: --debounce does not go with --watches (the file says what is watched and what is run for it)',
  ],
  [['watch', 'key', 'a', '--http-skip-verify', '--', 'true'], 'baton: --http-skip-verify: only with --http-handler'],
]

describeBadInputs('watch', rows)
