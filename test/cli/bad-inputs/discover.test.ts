import {type BadInput, describeBadInputs} from './table.js'

const rows: readonly BadInput[] = [
  [
    ['discover'],
    'baton: discover: no source for the list (name a KEY, or --prefix P, or --service NAME, or --query NAME)',
  ],
  [
    ['discover', ''],
    'baton: openDirectory: expected the option `key` to be a string that is not empty, got "" (a string)',
  ],
  [['discover', 'a', 'b'], 'baton: unexpected argument: b (see baton discover --help)'],
  [
    ['discover', 'a', '--prefix', 'b'],
    'baton: discover: several sources (name a KEY, or --prefix P, or --service NAME, or --query NAME)',
  ],
  [['discover', '--prefix', ''], 'baton: --prefix: the value is empty (leave the flag out, or give it a value)'],
  [['discover', '--service', ''], 'baton: --service: the value is empty (leave the flag out, or give it a value)'],
  [['discover', 'a', '--tag', 'x'], 'baton: --tag: only with --service'],
  [['discover', 'a', '--listen', ''], 'baton: --listen: the value is empty (leave the flag out, or give it a value)'],
  [
    ['discover', 'a', '--listen', 'bogus:x'],
    "baton: listen address: 'bogus:x' cannot be used (write HOST:PORT, for example 127.0.0.1:8080)",
  ],
  [
    ['discover', 'a', '--listen', '127.0.0.1:99999'],
    "baton: listen address: '127.0.0.1:99999' cannot be used (write HOST:PORT, for example 127.0.0.1:8080)",
  ],
  [
    ['discover', 'a', '--listen', '1.2.3.4:80'],
    'baton: listen address 1.2.3.4:80: this machine does not have the address (choose another one with --listen)',
  ],
  [['discover', 'a', '--wait', '0'], "baton: --wait: '0' is below 1000ms"],
  [['discover', 'a', '--wait', 'x'], "baton: --wait: 'x' is not a duration (write it like 1h30m, 15s or 250ms)"],
  [
    ['discover', 'a', '--service', 'b'],
    'baton: discover: several sources (name a KEY, or --prefix P, or --service NAME, or --query NAME)',
  ],
  [['doctor', 'a', 'b'], 'baton: unexpected argument: b (see baton doctor --help)'],
  [['doctor', ''], 'baton: doctor: the key is empty'],
  [
    ['discover', '{empty}', '--log-format', 'xml'],
    "baton: --log-format: 'xml' is not one of text, json (see baton discover --help)",
  ],
  [['doctor', '--config', '{list}'], 'baton: config: {list} does not hold an object of settings'],
  [
    ['doctor', '--log-level', 'loud'],
    "baton: --log-level: 'loud' is not one of trace, debug, info, warn, error, silent (see baton doctor --help)",
  ],
  [['discover', 'a', '--config', '{empty}'], 'baton: config: {empty} does not hold an object of settings'],
]

describeBadInputs('discover', rows)
