import {chmodSync, readFileSync} from 'node:fs'
import {describe, expect, it} from 'vitest'
import {startInProcess} from '../../kit/run-in-process.js'
import {waitUntil} from '../../kit/wait-until.js'
import {twoDatacenters} from './two-datacenters.js'

const {file, options, pathOf, put} = twoDatacenters()

describe('what baton replicate sends to systemd', () => {
  it('is READY=1 again after each reload: one that changes mappings, one that changes nothing, and one that fails', async () => {
    await put('dc1', {'sd1/a': '1', 'sd2/a': '1'})
    // Node cannot receive datagrams of Unix sockets, so a program in place of systemd-notify writes them to a file.
    chmodSync(file('systemd-notify', '#!/bin/sh\necho "$1" >>"$NOTIFY_SOCKET"\n'), 0o755)
    const socket = file('notify', '')
    const config = file('sd.hcl', 'prefix = "sd1/@dc1"')
    const env = {NOTIFY_SOCKET: socket, PATH: `${pathOf('')}:/bin:/usr/bin`, XDG_STATE_HOME: pathOf('state')}
    await using command = startInProcess(['replicate', '-config', config], options({env}))
    const states = () => readFileSync(socket, 'utf8').match(/^(?:READY|RELOADING|STOPPING)=1$/gm) ?? []
    const expected = ['READY=1']
    const sent = (what: string) => waitUntil(() => states().length >= expected.length, {what})
    await sent('the start')
    for (const text of ['prefix = "sd2/@dc1"', 'prefix = "sd2/@dc1"', 'nonsense']) {
      file('sd.hcl', text)
      command.kill('SIGHUP')
      expected.push('RELOADING=1', 'READY=1')
      await sent(`a reload with ${text}`)
      expect(states()).toEqual(expected)
    }
    command.kill('SIGTERM')
    expect((await command.exited).exitCode).toBe(12)
    expect(states()).toEqual([...expected, 'STOPPING=1'])
  })
})
