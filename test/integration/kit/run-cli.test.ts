import {describe, expect, it} from 'vitest'
import {currentMarker, markerName} from '../../kit/marker.js'
import {descendants, findByEnv, isAlive, processGroup} from '../../kit/processes.js'
import {runCommand, startCommand} from '../../kit/run-cli.js'
import {waitUntil} from '../../kit/wait-until.js'

describe('the helper that runs commands', () => {
  it('passes the input on, and returns both streams and the exit code', async () => {
    const result = await runCommand('bash', ['-c', 'cat; echo err >&2; exit 7'], {input: 'in'})
    expect(result).toMatchObject({stdout: 'in', stderr: 'err\n', exitCode: 7, signalName: null})
  })

  it('returns the signal that ended a command', async () => {
    await using command = startCommand('sleep', ['60'])
    command.kill('SIGTERM')
    expect(await command.exited).toMatchObject({exitCode: null, signalName: 'SIGTERM'})
  })

  it('gives a command a clean environment with the address of the agent', async () => {
    const env = {BATON_X: '1', HOME: undefined}
    const {stdout} = await runCommand('env', [], {env, agent: {address: 'http://127.0.0.1:1'}})
    const names = stdout.split('\n').map(line => line.split('=')[0])
    expect(names.filter(name => /^(CONSUL_|BATON_|VITEST|NODE_ENV|HOME$)/.test(name ?? '')).sort()).toEqual([
      'BATON_TEST_ID',
      'BATON_X',
      'CONSUL_HTTP_ADDR',
    ])
  })

  it('rejects if a command cannot be started', async () => {
    await expect(runCommand('no-such-command', [])).rejects.toThrow(/ENOENT/)
  })

  it('finds the processes of a command both by their process group and by an environment variable', async () => {
    const script = 'sleep 60 & setsid sleep 61 & echo up; wait'
    const command = startCommand('bash', ['-c', script])
    await command.waitForOutput(/up/)
    const family = await waitUntil(
      () => {
        const found = descendants(command.pid).filter(info => info.comm === 'sleep')
        return found.length === 2 && found.some(info => info.pgid !== command.pid) ? found : undefined
      },
      {what: 'two sleeps, one in a group of its own'},
    )
    expect(
      processGroup(command.pid)
        .map(info => info.comm)
        .sort(),
    ).toEqual(['bash', 'sleep'])
    await command[Symbol.asyncDispose]()
    expect(processGroup(command.pid)).toEqual([])
    const left = findByEnv(`${markerName}=${currentMarker()}`)
    for (const {pid} of left) process.kill(pid, 'SIGKILL')
    await waitUntil(() => family.every(({pid}) => !isAlive(pid)), {what: 'the family to be gone'})
  })

  it('rejects at once if the command exits without the expected output', async () => {
    await using command = startCommand('bash', ['-c', 'echo other'])
    await expect(command.waitForOutput(/wanted/)).rejects.toThrow(/ended without \/wanted\/[^]*other/)
  })
})
