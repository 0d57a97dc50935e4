import {mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {createServer} from 'node:http'
import {type AddressInfo, createServer as createTcpServer} from 'node:net'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, describe, expect, it} from 'vitest'
import {startEmbeddedAgent} from '../../../src/embedded/index.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {freePort} from '../../kit/ports.js'
import {raw} from '../../kit/raw-consul.js'
import {cliPath, runCli, startCli, startCommand} from '../../kit/run-cli.js'
import {waitUntil} from '../../kit/wait-until.js'

const directory = mkdtempSync(join(tmpdir(), 'baton-watch-'))
afterAll(() => rmSync(directory, {recursive: true, force: true}))

const lines = (text: string): string[] => text.split('\n').filter(line => line !== '')

describe.each(backends)('baton watch on $name', backend => {
  const agent = sharedAgent(backend)
  const put = (key: string, value: string): Promise<unknown> => raw(agent.address).kvPut(key, value)

  it('runs the command for the current value and for each change, but not otherwise', async () => {
    await put('w/key', 'one')
    await using watch = startCli(['watch', 'key', 'w/key', '--', 'sh', '-c', 'cat; echo "index $CONSUL_INDEX"'], {
      agent,
    })
    await watch.waitForOutput(/"Value":"b25l".*\nindex \d+/)
    await put('w/other', 'x')
    await put('w/key', 'one')
    await put('w/key', 'two')
    await watch.waitForOutput(/"Value":"dHdv"/)
    watch.kill('SIGTERM')
    const {stdout, exitCode} = await watch.exited
    expect(exitCode).toBe(0)
    expect(lines(stdout).filter(line => line.startsWith('{'))).toHaveLength(2)
  })

  it('exits with the code of a failing command, or continues with --on-error=continue', async () => {
    const words = ['watch', 'key', 'w/fail']
    const ended = await runCli([...words, '--', 'sh', '-c', 'exit 7'], {agent})
    expect([ended.exitCode, ended.stderr]).toEqual([7, 'baton: handler sh: exit code 7\n'])
    await using watch = startCli([...words, '--on-error=continue', '--', 'sh', '-c', 'cat; exit 7'], {agent})
    await watch.waitForOutput(/null/)
    await put('w/fail', 'x')
    await watch.waitForOutput(/"Key":"w\/fail"/)
    watch.kill('SIGINT')
    expect((await watch.exited).exitCode).toBe(0)
  })

  it('runs the command for a newer value at once, even during the pause before a retry', async () => {
    await put('w/retry', 'bad')
    const script = 'v=$(cat); case $v in *YmFk*) echo bad; exit 3;; *) echo good;; esac'
    await using watch = startCli(['watch', 'key', 'w/retry', '--on-error=retry', '--', 'sh', '-c', script], {agent})
    await watch.waitForOutput(/(bad\n[^]*){2}/)
    await put('w/retry', 'good')
    await watch.waitForOutput(/good/)
    watch.kill('SIGTERM')
    const {stdout, exitCode} = await watch.exited
    expect([exitCode, lines(stdout).at(-1)]).toEqual([0, 'good'])
  })

  it('watches the checks of a service that are in one state, whether flags or a file define the watch', async () => {
    const check = (id: string, state: string): Promise<unknown> =>
      raw(agent.address).ok('PUT', '/v1/catalog/register', {
        body: JSON.stringify({
          Node: 'stated',
          Address: '10.0.0.1',
          Service: {ID: id, Service: id.replace(/\d/, '')},
          Check: {CheckID: `of-${id}`, Name: id, Status: state, ServiceID: id},
          SkipNodeUpdate: true,
        }),
      })
    await check('state1', 'critical')
    await check('state2', 'passing')
    await check('alien1', 'critical')
    const file = join(directory, `state-${backend.name}.json`)
    const watches = [{type: 'checks', service: 'state', state: 'critical', args: ['cat'], debounce: '0s'}]
    writeFileSync(file, JSON.stringify({watches}))
    const idsOf = (line = ''): unknown =>
      (JSON.parse(line) as {CheckID: string}[]).map(({CheckID}) => CheckID).toSorted()
    for (const words of [
      ['checks', '--service', 'state', '--state', 'critical', '--', 'cat'],
      ['--watches', file],
    ]) {
      await using watch = startCli(['watch', ...words], {agent})
      await watch.waitForOutput(/of-state1.*\n/, {stream: 'stdout'})
      await check('state2', 'critical')
      await watch.waitForOutput(/of-state2.*\n/, {stream: 'stdout'})
      await check('state2', 'passing')
      await waitUntil(() => lines(watch.stdout).length === 3, {what: 'the third value', detail: () => watch.stderr})
      expect(lines(watch.stdout).map(idsOf)).toEqual([['of-state1'], ['of-state1', 'of-state2'], ['of-state1']])
    }
  })

  it('with --ndjson, first prints a snapshot and then each change', async () => {
    await put('w/nd/1', 'a')
    await using watch = startCli(['watch', 'keyprefix', 'w/nd/', '--ndjson'], {agent})
    await watch.waitForOutput(/"type":"end-of-snapshot"/)
    await put('w/nd/2', 'b')
    await watch.waitForOutput(/"key":"w\/nd\/2"/)
    await raw(agent.address).ok('DELETE', '/v1/kv/w/nd/1')
    await watch.waitForOutput(/"type":"delete"/)
    watch.kill('SIGTERM')
    const frames = lines((await watch.exited).stdout).map(line => JSON.parse(line) as {type: string; key?: string})
    expect(frames.filter(frame => frame.type !== 'status').map(({type, key}) => [type, key])).toEqual([
      ['new-snapshot-to-follow', undefined],
      ['upsert', 'w/nd/1'],
      ['end-of-snapshot', undefined],
      ['upsert', 'w/nd/2'],
      ['delete', 'w/nd/1'],
    ])
  })

  it('runs all watches of a file in one process, and reports which handler failed', async () => {
    const bodies: string[] = []
    const server = createServer((request, response) => {
      let body = ''
      request.on('data', (chunk: Buffer) => {
        body += chunk.toString()
      })
      request.on('end', () => {
        bodies.push(`${String(request.headers['x-consul-index'])} ${body}`)
        response.end()
      })
    })
    await new Promise<void>(resolve => void server.listen(0, '127.0.0.1', resolve))
    const file = join(directory, `${backend.name}.json`)
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
    const watches = [
      {type: 'key', key: 'w/f', handler: 'echo shell $(cat)'},
      {type: 'key', key: 'w/f', args: ['sh', '-c', 'exit 9']},
      {type: 'key', key: 'w/f', handler_type: 'http', http_handler_config: {path: url}},
    ]
    writeFileSync(file, JSON.stringify({watches}))
    await using watch = startCli(['watch', '--watches', file], {agent})
    await watch.waitForOutput(/shell null/)
    await watch.waitForOutput(/key w\/f: handler sh: exit code 9/)
    await put('w/f', 'x')
    await watch.waitForOutput(/shell \{"Key":"w\/f"|shell \{Key:w\/f/)
    await waitUntil(() => bodies.some(body => body.includes('"Key":"w/f"')), {what: 'the HTTP handler to be called'})
    watch.kill('SIGTERM')
    expect((await watch.exited).exitCode).toBe(0)
    server.closeAllConnections()
    server.close()
  })

  it("if the handler of a watch with on_error exit fails, ends all watches of the file and exits with the handler's code", async () => {
    const file = join(directory, 'exit.hcl')
    writeFileSync(
      file,
      `watches = [
        {type = "key" key = "w/absent" args = ["sh", "-c", "cat; exit 3"] on_error = "exit"},
        {type = "nodes" args = ["true"]}
      ]`,
    )
    const {stdout, stderr, exitCode} = await runCli(['watch', '--watches', file], {agent})
    expect([exitCode, stdout, stderr]).toEqual([3, 'null\n', 'baton: handler sh: exit code 3\n'])
  })

  it('if a watch in a file has `once`, ends that watch after its first result, while the others continue', async () => {
    const file = join(directory, 'once.json')
    const args = (name: string): string[] => ['sh', '-c', `cat >/dev/null; echo ${name}`]
    const watches = [
      {type: 'key', key: 'w/both', args: args('first'), once: true},
      {type: 'key', key: 'w/both', args: args('all')},
    ]
    writeFileSync(file, JSON.stringify({watches}))
    await using watch = startCli(['watch', '--watches', file], {agent})
    await watch.waitForOutput(/first/)
    await watch.waitForOutput(/all/)
    await put('w/both', 'x')
    await watch.waitForOutput(/all\n[^]*all/)
    watch.kill('SIGTERM')
    expect((await watch.exited).stdout.match(/first/g)).toHaveLength(1)
  })

  it('runs many watches of a file without a warning from Node', async () => {
    const file = join(directory, `${backend.name}-many.json`)
    const watches = Array.from({length: 15}, (_, n) => ({type: 'key', key: `w/many/${n}`, args: ['echo', `ran-${n}`]}))
    writeFileSync(file, JSON.stringify({watches}))
    const {stdout, stderr, exitCode} = await runCli(['watch', '--watches', file, '--once'], {agent})
    expect([exitCode, stderr, lines(stdout).length]).toEqual([0, '', 15])
  })

  it('with --once, runs each watch of a file once', async () => {
    await put('w/once', 'x')
    const file = join(directory, `${backend.name}-once.json`)
    const args = ['cat']
    writeFileSync(
      file,
      JSON.stringify({
        watches: [
          {type: 'key', key: 'w/once', args},
          {type: 'keyprefix', prefix: 'w/none/', args},
        ],
      }),
    )
    const {stdout, exitCode} = await runCli(['watch', '--watches', file, '--once'], {agent})
    expect(exitCode).toBe(0)
    expect(lines(stdout).sort()).toEqual(['null', expect.stringContaining('"Key":"w/once"')])
  })

  it.each([
    [{args: ['false']}, /handler false: exit code 1/],
    [{args: ['./no-such-command']}, /no-such-command/],
    [
      {handler_type: 'http', http_handler_config: {path: 'http://127.0.0.1:1/'}},
      /handler http:\/\/127.0.0.1:1\/:.*refused/i,
    ],
  ])('with --once, exits with 1 if a handler of the file fails (handler: %j)', async (how, message) => {
    const file = join(directory, `${backend.name}-fails.json`)
    writeFileSync(file, JSON.stringify({watches: [{type: 'key', key: 'w/none', ...how}]}))
    const {stderr, exitCode} = await runCli(['watch', '--watches', file, '--once'], {agent})
    expect([exitCode, stderr]).toEqual([1, expect.stringMatching(message)])
  })

  it.each([['--ndjson'], ['--debounce=1ms']])('ends if its stdout is closed (flag: %s)', async flag => {
    const key = `w/unread${flag}`
    await put(key, 'x')
    const script = '{ "$0" "$@"; echo "ended with $?" >&2; } | head -n 1'
    const words = [process.execPath, cliPath, 'watch', 'key', key, flag]
    await using watch = startCommand('sh', ['-c', script, ...words], {agent})
    await watch.waitForOutput(/\n/, {stream: 'stdout'})
    let count = 0
    // The watch notices that its reader is gone only when it writes the next line.
    await waitUntil(
      async () => {
        await put(key, `${count++}`)
        return /ended/.test(watch.stderr)
      },
      {what: 'the watch to end'},
    )
    expect((await watch.exited).stderr).toBe('ended with 0\n')
  })

  it('stops its handler if a signal stops the watch', async () => {
    await using watch = startCli(['watch', 'key', 'w/slow', '--', 'sh', '-c', 'echo $$; sleep 60'], {agent})
    const [pid = ''] = await watch.waitForOutput(/\d+/)
    watch.kill('SIGTERM')
    expect((await watch.exited).exitCode).toBe(0)
    expect(() => process.kill(Number(pid), 0)).toThrow(/ESRCH/)
  })
})

describe('baton watch', () => {
  it('exits with 69 and prints one line if no agent answers at the start', async () => {
    const {exitCode, stderr, stdout} = await runCli(['watch', 'key', 'a', '--http-addr=127.0.0.1:1', '--', 'true'])
    expect([exitCode, lines(stderr).length, stdout]).toEqual([69, 1, ''])
  })

  describe('with a file, while no agent answers at the start', () => {
    const file = join(directory, 'start.json')
    const watches = [
      {type: 'key', key: 'w/start', args: ['cat']},
      {type: 'services', args: ['cat']},
    ]
    writeFileSync(file, JSON.stringify({watches}))

    it('says that it waits and why, and says when the wait is over', async () => {
      const port = await freePort()
      await using watch = startCli(['watch', '--watches', file, `--http-addr=127.0.0.1:${port}`])
      await watch.waitForOutput(/waiting for Consul: .*connection refused/, {stream: 'stderr'})
      await using _agent = await startEmbeddedAgent({port})
      await watch.waitForOutput(/answers/, {stream: 'stderr'})
      await watch.waitForOutput(/null/, {stream: 'stdout'})
      watch.kill('SIGTERM')
      const {exitCode, stderr} = await watch.exited
      expect([exitCode, stderr.match(/answers/g)]).toEqual([0, ['answers']])
    })

    it('exits with 69 if --once is set', async () => {
      const {exitCode, stderr, stdout} = await runCli(['watch', '--watches', file, '--once', '--http-addr=127.0.0.1:1'])
      expect([exitCode, stdout]).toEqual([69, ''])
      expect(stderr).toMatch(/connection refused/)
    })
  })

  it.each([
    ['watch', ['watch', 'key', 'a']],
    ['event watch', ['event', 'watch']],
    ['discover --once', ['discover', 'a', '--once', '-v']],
    ['discover', ['discover', 'a', '--listen', '0']],
  ])('says that it waits for an agent that does not answer (command: %s)', async (_, words) => {
    const silent = createTcpServer(() => {})
    await new Promise<void>(resolve => void silent.listen(0, '127.0.0.1', resolve))
    const {port} = silent.address() as AddressInfo
    await using cli = startCli([...words, `--http-addr=127.0.0.1:${port}`])
    await cli.waitForOutput(/waiting for Consul: 127\.0\.0\.1:\d+ has not answered yet/, {stream: 'stderr'})
    cli.kill('SIGTERM')
    await cli.exited
    silent.close()
  })

  it.each([
    [['key', ''], 'Must specify a single key to watch'],
    [['service', ''], 'Must specify a single service to watch'],
    [['key', 'a', '--ndjson', '--', 'true'], /--ndjson prints every change/],
    [['key', 'a', '--ndjson', '--debounce=1s'], /--ndjson prints every change/],
    [['key', 'a', '--previous'], /--previous is for a handler/],
    [['--watches', 'w.json', '--debounce=1s'], /--debounce does not go with --watches/],
    [['--watches', 'w.json', '--', 'true'], /a command does not go with --watches/],
  ])('refuses flags that would have no effect (arguments: %j)', async (words, message) => {
    const {exitCode, stderr, stdout} = await runCli(['watch', ...words])
    expect([exitCode, lines(stderr).length, stdout]).toEqual([64, 1, ''])
    expect(stderr).toMatch(message)
  })
})
