import {spawnSync} from 'node:child_process'
import {chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterEach, beforeEach, describe, expect, it, vi} from 'vitest'
import {ChildError} from '../../../src/core/errors.js'
import {systemClock} from '../../../src/core/time/clock.js'
import {type Child, startChild} from '../../../src/process/child.js'
import type {ChildSpec} from '../../../src/process/child-spec.js'
import {livingMembers} from '../../../src/process/family.js'
import {type Launcher, launchByExeca, launchPlainly} from '../../../src/process/launch.js'
import {readProcesses} from '../../../src/process/process-table.js'
import {ReadyChild} from '../../../src/process/ready-child.js'

const {PATH = ''} = process.env
const started: Child[] = []
let markers = 0
let launch: Launcher

async function start(script: string, changes: Partial<ChildSpec> = {}): Promise<Child> {
  markers += 1
  const child = await startChild(
    {
      argv: ['sh', '-c', script],
      env: {PATH, MARK: `${process.pid}-${markers}`},
      stdin: 'ignore',
      output: 'pipe',
      shape: 'group',
      markedBy: 'MARK',
      clock: systemClock,
      ...changes,
    },
    launch,
  )
  started.push(child)
  child.stderr?.resume()
  return child
}

/** Launches a child through a shell that was started before the whole environment of the child was known. */
async function launchReady(spec: ChildSpec): Promise<Awaited<ReturnType<Launcher>>> {
  const late = '9007199254740993'
  const ready = new ReadyChild({spec, lateVariable: 'LATE'})
  const launched = await ready.launch({...spec, env: {...spec.env, LATE: late}})
  ready[Symbol.dispose]()
  return launched
}

/** Resolves to the next line of the child's output, which shows how far the child has got. */
async function nextLine(child: Child): Promise<string> {
  for await (const chunk of child.stdout!.iterator({destroyOnReturn: false})) return String(chunk).trim()
  throw new Error('the child said nothing')
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await systemClock.sleep(5)
}

const isRunning = (pid: number): boolean => readProcesses().some(one => one.pid === pid && one.state !== 'Z')

const membersOf = (child: Child): number => livingMembers(child.family).length

afterEach(async () => {
  await Promise.all(started.splice(0).map(child => child.stop({graceMs: 0})))
})

describe.each([
  ['plainly', launchPlainly],
  ['by execa', launchByExeca],
  ['by a waiting shell', (spec: ChildSpec) => launchReady(spec)],
])('startChild, with a child launched %s', (_name, launcher) => {
  beforeEach(() => {
    launch = launcher
  })

  it.each([
    ['exit 0', 0],
    ['exit 3', 3],
    ['exit 255', 255],
    ['kill -TERM $$', 143],
    ['kill -KILL $$', 137],
  ])('reports the end of `%s` as a shell does, with exit code %i', async (script, code) => {
    const child = await start(script)
    expect((await child.exited).code).toBe(code)
  })

  it('passes arguments unchanged', async () => {
    const words = ['a  b', '', '--', '-n', '$HOME', `it's "so"`, 'ü\n']
    const child = await start('', {argv: ['node', '-p', 'JSON.stringify(process.argv.slice(1))', ...words]})
    expect(JSON.parse(await nextLine(child))).toEqual(words)
  })

  it('gives the child exactly the specified environment', async () => {
    const child = await start('', {argv: ['/usr/bin/env'], env: {ONLY: 'this'}})
    const lines = (await nextLine(child)).split('\n')
    expect(lines.filter(line => !line.startsWith('LATE='))).toEqual(['ONLY=this'])
  })

  it('reports a command that does not exist with exit code 127', async () => {
    const error = await start('', {argv: ['no-such-command-here']}).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(ChildError)
    expect(error).toMatchObject({exitCode: 127, message: 'no-such-command-here: command not found'})
  })

  it('reports a command that is not executable with exit code 126', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'baton-test-'))
    const file = join(directory, 'tool')
    writeFileSync(file, '#!/bin/sh\n')
    chmodSync(file, 0o644)
    const error = await start('', {argv: [file]}).catch((reason: unknown) => reason)
    rmSync(directory, {recursive: true})
    expect(error).toMatchObject({exitCode: 126, message: `${file}: permission denied`})
  })

  it('reports a directory that does not exist with exit code 126', async () => {
    const error = await start('true', {cwd: '/no/such/directory'}).catch((reason: unknown) => reason)
    expect(error).toMatchObject({exitCode: 126})
  })

  it('makes the child the leader of its own Unix session and process group', async () => {
    const child = await start('echo ready; sleep 60')
    await nextLine(child)
    const entry = readProcesses().find(one => one.pid === child.pid)
    expect(entry).toMatchObject({group: child.pid, session: child.pid})
  })

  it("keeps the child in the parent's process group if the child shares the terminal", async () => {
    const child = await start('echo ready; sleep 60', {shape: 'terminal'})
    await nextLine(child)
    const table = readProcesses()
    const own = table.find(one => one.pid === process.pid)
    expect(table.find(one => one.pid === child.pid)?.group).toBe(own?.group)
  })
})

describe.each(['group', 'terminal'] as const)('stopping a child with its descendants (process layout: %s)', shape => {
  it('does not wait for the end of the grace period if the child ends at TERM', async () => {
    const child = await start('sleep 60 & echo ready; wait', {shape})
    await nextLine(child)
    const signals: string[] = []
    await child.stop({graceMs: 600_000, onSignal: name => signals.push(name)})
    expect(signals).toEqual(['SIGTERM'])
    expect(membersOf(child)).toBe(0)
  })

  it('sends TERM even to a process that is forked after the processes were listed', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'baton-test-'))
    const child = await start('echo ready; while [ ! -e go ]; do :; done; sleep 60 & : >forked; wait', {
      shape,
      cwd: folder,
    })
    await nextLine(child)
    const kill = process.kill.bind(process)
    const spy = vi.spyOn(process, 'kill').mockImplementation((pid, signal) => {
      if (signal === 'SIGTERM') writeFileSync(join(folder, 'go'), '')
      while (signal === 'SIGTERM' && !existsSync(join(folder, 'forked')));
      return kill(pid, signal)
    })
    const signals: string[] = []
    await child.stop({graceMs: 600_000, onSignal: name => signals.push(name)})
    spy.mockRestore()
    rmSync(folder, {recursive: true})
    expect(signals).toEqual(['SIGTERM'])
    expect(membersOf(child)).toBe(0)
  })

  it("does not signal a process that the child's TERM handler starts, as long as the child itself is running", async () => {
    const child = await start(`trap 'sleep 0.3; echo cleaned; exit' TERM; echo ready; while :; do sleep 0.01; done`, {
      shape,
    })
    await nextLine(child)
    const line = nextLine(child)
    await child.stop({graceMs: 600_000})
    expect(await line).toBe('cleaned')
  })

  it('at the end of the grace period, kills a grandchild that ignores TERM', async () => {
    const child = await start(`trap '' TERM; sh -c 'trap "" TERM; echo ready; while :; do sleep 1; done' & wait`, {
      shape,
    })
    await nextLine(child)
    const signals: string[] = []
    await child.stop({graceMs: 100, onSignal: name => signals.push(name)})
    expect(signals).toEqual(['SIGTERM', 'SIGKILL'])
    expect(membersOf(child)).toBe(0)
  })

  it('sends CONT after TERM, so that a suspended grandchild receives the TERM', async () => {
    const child = await start(`sh -c 'echo $$; kill -STOP $$; sleep 60' & wait`, {shape})
    const pid = Number(await nextLine(child))
    await until(() => readProcesses().find(one => one.pid === pid)?.state === 'T')
    const signals: string[] = []
    await child.stop({graceMs: 600_000, onSignal: name => signals.push(name)})
    expect(signals).toEqual(['SIGTERM'])
    expect(membersOf(child)).toBe(0)
  })

  it('stops processes that are still running after the child has ended', async () => {
    const child = await start('sleep 60 & echo ready', {shape})
    await nextLine(child)
    await child.exited
    expect(child.isGone()).toBe(false)
    await child.stop({graceMs: 600_000})
    expect(child.isGone()).toBe(true)
    expect(membersOf(child)).toBe(0)
  })

  it('stops a grandchild that has its own Unix session and whose parent ends first', async () => {
    const stubborn = `trap "" TERM; echo $$; while :; do sleep 1; done`
    const child = await start(`setsid sh -c '${stubborn}' & wait`, {shape})
    const pid = Number(await nextLine(child))
    await child.stop({graceMs: 100})
    expect(isRunning(pid)).toBe(false)
    expect(child.isGone()).toBe(true)
  })

  it('counts a process that it is not permitted to signal as still running', async () => {
    const child = await start('echo ready; sleep 60', {shape})
    await nextLine(child)
    const forbidden = vi.spyOn(process, 'kill').mockImplementation(() => {
      throw Object.assign(new Error('not permitted'), {code: 'EPERM'})
    })
    let isStopped = false
    const stopped = child.stop({graceMs: 10}).then(() => {
      isStopped = true
    })
    expect(() => child.signal('SIGTERM')).not.toThrow()
    await until(() => forbidden.mock.calls.some(([, signal]) => signal === 'SIGKILL'))
    await systemClock.sleep(30)
    expect(isStopped).toBe(false)
    forbidden.mockRestore()
    await stopped
    expect(child.isGone()).toBe(true)
  })

  it('does not wait for zombies', async () => {
    // The outer shell never waits for its child, so the child stays a zombie until the shell itself
    // ends.
    const child = await start('sh -c "exit 0" & exec node -e "console.log(1);setInterval(()=>{},1e3)"', {shape})
    await nextLine(child)
    await child.stop({graceMs: 10_000})
    expect(child.isGone()).toBe(true)
  })

  it('kills at once when `hurry` aborts', async () => {
    const child = await start(`trap '' TERM; echo ready; while :; do sleep 1; done`, {shape})
    await nextLine(child)
    const hurry = new AbortController()
    const stopped = child.stop({graceMs: 600_000, hurry: hurry.signal})
    hurry.abort()
    await stopped
    expect(child.isGone()).toBe(true)
  })

  it('does not signal processes that the child did not start', async () => {
    const bystander = spawnSync('sh', ['-c', 'sleep 60 >/dev/null 2>&1 & echo $!'], {encoding: 'utf8'})
    const pid = Number(bystander.stdout)
    const child = await start('echo ready; sleep 60', {shape})
    await nextLine(child)
    await child.stop({graceMs: 1000})
    const left = readProcesses().find(one => one.pid === pid)
    process.kill(pid, 'SIGKILL')
    expect(left?.state).toMatch(/[RSD]/)
  })
})

describe('a signal to a running child', () => {
  it('reaches the child and all its descendants', async () => {
    const child = await start(`sh -c 'trap "exit 5" USR1; echo ready; while :; do sleep 0.05; done'; exit $?`)
    await nextLine(child)
    child.signal('SIGUSR1')
    expect((await child.exited).code).toBe(138)
  })
})
