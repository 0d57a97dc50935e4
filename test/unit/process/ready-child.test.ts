import {existsSync, readdirSync, readFileSync, realpathSync} from 'node:fs'
import {afterEach, describe, expect, it} from 'vitest'
import {systemClock} from '../../../src/core/time/clock.js'
import type {ChildSpec} from '../../../src/process/child-spec.js'
import {launchPlainly} from '../../../src/process/launch.js'
import {ReadyChild} from '../../../src/process/ready-child.js'
import {waitUntil} from '../../kit/wait-until.js'

const {PATH = ''} = process.env
let marks = 0
let open: ReadyChild[] = []

function specOf(argv: ChildSpec['argv'], env: Readonly<Record<string, string>> = {}): ChildSpec {
  marks += 1
  return {
    argv,
    env: {PATH, READY_MARK: `${process.pid}-${marks}`, ...env},
    stdin: 'ignore',
    output: 'pipe',
    shape: 'group',
    clock: systemClock,
  }
}

function prepare(spec: ChildSpec): ReadyChild {
  const ready = new ReadyChild({spec, lateVariable: 'TOKEN'})
  open.push(ready)
  return ready
}

async function outputOf(ready: ReadyChild, spec: ChildSpec): Promise<string> {
  const launched = await ready.launch({...spec, env: {...spec.env, TOKEN: '42'}})
  if (!('child' in launched)) throw new Error(launched.message)
  let text = ''
  for await (const chunk of launched.child.stdout!) text += String(chunk)
  return text
}

/** Returns the IDs of the processes that have the READY_MARK of this child in their environment. */
function marked(spec: ChildSpec): number[] {
  return readdirSync('/proc')
    .filter(name => {
      try {
        return readFileSync(`/proc/${name}/environ`, 'latin1').includes(`READY_MARK=${spec.env['READY_MARK']}\0`)
      } catch {
        return false
      }
    })
    .map(Number)
}

afterEach(() => {
  for (const ready of open) ready[Symbol.dispose]()
  open = []
})

const isDash = process.platform === 'linux' && realpathSync('/bin/sh').endsWith('/dash')

describe.runIf(process.platform === 'linux')('ReadyChild, a shell that waits to become the program', () => {
  it.each<[string, Readonly<Record<string, string>>]>([
    ['ordinary names', {_: '/usr/bin/node', HOME: '/', EMPTY: '', TEXT: 'a "b"\n$c'}],
    ['the current folder', {PWD: process.cwd()}],
    ['another folder', {PWD: '/usr'}],
    ['names of the shell', {IFS: ':', OPTIND: '7', PS1: '> ', SHLVL: '3', OLDPWD: '/usr', value: 'x'}],
    ['names that a shell cannot have', {'a.b': '1', 'BASH_FUNC_f%%': '() { :; }'}],
  ])('gives the program the same environment as a process that is started directly (case: %s)', async (_name, env) => {
    const program = ['node', '-p', 'JSON.stringify(Object.entries(process.env).sort())'] as const
    const spec = specOf([...program], env)
    const expected = await launchPlainly({...spec, env: {...spec.env, TOKEN: '42'}})
    if (!('child' in expected)) throw new Error(expected.message)
    let text = ''
    for await (const chunk of expected.child.stdout!) text += String(chunk)
    expect(await outputOf(prepare(spec), spec)).toBe(text)
  })

  it.runIf(isDash)('is a process that exists before the launch, and becomes the program at the launch', async () => {
    const spec = specOf(['sh', '-c', 'echo $$'])
    const ready = prepare(spec)
    const [pid] = marked(spec)
    expect(pid).toBeGreaterThan(0)
    expect(await outputOf(ready, spec)).toBe(`${pid}\n`)
  })

  it('launches the program with the arguments of the launch, even if it was prepared for other arguments', async () => {
    const spec = specOf(['echo', 'one'])
    expect(await outputOf(prepare(spec), {...spec, argv: ['echo', 'other']})).toBe('other\n')
  })

  it('never starts the program if it is disposed of', async () => {
    const spec = specOf(['sh', '-c', 'echo ran >&2; sleep 60'])
    const ready = prepare(spec)
    ready[Symbol.dispose]()
    await waitUntil(() => marked(spec).length === 0, {what: 'the shell ends'})
  })

  it('launches the program even if the shell was killed before that', async () => {
    const spec = specOf(['echo', 'done'])
    const ready = prepare(spec)
    const pids = marked(spec)
    for (const pid of pids) process.kill(pid, 'SIGKILL')
    await waitUntil(() => !pids.some(pid => existsSync(`/proc/${pid}`)), {what: 'the end of the shell is noticed'})
    expect(await outputOf(ready, spec)).toBe('done\n')
  })

  it('does not start a shell for a program that does not exist', async () => {
    const spec = specOf(['no-such-command-here'])
    expect(await prepare(spec).launch({...spec, env: {...spec.env, TOKEN: '42'}})).toMatchObject({code: 'ENOENT'})
  })
})
