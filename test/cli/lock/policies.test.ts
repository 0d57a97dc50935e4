import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, describe, expect, it} from 'vitest'
import {parseStat} from '../../../src/process/process-table.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {useLeakCheck} from '../../kit/leaks.js'
import {raw} from '../../kit/raw-consul.js'
import {runCli, startCli} from '../../kit/run-cli.js'
import {runInProcess} from '../../kit/run-in-process.js'
import {waitUntil} from '../../kit/wait-until.js'

const folder = mkdtempSync(join(tmpdir(), 'baton-test-'))
afterAll(() => rmSync(folder, {recursive: true, force: true}))
let files = 0
/** Returns the path of a file that does not exist yet. */
const newFile = (): string => join(folder, String((files += 1)))

function stateOf(pid: number): string {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.state ?? ''
  } catch {
    return ''
  }
}

describe.each(backends)('options of baton lock for jobs, on $name', backend => {
  const agent = sharedAgent(backend)
  const leaks = useLeakCheck({agent})
  const consul = () => raw(agent.address)
  const lock = (...words: readonly string[]) => runCli(['lock', ...words], {agent})
  const look = (...words: readonly string[]) => runInProcess(['lock', ...words], {agent})
  const forget = (prefix: string) => consul().kvDelete(`${prefix}/.runs`)

  it('--once-per runs the command on one of several hosts, and lets the others succeed', async () => {
    const prefix = `${leaks.prefix}once`
    const file = newFile()
    const job = (host: string) =>
      startCli(['lock', '--once-per', '1h', prefix, '--', 'sh', '-c', `echo ran >>${file}; sleep 0.1`], {
        agent,
        env: {TMPDIR: mkdtempSync(join(folder, host)), XDG_RUNTIME_DIR: undefined},
      })
    const jobs = ['a', 'b', 'c'].map(job)
    for (const one of jobs) expect(await one.exited).toMatchObject({exitCode: 0, stdout: '', stderr: ''})
    expect(readFileSync(file, 'utf8')).toBe('ran\n')
    expect(await lock('-v', '--once-per', '1h', prefix, '--', 'false')).toMatchObject({
      exitCode: 0,
      stderr: expect.stringContaining('not run: it ran on'),
    })
    const history = await look('history', '--json', prefix)
    expect(JSON.parse(history.stdout)).toMatchObject({runs: [{exit: 0, end: 'exited', command: 'sh'}]})
    await forget(prefix)
  })

  it('--once-per counts a run that failed, but not one that a signal stopped', async () => {
    const prefix = `${leaks.prefix}failed`
    await using stopped = startCli(['lock', '--once-per', '1h', prefix, '--', 'sh', '-c', 'echo up; sleep 60'], {agent})
    await stopped.waitForOutput(/up/)
    stopped.kill('SIGTERM')
    expect((await stopped.exited).exitCode).toBe(143)
    expect((await lock('--once-per', '1h', prefix, '--', 'sh', '-c', 'exit 3')).exitCode).toBe(3)
    expect((await lock('--once-per', '1h', prefix, '--', 'sh', '-c', 'exit 3')).exitCode).toBe(0)
    expect((await look('history', prefix)).stdout).toMatch(
      /exit 3 after .*\n.*exit 143, stopped by a signal after .*\n$/,
    )
    expect(await look('overdue', prefix, '--every', '1h')).toMatchObject({
      exitCode: 1,
      stdout: `${prefix}: overdue: no success is recorded\n`,
    })
    await forget(prefix)
  })

  it('--record lets `lock overdue` find the last success', async () => {
    const prefix = `${leaks.prefix}record`
    expect(await look('history', prefix)).toMatchObject({exitCode: 1})
    await lock('--record', prefix, '--', 'true')
    await lock('--record', prefix, '--', 'false')
    expect((await look('overdue', prefix, '--every', '1h')).exitCode).toBe(0)
    await waitUntil(async () => (await look('overdue', prefix, '--every', '1ms')).exitCode === 1, {
      what: 'a millisecond',
    })
    expect((await look('history', prefix)).stdout.split('\n')).toHaveLength(3)
    expect((await look('overdue', prefix)).exitCode).toBe(64)
    await consul().kvPut(`${prefix}/.runs`, '{"v":2}')
    expect((await look('history', prefix)).exitCode).toBe(78)
    expect(await lock('--once-per', '1h', prefix, '--', 'echo', 'ran')).toMatchObject({exitCode: 78, stdout: ''})
    await forget(prefix)
  })

  it('--min-hold keeps the lock after the command has ended, but releases it at a signal', async () => {
    const prefix = `${leaks.prefix}held`
    await using holder = startCli(['lock', '--min-hold', '1m', prefix, '--', 'sh', '-c', 'echo done; exit 4'], {agent})
    await holder.waitForOutput(/done/)
    expect(await lock('--try', '-E', '9', prefix, '--', 'echo', 'ran')).toMatchObject({exitCode: 9, stdout: ''})
    holder.kill('SIGTERM')
    expect((await holder.exited).exitCode).toBe(4)
    expect((await lock('--try', '-E', '9', prefix, '--', 'true')).exitCode).toBe(0)
  })

  it('--on-lost chooses the signal that the command gets when the lock is lost, and with `requeue` runs the command again', async () => {
    const prefix = `${leaks.prefix}lost`
    const script = 'trap "echo told; exit" USR1; echo up; while :; do sleep 0.05; done'
    await using told = startCli(['lock', '--on-lost', 'usr1', prefix, '--', 'sh', '-c', script], {agent})
    await told.waitForOutput(/up/)
    await look('break', '--yes', prefix)
    expect(await told.exited).toMatchObject({exitCode: 76, stdout: 'up\ntold\n'})
    const again = `${leaks.prefix}again`
    const words = ['lock', '--on-lost', 'requeue', '--ttl', '20s', '--grace', '200ms', '--lock-delay', '1800ms', again]
    await using requeued = startCli([...words, '--', 'sh', '-c', 'echo up; exec sleep 60'], {agent})
    await requeued.waitForOutput(/up/)
    await look('break', '--yes', again)
    await requeued.waitForOutput(/up\nup/)
    requeued.kill('SIGTERM')
    expect((await requeued.exited).exitCode).toBe(143)
  })

  it('hooks receive the variables of the lock, and their output does not mix with that of the command', async () => {
    const prefix = `${leaks.prefix}hooks`
    const tell = 'echo $BATON_LOCK_EVENT $BATON_LOCK_PREFIX; test -n "$BATON_FENCING_TOKEN"'
    const words = ['--hook-acquired', tell, '--hook-released', tell, '--hook-lost', 'echo never']
    expect(await lock(...words, prefix, '--', 'echo', 'ran')).toMatchObject({
      exitCode: 0,
      stdout: 'ran\n',
      stderr: `acquired ${prefix}\nreleased ${prefix}\n`,
    })
    expect(await lock('--hook-acquired', 'exit 3', prefix, '--', 'echo', 'ran')).toMatchObject({
      exitCode: 0,
      stdout: 'ran\n',
      stderr: expect.stringContaining('the hook of acquired failed: exit code 3'),
    })
  })

  it('--leftover stops, waits for, or leaves alone the daemons that the command started', async () => {
    const pidFile = newFile()
    const daemon = `setsid sh -c 'echo $$ >${pidFile}; exec sleep 60' >/dev/null 2>&1 & while [ ! -s ${pidFile} ]; do sleep 0.01; done`
    // True unless the process has ended. A zombie counts as ended.
    const isAlive = (): boolean => /^[^ZX]/.test(stateOf(Number(readFileSync(pidFile, 'utf8'))))
    const prefix = `${leaks.prefix}left`
    expect((await lock('--leftover', 'leave', prefix, '--', 'sh', '-c', daemon)).exitCode).toBe(0)
    expect(isAlive()).toBe(true)
    process.kill(Number(readFileSync(pidFile, 'utf8')))
    await waitUntil(() => !isAlive(), {what: 'the end of the daemon'})
    writeFileSync(pidFile, '')
    expect(await lock('--leftover', 'stop', prefix, '--', 'sh', '-c', daemon)).toMatchObject({
      exitCode: 0,
      stderr: expect.stringContaining('stopped processes'),
    })
    expect(isAlive()).toBe(false)
    writeFileSync(pidFile, '')
    await using waits = startCli(['lock', '--leftover', 'wait', prefix, '--', 'sh', '-c', daemon], {agent})
    await waits.waitForOutput(/held until they end/)
    expect((await lock('--try', prefix, '--', 'true')).exitCode).toBe(75)
    process.kill(Number(readFileSync(pidFile, 'utf8')))
    expect((await waits.exited).exitCode).toBe(0)
  })

  it('--record is refused for a semaphore', async () => {
    expect((await lock('-n', '2', '--record', 'a', '--', 'true')).exitCode).toBe(64)
  })
})
