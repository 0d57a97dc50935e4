import {describe, it} from 'vitest'
import {backends, sharedAgent} from '../../kit/backend.js'
import {raw} from '../../kit/raw-consul.js'
import {expectRefused, row} from './expect-refused.js'
import {type BadInput, describeBadInputs, pem} from './table.js'

const noProgram = 'baton: env: no program to run (baton env PREFIX -- PROGRAM)'
const duration = 'is not a duration (write it like 1h30m, 15s or 250ms)'
const shape = 'is not a prefix (write it as PREFIX, PREFIX@DATACENTER or PREFIX?ns=NAME)'
const segments = "a path cannot carry empty, '.' or '..' segments (only a transaction can reach such a key)"
const signal = 'is not a signal that can be caught'
const before = ['env', 'a'] as const
const after = ['--', 'true'] as const

const rows: readonly BadInput[] = [
  [['env'], 'baton: env: no prefix is given (baton env PREFIX -- PROGRAM)'],
  [['env', ...after], 'baton: env: no prefix is given (baton env PREFIX -- PROGRAM)'],
  [[...before], noProgram],
  [[...before, '--'], noProgram],
  [[...before, '--', ''], 'baton: the name of the child is empty'],
  [[...before, 'true'], noProgram],
  [['env', '', ...after], `baton: env: '' ${shape}`],
  [['env', '/', ...after], "baton: env: '/' names no folder of keys"],
  [['env', '../x', ...after], `baton: key ../x/: ${segments}`],
  [['env', 'a//b', ...after], `baton: key a//b/: ${segments}`],
  [['env', 'a@', ...after], `baton: env: 'a@' ${shape}`],
  [['env', '@dc2', ...after], `baton: env: '@dc2' ${shape}`],
  [['env', pem, ...after], 'baton: unknown flag: -----BEGIN PRIVATE… (see baton env --help)'],
  [['env', `${pem}/..`.slice(5), ...after], `baton: key BEGIN PRIVATE KEY--…: ${segments}`],
  [[...before, '--wait', 'x', ...after], `baton: --wait: 'x' ${duration}`],
  [[...before, '--wait', '5s:1s', ...after], 'baton: --wait: 1s is shorter than 5s'],
  [[...before, '--wait', '-1s', ...after], "baton: --wait: '-1s' is negative"],
  [
    [...before, '--wait', '1s:2s:3s', ...after],
    "baton: --wait: '1s:2s:3s' is not MIN[:MAX] (write it like 5s or 5s:20s)",
  ],
  [[...before, '--wait', '', ...after], 'baton: --wait: the value is empty (leave the flag out, or give it a value)'],
  [[...before, '--stale', '--max-stale', '5s', ...after], 'baton: --stale: does not go with --max-stale'],
  [[...before, '--max-stale', '-1s', ...after], "baton: --max-stale: '-1s' is below 0ms"],
  [[...before, '--grace', '999999h', ...after], "baton: --grace: '999999h' is above 596h31m"],
  [[...before, '--grace', 'soon', ...after], `baton: --grace: 'soon' ${duration}`],
  [
    [...before, '--restart', 'sometimes', ...after],
    "baton: --restart: 'sometimes' is not one of never, on-failure, always (see baton env --help)",
  ],
  [[...before, '--exec-reload-signal', 'BOGUS', ...after], `baton: --exec-reload-signal: 'BOGUS' ${signal}`],
  [[...before, '--exec-kill-signal', 'BOGUS', ...after], `baton: --exec-kill-signal: 'BOGUS' ${signal}`],
  [
    [...before, '--exec-kill-signal', '', ...after],
    'baton: --exec-kill-signal: the value is empty (leave the flag out, or give it a value)',
  ],
  [
    [...before, '--prefix', '', ...after],
    'baton: --prefix: the value is empty (leave the flag out, or give it a value)',
  ],
  [[...before, '--sanitise', ...after], 'baton: unknown flag: --sanitise (did you mean --sanitize?)'],
  [[...before, '--upcase=maybe', ...after], "baton: --upcase: 'maybe' is neither true nor false"],
]

describeBadInputs('env', rows)

describe('flags of env that have no effect', () => {
  const agent = sharedAgent(backends[0]!)

  it.each([
    ['--wait 5s', '--wait'],
    ['--exec-reload-signal HUP', '--exec-reload-signal'],
    ['--exec-splay 5s', '--exec-splay'],
  ])('are named on stderr (flags: %s)', async (words, name) => {
    const line = `baton: ${name}: no effect: it is for runs without --once`
    await raw(agent.address).kvPut('a/b', '1')
    await expectRefused(row(`env a --once ${words} -- true`, line, 0), {agent})
  })
})
