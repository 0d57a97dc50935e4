import {mkdtempSync, readFileSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, describe, expect, it} from 'vitest'
import {backends, sharedAgent} from '../../kit/backend.js'
import {startDevAgent} from '../../kit/consul-server.js'
import {raw} from '../../kit/raw-consul.js'
import {cliPath, runCli, startCli, startCommand} from '../../kit/run-cli.js'
import {waitUntil} from '../../kit/wait-until.js'

const directory = mkdtempSync(join(tmpdir(), 'baton-event-cli-'))
afterAll(() => rmSync(directory, {recursive: true, force: true}))

const lines = (text: string): string[] => text.split('\n').filter(line => line !== '')

describe.each(backends)('baton event on $name', backend => {
  const agent = sharedAgent(backend)
  const path = (name: string): string => join(directory, `${backend.name}-${name}`)
  const fire = (...words: string[]) => runCli(['event', 'fire', ...words], {agent})

  it('fires and lists events, and refuses a payload that is too large', async () => {
    const fired = await fire('list-me', 'hello')
    expect(fired.stdout).toMatch(/^Event ID: [0-9a-f-]{36}\n$/)
    const listed = await runCli(['event', 'list', '--name', 'list-me'], {agent})
    expect(listed.stdout).toMatch(/^[0-9a-f-]{36} +\d+ {2}list-me {2}hello\n$/)
    const refused = await fire('list-me', 'x'.repeat(500))
    expect([refused.exitCode, refused.stdout]).toEqual([64, ''])
    expect(refused.stderr).toMatch(/^baton: event list-me: the payload of 500 bytes is \d+ too long: \d+ fit/)
    const long = await fire('n'.repeat(600), 'x')
    expect(long.stderr).toMatch(/^baton: event n{19}…: the payload of 1 bytes is \d+ too long/)
  })

  it('computes the exact maximum length of a payload before it sends anything', async () => {
    for (let n = 0; n < 140; n += 20) {
      await Promise.all(Array.from({length: 20}, () => raw(agent.address).ok('PUT', '/v1/event/fire/tick')))
    }
    const {Stats} = (await raw(agent.address).get('/v1/agent/self')) as {Stats: {serf_lan: {event_time: string}}}
    const time = Number(Stats.serf_lan.event_time)
    expect(time).toBeGreaterThan(140)
    const max = time < 256 ? 413 : 412
    const refused = await fire('z', 'x'.repeat(max + 1))
    expect([refused.exitCode, refused.stderr]).toEqual([
      64,
      expect.stringContaining(`the payload of ${max + 1} bytes is 1 too long: ${max} fit with`),
    ])
    const fired = await fire('z', 'x'.repeat(max), '--json')
    expect([fired.exitCode, JSON.parse(fired.stdout)]).toEqual([0, expect.objectContaining({bytesLeft: 0})])
    expect(JSON.parse((await fire('z', 'x'.repeat(max - 3), '--json')).stdout)).toMatchObject({bytesLeft: 3})
  })

  it('handles each event once across restarts, with its payload and variables', async () => {
    const words = ['event', 'watch', '--name', 'once', '--state', path('once'), '-v', '--']
    const start = () =>
      startCli([...words, 'sh', '-c', 'echo "$SERF_EVENT $SERF_USER_EVENT $BATON_EVENT_ATTEMPT [$(cat)]"'], {agent})
    await fire('once', 'before')
    {
      await using watch = start()
      await watch.waitForOutput(/watching/)
      await fire('once', 'first')
      await watch.waitForOutput(/\[first\]/)
      watch.kill('SIGTERM')
      const {stdout, exitCode} = await watch.exited
      expect([stdout, exitCode]).toEqual(['user once 1 [first]\n', 0])
    }
    await fire('once', 'while down')
    await fire('other', 'not mine')
    await using again = start()
    await again.waitForOutput(/\[while down\]/)
    await fire('once', 'last')
    await again.waitForOutput(/\[last\]/)
    const rival = await runCli([...words, 'true'], {agent})
    expect([rival.exitCode, rival.stderr]).toEqual([64, expect.stringMatching(/in use by process \d+/)])
    again.kill('SIGTERM')
    expect((await again.exited).stdout).toBe('user once 1 [while down]\nuser once 1 [last]\n')
  })

  it('delivers a payload that was stored in KV because it was too large for the event', async () => {
    await using watch = startCli(['event', 'watch', '--name', 'big', '-v', '--', 'wc', '-c'], {agent})
    await watch.waitForOutput(/watching/)
    const sent = await runCli(['event', 'fire', 'big', '-', '--spill'], {agent, input: 'x'.repeat(100_000)})
    expect(sent.exitCode).toBe(0)
    await watch.waitForOutput(/\b100000\b/)
    const timed = await runCli(['event', 'fire', 'big', '-', '--spill-ttl=1m'], {agent, input: 'x'.repeat(200_000)})
    expect([timed.exitCode, timed.stderr]).toEqual([0, ''])
    await watch.waitForOutput(/\b200000\b/)
    for (const key of await raw(agent.address).kvKeys('baton/events/blob/')) {
      await raw(agent.address).ok('DELETE', `/v1/kv/${key}`)
    }
  })

  it('repeats a failing handler, then writes a dead letter and continues', async () => {
    const dead = path('dead')
    const words = ['event', 'watch', '--name', 'sad', '--retries=1', '--retry-delay=10ms', '--dead-letter', dead, '-v']
    await using watch = startCli([...words, '--', 'sh', '-c', 'echo try $BATON_EVENT_ATTEMPT; exit 3'], {agent})
    await watch.waitForOutput(/watching/)
    await fire('sad', 'x')
    await watch.waitForOutput(/abandoned: handler sh: exit code 3/)
    watch.kill('SIGTERM')
    expect((await watch.exited).stdout).toBe('try 1\ntry 2\n')
    expect(JSON.parse(readFileSync(dead, 'utf8'))).toMatchObject({name: 'sad', payload: 'eA=='})
  })

  it('selects the handlers for an event as Serf does', async () => {
    const words = ['--handler', 'user:deploy=echo deploy $(cat)', '--handler', 'user=echo all $SERF_USER_EVENT']
    await using watch = startCli(['event', 'watch', '-v', ...words], {agent})
    await watch.waitForOutput(/watching/)
    await fire('deploy', 'v1')
    await fire('else')
    await watch.waitForOutput(/all else/)
    watch.kill('SIGTERM')
    expect((await watch.exited).stdout).toBe('deploy v1\nall deploy\nall else\n')
  })

  it('ends when its stdout is closed', async () => {
    const words = [process.execPath, cliPath, 'event', 'watch', '--name', 'unread']
    const script = '{ "$0" "$@"; echo "ended with $?" >&2; } | head -n 1'
    await using watch = startCommand('sh', ['-c', script, ...words, '-v'], {agent})
    await watch.waitForOutput(/watching/)
    // The watch notices that its reader is gone only when it writes the next event.
    await waitUntil(
      async () => {
        await raw(agent.address).ok('PUT', '/v1/event/fire/unread')
        return /ended with/.test(watch.stderr)
      },
      {what: 'the watch to end'},
    )
    expect((await watch.exited).stderr).toMatch(/ended with 0\n$/)
  })

  it('reads event lists of consul watch from stdin, and handles each event once', async () => {
    const words = ['event', 'watch', '--from-stdin', '--from', 'earliest', '--state', path('stdin'), '--', 'cat']
    const event = (ID: string, text: string) => ({
      ID,
      Name: 'e',
      Payload: Buffer.from(text).toString('base64'),
      LTime: 2,
    })
    const hand = (...list: unknown[]) => runCli(words, {agent, input: `${JSON.stringify(list)}\n`})
    expect((await hand(event('a', 'A'), event('b', 'B'))).stdout).toBe('AB')
    expect((await hand(event('b', 'B'), event('c', 'C'))).stdout).toBe('C')
    const bad = await runCli(words, {agent, input: 'nonsense'})
    expect([bad.exitCode, lines(bad.stderr).length]).toEqual([64, 1])
  })
})

describe.runIf(backends.some(({name}) => name === 'real'))('the restart of an agent', () => {
  it('is reported once, with the period in which events were lost, and ends the watch with exit code 2 if an option says so', async () => {
    await using agent = await startDevAgent()
    const fire = (text: string) => runCli(['event', 'fire', 'dep', text], {agent})
    const words = ['event', 'watch', '--name', 'dep', '-v']
    await using watch = startCli([...words, '--', 'cat'], {agent})
    await using strict = startCli([...words, '--on-overflow=exit', '--', 'cat'], {agent})
    await Promise.all([watch.waitForOutput(/watching/), strict.waitForOutput(/watching/)])
    await fire('before')
    await Promise.all([watch.waitForOutput(/before/), strict.waitForOutput(/before/)])
    await agent.restart('kill')
    await agent.untilReady()
    const line = /events were missed: the agent was restarted: events fired from \S+Z until \S+Z are unknown/
    await watch.waitForOutput(line)
    expect(await strict.exited).toMatchObject({exitCode: 2, stderr: expect.stringMatching(line)})
    await fire('after')
    await watch.waitForOutput(/after/)
    watch.kill('SIGTERM')
    const {stdout, stderr} = await watch.exited
    expect([stdout, stderr.match(/were missed/g)?.length]).toEqual(['beforeafter', 1])
  })
})
