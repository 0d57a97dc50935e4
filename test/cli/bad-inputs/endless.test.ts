import {describe, it} from 'vitest'
import {type BadInput, expectRefused, row} from './expect-refused.js'

const own = 'it has more than 16 MB'
const value = 'it has more than 64 MB'

const rows: readonly BadInput[] = [
  row('kv put k @/dev/zero', `Error! Failed to read file: open /dev/zero: ${value}`, 64),
  row('event fire a @/dev/zero', `baton: Failed to read file: open /dev/zero: ${value}`, 64),
  row('kv get k --config /dev/zero', `baton: config: cannot read /dev/zero: ${own}`, 64),
  row('kv get k --token-file /dev/zero', `baton: token-file: cannot read /dev/zero: ${own}`, 64),
  row('kv get k --ca-file /dev/zero', `baton: ca-file: cannot read /dev/zero: ${own}`, 64),
  row(
    'kv get k --client-cert /dev/zero --client-key /dev/zero',
    `baton: client-cert: cannot read /dev/zero: ${own}`,
    64,
  ),
  row('watch --watches /dev/zero', `baton: config: cannot read /dev/zero: ${own}`, 64),
  row('template /dev/zero:out', `baton: template /dev/zero: ${own}`, 64),
  row('template -config /dev/zero', `baton: config: cannot read /dev/zero: ${own}`, 64),
  row('replicate -config /dev/zero', `baton: config: cannot read /dev/zero: ${own}`, 15),
  row('exec --script /dev/zero', `baton: script: cannot read /dev/zero: ${own}`, 64),
  row('exec --nodes @/dev/zero uptime', `baton: --nodes: cannot read /dev/zero: ${own}`, 64),
  row('exec --key /dev/zero uptime', `baton: key /dev/zero: cannot read it: ${own}`, 64),
  row('keys add /dev/zero', `baton: key /dev/zero: cannot read it: ${own}`, 64),
  row(
    'responder --allow-unsigned --unsigned-policy /dev/zero',
    `baton: unsigned-policy: cannot read /dev/zero: ${own}`,
    64,
  ),
]

describe('an input file that never ends', () => {
  it.each(rows)('is refused with one line (command: $words)', async input => {
    await expectRefused(input, {env: {CONSUL_HTTP_ADDR: '127.0.0.1:1'}})
  })

  it('is refused if a template function reads it', async () => {
    await expectRefused({
      words: ['template', 'FILE:/dev/stdout', '--once'],
      file: '{{ file "/dev/zero" }}',
      line: 'baton: template: FILE:1:3: executing "FILE" at <file "/dev/zero">: error calling file: it has more than 16 MB',
      exitCode: 64,
    })
  })
})
