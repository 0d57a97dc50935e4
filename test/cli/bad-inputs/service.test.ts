import {type BadInput, describeBadInputs, pem} from './table.js'

const long = 'x'.repeat(200)
const run = (...words: readonly string[]): readonly string[] => [
  'service',
  'run',
  '--name',
  'web',
  ...words,
  '--',
  'true',
]
const register = (...words: readonly string[]): readonly string[] => ['service', 'register', '--name', 'web', ...words]
const kinds = 'a URL, http:/PATH, tcp, tcp:[HOST:]PORT or script:COMMAND'

const rows: readonly BadInput[] = [
  [['service', 'bogus'], "baton: unknown command 'service bogus' (did you mean 'baton service'?)"],
  [['service', 'run', '--', 'true'], 'baton: --name: the flag is missing (see baton service run --help)'],
  [['service', 'register'], 'baton: --name: the flag is missing (see baton service register --help)'],
  [
    ['service', 'run', '--name', 'web'],
    'baton: service run: no program to run (baton service run --name web -- PROGRAM)',
  ],
  [
    ['service', 'run', '--name', 'web', '--', ''],
    'baton: service run: no program to run (baton service run --name web -- PROGRAM)',
  ],
  [
    ['service', 'run', '--name', '', '--', 'true'],
    'baton: --name: the value is empty (leave the flag out, or give it a value)',
  ],
  [['service', 'run', '--name', 'web', 'true'], 'baton: unexpected argument: true (see baton service run --help)'],
  [run('--port', '0'), "baton: --port: '0' is less than 1 (see baton service run --help)"],
  [run('--port', '70000'), "baton: --port: '70000' is more than 65535 (see baton service run --help)"],
  [run('--port', ''), "baton: --port: '' is not a whole number (see baton service run --help)"],
  [run('--meta', 'a'), "baton: --meta: 'a' is not KEY=VALUE"],
  [run('--meta', '=b'), "baton: --meta: '=b' is not KEY=VALUE"],
  [run('--meta', pem), "baton: --meta: '-----BEGIN PRIVATE…': a key has letters, digits, - and _"],
  [run('--meta', 'a b=c'), "baton: --meta: 'a b': a key has letters, digits, - and _"],
  [run('--meta', 'a=1', '--meta', 'a=2'), "baton: --meta: 'a' is given twice"],
  [run('--meta', `${long}=1`), `baton: --meta: '${'x'.repeat(19)}…': the key is longer than 128 characters`],
  [run('--meta', `a=${long.repeat(3)}`), "baton: --meta: 'a': the value is longer than 512 characters"],
  [
    run(...Array.from({length: 65}, (_, at) => ['--meta', `k${at}=v`]).flat()),
    'baton: --meta: Consul accepts at most 64 pairs',
  ],
  [run('--address', 'a b'), "baton: --address: 'a b' is not an address or a name of a host"],
  [run('--address', '10.0.0.1:80'), "baton: --address: '10.0.0.1:80' is not an address or a name of a host"],
  [run('--check', 'bogus'), `baton: --check: 'bogus' is not ${kinds}`],
  [run('--check', 'tcp:x:y'), `baton: --check: 'tcp:x:y' is not ${kinds}`],
  [run('--check', 'script:'), `baton: --check: 'script:' is not ${kinds}`],
  [run('--check', 'http:/x'), "baton: --check: 'http:/x' needs --port"],
  [run('--interval', '5s'), 'baton: --interval: only with --check'],
  [run('--timeout', '5s'), 'baton: --timeout: only with --check'],
  [run('--deregister-after', '1s'), 'baton: --deregister-after: agents accept no less than 1m'],
  [run('--ttl', '0s'), "baton: --ttl: '0s' is below 1000ms"],
  [
    run('--restart', 'x'),
    "baton: --restart: 'x' is not one of never, on-failure, always (see baton service run --help)",
  ],
  [run('--json'), 'baton: unknown flag: --json (see baton service run --help)'],
  [register('extra'), 'baton: unexpected argument: extra (see baton service register --help)'],
  [register('--node', 'n'), 'baton: --node: only with --node-address'],
  [register('--node-address', '10.0.0.1'), 'baton: --node-address: only with --node'],
  [
    register('--node', 'n', '--node-address', 'host:80'),
    "baton: --node-address: 'host:80' is not an address or a name of a host",
  ],
  [
    register('--node', 'n', '--node-address', '10.0.0.1', '--check', 'tcp:1'),
    'baton: --check: does not go with --node',
  ],
  [register('--node', 'n', '--node-address', '10.0.0.1', '--ttl', '10s'), 'baton: --ttl: does not go with --node'],
  [register('--deregister-after', '1m'), 'baton: --deregister-after: only with --check or --ttl'],
  [['service', 'deregister'], 'baton: missing argument: ID (see baton service deregister --help)'],
  [['service', 'deregister', ''], 'baton: service deregister: the ID is empty'],
  [['service', 'deregister', 'a', 'b'], 'baton: unexpected argument: b (see baton service deregister --help)'],
  [['service', 'maint', 'a'], 'baton: service maint: give --on or --off'],
  [['service', 'maint', '', '--on'], 'baton: service maint: the ID is empty (without an ID, it is the whole node)'],
  [['service', 'maint', '--on', '--off'], 'baton: --on: does not go with --off'],
  [['service', 'maint', '--off', '--reason', 'x'], 'baton: --reason: only with --on'],
  [['service', 'ls', 'x'], 'baton: unexpected argument: x (see baton service ls --help)'],
  [['lock', 'status', ''], 'baton: lock status: the prefix is empty (without one, it shows every lock)'],
  [['replicate', 'undo', '--undo-dir', '{junk}', '--since', '1m'], 'baton: cannot read {junk}: it is not a directory'],
  [
    ['kv', 'put', `a//${pem}`, '1'],
    "Error! Failed writing data: key a//-----BEGIN PRIVA…: a path cannot carry empty, '.' or '..' segments",
  ],
]

describeBadInputs('service and sub-commands', rows)
