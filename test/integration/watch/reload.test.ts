import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, describe, expect, it} from 'vitest'
import {backends, sharedAgent} from '../../kit/backend.js'
import {raw} from '../../kit/raw-consul.js'
import {runCli, startCli} from '../../kit/run-cli.js'
import {TcpProxy} from '../../kit/tcp-proxy.js'

const directory = mkdtempSync(join(tmpdir(), 'baton-reload-'))
afterAll(() => rmSync(directory, {recursive: true, force: true}))

const lines = (text: string): string[] => text.split('\n').filter(line => line !== '')
const echo = (key: string, text = key): object => ({
  type: 'key',
  key,
  args: ['sh', '-c', `cat >/dev/null; echo ${text}`],
})

describe.each(backends)('SIGHUP to baton watch --watches, on $name', backend => {
  const agent = sharedAgent(backend)
  const put = (key: string, value: string): Promise<unknown> => raw(agent.address).kvPut(key, value)

  it('keeps unchanged watches, restarts changed ones, stops removed ones, and starts new ones', async () => {
    const file = join(directory, 'some.json')
    const write = (...watches: readonly object[]): void => writeFileSync(file, JSON.stringify({watches}))
    const long = {type: 'key', key: 'r/gone', args: ['sh', '-c', 'cat; echo long; sleep 1000']}
    write(echo('r/kept', 'kept'), echo('r/changed', 'before'), long)
    await using watch = startCli(['watch', '--watches', file], {agent})
    for (const text of [/kept/, /before/, /long/]) await watch.waitForOutput(text)
    write(echo('r/new', 'new'), echo('r/changed', 'after'), echo('r/kept', 'kept'))
    watch.kill('SIGHUP')
    await watch.waitForOutput(/reloaded .*some.json: watches kept 1, started 2, stopped 2\n/)
    for (const text of [/new/, /after/]) await watch.waitForOutput(text)
    await put('r/kept', 'x')
    await watch.waitForOutput(/kept[^]*kept/, {stream: 'stdout'})
    watch.kill('SIGTERM')
    const {stdout, exitCode} = await watch.exited
    expect(exitCode).toBe(0)
    expect(
      lines(stdout)
        .filter(line => line !== 'null')
        .toSorted(),
    ).toEqual(['after', 'before', 'kept', 'kept', 'long', 'new'])
  })

  it('keeps the old watches if a file is invalid, and prints one line about it', async () => {
    const folder = join(directory, 'parts')
    mkdirSync(folder, {recursive: true})
    rmSync(join(folder, 'c.json'), {force: true})
    writeFileSync(join(folder, 'a.hcl'), 'watches = [{type = "key", key = "r/a", args = ["echo", "hcl"]}]')
    writeFileSync(join(folder, 'b.yaml'), 'watches:\n  - {type: key, key: r/b, args: [echo, yaml]}\n')
    await using watch = startCli(['watch', '--watches', folder], {agent})
    for (const text of [/hcl/, /yaml/]) await watch.waitForOutput(text)
    writeFileSync(join(folder, 'c.json'), '{"watches": [{"type": "key", "kee": "r/c"}]}')
    watch.kill('SIGHUP')
    await watch.waitForOutput(/baton: reload failed, the watches from before go on: .*c\.json.*kee.*\n/)
    await put('r/a', 'x')
    await watch.waitForOutput(/hcl[^]*hcl/)
    writeFileSync(join(folder, 'c.json'), '{"watches": [{"type": "key", "key": "r/c", "args": ["echo", "json"]}]}')
    watch.kill('SIGHUP')
    await watch.waitForOutput(/kept 2, started 1, stopped 0/)
    await watch.waitForOutput(/json/)
    expect(lines(watch.stderr)).toHaveLength(2)
  })

  it('causes a single reload if sent many times in a row, and runs no handler twice', async () => {
    const file = join(directory, 'storm.json')
    writeFileSync(file, JSON.stringify({watches: [echo('r/storm', 'once')]}))
    await using watch = startCli(['watch', '--watches', file], {agent})
    await watch.waitForOutput(/once/)
    for (let n = 0; n < 50; n += 1) watch.kill('SIGHUP')
    await watch.waitForOutput(/watches kept 1, started 0, stopped 0/)
    writeFileSync(file, JSON.stringify({watches: [echo('r/storm', 'once'), echo('r/last', 'last')]}))
    watch.kill('SIGHUP')
    await watch.waitForOutput(/last/)
    expect(lines(watch.stdout)).toEqual(['once', 'last'])
  })

  it('during an outage of Consul, starts new watches as soon as Consul answers again', async () => {
    await using proxy = await TcpProxy.start(agent.address)
    const file = join(directory, 'away.json')
    writeFileSync(file, JSON.stringify({watches: [echo('r/first', 'first')]}))
    await using watch = startCli(['watch', '--watches', file, `--http-addr=${proxy.address}`])
    await watch.waitForOutput(/first/)
    await proxy.refuse()
    writeFileSync(file, JSON.stringify({watches: [echo('r/first', 'first'), echo('r/second', 'second')]}))
    watch.kill('SIGHUP')
    await watch.waitForOutput(/kept 1, started 1, stopped 0/)
    await watch.waitForOutput(/waiting for Consul/)
    await proxy.accept()
    await watch.waitForOutput(/second/)
    expect(lines(watch.stdout)).toEqual(['first', 'second'])
  })

  it('with --once, ends the command as SIGTERM would', async () => {
    const file = join(directory, 'once.json')
    const hold = {type: 'key', key: 'r/once', args: ['sh', '-c', 'cat; echo held; sleep 1000']}
    writeFileSync(file, JSON.stringify({watches: [hold]}))
    await using watch = startCli(['watch', '--watches', file, '--once'], {agent})
    await watch.waitForOutput(/held/)
    watch.kill('SIGHUP')
    expect((await watch.exited).exitCode).toBe(0)
  })

  it('leaves no handler running if a watch with on_error exit has ended all watches', async () => {
    const file = join(directory, 'exit.json')
    const mark = join(directory, `held-${backend.name}`)
    const hold = {
      type: 'key',
      key: 'r/hold',
      handler: `trap "echo stopped; exit" TERM; touch ${mark}; sleep 1000 & wait`,
    }
    const fails = {type: 'key', key: 'r/hold', handler: `until [ -e ${mark} ]; do :; done; exit 9`, on_error: 'exit'}
    writeFileSync(file, JSON.stringify({watches: [hold, fails]}))
    const {stdout, exitCode} = await runCli(['watch', '--watches', file], {agent})
    expect([stdout, exitCode]).toEqual(['stopped\n', 9])
  })
})
