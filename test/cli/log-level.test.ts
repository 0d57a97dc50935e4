import {once} from 'node:events'
import {createServer} from 'node:http'
import type {AddressInfo} from 'node:net'
import {afterAll, describe, expect, it, vi} from 'vitest'
import {CommandLines, offlineCommands} from '../kit/command-lines.js'
import exitCodes from '../kit/exit-codes.json' with {type: 'json'}
import {startInProcess} from '../kit/run-in-process.js'
import {waitUntil} from '../kit/wait-until.js'

vi.setConfig({maxConcurrency: 20})
const lines = new CommandLines()
afterAll(() => lines[Symbol.dispose]())
const {env} = lines

describe.concurrent('--log-level', () => {
  it('is tested in this file with each command that talks to Consul', () => {
    expect([...Object.keys(lines.words), ...offlineCommands].sort()).toEqual(Object.keys(exitCodes).sort())
  })

  it.each(Object.keys(lines.words))('debug shows the requests of baton %s', async id => {
    await using command = startInProcess(lines.argvOf(id, '--log-level=debug'), {
      env: {...env, CONSUL_HTTP_ADDR: '127.0.0.1:1'},
    })
    await command.waitForOutput(/^\{"level":20,/m, {stream: 'stderr'})
  })

  it.each(Object.keys(lines.words))('silent suppresses every log line of baton %s', async id => {
    let requests = 0
    const server = createServer((_request, response) => {
      requests += 1
      response.writeHead(500).end('No cluster leader')
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = `127.0.0.1:${(server.address() as AddressInfo).port}`
    await using command = startInProcess(lines.argvOf(id, '--log-level=silent'), {
      env: {...env, CONSUL_HTTP_ADDR: address},
    })
    // When the second request arrives, the first one was answered and would have been logged.
    await waitUntil(() => command.hasEnded || requests > 1, {what: 'the first answer', timeoutMs: 30_000})
    expect(command.stderr).not.toMatch(/^\{"level":/m)
    server.close()
  })
})
