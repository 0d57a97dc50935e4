import {type BadInput, describeBadInputs} from './table.js'

const rows: readonly BadInput[] = [
  [['keys', 'ls', '--keys-dir', '/no/such/kd'], 'baton: --keys-dir: cannot read /no/such/kd: ENOENT'],
  [['keys', 'ls', '--trust-dir', '/no/such/td'], 'baton: --trust-dir: cannot read /no/such/td: ENOENT'],
  [['keys', 'ls', '--trust-dir', '{junk}'], 'baton: --trust-dir: cannot read {junk}: ENOTDIR'],
  [['keys', 'bogus'], "baton: unknown command 'keys bogus' (did you mean 'baton keys'?)"],
  [['keys', 'add'], 'baton: missing argument: FILE (see baton keys add --help)'],
  [['keys', 'add', '/no/such'], 'baton: key /no/such: cannot read it: ENOENT'],
  [
    ['keys', 'add', '{junk}', '--trust-dir', '/no/such/td'],
    'baton: trust key: not a public key of baton: it is not a JSON object',
  ],
  [['keys', 'add', ''], 'baton: key : cannot read it: ENOENT'],
  [['keys', 'init', ''], "baton: key '': a name is made of letters, digits, '.', '_', '@' and '-'"],
  [
    ['keys', 'init', 'a/b', '--keys-dir', '/no/such/kd'],
    "baton: key 'a/b': a name is made of letters, digits, '.', '_', '@' and '-'",
  ],
  [['keys', 'init', '--bogus'], 'baton: unknown flag: --bogus (see baton keys init --help)'],
  [['keys', 'ls', 'extra'], 'baton: unexpected argument: extra (see baton keys ls --help)'],
  [['keys', 'revoke'], 'baton: missing argument: KEY (see baton keys revoke --help)'],
  [
    ['keys', 'revoke', 'nosuch', '--trust-dir', '/no/such/td'],
    "baton: key 'nosuch': no such key in /no/such/td (this directory contains no key)",
  ],
  [
    ['keys', 'init', 'x', '--keys-dir', '{junk}'],
    "baton: keys: cannot create the directory {junk}: EEXIST: file already exists, mkdir '{junk}'",
  ],
  [['keys', 'ls', '--bogus'], 'baton: unknown flag: --bogus (see baton keys ls --help)'],
  [['keys', 'add', '{junk}', '--not-after', 'x'], 'baton: unknown flag: --not-after (see baton keys add --help)'],
]

describeBadInputs('keys', rows)
