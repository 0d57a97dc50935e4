import {execFileSync} from 'node:child_process'
import {existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {backends, sharedAgent} from '../kit/backend.js'
import {raw} from '../kit/raw-consul.js'
import {type CommandResult, cliPath, runCommand} from '../kit/run-cli.js'
import {runInProcess} from '../kit/run-in-process.js'

const agent = sharedAgent(backends[0]!)
const home = mkdtempSync(join(tmpdir(), 'baton-full-'))
afterAll(() => rmSync(home, {recursive: true}))
const at = (name: string): string => join(home, name)

/** Returns the arguments, with a path for each name in braces. */
const argvOf = (words: string): string[] =>
  words.split(' ').map(word => word.replaceAll(/\{([\w.]+)\}/g, (_, name: string) => at(name)))

/** Runs a command that can create files, but cannot write a byte to them, as on a full disk. */
const run = (words: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<CommandResult> =>
  runCommand('/bin/bash', ['-c', 'ulimit -f 0; exec "$@"', 'bash', process.execPath, cliPath, ...words], {
    agent,
    env: {HOME: home, XDG_CONFIG_HOME: at('config'), XDG_STATE_HOME: at('state'), EDITOR: 'true', ...env},
  })

beforeAll(async () => {
  await raw(agent.address).kvPut('full/key', 'v')
  mkdirSync(at('trust'))
  writeFileSync(at('in.ctmpl'), '{{ key "full/key" }}')
  writeFileSync(at('old.txt'), 'old')
  execFileSync('/bin/sh', ['-c', 'mkfifo "$0"', at('pipe')])
})

/** Commands whose task is the file, each with the exit code, the line on stderr, and a file that must not exist then. */
const failing: readonly (readonly [words: string, exitCode: number, line: RegExp, absent?: string])[] = [
  ['keys init', 64, /^baton: key \S+default\.key\.json: cannot write it: EFBIG$/, 'config/baton/keys/default.key.json'],
  [
    'kv edit full/key',
    64,
    /^baton: temporary files: cannot write \S+: EFBIG \(set TMPDIR to a directory with space\)$/,
  ],
  ['event watch --name e --state {e.state} -- true', 64, /^baton: \S+e\.state\.lock: cannot be written: EFBIG$/],
  [
    'responder --trust-dir {trust} --state-dir {resp} --name n',
    64,
    /^baton: state \S+answer-key\.json: EFBIG/m,
    'resp/n/answer-key.json',
  ],
  ['lock --metrics-file {m.prom} full/lock true', 64, /^baton: --metrics-file: cannot write \S+: EFBIG$/m, 'm.prom'],
  ['lock hold --ready-file {ready} full/hold', 64, /--ready-file: cannot write \S+: EFBIG$/m, 'ready'],
  ['replicate a/@dc1:b/ --once --pid-file {pid}', 13, /^baton: --pid-file: cannot write \S+: EFBIG$/, 'pid'],
  ['template {in.ctmpl}:{new.txt} --once', 6, /^baton: \S+new\.txt: cannot be written: EFBIG/, 'new.txt'],
]

describe.concurrent('on a full disk', () => {
  const rows = failing.map(([words, exitCode, line, absent]) => ({words, exitCode, line, absent}))
  it.each(rows)('a command whose task is a file fails and leaves no part of it (command: $words)', async row => {
    const {words, exitCode, line, absent} = row
    const result = await run(argvOf(words))
    expect(result.stderr.trimEnd()).toMatch(line)
    expect(result.stderr).not.toContain('internal error')
    expect(result.exitCode).toBe(exitCode)
    if (absent !== undefined) expect(existsSync(at(absent))).toBe(false)
  })

  it('a template keeps the old file, and leaves no temporary file', async () => {
    expect((await run(['template', '--once', `${at('in.ctmpl')}:${at('old.txt')}`])).exitCode).toBe(6)
    expect(readFileSync(at('old.txt'), 'utf8')).toBe('old')
    expect(readdirSync(home).filter(name => name.includes('old.txt'))).toEqual(['old.txt'])
  })

  it('a lock runs its command, and one line says that the lock is not recorded', async () => {
    const {exitCode, stdout, stderr} = await run(['lock', 'full/recorded', 'echo held'])
    expect({exitCode, stdout}).toEqual({exitCode: 0, stdout: 'held\n'})
    expect(stderr).toMatch(/^baton: lock full\/recorded: no record for baton lock why: cannot write \S+: EFBIG\n$/)
  })

  it('a lock runs its command, and one line says that its events are lost', async () => {
    const {exitCode, stdout, stderr} = await run(['lock', '--events', at('events'), 'full/events', 'echo held'])
    expect({exitCode, stdout}).toEqual({exitCode: 0, stdout: 'held\n'})
    expect(stderr.match(/^baton: --events: cannot write to \S+events any more: EFBIG$/gm)).toHaveLength(1)
  })

  it('a lock that cannot begin leaves no record of a run', async () => {
    await run(['lock', '--events', at('no/events'), 'full/refused', 'true'])
    expect(existsSync(at('state/baton/locks/full%2Frefused.ndjson'))).toBe(false)
  })

  it('a command that writes only a cache of compiled code is not disturbed', async () => {
    expect(await run(['kv', 'get', 'full/key'])).toMatchObject({exitCode: 0, stdout: 'v\n', stderr: ''})
  })
})

/** Flags for files that baton replaces or removes. `{pipe}` is not a regular file, like /dev/null. */
const replacing: readonly (readonly [words: string, exitCode: number, line: RegExp])[] = [
  [
    'lock --metrics-file {pipe} full/lock true',
    64,
    /^baton: --metrics-file: cannot write \S+: it is not a regular file$/,
  ],
  ['lock hold --ready-file {pipe} full/pipe', 64, /^baton: --ready-file: cannot write \S+: it is not a regular file$/m],
  [
    'replicate a/@dc1:b/ --once --pid-file {pipe}',
    13,
    /^baton: --pid-file: cannot write \S+: it is not a regular file$/,
  ],
  ['event watch --name e --state {pipe} -- true', 64, /^baton: \S+pipe: cannot be created: it is not a regular file$/],
  ['template {in.ctmpl}:{pipe} --once', 6, /^baton: \S+pipe: cannot be written: it is not a regular file$/],
]

describe('a device or a pipe in the place of a file', () => {
  const rows = replacing.map(([words, exitCode, line]) => ({words, exitCode, line}))
  it.each(rows)('is refused and stays (command: $words)', async ({words, exitCode, line}) => {
    const result = await runInProcess(argvOf(words), {agent, env: {HOME: home, XDG_STATE_HOME: at('state')}})
    expect(result.stderr.trimEnd()).toMatch(line)
    expect(result.exitCode).toBe(exitCode)
    expect(statSync(at('pipe')).isFIFO()).toBe(true)
  })
})
