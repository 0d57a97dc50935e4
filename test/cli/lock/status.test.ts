import {describe, expect, it} from 'vitest'
import {backends, sharedAgent} from '../../kit/backend.js'
import {useLeakCheck} from '../../kit/leaks.js'
import {runCli, startCli} from '../../kit/run-cli.js'
import {runInProcess} from '../../kit/run-in-process.js'
import {waitUntil} from '../../kit/wait-until.js'

describe.each(backends.slice(-1))('baton lock status and ls on $name', backend => {
  const agent = sharedAgent(backend)
  const leaks = useLeakCheck({agent})
  const run = (...words: readonly string[]) => runInProcess(['lock', ...words], {agent})

  it('show a held lock, and exit with 1 for a free one', async () => {
    const prefix = `${leaks.prefix}status`
    expect(await run('status', prefix)).toMatchObject({exitCode: 1, stdout: `${prefix}: free\n`, stderr: ''})
    await using holder = startCli(['lock', prefix, '--', 'cat'], {agent, keepStdin: true})
    await waitUntil(async () => (await run('status', prefix)).exitCode === 0, {what: 'the lock is held'})
    const {stdout} = await run('status', prefix)
    expect(stdout).toMatch(
      /: mutex, held\n {2}holder {2}cat on .*, pid \d+, since .*\n {10}session .*TTL 15s, "baton lock/,
    )
    expect((await run('ls', leaks.prefix)).stdout).toMatch(/ {2}mutex, held by cat on .*\n$/)
    const json = JSON.parse((await run('ls', '--json', leaks.prefix)).stdout) as unknown
    expect(json).toMatchObject({locks: [{prefix, kind: 'mutex', limit: 1, holders: [{command: 'cat'}], waiters: []}]})
    holder.stdin.end()
    await holder.exited
  })

  it('are taken as names of locks if a command follows --', async () => {
    expect(await runCli(['lock', 'status', '--', 'echo', 'ran'], {agent})).toMatchObject({exitCode: 0, stdout: 'ran\n'})
    expect(await runCli(['lock', 'ls', '--', 'echo', 'ran'], {agent})).toMatchObject({exitCode: 0, stdout: 'ran\n'})
  })

  it('refuse an argument that could be a command, and suggest the form with --', async () => {
    const result = await run('status', './cmd', 'arg')
    expect(result).toMatchObject({exitCode: 64, stdout: ''})
    expect(result.stderr).toContain('baton lock status -- ./cmd arg')
  })
})
