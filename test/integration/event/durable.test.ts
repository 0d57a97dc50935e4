import {mkdtempSync, readFileSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, describe, expect, it} from 'vitest'
import {createClient} from '../../../src/core/client.js'
import {fireDurable} from '../../../src/event/durable/durable-fire.js'
import {newUlid} from '../../../src/event/durable/ulid.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {HttpProxy} from '../../kit/http-proxy.js'
import {descendants} from '../../kit/processes.js'
import {raw} from '../../kit/raw-consul.js'
import {type CommandHandle, startCli} from '../../kit/run-cli.js'
import {runInProcess} from '../../kit/run-in-process.js'
import {waitUntil} from '../../kit/wait-until.js'

const directory = mkdtempSync(join(tmpdir(), 'baton-durable-'))
afterAll(() => rmSync(directory, {recursive: true, force: true}))

const numbers = (from: number, to: number): string[] => Array.from({length: to - from}, (_, n) => `${from + n}`)
const lines = (text: string): string[] => text.split('\n').filter(line => line !== '')

describe.each(backends)('durable events on $name', backend => {
  const agent = sharedAgent(backend)
  const consul = () => raw(agent.address)
  const path = (name: string): string => join(directory, `${backend.name}-${name}`)
  const log = (name: string): string => `baton/events/v1/${name}/`
  const printing = ['sh', '-c', 'cat; echo']
  const follow = (name: string, state: string, ...more: string[]): CommandHandle =>
    startCli(
      ['event', 'watch', '--durable', '--name', name, '--state', path(state), '-v', ...more, '--', ...printing],
      {
        agent,
      },
    )

  /**
   * Fires events from this process, because starting a command for each event would take most of the test's
   * time.
   */
  async function fire(name: string, payloads: readonly string[]): Promise<void> {
    await using client = createClient({address: agent.address})
    for (const payload of payloads) await fireDurable(client, name, {payload: Buffer.from(payload)})
  }
  /** Stops a watch after its handlers have ended, because the next watch would run an interrupted handler again. */
  const stop = async (watch: CommandHandle): Promise<string[]> => {
    await waitUntil(() => descendants(watch.pid).length === 0, {what: 'the handlers to end'})
    watch.kill('SIGTERM')
    const {stdout, exitCode} = await watch.exited
    expect(exitCode).toBe(0)
    return lines(stdout)
  }
  const until = (watch: CommandHandle, count: number): Promise<boolean> =>
    waitUntil(() => lines(watch.stdout).length >= count, {
      what: `${count} events to be handled`,
      timeoutMs: 30_000,
      detail: () => `${watch.stdout}\n${watch.stderr}`,
    })

  it('reach two watchers, each once and in order, even if one watcher was not running when they were fired', async () => {
    {
      await using watch = follow('down', 'down')
      await watch.waitForOutput(/watching/)
      await fire('down', ['live'])
      await until(watch, 1)
      expect(await stop(watch)).toEqual(['live'])
    }
    await fire('down', numbers(0, 20))
    {
      await using watch = follow('down', 'down')
      await until(watch, 20)
      await fire('down', ['after'])
      await until(watch, 21)
      expect(await stop(watch)).toEqual([...numbers(0, 20), 'after'])
    }
    await using other = follow('down', 'other', '--from', 'earliest')
    await until(other, 22)
    expect(await stop(other)).toEqual(['live', ...numbers(0, 20), 'after'])
    await using again = follow('down', 'down')
    await again.waitForOutput(/watching/)
    await fire('down', ['last'])
    await until(again, 1)
    expect(await stop(again)).toEqual(['last'])
  })

  it('are handled in the order in which Consul created them, even if the clocks of their writers differ', async () => {
    const entry = (payload: string) =>
      JSON.stringify({v: 1, name: 'skew', payload: Buffer.from(payload).toString('base64'), later: 'is ignored'})
    const nowMs = 1_700_000_000_000
    const write = (atMs: number, payload: string) =>
      consul().ok('PUT', `/v1/kv/${log('skew')}${newUlid(atMs)}`, {body: entry(payload)})
    await using watch = follow('skew', 'skew', '--from', 'earliest')
    await watch.waitForOutput(/watching/)
    await write(nowMs, 'first')
    await until(watch, 1)
    // The writer's clock is slow, so this ID sorts before events that were already handled.
    await write(nowMs - 3_600_000, 'second')
    await write(nowMs + 3_600_000, 'third')
    await write(nowMs - 7_200_000, 'fourth')
    await until(watch, 4)
    expect(await stop(watch)).toEqual(['first', 'second', 'third', 'fourth'])
    await using fresh = follow('skew', 'skew-fresh', '--from', 'earliest')
    await until(fresh, 4)
    expect(await stop(fresh)).toEqual(['first', 'second', 'third', 'fourth'])
  })

  it('reach all watchers in the same order if several writers write at once', async () => {
    await using one = follow('many', 'many-1', '--from', 'earliest')
    await using two = follow('many', 'many-2', '--from', 'earliest')
    await Promise.all([one.waitForOutput(/watching/), two.waitForOutput(/watching/)])
    await Promise.all([0, 10, 20, 30].map(from => fire('many', numbers(from, from + 10))))
    await Promise.all([until(one, 40), until(two, 40)])
    const seen = await stop(one)
    expect(seen.toSorted((a, b) => Number(a) - Number(b))).toEqual(numbers(0, 40))
    expect(await stop(two)).toEqual(seen)
  })

  it('are reported once as missed if they were pruned before the watch saw them; the watch then continues, or exits with 2 if an option says so', async () => {
    {
      await using watch = follow('gap', 'gap')
      await watch.waitForOutput(/watching/)
      await stop(watch)
    }
    await fire('gap', numbers(0, 70))
    const pruned = await runInProcess(['event', 'prune', 'gap', '--keep', '3', '--json'], {agent})
    expect([pruned.exitCode, JSON.parse(pruned.stdout)]).toEqual([0, {pruned: 67}])
    {
      await using ended = follow('gap', 'gap', '--on-overflow=exit')
      const {exitCode, stderr} = await ended.exited
      expect([exitCode, stderr]).toEqual([2, expect.stringMatching(/events were missed: the log was pruned up to 01/)])
    }
    await using watch = follow('gap', 'gap')
    await watch.waitForOutput(/watching/)
    await fire('gap', ['next'])
    await watch.waitForOutput(/next/, {stream: 'stdout'})
    // An entry that the watch has already handled may be pruned without being reported.
    await consul().ok('PUT', '/v1/event/fire/unrelated')
    expect((await runInProcess(['event', 'prune', 'gap', '--keep', '1'], {agent})).stdout).toBe('Events deleted: 3\n')
    await fire('gap', ['end'])
    await watch.waitForOutput(/end/, {stream: 'stdout'})
    expect(watch.stderr).not.toMatch(/missed/)
    expect((await stop(watch)).slice(-2)).toEqual(['next', 'end'])
  })

  it('are not reported as missed if they are pruned but no handler selects them', async () => {
    const words = ['event', 'watch', '--durable', '--name', 'unselected', '--state', path('unselected'), '-v']
    const start = () => startCli([...words, '--handler', 'user:else=true'], {agent})
    {
      await using watch = start()
      await watch.waitForOutput(/watching/)
      await fire('unselected', ['a', 'b', 'c'])
      await waitUntil(() => readFileSync(path('unselected'), 'utf8').match(/seen/g)?.length === 3, {what: 'all seen'})
      await stop(watch)
    }
    expect((await runInProcess(['event', 'prune', 'unselected', '--keep', '1'], {agent})).stdout).toBe(
      'Events deleted: 2\n',
    )
    await using watch = start()
    await watch.waitForOutput(/watching; the log holds 1 events/)
    expect(watch.stderr).not.toMatch(/missed/)
  })

  it('are written once even if the answer was lost or the event that announces them could not be fired', async () => {
    await using proxy = await HttpProxy.start(agent.address)
    proxy.on({method: 'PUT', path: '/v1/kv/'}, 'swallow', 1)
    proxy.on({path: '/v1/event/fire/'}, {status: 403, body: 'Permission denied'})
    const fired = await runInProcess(['event', 'fire', 'once', 'x', '--durable', '--json'], {agent: proxy})
    expect(fired.stderr).toMatch(/^baton: event once: is in its log, but was not announced: /)
    const {id} = JSON.parse(fired.stdout) as {id: string}
    expect([fired.exitCode, await consul().kvKeys(log('once'))]).toEqual([0, [`${log('once')}${id}`]])
  })

  it('are filtered by the watcher, which reports entries of unknown versions and entries that are not events', async () => {
    const {Config} = (await consul().get('/v1/agent/self')) as {Config: {NodeName: string}}
    await consul().ok('PUT', '/v1/agent/service/register', {
      body: JSON.stringify({ID: 'web-1', Name: 'web', Tags: ['blue', 'eu']}),
    })
    const put = (value: object | string) =>
      consul().ok('PUT', `/v1/kv/${log('judge')}${newUlid(1)}`, {
        body: typeof value === 'string' ? value : JSON.stringify({v: 1, name: 'judge', ...value}),
      })
    const text = (payload: string): {payload: string} => ({payload: Buffer.from(payload).toString('base64')})
    await using watch = follow('judge', 'judge')
    await watch.waitForOutput(/watching/)
    await put({...text('this node'), node: `^${Config.NodeName}$`})
    await put({...text('other node'), node: '^elsewhere$'})
    await put({...text('service'), service: '^web-1$', tag: 'eu'})
    await put({...text('service by name'), service: '^web$'})
    await put({...text('other tag'), service: 'web', tag: 'green'})
    await put({...text('no expression'), node: '('})
    await put({...text('of the future'), v: 2})
    await put('nonsense')
    await put('null')
    await put(text('last'))
    await until(watch, 3)
    await watch.waitForOutput(/last/, {stream: 'stdout'})
    expect(await stop(watch)).toEqual(['this node', 'service', 'last'])
    expect(watch.stderr.match(/ignored: .*/g)?.toSorted()).toEqual([
      expect.stringMatching(/^ignored: has a filter that is not a regular expression: /),
      'ignored: has version 2, this baton knows version 1',
      'ignored: is not JSON',
      'ignored: is not an event',
    ])
  })

  it('also reach watchers of ordinary events, with their payload', async () => {
    await using watch = startCli(['event', 'watch', '--name', 'hint', '-v', '--', 'wc', '-c'], {agent})
    await watch.waitForOutput(/watching/)
    const sent = await runInProcess(['event', 'fire', 'hint', '-', '--durable'], {agent, input: 'x'.repeat(300_000)})
    expect(sent.exitCode).toBe(0)
    await watch.waitForOutput(/\b300000\b/)
  })

  it('are handled after an outage of the watcher’s agent if they were fired during the outage', async () => {
    await using proxy = await HttpProxy.start(agent.address)
    const words = [
      'event',
      'watch',
      '--durable',
      '--name',
      'outage',
      '--state',
      path('outage'),
      '-v',
      '--',
      ...printing,
    ]
    await using watch = startCli(words, {agent: proxy})
    await watch.waitForOutput(/watching/)
    const outage = proxy.on({}, 'reset')
    await fire('outage', numbers(0, 5))
    await waitUntil(() => proxy.count({path: '/v1/kv/'}) >= 3, {what: 'the watcher to notice'})
    outage[Symbol.dispose]()
    await until(watch, 5)
    expect(await stop(watch)).toEqual(numbers(0, 5))
  })

  it('are reported as hidden if the token may not read them', async () => {
    await using proxy = await HttpProxy.start(agent.address)
    // Hides entries as Consul has done since version 1.11.
    proxy.on(
      {path: '/v1/kv/'},
      {status: 404, headers: {'X-Consul-Index': '9', 'X-Consul-Results-Filtered-By-ACLs': 'true'}},
    )
    const hidden = {agent: {address: proxy.address}}
    const list = await runInProcess(['event', 'list', '--durable', '--name', 'hidden'], hidden)
    expect([list.exitCode, list.stdout, lines(list.stderr)]).toEqual([0, '', [expect.stringContaining('may not read')]])
    await using watch = startCli(['event', 'watch', '--durable', '--name', 'hidden', '--', 'cat'], hidden)
    await watch.waitForOutput(/may not read all of the log/)
  })

  it('are refused with a one-line error if an argument is invalid, and nothing is written', async () => {
    const wrong: [string[], RegExp][] = [
      [['fire', 'a/b', 'x', '--durable'], /is not a valid name for a durable event/],
      [['fire', '..', 'x', '--durable'], /is not a valid name for a durable event/],
      [['fire', 'wrong', 'x', '--durable', '--keep', '0'], /would keep nothing/],
      [['fire', 'wrong', 'x', '--keep', '5'], /--keep is for --durable/],
      [['fire', 'wrong', 'x', '--durable', '--spill'], /not both/],
      [['fire', 'wrong', 'x', '--durable', '--node', '('], /Failed to compile node filter/],
      [['fire', 'n'.repeat(150), 'x', '--durable'], /leave no room/],
      [['watch', '--durable', '--', 'true'], /--durable needs --name/],
      [['list', '--durable'], /--durable needs --name/],
      [['prune', 'wrong', '--keep', 'many'], /is not a duration/],
    ]
    await Promise.all(
      wrong.map(async ([words, text]) => {
        const {exitCode, stdout, stderr} = await runInProcess(['event', ...words], {agent})
        expect([exitCode, stdout, lines(stderr)], words.join(' ')).toEqual([64, '', [expect.stringMatching(text)]])
      }),
    )
    const long = await runInProcess(['event', 'fire', 'wrong', '-', '--durable'], {agent, input: 'x'.repeat(393_300)})
    expect([long.exitCode, long.stderr]).toEqual([
      64,
      expect.stringMatching(/\d+ too long: a durable event takes \d+\n$/),
    ])
    expect(await consul().kvKeys(log('wrong'))).toEqual([])
  })
})
