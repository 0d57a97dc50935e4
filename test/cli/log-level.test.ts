import {once} from 'node:events'
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {createServer} from 'node:http'
import type {AddressInfo} from 'node:net'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, describe, expect, it, vi} from 'vitest'
import exitCodes from '../kit/exit-codes.json' with {type: 'json'}
import {startInProcess} from '../kit/run-in-process.js'
import {waitUntil} from '../kit/wait-until.js'

vi.setConfig({maxConcurrency: 20})
const home = mkdtempSync(join(tmpdir(), 'baton-levels-'))
writeFileSync(join(home, 't.ctmpl'), '{{ key "a" }}')
afterAll(() => rmSync(home, {recursive: true}))

/** The shortest arguments with which a command asks Consul. */
const words: Readonly<Record<string, string>> = {
  discover: 'a --listen 127.0.0.1:0',
  doctor: '',
  event: '-name=a',
  'event fire': 'a',
  'event list': '',
  'event prune': 'a --keep 1',
  'event watch': '',
  exec: 'true',
  'exec attach': 'a',
  'exec cancel': 'a',
  'exec ls': '',
  'exec show': 'a',
  'kv cas': 'a b --expect c',
  'kv delete': 'a',
  'kv diff': 'a/ b/',
  'kv edit': 'a',
  'kv export': '',
  'kv get': 'a',
  'kv import': '[{"key":"a","value":""}]',
  'kv incr': 'a',
  'kv ls': '',
  'kv put': 'a b',
  'kv update': 'a -- true',
  'kv wait-for': 'a',
  'kv watch': 'a',
  lock: 'a true',
  'lock assert': '--lock-prefix a --lock-session b',
  'lock break': 'a',
  'lock hold': 'a',
  'lock history': 'a',
  'lock ls': '',
  'lock overdue': 'a --every 1h',
  'lock put': '--lock-prefix a --lock-session b a b',
  'lock status': 'a',
  'lock watch': 'a',
  members: '',
  replicate: 'a/@dc1',
  'replicate approve': '00000000',
  'replicate held': '',
  'replicate status': '',
  'replicate undo': '--release all',
  responder: `--trust-dir ${home} --state-dir ${join(home, 'state')} --name n`,
  selftest: '',
  status: '',
  'service deregister': 'a',
  'service ls': '',
  'service maint': 'a --on',
  'service register': '--name a',
  'service run': '--name a -- true',
  template: `${home}/t.ctmpl:${home}/t.out`,
  watch: '-type=key -key=a',
  'watch checks': '',
  'watch event': '',
  'watch key': 'a',
  'watch keyprefix': 'a',
  'watch nodes': '',
  'watch query': 'a',
  'watch service': 'a',
  'watch services': '',
}
/** Commands that do not ask Consul. */
const offline = ['completion', 'dev', 'keys add', 'keys init', 'keys ls', 'keys revoke', 'tour']

const env = {HOME: home, XDG_STATE_HOME: home, EDITOR: 'true'}

/** Puts the flag before the command's own arguments, because it would be an argument of a child after them. */
const argvOf = (id: string, level: string): string[] => [
  ...id.split(' '),
  `--log-level=${level}`,
  ...(words[id] ?? '').split(' ').filter(word => word !== ''),
]

describe.concurrent('--log-level', () => {
  it('is tested with each command that talks to Consul', () => {
    expect([...Object.keys(words), ...offline].sort()).toEqual(Object.keys(exitCodes).sort())
  })

  it.each(Object.keys(words))('debug shows the requests of baton %s', async id => {
    await using command = startInProcess(argvOf(id, 'debug'), {env: {...env, CONSUL_HTTP_ADDR: '127.0.0.1:1'}})
    await command.waitForOutput(/^\{"level":20,/m, {stream: 'stderr'})
  })

  it.each(Object.keys(words))('silent suppresses every log line of baton %s', async id => {
    let requests = 0
    const server = createServer((_request, response) => {
      requests += 1
      response.writeHead(500).end('No cluster leader')
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = `127.0.0.1:${(server.address() as AddressInfo).port}`
    await using command = startInProcess(argvOf(id, 'silent'), {env: {...env, CONSUL_HTTP_ADDR: address}})
    // When the second request arrives, the first one has been answered and would have been logged.
    await waitUntil(() => command.hasEnded || requests > 1, {what: 'the first answer', timeoutMs: 30_000})
    expect(command.stderr).not.toMatch(/^\{"level":/m)
    server.close()
  })
})
