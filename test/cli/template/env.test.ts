import {describe, expect, it} from 'vitest'
import {backends, sharedAgent} from '../../kit/backend.js'
import {isAlive} from '../../kit/processes.js'
import {raw} from '../../kit/raw-consul.js'
import {startCli} from '../../kit/run-cli.js'
import {runInProcess} from '../../kit/run-in-process.js'
import {waitUntil} from '../../kit/wait-until.js'
import {twoDatacenters} from '../replicate/two-datacenters.js'

describe.each(backends.slice(0, 1))('baton env on $name', backend => {
  const agent = sharedAgent(backend)
  const put = (key: string, value: string): Promise<unknown> => raw(agent.address).kvPut(key, value)

  it("runs the program with the keys of all prefixes, and exits with the program's exit code", async () => {
    await put('all/colour', 'red')
    await put('all/size', '1')
    await put('web/size', '2')
    await put('web2/size', '3')
    const script = 'test "$COLOUR $SIZE $GIVEN" = "red 2 yes" && exit 7'
    const words = ['env', 'all', '/web/', '--once', '--upcase', '--', 'sh', '-c', script]
    expect((await runInProcess(words, {agent, env: {GIVEN: 'yes'}})).exitCode).toBe(7)
    const pristine = ['env', 'web', '--pristine', '--', 'sh', '-c', 'test "$size$GIVEN" = 2']
    expect((await runInProcess(pristine, {agent, env: {GIVEN: 'yes'}})).exitCode).toBe(0)
  })

  it('restarts the program when a variable changes, and stops the program when baton receives TERM', async () => {
    await put('restart/a', '1')
    const script = 'echo "a=$a b=$b pid $$"; exec sleep 1000'
    await using baton = startCli(['env', 'restart', '--', 'sh', '-c', script], {agent})
    await baton.waitForOutput(/a=1 b= pid \d+\n/)
    await put('restart/b', '2')
    const [, pid = ''] = await baton.waitForOutput(/a=1 b=2 pid (\d+)\n/)
    await put('restart/b', '2')
    baton.kill('SIGTERM')
    expect((await baton.exited).exitCode).toBe(0)
    expect([isAlive(Number(pid)), baton.stdout.match(/pid/g)?.length]).toEqual([false, 2])
  })

  it('sends the reload signal instead of a restart, and uses the new variables at the next start', async () => {
    await put('signal/a', '1')
    const script = 'trap "exit 3" HUP; echo "start $a"; while [ "$a" = 1 ]; do sleep 0.05; done'
    const words = ['env', 'signal', '--exec-reload-signal', 'HUP', '--restart', 'on-failure', '--', 'sh', '-c', script]
    await using baton = startCli(words, {agent})
    await baton.waitForOutput(/start 1/)
    await put('signal/a', '2')
    expect((await baton.exited).exitCode).toBe(0)
    expect(baton.stdout).toBe('start 1\nstart 2\n')
  })

  it('restarts the program once for changes that follow one another within the time of --wait', async () => {
    await put('wait/n', '0')
    const words = ['env', 'wait', '--wait', '1s:60s', '--', 'sh', '-c', 'echo "n=$n"; exec sleep 1000']
    await using baton = startCli(words, {agent})
    await baton.waitForOutput(/n=0\n/)
    for (const n of ['1', '2', '3']) await put('wait/n', n)
    await baton.waitForOutput(/n=3\n/)
    baton.kill('SIGTERM')
    await baton.exited
    expect(baton.stdout).toBe('n=0\nn=3\n')
  })

  it('leaves no program behind when baton is killed', async () => {
    await put('killed/a', '1')
    await using baton = startCli(['env', 'killed', '--', 'sh', '-c', 'echo "pid $$"; exec sleep 1000'], {agent})
    const [, pid = ''] = await baton.waitForOutput(/pid (\d+)\n/)
    baton.kill('SIGKILL')
    await waitUntil(() => !isAlive(Number(pid)), {what: 'the end of the program'})
  })

  it('reports whether the prefix or the program is missing, and names a prefix without keys', async () => {
    const run = async (...words: string[]): Promise<unknown> => {
      const {exitCode, stderr} = await runInProcess(['env', ...words], {agent})
      return [exitCode, stderr]
    }
    expect(await run('--', 'true')).toEqual([64, 'baton: env: no prefix is given (baton env PREFIX -- PROGRAM)\n'])
    expect(await run('a')).toEqual([64, 'baton: env: no program to run (baton env PREFIX -- PROGRAM)\n'])
    expect(await run('/', '--', 'true')).toEqual([64, "baton: env: '/' names no folder of keys\n"])
    expect(await run('none', '--', 'true')).toEqual([0, 'baton: no key below none/\n'])
    expect(await run('none', '--', '/no/program')).toEqual([
      127,
      expect.stringContaining('/no/program: command not found'),
    ])
  })
})

describe('baton env with a prefix of another datacenter', () => {
  const {addressOf, at, options, put} = twoDatacenters()

  it('reads the keys of that datacenter, and follows them', async () => {
    await put('dc1', {'conf/where': 'dc1'})
    await put('dc2', {'conf/where': 'dc2'})
    const show = ['--', 'sh', '-c', 'echo "where=$where"; exec sleep 1000']
    await using baton = startCli(['env', 'conf@dc1', ...show], {agent: {address: addressOf('dc2')}})
    await baton.waitForOutput(/where=dc1\n/)
    await at('dc1').kvPut('conf/where', 'moved')
    await baton.waitForOutput(/where=moved\n/)
  })

  it('exits with 69 at once if the datacenter does not exist', async () => {
    const {exitCode, stderr} = await runInProcess(['env', 'conf@nowhere', '--', 'true'], options())
    expect({exitCode, stderr}).toEqual({
      exitCode: 69,
      stderr: expect.stringContaining('check the name of the datacenter'),
    })
  })
})
