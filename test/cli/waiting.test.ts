import {writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {afterAll, beforeAll, describe, expect, it, vi} from 'vitest'
import {startEmbeddedAgent} from '../../src/embedded/index.js'
import {CommandLines, offlineCommands} from '../kit/command-lines.js'
import exitCodes from '../kit/exit-codes.json' with {type: 'json'}
import {FaultyConsul, faults} from '../kit/faulty-consul.js'
import {HttpProxy} from '../kit/http-proxy.js'
import {startInProcess} from '../kit/run-in-process.js'
import {TcpProxy} from '../kit/tcp-proxy.js'

// These commands wait most of the time and need no processes, so many of them can run at once.
vi.setConfig({maxConcurrency: 25})

const lines = new CommandLines()
const {env, home} = lines
const watches = join(home, 'watches.json')
writeFileSync(
  watches,
  '{"watches":[{"type":"key","key":"a","args":["true"]},{"type":"keyprefix","prefix":"b","args":["true"]}]}',
)
const rendered = lines.argvOf('template')

/** Commands that run until they are stopped. They report that they are waiting for Consul even without --verbose. */
const daemons = {
  'watch -type=key': ['watch', '-type=key', '-key=a', 'true'],
  'watch nodes --ndjson': ['watch', 'nodes', '--ndjson'],
  'watch --watches': ['watch', '--watches', watches],
  'event watch': ['event', 'watch', '--', 'true'],
  'event watch --durable': ['event', 'watch', '--name', 'a', '--durable', '--', 'true'],
  'event watch --handler': ['event', 'watch', '--handler', 'member-join=true'],
  discover: lines.argvOf('discover'),
  'lock watch': lines.argvOf('lock watch'),
  responder: lines.argvOf('responder'),
  replicate: ['replicate', 'a/@dc1:b/'],
  'service run': lines.argvOf('service run'),
  template: rendered,
  env: lines.argvOf('env'),
  ui: lines.argvOf('ui'),
}
/** Commands with flags that change how the command waits for Consul. */
const forms = {
  'lock --timeout': ['lock', '-v', '--timeout', '30s', 'k', 'true'],
  'lock --try': ['lock', '-v', '--try', 'k', 'true'],
  'lock -n 2': ['lock', '-v', '-n', '2', 'two', 'true'],
  'exec --batch': ['exec', '-v', '--batch', '1', '--', 'true'],
  'exec --list': ['exec', '-v', '--list'],
  'exec --detach': ['exec', '-v', '--detach', '--unsigned', '--', 'true'],
  'exec --via rexec': ['exec', '-v', '--via', 'rexec', '--', 'true'],
  'replicate --once': ['replicate', 'a/@dc1:b/', '--once', '-v'],
  'replicate verify': ['replicate', 'verify', 'a/@dc1:b/', '-v'],
  'template --once': [...rendered, '--once'],
  'watch --once': ['watch', 'key', 'a', '--once', '-v'],
  'watch --watches --once': ['watch', '--watches', watches, '--once', '-v'],
  'discover --once': ['discover', 'a', '--once', '-v'],
}
/**
 * Commands that end by themselves but first repeat failed requests. All other commands that end by themselves only wait
 * for the answer to their first attempt.
 */
const retrying = /^(?:lock --timeout|replicate (?:--once|verify))$/
const others = Object.keys(lines.words).filter(id => !Object.hasOwn(daemons, id))
const rows = {...Object.fromEntries(others.map(id => [id, lines.argvOf(id, '-v')])), ...daemons, ...forms}
const table = Object.entries(rows).flatMap(([name, words]) => faults.map(fault => ({name, words, fault})))

let consul: FaultyConsul
beforeAll(async () => {
  consul = await FaultyConsul.start()
})
afterAll(async () => {
  await consul[Symbol.asyncDispose]()
  lines[Symbol.dispose]()
})

/**
 * Matches a message that a command waits for something, unless the message only says that an answer takes longer than
 * two seconds, which also happens on a busy machine.
 */
const waits = /waiting for (?!Consul: (?:\S+ has not answered yet|Consul at \S+ no answer within))/

describe.concurrent('a command that is started while Consul cannot be reached', () => {
  it('is tested in this file if it talks to Consul', () => {
    expect([...others, ...Object.keys(daemons), ...offlineCommands]).toEqual(
      expect.arrayContaining(Object.keys(exitCodes)),
    )
  })

  it.each(table)('waits and says why, or exits (case: baton $name, $fault.name)', async ({name, words, fault}) => {
    await using command = startInProcess(words, {env: {...env, CONSUL_HTTP_ADDR: consul.addressOf(fault)}})
    const output = (): string => `${command.stdout}${command.stderr}`
    const waiting = new RegExp(`(?:waiting for|not registered yet).*(?:${fault.said.source})`)
    const first = await Promise.race([command.exited, command.waitForOutput(waiting)])
    const isWaiting = first instanceof Array
    if (isWaiting) expect(fault.isHopeless).toBe(false)
    if (isWaiting && (Object.hasOwn(daemons, name) || retrying.test(name) || fault.name === 'black hole')) return
    // Other commands report a wait only on a machine so busy that their one attempt takes seconds.
    const {exitCode} = isWaiting ? await command.exited : first
    expect(output()).toMatch(fault.said)
    expect(exitCode).toBe(['doctor', 'selftest'].includes(name) ? 69 : fault.exitCode)
    if (fault.isHopeless && !name.startsWith('replicate')) expect(output()).not.toMatch(waits)
  })
})

/** `ui` is left out, because without a browser it sends only one request. */
const {ui: _ui, ...asking} = daemons
/** Commands that send a request every few seconds, or that have a blocking query open at the agent. */
const running = {
  ...asking,
  'service run': ['service', 'run', '-v', '--name', 'later', '--ttl', '3s', '--', 'sleep', '1000'],
  lock: ['lock', '-v', '--ttl', '10s', 'later/k', 'sleep 1000'],
}
const started: Readonly<Record<string, RegExp>> = {
  'watch nodes --ndjson': /end-of-snapshot/,
  lock: /acquired/,
  responder: /ready/,
  'lock watch': /free|waits|nobody|none/,
  'service run': /registered/,
}

describe.concurrent('a running command while Consul cannot be reached', () => {
  it.each(Object.entries(running))('reports the outage and its end: baton %s', async (name, words) => {
    await using agent = await startEmbeddedAgent()
    await using proxy = await TcpProxy.start(agent.address)
    await using command = startInProcess([...words], {env: {CONSUL_HTTP_ADDR: proxy.address}})
    if (started[name]) await command.waitForOutput(started[name])
    else await expect.poll(() => proxy.counters.bytesToClient, {timeout: 30_000}).toBeGreaterThan(150)
    await proxy.refuse()
    proxy.reset()
    await command.waitForOutput(/waiting for .*connection refused/, {stream: 'stderr', timeoutMs: 50_000})
    await proxy.accept()
    await command.waitForOutput(/answers after \d+/, {stream: 'stderr', timeoutMs: 50_000})
  })
})

describe.concurrent('a fault that waiting cannot fix', () => {
  const unknown = /waiting does not help: .*No path to datacenter \(check the name of the datacenter/

  it('is reported by a running watch and a running template if reloaded settings cause it', async () => {
    await using agent = await startEmbeddedAgent()
    await using proxy = await HttpProxy.start(agent.address)
    const file = join(home, 'reloaded.json')
    const write = (more: string): void =>
      writeFileSync(file, `{"watches":[{"type":"key","key":"a",${more}"args":["true"]}]}`)
    write('')
    const source = join(home, 'reloaded.ctmpl')
    const config = join(home, 'reloaded.hcl')
    writeFileSync(source, '{{key "a"}}')
    const template = (dc: string): void =>
      writeFileSync(config, `template {\n source = "${source}"\n destination = "${home}/reloaded${dc}"\n}`)
    template('')
    const options = {env: {...env, CONSUL_HTTP_ADDR: proxy.address}}
    await using watch = startInProcess(['watch', '--watches', file], options)
    await using rendering = startInProcess(['template', '--config', config], options)
    await expect.poll(() => proxy.count({path: /v1\/kv\/a.*index=/}), {timeout: 30_000}).toBe(2)
    write('"datacenter":"dc9",')
    writeFileSync(source, '{{key "a@dc9"}}')
    for (const command of [watch, rendering]) {
      command.kill('SIGHUP')
      await command.waitForOutput(unknown, {stream: 'stderr', timeoutMs: 30_000})
      expect(command.stderr).not.toMatch(waits)
    }
  })

  it('is reported by lock watch when the token loses its permissions, and is reported as over when it regains them', async () => {
    await using agent = await startEmbeddedAgent()
    await using proxy = await HttpProxy.start(agent.address)
    await using command = startInProcess(['lock', 'watch', 'jobs/a'], {env: {CONSUL_HTTP_ADDR: proxy.address}})
    await command.waitForOutput(/jobs\/a/, {stream: 'stdout'})
    const denied = proxy.on({path: '/v1/'}, {status: 403, body: 'Permission denied'})
    // A change ends the blocking query, so that the command sends its next request now.
    await fetch(`${agent.address}/v1/kv/jobs/a/x`, {method: 'PUT'})
    await command.waitForOutput(/lock jobs\/a: cannot be read: .*403/, {stream: 'stderr', timeoutMs: 30_000})
    denied[Symbol.dispose]()
    await command.waitForOutput(/lock jobs\/a: can be read again/, {stream: 'stderr', timeoutMs: 50_000})
  })
})
