import {type BadInput, describeBadInputs, pem} from './table.js'

const rows: readonly BadInput[] = [
  [
    ['responder', '--allow-unsigned', '--unsigned-policy', pem],
    'baton: unsigned-policy: cannot read -----BEGIN PRIVATE…: E…',
  ],
  [['exec', '--key', `${pem}/x`, 'true'], 'baton: key -----BEGIN PRIVATE…: cannot read it: E…'],
  [['exec'], 'baton: Must specify a command to execute (for example: baton exec uptime)'],
  [['exec', ''], 'baton: Must specify a command to execute (for example: baton exec uptime)'],
  [['exec', '--'], 'baton: Must specify a command to execute (for example: baton exec uptime)'],
  [['exec', '--', ''], 'baton: Must specify a command to execute (for example: baton exec uptime)'],
  [
    ['exec', '--node', '(', 'true'],
    "baton: node filter '(': error parsing regexp: missing closing ): `(` (filters are RE2 regular expressions, not anchored: ^web-1$ matches one node)",
  ],
  [['exec', '--node', '', 'true'], 'baton: --node: the value is empty (leave the flag out, or give it a value)'],
  [['exec', '--service', '', 'true'], 'baton: --service: the value is empty (leave the flag out, or give it a value)'],
  [
    ['exec', '--tag', 'x', 'true'],
    'baton: Cannot provide tag filter without service filter. (set --service as well, which matches service IDs)',
  ],
  [['exec', '--tag', '', 'true'], 'baton: --tag: the value is empty (leave the flag out, or give it a value)'],
  [
    ['exec', '--exclude', '[', 'true'],
    "baton: exclude filter '[': error parsing regexp: missing closing ]: `[` (filters are RE2 regular expressions, not anchored: ^web-1$ matches one node)",
  ],
  [['exec', '--via', 'ssh', 'true'], "baton: --via: 'ssh' is not one of auto, native, rexec (see baton exec --help)"],
  [['exec', '--via', '', 'true'], "baton: --via: '' is not one of auto, native, rexec (see baton exec --help)"],
  [['exec', '--timeout', '0', 'true'], "baton: --timeout: '0' is below 1ms"],
  [['exec', '--timeout', 'x', 'true'], "baton: --timeout: 'x' is not a duration (write it like 1h30m, 15s or 250ms)"],
  [['exec', '--ack-timeout', '0', 'true'], "baton: --ack-timeout: '0' is below 1ms"],
  [['exec', '--grace', 'x', 'true'], "baton: --grace: 'x' is not a duration (write it like 1h30m, 15s or 250ms)"],
  [
    ['exec', '--max-output', 'x', 'true'],
    "baton: --max-output: 'x' is not a size such as 65536, 64K, 10M or unlimited",
  ],
  [['exec', '--max-output', '', 'true'], "baton: --max-output: '' is not a size such as 65536, 64K, 10M or unlimited"],
  [
    ['exec', '--max-output', pem, 'true'],
    "baton: --max-output: '-----BEGIN PRIVATE…' is not a size such as 65536, 64K, 10M or unlimited",
  ],
  [['exec', '--script', '/no/such'], 'baton: script: cannot read /no/such: ENOENT'],
  [['exec', '--script', ''], 'baton: --script: the value is empty (leave the flag out, or give it a value)'],
  [['exec', '--script', '{junk}', 'true'], 'baton: exec: both a script and a command are given'],
  [['exec', '--script', '/tmp'], 'baton: script: cannot read /tmp: EISDIR'],
  [['exec', '--wait', '0', 'true'], "baton: --wait: '0' is below 1ms"],
  [
    ['exec', '--wait-repl', 'x', 'true'],
    "baton: --wait-repl: 'x' is not a duration (write it like 1h30m, 15s or 250ms)",
  ],
  [['exec', '--prefix', '', 'true'], 'baton: --prefix: the value is empty (leave the flag out, or give it a value)'],
  [['exec', '--key', '', 'true'], 'baton: --key: the value is empty (leave the flag out, or give it a value)'],
  [['exec', '--key', 'nosuch', 'true'], 'baton: key {}/.config/baton/keys/nosuch.key.json: cannot read it: ENOENT'],
  [
    ['exec', '--key', '{junk}', 'true'],
    'baton: key {junk}: not a private key of baton (create a key pair, and sign with its private file)',
  ],
  [
    ['exec', '--keys-dir', '', 'true'],
    'baton: --keys-dir: the value is empty (leave the flag out, or give it a value)',
  ],
  [['exec', '--unsigned', '--key', 'x', 'true'], 'baton: --key: does not go with --unsigned (see baton exec --help)'],
  [['exec', '--compat', 'x', 'true'], "baton: --compat: 'x' is not one of consul (see baton exec --help)"],
  [['responder', '--name', ''], 'baton: --name: the value is empty (leave the flag out, or give it a value)'],
  [
    ['responder', '--name', 'a/b'],
    "baton: trust /etc/baton/trust.d: ENOENT: no such file or directory, stat '/etc/baton/trust.d' (create the directory, and add the public keys whose jobs are to run)",
  ],
  [
    ['responder', '--trust-dir', '/no/such'],
    "baton: trust /no/such: ENOENT: no such file or directory, stat '/no/such' (create the directory, and add the public keys whose jobs are to run)",
  ],
  [['responder', '--trust-dir', ''], 'baton: --trust-dir: the value is empty (leave the flag out, or give it a value)'],
  [['responder', '--state-dir', ''], 'baton: --state-dir: the value is empty (leave the flag out, or give it a value)'],
  [
    ['responder', '--state-dir', '{junk}'],
    "baton: trust /etc/baton/trust.d: ENOENT: no such file or directory, stat '/etc/baton/trust.d' (create the directory, and add the public keys whose jobs are to run)",
  ],
  [['responder', '--ttl', '0'], "baton: --ttl: '0' is below 1000ms"],
  [['responder', '--ttl', '100ms'], "baton: --ttl: '100ms' is below 1000ms"],
  [['responder', '--max-skew', 'x'], "baton: --max-skew: 'x' is not a duration (write it like 1h30m, 15s or 250ms)"],
  [['responder', '--max-validity', '-1s'], "baton: --max-validity: '-1s' is below 0ms"],
  [
    ['responder', '--allow-unsigned'],
    'baton: --allow-unsigned: only with --unsigned-policy (see baton responder --help)',
  ],
  [
    ['responder', '--unsigned-policy', '{junk}'],
    'baton: --unsigned-policy: only with --allow-unsigned (see baton responder --help)',
  ],
  [
    ['responder', '--allow-unsigned', '--unsigned-policy', '/no/such'],
    'baton: unsigned-policy: cannot read /no/such: ENOENT',
  ],
  [
    ['responder', '--allow-unsigned', '--unsigned-policy', '{junk}'],
    'baton: unsigned-policy: policy {junk}: it is not a JSON object',
  ],
  [['responder', 'extra'], 'baton: unexpected argument: extra (see baton responder --help)'],
  [['responder', '--trust-dir', '{junk}'], "baton: trust {junk}: ENOTDIR: not a directory, scandir '{junk}'"],
  [
    ['exec', '--ndjson', '--compat', 'consul', 'true'],
    'baton: --compat: does not go with --ndjson (see baton exec --help)',
  ],
  [
    ['responder', '--config', '{typo}'],
    "baton: config: {typo}: unknown setting 'http-adr' (did you mean 'http-addr'?)",
  ],
  [['exec', '--config', '{broken}', 'true'], 'baton: config: {broken}: Flow map must end with a } at line 1, column 2'],
  [
    ['exec', '--log-level', 'loud', 'true'],
    "baton: --log-level: 'loud' is not one of trace, debug, info, warn, error, silent (see baton exec --help)",
  ],
  ...['show', 'attach', 'cancel'].map(
    (verb): BadInput => [['exec', verb, ''], `baton: exec ${verb}: the ID of the job is empty`],
  ),
]

describeBadInputs('exec', rows)
