import {mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, afterEach, beforeAll, describe, expect, it} from 'vitest'
import {createClient} from '../../../src/core/client.js'
import {fireDurable} from '../../../src/event/durable/durable-fire.js'
import {fireEvent} from '../../../src/event/ring/fire.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {bundleExample, root} from '../../kit/bundle-example.js'
import {useLeakCheck} from '../../kit/leaks.js'
import {raw} from '../../kit/raw-consul.js'
import {type CommandHandle, startCommand} from '../../kit/run-cli.js'
import {waitUntil} from '../../kit/wait-until.js'

const programs = readdirSync(join(root, 'examples')).filter(file => file.endsWith('.ts'))
// Inside the repository, where Node finds the packages that the examples import.
const folder = join(root, 'dist', `examples-${process.pid}`)
const directory = mkdtempSync(join(tmpdir(), 'baton-examples-'))

beforeAll(async () => {
  mkdirSync(folder, {recursive: true})
  const bundle = (file: string): Promise<void> =>
    bundleExample(readFileSync(join(root, 'examples', file), 'utf8'), join(folder, file.replace(/ts$/, 'mjs')))
  await Promise.all(programs.map(bundle))
})
afterAll(() => {
  rmSync(folder, {recursive: true, force: true})
  rmSync(directory, {recursive: true, force: true})
})

describe('examples/README.md', () => {
  it('lists every example program', () => {
    const listed = [...readFileSync(join(root, 'examples/README.md'), 'utf8').matchAll(/^\| \[(.+)\]\(\1\)/gm)]
    expect(listed.map(match => match[1]).sort()).toEqual(programs.sort())
  })
})

describe.each(backends)('the examples on $name', backend => {
  const agent = sharedAgent(backend)
  const leaks = useLeakCheck({agent, ignoreHandles: true})
  // Runs before the leak check, because vitest runs the hooks that were registered last first.
  afterEach(async () => {
    await raw(agent.address).kvDelete(leaks.prefix, {recurse: true})
  })
  const start = (program: string, ...args: string[]): CommandHandle =>
    startCommand(process.execPath, [join(folder, `${program}.mjs`), ...args], {agent})
  /** Stops a program as a service manager does, and expects a clean exit. */
  const stop = async (program: CommandHandle): Promise<void> => {
    program.kill('SIGTERM')
    expect((await program.exited).exitCode, program.stderr).toBe(0)
  }

  it('leader has one leader at a time, whose address the others know, and elects another one when the leader stops', async () => {
    const prefix = `${leaks.prefix}leader`
    const first = start('leader', prefix, 'one')
    await first.waitForOutput(/leading \d+/, {stream: 'stdout'})
    const second = start('leader', prefix, 'two')
    await second.waitForOutput(/leader one/, {stream: 'stdout'})
    expect(second.stdout).not.toMatch(/leading/)
    await stop(first)
    expect(first.stdout).toMatch(/stopped \d+\n$/)
    await second.waitForOutput(/leading \d+/, {stream: 'stdout'})
    await second.waitForOutput(/leader two/, {stream: 'stdout'})
    await stop(second)
  })

  it('counter loses no increment if several processes count', async () => {
    const key = `${leaks.prefix}visits`
    const counters = Array.from({length: 3}, () => start('counter', key, '10'))
    const results = await Promise.all(counters.map(counter => counter.exited))
    const seen = results.flatMap(({stdout}) => stdout.trim().split('\n').map(Number))
    expect(seen.toSorted((a, b) => a - b)).toEqual(Array.from({length: 30}, (_, n) => n + 1))
    expect((await raw(agent.address).kvGet(key))?.value).toBe('30')
  })

  it('locked-job runs in one process at a time, and stores the result of the last holder', async () => {
    const prefix = `${leaks.prefix}job`
    const jobs = [start('locked-job', prefix), start('locked-job', prefix)]
    const outputs = (await Promise.all(jobs.map(job => job.exited))).map(({stdout}) => stdout)
    const tokens = outputs.map(text => /^start (\d+)\nend \1\n$/.exec(text)?.[1] ?? text)
    const newest = tokens.toSorted((a, b) => Number(a) - Number(b)).at(-1)
    expect(new Set(tokens).size).toBe(2)
    expect((await raw(agent.address).kvGet(`${prefix}/result`))?.value).toMatch(`${newest} report of process`)
  })

  it('configstate serves the newest valid document, and exits on a signal', async () => {
    const key = `${leaks.prefix}config`
    const consul = raw(agent.address)
    await using service = start('configstate', key)
    const [, url] = await service.waitForOutput(/listening on (\S+)/)
    const read = async (): Promise<string> => (await fetch(`${url}/config`)).text()
    await service.waitForOutput(/ignored: .*does not exist/)
    expect(await read()).toBe('{"error":"no configuration yet"}')
    await consul.kvPut(key, '{"limit":1}')
    await waitUntil(async () => (await read()) === '{"limit":1}', {what: 'the first document'})
    await consul.kvPut(key, '{"limit":')
    await service.waitForOutput(/ignored: SyntaxError/)
    expect(await read()).toBe('{"limit":1}')
    await consul.kvPut(key, '{"limit":2}')
    await waitUntil(async () => (await read()) === '{"limit":2}', {what: 'the second document'})
    await stop(service)
  })

  it('cache-flush removes one entry, then all of them', async () => {
    await using client = createClient({address: agent.address})
    await using cache = start('cache-flush')
    await cache.waitForOutput(/watching, 2 cached/)
    await fireEvent(client, 'cache-flush', {payload: Buffer.from('price/apples')})
    await cache.waitForOutput(/flushed price\/apples, 1 cached/)
    await fireEvent(client, 'cache-flush')
    await cache.waitForOutput(/flushed everything, 0 cached/)
    await stop(cache)
  })

  it('durable-consumer handles events that were fired while it was not running, and handles none twice', async () => {
    await using client = createClient({address: agent.address})
    const name = `reindex-${leaks.id}`
    const file = join(directory, `${backend.name}.state`)
    const fire = (text: string) => fireDurable(client, name, {payload: Buffer.from(text)})
    await using first = start('durable-consumer', name, file)
    await first.waitForOutput(/following, 0 in the log/)
    await fire('one')
    await first.waitForOutput(/handled \S+ one/)
    await stop(first)
    await fire('two')
    await using second = start('durable-consumer', name, file)
    await second.waitForOutput(/handled \S+ two/)
    await stop(second)
    expect(second.stdout).not.toContain(' one')
    await client.kv.deleteTree(`baton/events/v1/${name}/`)
  })
})
