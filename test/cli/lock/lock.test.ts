import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {backends, sharedAgent} from '../../kit/backend.js'
import {useLeakCheck} from '../../kit/leaks.js'
import {raw} from '../../kit/raw-consul.js'
import {type CommandOptions, cliPath, runCli, startCli} from '../../kit/run-cli.js'
import {waitUntil} from '../../kit/wait-until.js'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'baton-test-'))
})
afterAll(() => rmSync(folder, {recursive: true}))

// Tests of the library cover the behaviour on both backends. These tests cover the command, and each of them starts a
// process.
const commandBackends = backends.slice(-1)

describe.each(commandBackends)('baton lock on $name', backend => {
  const agent = sharedAgent(backend)
  const leaks = useLeakCheck({agent})
  const consul = () => raw(agent.address)
  const lock = () => `${leaks.prefix}cli`
  const run = (words: readonly string[], options: CommandOptions = {}) =>
    runCli(['lock', ...words], {agent, ...options})
  const start = (words: readonly string[], options: CommandOptions = {}) =>
    startCli(['lock', ...words], {agent, ...options})

  it("passes on the child's arguments, output and exit code, and prints nothing itself", async () => {
    const words = ['a  b', '', '--try', '-n', '$HOME', 'ü', '--', '--json']
    const script = 'for word; do printf "<%s>" "$word"; done; exit 7'
    const result = await run([lock(), '--', 'sh', '-c', script, 'sh', ...words])
    expect(result).toMatchObject({exitCode: 7, stdout: words.map(word => `<${word}>`).join(''), stderr: ''})
  })

  it('loads none of the parts of Node that it does not need and that would make each start slower', async () => {
    const probe = join(folder, 'probe.cjs')
    const list = join(folder, 'loaded')
    writeFileSync(
      probe,
      `process.on('exit', () => require('node:fs').writeFileSync(${JSON.stringify(list)}, process.moduleLoadList.join('\\n')))`,
    )
    const env = {NODE_OPTIONS: `--require=${probe}`}
    expect(await run([lock(), '--', 'sh', '-c', 'exit 0'], {env})).toMatchObject({exitCode: 0, stderr: ''})
    const loaded = readFileSync(list, 'utf8').split('\n')
    expect(loaded).toContain('NativeModule net')
    const late = ['cluster', 'crypto', 'fs/promises', 'http', 'readline', 'timers/promises', 'worker_threads']
    expect(loaded.filter(name => late.includes(name.replace('NativeModule ', '')))).toEqual([])
  })

  it('without --, joins the arguments and runs them in a shell, as consul lock does', async () => {
    const result = await run([lock(), 'echo', 'one  two;', 'echo', 'three'], {env: {SHELL: '/bin/sh'}})
    expect(result).toMatchObject({exitCode: 0, stdout: 'one two\nthree\n'})
  })

  it('without --, passes the arguments unchanged if -shell=false is set', async () => {
    const result = await run(['-shell=false', lock(), 'echo', 'one  two;', '$HOME'])
    expect(result).toMatchObject({exitCode: 0, stdout: 'one  two; $HOME\n'})
  })

  it('passes stdin to the child with --, or with -pass-stdin', async () => {
    expect(await run([lock(), '--', 'cat'], {input: 'in'})).toMatchObject({stdout: 'in'})
    expect(await run([lock(), 'cat'], {input: 'in'})).toMatchObject({stdout: ''})
    expect(await run(['-pass-stdin', lock(), 'cat'], {input: 'in'})).toMatchObject({stdout: 'in'})
  })

  it('describes the lock in the environment of the child, and replaces inherited variables of the same names', async () => {
    const env = {BATON_FENCING_TOKEN: '1', BATON_LOCK_KEY: 'old', OTHER: 'kept'}
    const {stdout} = await run([lock(), '--', 'env'], {env})
    const child = new Map(stdout.split('\n').map(line => line.split('=', 2) as [string, string]))
    expect(child.get('CONSUL_LOCK_HELD')).toBe('true')
    expect(child.get('BATON_LOCK_KEY')).toBe(`${lock()}/.lock`)
    expect(child.get('BATON_LOCK_PREFIX')).toBe(lock())
    expect(child.get('BATON_LOCK_MODE')).toBe('mutex')
    expect(child.get('BATON_LOCK_TTL')).toBe('15s')
    expect(child.get('BATON_LOCK_SESSION')).toMatch(/^[0-9a-f-]{36}$/)
    expect(Number(child.get('BATON_FENCING_TOKEN'))).toBeGreaterThan(1)
    expect(child.get('OTHER')).toBe('kept')
  })

  it('acquires several locks with --also, and describes all of them to the child', async () => {
    const [one, two] = [`${leaks.prefix}one`, `${leaks.prefix}two`]
    const script = `${process.execPath} ${cliPath} lock assert && ${process.execPath} ${cliPath} lock put ${leaks.prefix}data x && env`
    const {stdout, exitCode} = await run([one, '--also', two, '--', 'sh', '-c', script])
    expect(exitCode).toBe(0)
    const child = new Map(stdout.split('\n').map(line => line.split('=', 2) as [string, string]))
    expect([child.get('BATON_LOCK_PREFIX'), child.get('BATON_LOCK_ALSO')]).toEqual([one, two])
    expect(await consul().kvKeys(leaks.prefix)).toEqual([`${leaks.prefix}data`])
    await consul().kvDelete(`${leaks.prefix}data`)
    await using holder = start([two, '--', 'sh', '-c', 'echo held; sleep 60'])
    await holder.waitForOutput(/held/)
    const refused = await run(['--try', one, '--also', two, '--', 'true'])
    expect(refused).toMatchObject({exitCode: 75, stderr: expect.stringContaining(`(${two}/.lock)`)})
    expect(await consul().kvGet(`${one}/.lock`)).toBeUndefined()
    const inner = await run([one, '--', 'sh', '-c', 'echo "<$BATON_LOCK_ALSO>"'], {env: {BATON_LOCK_ALSO: 'outer'}})
    expect(inner.stdout).toBe('<>\n')
  })

  it('names the contenders of this host, and not Consul, if they are first until the time is over', async () => {
    await using holder = start([lock(), '--', 'sh', '-c', 'echo started; sleep 60'])
    await holder.waitForOutput(/started/)
    await using first = start(['-v', lock(), '--', 'true'])
    await first.waitForOutput(/held by/, {stream: 'stderr'})
    const late = await run(['-E', '42', '--timeout=300ms', lock(), '--', 'echo', 'ran'])
    expect(late).toMatchObject({exitCode: 42, stdout: ''})
    expect(late.stderr).toMatch(/not acquired within 300ms: other contenders on this host are first\n$/)
    for (const one of [first, holder]) {
      one.kill('SIGTERM')
      await one.exited
    }
  })

  it("holds the lock while the child runs, and releases it only when none of the child's processes is left", async () => {
    await using holder = start([lock(), '--', 'sh', '-c', 'sleep 60 & echo started'])
    await holder.waitForOutput(/started/)
    const result = await holder.exited
    expect(result.exitCode).toBe(0)
    expect(result.stderr).toContain('stopped processes that the command left running')
  })

  it.each([
    ['--try', []],
    ['--try=200ms', []],
    ['-try', ['200ms']],
    ['--timeout', ['200ms']],
  ])('exits with 75 if the lock is held and %s is set', async (flag, value) => {
    await using holder = start([lock(), '--', 'sh', '-c', 'echo started; sleep 60'])
    await holder.waitForOutput(/started/)
    const result = await run([flag, ...value, lock(), '--', 'echo', 'ran'])
    expect(result).toMatchObject({exitCode: 75, stdout: ''})
    expect(result.stderr).toMatch(/^baton: lock \S+: not acquired/)
    holder.kill('SIGTERM')
    expect((await holder.exited).exitCode).toBe(143)
  })

  it.each([['--try=-1s'], ['--timeout=-1s'], ['--lock-delay=-1s'], ['--grace=-1s'], ['--ttl=0s']])(
    'exits with 64 for a duration that is out of range: %s',
    async flag => {
      const result = await run([flag, lock(), '--', 'echo', 'ran'])
      expect(result).toMatchObject({exitCode: 64, stdout: ''})
    },
  )

  it('reports a running lock-delay if --try did not acquire the lock because of it', async () => {
    const key = `${leaks.prefix}delay`
    await using holder = start([key, '--', 'sh', '-c', 'echo $BATON_LOCK_SESSION; sleep 60'])
    const [session] = await holder.waitForOutput(/[0-9a-f-]{36}/)
    await consul().sessionDestroy(session)
    await holder.exited
    const {exitCode, stderr} = await run(['--try', key, '--', 'true'])
    expect(exitCode).toBe(75)
    expect(stderr).toBe(`baton: lock ${key}: not acquired: free, but the lock-delay runs\n`)
  })

  it('exits with 124 when --max-runtime is reached', async () => {
    const result = await run(['--max-runtime', '100ms', lock(), '--', 'sleep', '60'])
    expect(result.exitCode).toBe(124)
    expect(await run(['--max-runtime', '0s', lock(), '--', 'echo', 'ran'])).toMatchObject({
      exitCode: 0,
      stdout: 'ran\n',
    })
  })

  it.each(['5s', '48h'])('exits with 64 for a TTL that Consul refuses: %s', async ttl => {
    const result = await run(['--ttl', ttl, lock(), '--', 'echo', 'ran'])
    expect(result).toMatchObject({exitCode: 64, stdout: ''})
    expect(result.stderr).toContain(`Consul refuses a session's TTL of ${ttl}: it takes 10s to 24h (change the TTL)`)
  })

  it('exits with 76 if the lock is lost, even if the child succeeds', async () => {
    const script = `trap 'exit 0' TERM; echo started; while :; do sleep 0.05; done`
    await using holder = start([lock(), '--', 'sh', '-c', script])
    await holder.waitForOutput(/started/)
    await consul().kvDelete(`${lock()}/.lock`)
    const result = await holder.exited
    expect(result.exitCode).toBe(76)
    expect(result.stderr).toMatch(/lost after .*: its key was deleted/)
  })

  it('exits with 78 if the key belongs to a semaphore', async () => {
    await consul().kvPut(`${lock()}/.lock`, '', {flags: '16210313421097356768'})
    const result = await run([lock(), '--', 'echo', 'ran'])
    expect(result).toMatchObject({exitCode: 78, stdout: ''})
    await consul().kvDelete(`${lock()}/.lock`)
  })

  it('exits with 127 for a command that does not exist and with 126 for one that is not executable, and keeps no lock', async () => {
    const missing = await run([lock(), '--', 'no-such-command'])
    expect(missing).toMatchObject({exitCode: 127, stdout: ''})
    expect(missing.stderr).toBe('baton: no-such-command: command not found (check its spelling and the PATH)\n')
    expect(await run([lock(), '--', '/etc/passwd'])).toMatchObject({exitCode: 126})
  })

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const)(
    "passes %s to the child once, and exits with the child's exit code",
    async name => {
      const script = `for s in INT TERM HUP QUIT; do trap "echo got $s; exit 9" $s; done; echo started; while :; do sleep 0.05; done`
      await using holder = start([lock(), '--', 'sh', '-c', script])
      await holder.waitForOutput(/started/)
      holder.kill(name)
      const result = await holder.exited
      expect(result).toMatchObject({exitCode: 9, stdout: `started\ngot ${name.slice(3)}\n`})
    },
  )

  it('kills the child when baton receives a second signal, without waiting for the time that --grace sets', async () => {
    const script = `trap '' TERM INT; echo started; while :; do sleep 0.05; done`
    await using holder = start(['--grace', '8s', lock(), '--', 'sh', '-c', script])
    await holder.waitForOutput(/started/)
    const startedAt = performance.now()
    holder.kill('SIGTERM')
    await new Promise(resolve => setTimeout(resolve, 50))
    holder.kill('SIGINT')
    expect((await holder.exited).exitCode).toBe(137)
    expect(performance.now() - startedAt).toBeLessThan(7000)
  })

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('stops waiting at %s and exits with %i', async (name, code) => {
    await using holder = start([lock(), '--', 'sh', '-c', 'echo started; sleep 60'])
    await holder.waitForOutput(/started/)
    await using waiter = start(['-v', lock(), '--', 'echo', 'ran'])
    await waiter.waitForOutput(/waiting for/)
    waiter.kill(name)
    expect(await waiter.exited).toMatchObject({exitCode: code, stdout: ''})
    holder.kill()
    await holder.exited
  })

  it('writes its events as lines of JSON', async () => {
    const file = join(folder, 'events.ndjson')
    await run(['--events', file, lock(), '--', 'true'])
    const events = readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as {type: string; prefix: string; time: string; token?: string})
    rmSync(file)
    expect(events.map(event => event.type)).toEqual([
      'session.created',
      'lock.acquired',
      'child.started',
      'child.exited',
      'lock.released',
    ])
    expect(events.every(event => event.prefix === lock() && !Number.isNaN(Date.parse(event.time)))).toBe(true)
    expect(events[1]!.token).toMatch(/^\d+$/)
  })

  it('allows as many holders as -n says', async () => {
    const holders = [1, 2].map(() => start(['-n', '2', lock(), '--', 'sh', '-c', 'echo started; sleep 60']))
    await Promise.all(holders.map(holder => holder.waitForOutput(/started/)))
    expect((await run(['-n', '2', '--try', lock(), '--', 'true'])).exitCode).toBe(75)
    expect((await run(['-n', '3', '--try', lock(), '--', 'true'])).exitCode).toBe(78)
    for (const holder of holders) {
      holder.kill()
      await holder.exited
    }
  })

  it('prints the same messages as consul lock with --compat', async () => {
    const compat = (...words: string[]) => run(['--compat', 'consul', ...words])
    expect(await compat(lock(), 'exit 3')).toMatchObject({
      exitCode: 0,
      stderr: 'Error running handler: exit status 3\n',
    })
    expect(await compat('-child-exit-code', lock(), 'exit 3')).toMatchObject({exitCode: 2})
    expect(await compat('-verbose', lock(), 'echo hi')).toMatchObject({
      exitCode: 0,
      stdout: 'Starting handler\nhi\nChild terminated, releasing lock\nCleanup succeeded\n',
    })
    await using holder = start([lock(), '--', 'sh', '-c', 'echo started; sleep 60'])
    await holder.waitForOutput(/started/)
    expect(await compat('-timeout=200ms', lock(), 'true')).toMatchObject({
      exitCode: 1,
      stderr: 'Shutdown triggered or timeout during lock acquisition\n',
    })
    const fromVariable = run(['-timeout=200ms', lock(), 'true'], {env: {BATON_COMPAT: 'consul'}})
    expect(await fromVariable).toMatchObject({
      exitCode: 1,
      stderr: 'Shutdown triggered or timeout during lock acquisition\n',
    })
    expect(await compat('-n=two', lock(), 'true')).toMatchObject({
      exitCode: 1,
      stderr: "--limit: 'two' is not a whole number\n",
    })
    holder.kill()
    await holder.exited
  })
})

describe('baton lock fails with a message of one line', () => {
  const refuse = async (words: readonly string[], env: Record<string, string> = {}) => {
    const result = await runCli(['lock', ...words], {env: {CONSUL_HTTP_ADDR: '127.0.0.1:1', ...env}})
    expect(result.stdout).toBe('')
    expect(result.stderr.trim().split('\n')).toHaveLength(1)
    return result
  }

  it('if no agent listens at the address (exit code 69)', async () => {
    const result = await refuse(['k', '--', 'echo', 'ran'])
    expect(result).toMatchObject({
      exitCode: 69,
      stderr:
        'baton: Consul at 127.0.0.1:1: connection refused (is the agent running there? set --http-addr or CONSUL_HTTP_ADDR)\n',
    })
  })

  it('if no agent listens at the address within the time limit (exit code 69)', async () => {
    const result = await refuse(['--timeout=300ms', 'k', '--', 'echo', 'ran'])
    expect(result.exitCode).toBe(69)
    expect(result.stderr).toContain(
      'baton: lock k: not acquired within 300ms: Consul at 127.0.0.1:1: connection refused',
    )
  })

  it('if the address is not valid (exit code 64)', async () => {
    const result = await refuse(['k', '--', 'true'], {CONSUL_HTTP_ADDR: 'http://'})
    expect(result.exitCode).toBe(64)
    expect(result.stderr).toContain("Consul address: 'http://' cannot be used")
  })

  it('if a flag is unknown (exit code 64)', async () => {
    const result = await refuse(['--bogus', 'k', '--', 'true'])
    expect(result.exitCode).toBe(64)
    expect(result.stderr).toContain('--bogus')
  })

  it.each(['--timeout=5', '--ttl=abc', '--grace=1', '--try=x'])(
    'if a duration is written like %s (exit code 64)',
    async flag => {
      const result = await refuse([flag, 'k', '--', 'true'])
      expect(result.exitCode).toBe(64)
      expect(result.stderr).toContain('is not a duration')
    },
  )

  it('if there is no command (exit code 64)', async () => {
    const result = await refuse(['k'])
    expect(result).toMatchObject({exitCode: 64, stderr: 'baton: lock k: no command to run (baton lock k -- COMMAND)\n'})
    expect((await refuse(['k', '--'])).exitCode).toBe(64)
  })

  it('if there is no prefix (exit code 64)', async () => {
    expect((await refuse([])).exitCode).toBe(64)
  })

  it('with a hint if the prefix is the name of a sub-command and there is no -- (exit code 64)', async () => {
    const result = await refuse(['resize', 'app/db'])
    expect(result.exitCode).toBe(64)
    expect(result.stderr).toContain('baton lock resize -- app/db')
  })

  it('if the limit is below one (exit code 64)', async () => {
    expect((await refuse(['-n', '0', 'k', '--', 'true'])).exitCode).toBe(64)
  })

  it('that shows the calculation if the settings leave no time to stop the child (exit code 64)', async () => {
    const result = await refuse(['--grace', '40s', 'k', '--', 'true'])
    expect(result.exitCode).toBe(64)
    expect(result.stderr).toContain('need 41s')
  })

  it('if the session has no TTL (exit code 64)', async () => {
    const result = await refuse(['--ttl', '0s', 'k', '--', 'true'])
    expect(result.exitCode).toBe(64)
    expect(result.stderr).toContain('without a TTL')
  })

  it('if the file for --events cannot be written (exit code 64)', async () => {
    const result = await refuse(['--events', '/no/such/folder/x', 'k', '--', 'true'])
    expect(result.exitCode).toBe(64)
    expect(result.stderr).toContain('--events: cannot write to /no/such/folder/x: ENOENT')
  })
})

describe.each(commandBackends)('baton lock with ACLs on $name', backend => {
  const agent = sharedAgent(backend, {managementToken: '11111111-1111-1111-1111-111111111111'})

  it('refuses a token that Consul does not know with exit code 77, and does not show the token', async () => {
    const token = '22222222-2222-2222-2222-222222222222'
    const result = await runCli(['lock', 'k', '--', 'echo', 'ran'], {agent, env: {CONSUL_HTTP_TOKEN: token}})
    expect(result).toMatchObject({exitCode: 77, stdout: ''})
    expect(result.stderr.trim().split('\n')).toHaveLength(1)
    expect(result.stderr).not.toContain(token)
  })

  it("works with a token that may write the lock's keys", async () => {
    const env = {CONSUL_HTTP_TOKEN: '11111111-1111-1111-1111-111111111111'}
    await waitUntil(async () => (await runCli(['lock', 'k', '--', 'true'], {agent, env})).exitCode === 0, {
      what: 'the lock',
      timeoutMs: 20_000,
    })
  })
})
