import {type BadInput, describeBadInputs, pem} from './table.js'

const rows: readonly BadInput[] = [
  [['template'], 'baton: template: no template is given (name one as IN:OUT, or give a --config)'],
  [['template', '{junk}'], 'baton: template {junk}: no file to write (name it as IN:OUT, or use --dry)'],
  [['template', ':out'], 'baton: template :out: no file to read (name it as IN:OUT)'],
  [['template', `:${pem}`], 'baton: template :-----BEGIN PRIVATE…: no file to read (name it as IN:OUT)'],
  [['template', `x${pem}`], 'baton: template x-----BEGIN PRIVATE…: no file to write (name it as IN:OUT, or use --dry)'],
  [['template', pem], 'baton: unknown flag: -----BEGIN PRIVATE… (see baton template --help)'],
  [['template', '/no/such:out', '--once'], 'baton: template /no/such: no such file'],
  [['template', '/:out', '--once'], 'baton: template /: it is a directory'],
  [['template', '{junk}:out', '{junk}:./out', '--once'], 'baton: template: two templates write ./out'],
  [['template', '{junk}:{junk}', '--once'], 'baton: template: {junk} is a template, and would be overwritten'],
  [
    ['template', '{junk}:{empty}', '{empty}:out', '--once'],
    'baton: template: {empty} is a template, and would be overwritten',
  ],
  [['template', '{junk}:out', '--'], 'baton: template: no child after -- (leave -- out, or give a command)'],
  [['template', '{junk}:out', '--', ''], 'baton: the name of the child is empty'],
  [['template', '{junk}:out', '--exec', 'a', '--', 'b'], 'baton: --exec: does not go with arguments after --'],
  [
    ['template', '{junk}:out', '--exec', ''],
    'baton: --exec: the value is empty (leave the flag out, or give it a value)',
  ],
  [['template', '{junk}:out', '--dry', '--', 'true'], 'baton: --dry: does not go with a child'],
  [['template', '{junk}:out', '--timeout', '5s'], 'baton: --timeout: only with --once'],
  [
    ['template', '{junk}:out', '--once', '--timeout', '5'],
    "baton: --timeout: '5' is not a duration (add a unit: 5s, 5m or 5h)",
  ],
  [['template', '{junk}:out', '--wait', '5s:1s'], 'baton: --wait: 1s is shorter than 5s'],
  [
    ['template', '{junk}:out', '--kill-signal', 'BOGUS', '--once'],
    "baton: --kill-signal: 'BOGUS' is not a signal that can be caught",
  ],
  [['template', '{junk}:out', '--exec-env-custom', 'bad', '--', 'true'], "baton: env.custom: 'bad' is not NAME=VALUE"],
  [
    ['template', '{junk}:out', '--lock', '', '--once'],
    'baton: --lock: the value is empty (leave the flag out, or give it a value)',
  ],
  [
    ['template', '{junk}:out', '--wait', '1s:2s:3s'],
    "baton: --wait: '1s:2s:3s' is not MIN[:MAX] (write it like 5s or 5s:20s)",
  ],
  [
    ['template', '{junk}:out', '--wait', 'x'],
    "baton: --wait: 'x' is not a duration (write it like 1h30m, 15s or 250ms)",
  ],
  [['template', '{junk}:out', '--wait', '-1s'], "baton: --wait: '-1s' is negative"],
  [
    ['template', '{junk}:out', '--once', '--kill-signal', 'HUP'],
    'baton: --kill-signal: SIGHUP reloads (--reload-signal)',
  ],
]

describeBadInputs('template', rows)
