import {mkdtempSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, describe, expect, it} from 'vitest'
import {backends, sharedAgent} from '../../kit/backend.js'
import {HttpProxy} from '../../kit/http-proxy.js'
import {raw} from '../../kit/raw-consul.js'
import {runCli, startCli} from '../../kit/run-cli.js'
import {waitUntil} from '../../kit/wait-until.js'

const directory = mkdtempSync(join(tmpdir(), 'baton-event-handlers-'))
afterAll(() => rmSync(directory, {recursive: true, force: true}))

describe.each(backends)('handlers of baton event watch on $name', backend => {
  const agent = sharedAgent(backend)
  const path = (name: string): string => join(directory, `${backend.name}-${name}`)
  const fire = (name: string, body?: string) =>
    raw(agent.address).ok('PUT', `/v1/event/fire/${name}`, body === undefined ? {} : {body})

  it('receive the variables of Serf, including tags, and the payload on stdin, with a newline if it does not end with one', async () => {
    const script = "sh -c 'echo $SERF_TAG_ROLE $SERF_TAG_DC $SERF_SELF_ROLE $SERF_USER_LTIME; od -An -c'"
    await using watch = startCli(['event', 'watch', '-v', '--handler', `user:serf=${script}`], {agent})
    await watch.waitForOutput(/watching/)
    for (const body of ['one', 'two\n', undefined]) await fire('serf', body)
    await watch.waitForOutput(/(consul dc1 consul \d+[^]*){3}/, {stream: 'stdout'})
    watch.kill('SIGTERM')
    const {stdout} = await watch.exited
    expect(stdout.split(/consul dc1 consul \d+/).map(text => text.replaceAll(/\s+/g, ' ').trim())).toEqual([
      '',
      'o n e \\n',
      't w o \\n',
      '',
    ])
  })

  it('receive the same index as the handlers of consul watch', async () => {
    await using watch = startCli(
      ['event', 'watch', '--name', 'index', '-v', '--', 'sh', '-c', 'echo at $CONSUL_INDEX'],
      {
        agent,
      },
    )
    await watch.waitForOutput(/watching/)
    await fire('index')
    const [, shown] = await watch.waitForOutput(/at (\d+)/)
    const answer = await raw(agent.address).ok('GET', '/v1/event/list', {query: {name: 'index'}})
    expect(shown).toBe(answer.headers['x-consul-index'])
  })

  it('start only when an outage of Consul is over if the payload of their event is stored in KV', async () => {
    await using proxy = await HttpProxy.start(agent.address)
    await using watch = startCli(['event', 'watch', '--name', 'late', '-v', '--', 'wc', '-c'], {agent: proxy})
    await watch.waitForOutput(/watching/)
    const outage = proxy.on({path: '/v1/kv/'}, 'reset')
    const sent = await runCli(['event', 'fire', 'late', '-', '--spill'], {agent, input: 'x'.repeat(5000)})
    expect(sent.exitCode).toBe(0)
    await waitUntil(() => proxy.count({path: '/v1/kv/'}) >= 2, {what: 'a second try'})
    outage[Symbol.dispose]()
    await watch.waitForOutput(/\b5000\b/)
    watch.kill('SIGTERM')
    expect((await watch.exited).stderr).not.toMatch(/abandoned/)
    await raw(agent.address).ok('DELETE', '/v1/kv/baton/events/blob/', {query: {recurse: true}})
  })

  it('receive events that were fired after the previous watch ended, even if that watch received none', async () => {
    const words = ['event', 'watch', '--name', 'idle', '--state', path('idle'), '-v', '--', 'cat']
    {
      await using watch = startCli(words, {agent})
      await watch.waitForOutput(/watching/)
      watch.kill('SIGTERM')
      await watch.exited
    }
    await fire('idle', 'in between')
    await using again = startCli(words, {agent})
    await again.waitForOutput(/in between/, {stream: 'stdout'})
  })

  it("are preceded by one report of missed events if the agent's list overflowed while no watch was running", async () => {
    const words = ['event', 'watch', '--name', 'rare', '--state', path('rare'), '--on-overflow=exit', '-v', '--', 'cat']
    {
      await using watch = startCli(words, {agent})
      await watch.waitForOutput(/watching/)
      await fire('rare', 'seen')
      await watch.waitForOutput(/seen/, {stream: 'stdout'})
      watch.kill('SIGTERM')
      await watch.exited
    }
    for (let n = 0; n < 260; n += 20) await Promise.all(Array.from({length: 20}, () => fire('noise')))
    const alarmed = await runCli(words, {agent})
    expect([alarmed.exitCode, alarmed.stderr]).toEqual([2, expect.stringMatching(/events were missed/)])
    await using again = startCli(words, {agent})
    await again.waitForOutput(/watching/)
    await fire('rare', 'after')
    await again.waitForOutput(/after/, {stream: 'stdout'})
  })
})
