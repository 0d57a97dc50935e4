import {type ChildProcess, spawn} from 'node:child_process'
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import {bashWords, nodeGuardian} from '../../../src/process/guardian/guardian-script.js'
import {guardGroup, killQuietly} from '../../kit/process-guard.js'
import {findByEnv, isAlive} from '../../kit/processes.js'
import {waitUntil} from '../../kit/wait-until.js'

let folder = ''
let marks = 0
const started: number[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'baton-test-'))
})
afterEach(() => {
  for (const pid of started.splice(0)) killQuietly(-pid)
  for (const {pid} of findByEnv(mark())) killQuietly(pid)
  rmSync(folder, {recursive: true})
})

const lineLength = 40

const mark = () => `GUARDED=${process.pid}-${marks}`

/** Starts a child whose processes write their process IDs to the files that `script` names. */
function startFamily(script: string): number {
  marks += 1
  const [name, value] = mark().split('=') as [string, string]
  const child = spawn('sh', ['-c', script], {
    cwd: folder,
    detached: true,
    stdio: 'ignore',
    env: {PATH: process.env.PATH, [name]: value},
  })
  guardGroup(child.pid!)
  started.push(child.pid!)
  return child.pid!
}

const numberIn = (name: string): Promise<number> =>
  waitUntil(() => Number(readFileSync(join(folder, name), 'utf8')), {what: `a number in ${name}`})

const released = (): string => {
  try {
    return readFileSync(join(folder, 'released'), 'utf8')
  } catch {
    return ''
  }
}

const bootHundredths = (): number => Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * 100

describe.each([
  ['bash', ['bash', ...bashWords]],
  ['node', nodeGuardian],
] as const)('the guardian script for %s', (_name, [file, ...words]) => {
  function start(graceHundredths: number): ChildProcess {
    const release = ['sh', '-c', `cat >${folder}/released`]
    const facts = `payload\n${mark()}\n`
    const guardian = spawn(file, [...words, ...[graceHundredths, facts.length].map(String), ...release], {
      cwd: folder,
      detached: true,
      stdio: ['pipe', 'ignore', 'inherit'],
      env: {PATH: process.env.PATH, HOME: folder},
    })
    guardGroup(guardian.pid!)
    started.push(guardian.pid!)
    guardian.stdin.write(facts)
    return guardian
  }
  const tell = (guardian: ChildProcess, ...lines: string[]) =>
    guardian.stdin!.write(lines.map(one => `${one.padEnd(lineLength - 1)}\n`).join(''))
  const isGone = (guardian: ChildProcess) =>
    waitUntil(() => guardian.exitCode !== null, {what: 'the end of the guardian', timeoutMs: 20_000})

  const stubborn = (file_: string) => `sh -c 'trap "" TERM; echo $$ >${file_}; while :; do sleep 0.1; done'`

  it.each(['group', 'terminal'])(
    'when its pipe is closed, stops the child and its descendants, and then releases the lock (process layout: %s)',
    async shape => {
      const root = startFamily(`${stubborn('inner')} & setsid ${stubborn('outer')} & wait`)
      const members = [root, await numberIn('inner'), await numberIn('outer')]
      const guardian = start(20)
      tell(guardian, 'marked', `${shape} ${root}`)
      guardian.stdin!.end()
      await waitUntil(() => released() === 'payload', {what: 'the release', timeoutMs: 20_000})
      expect(members.filter(isAlive)).toEqual([])
      await isGone(guardian)
    },
  )

  it('stops a child that can be found only by the environment variable that marks it', async () => {
    startFamily(stubborn('child'))
    const child = await numberIn('child')
    const guardian = start(10)
    tell(guardian, 'marked')
    guardian.stdin!.end()
    await waitUntil(() => released() === 'payload', {what: 'the release', timeoutMs: 20_000})
    expect(isAlive(child)).toBe(false)
    await isGone(guardian)
  })

  it('stops the processes at a deadline that was not extended, but keeps the lock while its pipe is open', async () => {
    const root = startFamily(stubborn('child'))
    await numberIn('child')
    const guardian = start(10)
    const now = bootHundredths()
    tell(guardian, `group ${root}`, `deadline ${Math.floor(now - 100)} ${Math.floor(now + 30)}`)
    await waitUntil(() => !isAlive(root), {what: 'the end of the family', timeoutMs: 20_000})
    expect(released()).toBe('')
    tell(guardian, 'gone', 'released')
    await isGone(guardian)
    expect(released()).toBe('')
  })

  it('does not stop the processes at a deadline that was extended in time', async () => {
    const root = startFamily(stubborn('child'))
    await numberIn('child')
    const guardian = start(10)
    const soon = Math.floor(bootHundredths()) + 100
    tell(guardian, `group ${root}`, `deadline ${soon} ${soon}`)
    tell(guardian, `deadline ${soon + 100_000} ${soon + 100_000}`)
    await waitUntil(() => bootHundredths() > soon + 30, {what: 'the first deadline to pass'})
    expect(isAlive(root)).toBe(true)
    tell(guardian, 'gone', 'released')
    await isGone(guardian)
    expect(isAlive(root)).toBe(true)
  })

  it("does not run the shell's startup files", async () => {
    writeFileSync(join(folder, '.bashrc'), 'echo read >released; exit 1\n')
    const guardian = start(10)
    tell(guardian, 'released')
    await isGone(guardian)
    expect(guardian.exitCode).toBe(0)
    expect(released()).toBe('')
  })

  it('understands a line that arrives in two parts with a pause in between', async () => {
    const root = startFamily(stubborn('child'))
    await numberIn('child')
    const guardian = start(10)
    const late = Math.floor(bootHundredths()) + 100_000
    // With a deadline, the guardian reads with a timeout of a second.
    tell(guardian, `deadline ${late} ${late}`)
    const line = `${`group ${root}`.padEnd(lineLength - 1)}\n`
    guardian.stdin!.write(line.slice(0, 3))
    await new Promise(resolve => setTimeout(resolve, 1300))
    guardian.stdin!.write(line.slice(3))
    guardian.stdin!.end()
    await waitUntil(() => released() === 'payload', {what: 'the release', timeoutMs: 20_000})
    expect(isAlive(root)).toBe(false)
    await isGone(guardian)
  })
})
