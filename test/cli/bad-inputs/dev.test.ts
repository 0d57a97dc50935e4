import {type BadInput, describeBadInputs, pem} from './table.js'

const rows: readonly BadInput[] = [
  [['dev', '--seed', pem], 'baton: --seed: cannot read -----BEGIN PRIVATE…: E…'],
  [['dev', '--node-meta', pem], "baton: --node-meta: '-----BEGIN PRIVATE…' is not KEY=VALUE"],
  [['dev', '--node-meta', `:${pem}`], "baton: --node-meta: ':-----BEGIN PRIVATE…' is not KEY=VALUE"],
  [
    ['lock', 'k', '--config', '{section}', '--', 'true'],
    "baton: config: {section}: unknown setting 'lokc' (did you mean 'lock'?)",
  ],
  [['kv', 'get', 'k', '--config', '{strange}'], "baton: config: {strange}: unknown setting 'entirely-different'"],
  [['kv', 'get', 'k', '--config', '{addresses}'], 'baton: config: {addresses}: http-addr takes one value, not a list'],
  [['dev', 'extra'], 'baton: unexpected argument: extra (see baton dev --help)'],
  [['dev', '--http-addr', 'bogus'], "baton: --http-addr: 'bogus' is not HOST:PORT (write it like 127.0.0.1:8500)"],
  [['dev', '--http-addr', ''], "baton: --http-addr: '' is not HOST:PORT (write it like 127.0.0.1:8500)"],
  [
    ['dev', '--node', pem],
    "baton: embedded agent: '-----BEGIN PRIVATE…' cannot name a node (use letters, digits, -, _ and dots)",
  ],
  [['dev', '--node', ''], 'baton: --node: the value is empty (leave the flag out, or give it a value)'],
  [['dev', '--node', 'a b'], "baton: embedded agent: 'a b' cannot name a node (use letters, digits, -, _ and dots)"],
  [
    ['dev', '--datacenter', ''],
    "baton: embedded agent: '' cannot name a datacenter (use lower case letters, digits, - and _)",
  ],
  [['dev', '--responders', 'x'], "baton: --responders: 'x' is not a whole number (see baton dev --help)"],
  [['dev', '--responders', '-1'], "baton: --responders: '-1' is less than 0 (see baton dev --help)"],
  [['dev', '--datacenters', '0'], 'baton: unknown flag: --datacenters (did you mean --datacenter?)'],
  [
    ['dev', '--log-level', 'x'],
    "baton: --log-level: 'x' is not one of trace, debug, info, warn, error, silent (see baton dev --help)",
  ],
  [['tour', 'extra'], 'baton: unexpected argument: extra (see baton tour --help)'],
  [['tour', '--bogus'], 'baton: unknown flag: --bogus (see baton tour --help)'],
  [['dev', '--max', 'x'], 'baton: unknown flag: --max (see baton dev --help)'],
  [
    ['tour', '--log-level', 'loud'],
    "baton: --log-level: 'loud' is not one of trace, debug, info, warn, error, silent (see baton tour --help)",
  ],
  [['dev', '--acl=maybe'], "baton: --acl: 'maybe' is neither true nor false"],
  [['dev', '--config', '{list}'], 'baton: config: {list} does not hold an object of settings'],
]

describeBadInputs('dev', rows)
