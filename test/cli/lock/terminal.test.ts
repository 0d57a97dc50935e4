import {mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import {backends, sharedAgent} from '../../kit/backend.js'
import {useLeakCheck} from '../../kit/leaks.js'
import {isAlive, processInfo} from '../../kit/processes.js'
import {type CommandHandle, cliPath, startCommand} from '../../kit/run-cli.js'
import {waitUntil} from '../../kit/wait-until.js'

const ctrlC = '\x03'
const ctrlZ = '\x1a'

// The program `script` of util-linux creates the terminal; its stdin acts as the keyboard. Without it, these tests
// fail.
describe.runIf(process.platform === 'linux').each(backends.slice(-1))('baton lock on a terminal, on $name', backend => {
  const agent = sharedAgent(backend)
  const leaks = useLeakCheck({agent, graceMs: 10_000})
  let folder = ''
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'baton-test-'))
  })
  afterEach(() => rmSync(folder, {recursive: true}))

  /**
   * Runs `baton lock` with the arguments `words` and a child that runs `script`, in a plain or an interactive shell.
   */
  function type(words: string, script: string, shell?: string): CommandHandle {
    writeFileSync(join(folder, 'job'), script)
    writeFileSync(
      join(folder, 'start'),
      `exec "${process.execPath}" "${cliPath}" lock ${words} ${leaks.prefix}tty -- sh job\n`,
    )
    const options = {agent, cwd: folder, keepStdin: true, env: {SHELL: '/bin/sh', TERM: 'dumb'}}
    return startCommand('script', ['-qfec', shell ?? 'exec sh start', '/dev/null'], options)
  }
  const finish = () => writeFileSync(join(folder, 'finish'), '')
  const untilFinished = 'while [ ! -e finish ]; do sleep 0.05; done'
  const pidsOf = async (terminal: CommandHandle) => {
    const [, child, baton] = await terminal.waitForOutput(/ready (\d+) (\d+)/)
    return {child: Number(child), baton: Number(baton)}
  }

  it('lets the child handle Ctrl-C, and delivers each Ctrl-C to the child only once', async () => {
    const script = `n=0; trap 'n=$((n+1)); echo "got $n"' INT; echo "ready $$ $PPID"; ${untilFinished}; exit 4`
    await using terminal = type('--grace 200ms', script)
    const {child, baton} = await pidsOf(terminal)
    expect(processInfo(child)?.pgid).toBe(processInfo(baton)?.pgid)
    terminal.stdin.write(ctrlC)
    await terminal.waitForOutput(/got 1/)
    terminal.stdin.write(ctrlC)
    await terminal.waitForOutput(/got 2/)
    // The child continues to run for longer than the time that --grace sets.
    await new Promise(resolve => setTimeout(resolve, 600))
    finish()
    const result = await terminal.exited
    expect(result.exitCode).toBe(4)
    expect(result.stdout).not.toContain('got 3')
  })

  it('exits with the exit code of a child that Ctrl-C ends', async () => {
    await using terminal = type('', 'echo "ready $$ $PPID"; sleep 60')
    await pidsOf(terminal)
    terminal.stdin.write(ctrlC)
    expect((await terminal.exited).exitCode).toBe(130)
  })

  it('stops at TERM even after Ctrl-C', async () => {
    await using terminal = type('--grace 200ms', `trap 'echo got INT' INT; echo "ready $$ $PPID"; ${untilFinished}`)
    const {baton} = await pidsOf(terminal)
    terminal.stdin.write(ctrlC)
    await terminal.waitForOutput(/got INT/)
    process.kill(baton, 'SIGTERM')
    expect((await terminal.exited).exitCode).toBe(143)
  })

  it('is suspended together with its child by Ctrl-Z, and continued by fg', async () => {
    const script = `echo "ready $$ $PPID"; ${untilFinished}; exit 4`
    await using terminal = type('', script, 'bash --norc --noprofile -i')
    terminal.stdin.write('sh start\n')
    const pids = Object.values(await pidsOf(terminal))
    const states = () => pids.map(pid => processInfo(pid)?.state)
    terminal.stdin.write(ctrlZ)
    // A shell that is starting a program with vfork waits for the program in state D, even while the program is
    // suspended.
    await waitUntil(() => states().join('') === 'TT' || states().join('') === 'DT', {
      what: 'both to be stopped',
      detail: () => states().join(),
    })
    terminal.stdin.write('fg\n')
    await waitUntil(() => states().every(state => state !== 'T'), {
      what: 'both to go on',
      detail: () => states().join(),
    })
    finish()
    await waitUntil(() => !pids.some(isAlive), {what: 'their end'})
    terminal.stdin.write('echo code=$?; exit\n')
    await terminal.waitForOutput(/code=4/)
    await terminal.exited
  })

  it('if it is suspended for longer than the lock can be held, its child is killed, and it exits with 76 when continued', async () => {
    const words = '--ttl 10s --lock-delay 4s --grace 500ms'
    await using terminal = type(
      words,
      `trap '' TERM; echo "ready $$ $PPID"; ${untilFinished}`,
      'bash --norc --noprofile -i',
    )
    terminal.stdin.write('sh start\n')
    const {child, baton} = await pidsOf(terminal)
    terminal.stdin.write(ctrlZ)
    await waitUntil(() => processInfo(baton)?.state === 'T', {what: 'baton to be stopped'})
    await waitUntil(() => !isAlive(child), {what: 'the end of the child', timeoutMs: 20_000})
    terminal.stdin.write('fg\n')
    await waitUntil(() => !isAlive(baton), {what: 'the end of baton'})
    terminal.stdin.write('echo code=$?; exit\n')
    await terminal.waitForOutput(/code=76/)
    await terminal.exited
  })
})
