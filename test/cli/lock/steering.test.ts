import {existsSync, mkdtempSync, readFileSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, describe, expect, it} from 'vitest'
import {backends, sharedAgent} from '../../kit/backend.js'
import {useLeakCheck} from '../../kit/leaks.js'
import {raw} from '../../kit/raw-consul.js'
import {cliPath, runCli, startCli, startCommand} from '../../kit/run-cli.js'
import {runInProcess, startInProcess} from '../../kit/run-in-process.js'
import {waitUntil} from '../../kit/wait-until.js'

const folder = mkdtempSync(join(tmpdir(), 'baton-test-'))
afterAll(() => rmSync(folder, {recursive: true, force: true}))

describe.each(backends)('the sub-commands of baton lock on $name', backend => {
  const agent = sharedAgent(backend)
  const leaks = useLeakCheck({agent})
  const run = (...words: readonly string[]) => runInProcess(['lock', ...words], {agent})
  const hold = (...words: readonly string[]) => startInProcess(['lock', 'hold', '--json', ...words], {agent})
  const heldBy = async (command: ReturnType<typeof hold>) =>
    JSON.parse((await command.waitForOutput(/^\{.*\}$/m))[0]) as {readonly session: string; readonly token: string}

  it('hold keeps the lock until a signal, and its ready file exists for the same time', async () => {
    const prefix = `${leaks.prefix}hold`
    const path = join(folder, `ready-${backend.name}`)
    await using holder = hold(prefix, '--ready-file', path)
    const {session, token} = await heldBy(holder)
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({prefix, session, token, key: `${prefix}/.lock`})
    expect(await run('status', prefix)).toMatchObject({exitCode: 0, stdout: expect.stringContaining(session)})
    expect((await run('hold', '--try', prefix)).exitCode).toBe(75)
    holder.kill()
    expect(await holder.exited).toMatchObject({exitCode: 0, stderr: ''})
    expect(existsSync(path)).toBe(false)
    expect((await run('status', prefix)).exitCode).toBe(1)
  })

  it('hold ends with 76 if break has released the lock, and the key is free only after the lock-delay', async () => {
    const prefix = `${leaks.prefix}broken`
    await using holder = hold(prefix)
    const {session} = await heldBy(holder)
    const broken = await run('break', '--yes', prefix)
    expect(broken).toMatchObject({
      exitCode: 0,
      stdout: `${prefix}: ended session ${session}: free after the lock-delay of 15s\n`,
    })
    expect(await holder.exited).toMatchObject({
      exitCode: 76,
      stdout: expect.stringContaining('Consul ended its session'),
    })
    const rival = await run('hold', '--try', prefix)
    expect(rival).toMatchObject({exitCode: 75, stderr: expect.stringContaining('lock-delay')})
  })

  it('break requires --yes without a terminal, and breaks nothing if another session holds the lock', async () => {
    const prefix = `${leaks.prefix}ask`
    expect(await run('break', '--yes', prefix)).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('not held'),
    })
    await using holder = hold(prefix)
    await heldBy(holder)
    expect(await run('break', prefix)).toMatchObject({exitCode: 64, stderr: expect.stringContaining('--yes')})
    const other = '0f3c5a1e-6a0b-4c52-9a43-3d1b7ad9b1e0'
    expect(await run('break', '--yes', '--session', other, prefix)).toMatchObject({exitCode: 1, stdout: ''})
    expect((await run('status', prefix)).exitCode).toBe(0)
  })

  it('break refuses to choose between several holders of a semaphore', async () => {
    const prefix = `${leaks.prefix}slots`
    await using one = hold('-n', '2', prefix)
    await using other = hold('-n', '2', prefix)
    const {session} = await heldBy(one)
    const {session: kept} = await heldBy(other)
    const refused = await run('break', '--yes', prefix)
    expect(refused).toMatchObject({exitCode: 64, stderr: expect.stringContaining(session)})
    expect(await run('break', '--yes', '--json', '--session', session, prefix)).toMatchObject({exitCode: 0})
    expect((await one.exited).exitCode).toBe(76)
    expect((await run('status', prefix)).stdout).toContain(kept)
  })

  it('assert and put succeed while the lock is held, and fail after it was released', async () => {
    const prefix = `${leaks.prefix}fenced`
    const consul = raw(agent.address)
    for (const limit of ['1', '2']) {
      await using holder = hold('-n', limit, `${prefix}${limit}`)
      const {session} = await heldBy(holder)
      const mode = limit === '1' ? 'mutex' : 'semaphore'
      const claim = ['--lock-prefix', `${prefix}${limit}`, '--lock-session', session, '--lock-mode', mode]
      expect(await run('assert', ...claim)).toMatchObject({exitCode: 0, stderr: ''})
      expect(await run('put', '--fence', ...claim, `${leaks.prefix}data`, limit)).toMatchObject({exitCode: 0})
      holder.kill()
      await holder.exited
      expect(await run('assert', ...claim)).toMatchObject({exitCode: 1, stderr: expect.stringContaining('not held by')})
      const late = await run('put', '--fence', ...claim, `${leaks.prefix}data`, 'late')
      expect(late).toMatchObject({exitCode: 76, stderr: expect.stringContaining('nothing was written')})
      expect((await consul.kvGet(`${leaks.prefix}data`))?.value.toString()).toBe(limit)
    }
    await consul.kvDelete(`${leaks.prefix}data`)
  })

  it('assert and put fail outside a command that baton lock runs, unless flags name the lock', async () => {
    expect(await run('assert')).toMatchObject({
      exitCode: 64,
      stderr: expect.stringContaining('baton lock PREFIX -- COMMAND'),
    })
    expect((await run('put', 'a', 'b')).exitCode).toBe(64)
  })

  it('watch prints holders and waiting contenders as they come and go', async () => {
    const prefix = `${leaks.prefix}watched`
    await using watch = startInProcess(['lock', 'watch', prefix], {agent})
    await watch.waitForOutput(/: free$/m)
    await using holder = hold(prefix)
    await heldBy(holder)
    await watch.waitForOutput(/ acquired {2}lock hold on .*, pid \d+$/m)
    await using waiter = startCli(['lock', 'hold', prefix], {agent, env: {TMPDIR: folder, XDG_RUNTIME_DIR: undefined}})
    await waitUntil(async () => (await run('status', prefix)).stdout.includes('waiter 1'), {
      what: 'a waiting contender',
    })
    holder.kill()
    await holder.exited
    await watch.waitForOutput(/ ended .*\n.* acquired /m)
    waiter.kill()
    await waiter.exited
    await watch.waitForOutput(/ free$/m)
    watch.kill()
    expect((await watch.exited).exitCode).toBe(0)
    expect(watch.stdout).not.toMatch(/ (waits|left) .* session /)
  })
})

describe.each(backends.slice(-1))('baton lock hold for another process, on $name', backend => {
  const agent = sharedAgent(backend)
  const leaks = useLeakCheck({agent, mayStay: () => true})

  it('ends when the process that started it ends', async () => {
    const prefix = `${leaks.prefix}parent`
    const script = `"$0" "$1" lock hold ${prefix} & read -r _; exit 0`
    await using shell = startCommand('sh', ['-c', script, process.execPath, cliPath], {agent, keepStdin: true})
    await waitUntil(async () => (await raw(agent.address).kvGet(`${prefix}/.lock`))?.session !== undefined, {
      what: 'the lock is held',
    })
    shell.stdin.end('\n')
    await shell.exited
    await waitUntil(async () => (await raw(agent.address).kvGet(`${prefix}/.lock`)) === undefined, {
      what: 'the lock is released',
    })
  })

  it('while it waits for the lock, ends immediately if the process that started it ends', async () => {
    const prefix = `${leaks.prefix}early`
    await using first = startCli(['lock', prefix, '--', 'sh', '-c', 'read -r _; exit 0'], {agent, keepStdin: true})
    const isHeld = async (): Promise<boolean> =>
      (await raw(agent.address).kvGet(`${prefix}/.lock`))?.session !== undefined
    await waitUntil(isHeld, {what: 'the first holder'})
    const script = `"$0" "$1" lock hold -v ${prefix} & read -r _; exit 0`
    await using shell = startCommand('sh', ['-c', script, process.execPath, cliPath], {agent, keepStdin: true})
    await shell.waitForOutput(/waiting/, {stream: 'stderr'})
    shell.stdin.end('\n')
    await shell.waitForOutput(/the parent process has ended/, {stream: 'stderr'})
    expect((await shell.exited).stdout).toBe('')
    first.stdin.end('\n')
    expect((await first.exited).exitCode).toBe(0)
  })

  it('does not release its lock if it is killed, so that the lock-delay runs', async () => {
    const prefix = `${leaks.prefix}killed`
    await using holder = startCli(['lock', 'hold', prefix], {agent})
    await holder.waitForOutput(/held by session/)
    holder.kill('SIGKILL')
    await holder.exited
    const consul = raw(agent.address)
    await waitUntil(async () => (await consul.kvGet(`${prefix}/.lock`)) === undefined, {what: 'the session is ended'})
    const rival = await runInProcess(['lock', 'hold', '--try', prefix], {agent})
    expect(rival).toMatchObject({exitCode: 75, stderr: expect.stringContaining('lock-delay')})
  })

  it('is found by `assert` and `put` without flags, in a command under `baton lock`', async () => {
    const prefix = `${leaks.prefix}around`
    const script = `"$0" "$1" lock assert && "$0" "$1" lock put --fence ${leaks.prefix}inside x && echo done`
    const command = ['lock', prefix, '--', 'sh', '-c', script, process.execPath, cliPath]
    expect(await runCli(command, {agent})).toMatchObject({exitCode: 0, stdout: 'done\n', stderr: ''})
    await raw(agent.address).kvDelete(`${leaks.prefix}inside`)
  })
})
