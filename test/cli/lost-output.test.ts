import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {backends, sharedAgent} from '../kit/backend.js'
import {raw} from '../kit/raw-consul.js'
import {runInProcess} from '../kit/run-in-process.js'

const agent = sharedAgent(backends[0]!)
const folder = mkdtempSync(join(tmpdir(), 'baton-lost-output-'))
afterAll(() => rmSync(folder, {recursive: true}))

const text = readFileSync(new URL('../surface/commands.json', import.meta.url), 'utf8')
const {commands} = JSON.parse(text) as {readonly commands: Readonly<Record<string, unknown>>}

/** Arguments with which commands print a result. The exit code is the one with the output intact, if that is not 0. */
const rows: readonly (readonly [line: string, exitCode?: number])[] = [
  ['help'],
  ['help lock'],
  ['help connection'],
  ['kv get --print-config'],
  ['completion bash'],
  ['discover --service consul --once'],
  ['event -name lost'],
  ['event fire lost'],
  ['event list'],
  ['event prune lost --keep 1'],
  ['exec --via rexec --ack-timeout 200ms --node none true', 5],
  ['exec ls --json'],
  ['keys init lost{n} --keys-dir {folder}'],
  ['keys ls --keys-dir {folder} --trust-dir {folder} --json'],
  ['keys add {folder}/lost1.pub.json --trust-dir {folder}/trust'],
  ['kv cas lost/new{n} 1 --create'],
  ['kv delete lost/none'],
  ['kv diff lost/a lost/b', 1],
  ['kv export lost/'],
  ['kv get lost/a'],
  ['kv get -recurse lost/'],
  ['kv import @{folder}/export.json'],
  ['kv incr lost/count'],
  ['kv ls lost/'],
  ['kv put lost/a 1'],
  ['kv update lost/a -- sh -c echo'],
  ['kv wait-for lost/a'],
  ['kv watch lost/'],
  ['lock break lost/lock --yes --json', 1],
  ['lock history lost/lock --json', 1],
  ['lock ls --json'],
  ['lock overdue lost/lock --every 1h', 1],
  ['lock status lost/lock', 1],
  ['lock watch lost/lock'],
  ['lock why lost/lock --json', 1],
  ['members'],
  ['replicate lost/@dc1:copy/ --once --json'],
  ['replicate held --json'],
  ['service ls --json'],
  ['service register --name lost --json'],
  ['service maint --on --json'],
  ['service maint --off --json'],
  ['service deregister lost --json'],
  ['status --json'],
  ['template {folder}/a.tpl --once --dry'],
  ['watch -type key -key lost/a'],
  ['watch checks'],
  ['watch key lost/a'],
  ['watch keyprefix lost/ --ndjson'],
  ['watch nodes'],
  ['watch service consul'],
  ['watch services'],
]

let runs = 0
const wordsOf = (line: string): readonly string[] => {
  if (line.includes('{n}')) runs += 1
  return line.replaceAll('{folder}', folder).replaceAll('{n}', `${runs}`).split(' ')
}

beforeAll(async () => {
  writeFileSync(join(folder, 'export.json'), '[{"key":"lost/i","flags":0,"value":"MQ=="}]')
  writeFileSync(join(folder, 'a.tpl'), '{{ key "lost/a" }}')
  await raw(agent.address).kvPut('lost/a', '1')
})

describe('a command whose stdout cannot be written', () => {
  it.each(rows.map(([line, own = 0]) => ({line, own})))(
    'reports a full disk once and exits with 1, or with its own code if that is not 0: $line',
    async ({line, own}) => {
      const {exitCode, stderr} = await runInProcess(wordsOf(line), {agent, stdoutFault: 'ENOSPC'})
      expect(stderr.match(/^baton: stdout: .*$/gm)).toEqual(['baton: stdout: the reason'])
      expect(exitCode).toBe(own === 0 ? 1 : own)
    },
  )

  it.each(rows.map(([line, own = 0]) => ({line, own})))(
    'prints no message and keeps its exit code if the reader of stdout has closed the pipe: $line',
    async ({line, own}) => {
      const {exitCode, stderr} = await runInProcess(wordsOf(line), {agent, stdoutFault: 'EPIPE'})
      expect(stderr).not.toMatch(/EPIPE|^\s+at /m)
      expect(exitCode).toBe(own)
    },
  )

  it('does not fail on a full disk if it has nothing to print', async () => {
    const {exitCode, stderr} = await runInProcess(['lock', 'ls', 'lost/'], {agent, stdoutFault: 'ENOSPC'})
    expect({exitCode, stderr}).toEqual({exitCode: 0, stderr: ''})
  })

  it.each(Object.keys(commands))(
    'exits with 1 on a full disk, and with 0 if the reader has closed the pipe: help %s',
    async id => {
      const words = ['help', ...id.split(' ')]
      const full = await runInProcess(words, {agent, stdoutFault: 'ENOSPC'})
      expect({exitCode: full.exitCode, stderr: full.stderr}).toEqual({
        exitCode: 1,
        stderr: 'baton: stdout: the reason\n',
      })
      const closed = await runInProcess(words, {agent, stdoutFault: 'EPIPE'})
      expect({exitCode: closed.exitCode, stderr: closed.stderr}).toEqual({exitCode: 0, stderr: ''})
    },
  )
})
