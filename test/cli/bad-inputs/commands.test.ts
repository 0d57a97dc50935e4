import {type BadInput, describeBadInputs} from './table.js'

const rows: readonly BadInput[] = [
  [
    ['()', '{', 'out=$(timeout', '20', '$B', '$@', '</dev/null', '2>&1)'],
    "baton: unknown command '() {' (see 'baton help')",
  ],
  [['bogus'], "baton: unknown command 'bogus' (see 'baton help')"],
  [['-v'], 'baton: -v: not a command (flags come after it: baton COMMAND [FLAGS])'],
  [['-V'], 'baton: -V: not a command (flags come after it: baton COMMAND [FLAGS])'],
  [
    ['--http-addr', 'x', 'kv', 'get', 'a'],
    'baton: --http-addr: not a command (flags come after it: baton COMMAND [FLAGS])',
  ],
  [['kv', 'bogus'], "baton: unknown command 'kv bogus' (did you mean 'baton kv'?)"],
  [['help', 'bogus'], "baton: unknown command 'bogus' (see 'baton help')"],
  [['lokc', 'a', 'b'], "baton: unknown command 'lokc a' (did you mean 'baton lock'?)"],
  [['--version', 'extra'], 'baton: --version: not a command (flags come after it: baton COMMAND [FLAGS])'],
  [['help', 'lock', 'extra'], "baton: unknown command 'lock extra' (did you mean 'baton lock'?)"],
  [['completion'], 'baton: missing argument: SHELL (see baton completion --help)'],
  [['completion', 'tcsh'], "baton: 'tcsh' is not one of bash, zsh, fish (see baton completion --help)"],
]

describeBadInputs('commands', rows)
