import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, beforeAll, describe, expect, it, vi} from 'vitest'
import {startEmbeddedAgent} from '../../src/embedded/index.js'
import {FaultyConsul, faults} from '../kit/faulty-consul.js'
import {startInProcess} from '../kit/run-in-process.js'
import {TcpProxy} from '../kit/tcp-proxy.js'

// These commands wait most of the time and are no processes, so many can run at once.
vi.setConfig({maxConcurrency: 25})

const directory = mkdtempSync(join(tmpdir(), 'baton-waiting-'))
const trust = join(directory, 'trust')
mkdirSync(trust)
const watches = join(directory, 'watches.json')
writeFileSync(
  watches,
  '{"watches":[{"type":"key","key":"a","args":["true"]},{"type":"keyprefix","prefix":"b","args":["true"]}]}',
)

const template = join(directory, 'a.ctmpl')
writeFileSync(template, '{{key "a"}}')
const rendered = `${template}:${join(directory, 'a.out')}`

const daemons = {
  'watch -type=key': ['watch', '-type=key', '-key=a', 'true'],
  'watch nodes --ndjson': ['watch', 'nodes', '--ndjson'],
  'watch --watches': ['watch', '--watches', watches],
  'event watch': ['event', 'watch', '--', 'true'],
  'event watch --durable': ['event', 'watch', '--name', 'a', '--durable', '--', 'true'],
  'event watch --handler': ['event', 'watch', '--handler', 'member-join=true'],
  discover: ['discover', 'a', '--listen', '127.0.0.1:0'],
  responder: ['responder', '--trust-dir', trust, '--state-dir', join(directory, 'state'), '--name', 'n'],
  replicate: ['replicate', 'a/@dc1:b/'],
  template: ['template', rendered],
}
const others = {
  lock: ['lock', '-v', 'k', 'true'],
  'lock status': ['lock', 'status', 'k', '-v'],
  'lock --timeout': ['lock', '-v', '--timeout', '30s', 'k', 'true'],
  exec: ['exec', '-v', 'true'],
  'exec --batch': ['exec', '-v', '--batch', '1', '--', 'true'],
  'exec --list': ['exec', '-v', '--list'],
  'replicate --once': ['replicate', 'a/@dc1:b/', '--once', '-v'],
  'replicate status': ['replicate', 'status', '-v'],
  'replicate held': ['replicate', 'held', '-v'],
  'template --once': ['template', rendered, '--once'],
  'service register': ['service', 'register', '--name', 'w', '-v'],
  'service ls': ['service', 'ls', '-v'],
  members: ['members', '-v'],
  'watch --once': ['watch', 'key', 'a', '--once', '-v'],
  'watch --watches --once': ['watch', '--watches', watches, '--once', '-v'],
  'discover --once': ['discover', 'a', '--once', '-v'],
  'event fire': ['event', 'fire', 'a', '-v'],
  'kv get': ['kv', 'get', 'a', '-v'],
  doctor: ['doctor', '-v'],
  selftest: ['selftest', '-v'],
  status: ['status', '-v'],
}
const table = Object.entries({...daemons, ...others})
  .flatMap(([name, words]) => faults.map(fault => ({name, words, fault})))
  // Without --once, a template reports an answer that is not Consul's as the failure of its file.
  .filter(({name, fault}) => name !== 'template' || fault.name !== 'not Consul')

let consul: FaultyConsul
beforeAll(async () => {
  consul = await FaultyConsul.start()
})
afterAll(async () => {
  await consul[Symbol.asyncDispose]()
  rmSync(directory, {recursive: true})
})

/** A wait for a stated reason. That an answer takes longer than two seconds is not such a reason: a busy machine is slow, too. */
const waits = /waiting for (?!Consul: \S+ has not answered yet)/

describe.concurrent('if Consul cannot be reached at the start', () => {
  it.each(table)('baton $name waits and says why, or exits: $fault.name', async ({name, words, fault}) => {
    await using command = startInProcess(words, {env: {CONSUL_HTTP_ADDR: consul.addressOf(fault)}})
    const output = (): string => `${command.stdout}${command.stderr}`
    const waiting = new RegExp(`waiting for .*(?:${fault.said.source})`)
    const first = await Promise.race([command.exited, command.waitForOutput(waiting)])
    if (first instanceof Array) {
      expect(fault.isHopeless).toBe(false)
      return
    }
    expect(output()).toMatch(fault.said)
    expect(first.exitCode).toBe(['doctor', 'selftest'].includes(name) ? 69 : fault.exitCode)
    if (fault.isHopeless && !name.startsWith('replicate')) expect(output()).not.toMatch(waits)
  })
})

/** Commands that send a request every few seconds, or have a query parked at the agent. */
const running = {
  ...daemons,
  lock: ['lock', '-v', '--ttl', '10s', 'later/k', 'sleep 1000'],
}
const started: Readonly<Record<string, RegExp>> = {
  'watch nodes --ndjson': /end-of-snapshot/,
  lock: /acquired/,
  responder: /ready/,
}

describe.concurrent('if Consul cannot be reached for a while', () => {
  it.each(Object.entries(running))('baton %s reports the outage and its end', async (name, words) => {
    await using agent = await startEmbeddedAgent()
    await using proxy = await TcpProxy.start(agent.address)
    await using command = startInProcess([...words], {env: {CONSUL_HTTP_ADDR: proxy.address}})
    if (started[name]) await command.waitForOutput(started[name])
    else await expect.poll(() => proxy.counters.bytesToClient, {timeout: 30_000}).toBeGreaterThan(150)
    await proxy.refuse()
    proxy.reset()
    await command.waitForOutput(/waiting for .*connection refused/, {stream: 'stderr', timeoutMs: 50_000})
    await proxy.accept()
    await command.waitForOutput(/answers (?:again )?after \d+/, {stream: 'stderr', timeoutMs: 50_000})
  })
})
