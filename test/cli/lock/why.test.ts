import {describe, expect, it} from 'vitest'
import {backends, sharedAgent} from '../../kit/backend.js'
import {useLeakCheck} from '../../kit/leaks.js'
import {runCli, startCli} from '../../kit/run-cli.js'
import {waitUntil} from '../../kit/wait-until.js'

describe.each(backends.slice(-1))('baton lock why on $name', backend => {
  const agent = sharedAgent(backend)
  const leaks = useLeakCheck({agent, graceMs: 10_000})

  it('shows how the last hold of a lock on this machine ended, even if baton was killed', async () => {
    const key = `${leaks.prefix}why`
    await runCli(['lock', key, '--', 'true'], {agent})
    const first = await runCli(['lock', 'why', key], {agent})
    expect(first.stdout).toMatch(/: true, pid \d+, TTL 15s, lock-delay 15s, grace 5s\n/)
    expect(first.stdout).toMatch(/session \S+ created\n.*acquired after \S+, token \d+\n.*command started/s)
    expect(first.stdout).toContain('the lock was released')
    await using holder = startCli(['lock', key, '--', 'sh', '-c', 'echo begun; sleep 60'], {agent})
    await waitUntil(() => holder.stdout === 'begun\n', {what: 'the command', timeoutMs: 60_000})
    expect((await runCli(['lock', 'why', String(holder.pid)], {agent})).stdout).toContain('the process is running')
    holder.kill('SIGKILL')
    await holder.processExit
    const second = await runCli(['lock', 'why', key, '--all', '--json'], {agent})
    const {flights} = JSON.parse(second.stdout) as {flights: {pid: number; end: string}[]}
    expect(flights.map(({end}) => end)).toEqual(['killed', 'released'])
    expect(flights[0]?.pid).toBe(holder.pid)
    const unknown = await runCli(['lock', 'why', `${leaks.prefix}never`], {agent})
    expect(unknown).toMatchObject({exitCode: 1, stdout: '', stderr: expect.stringContaining('nothing is recorded')})
  })
})
