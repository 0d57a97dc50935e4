import {chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, describe, expect, it} from 'vitest'
import {startEmbeddedAgent} from '../../../src/embedded/index.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {HttpProxy} from '../../kit/http-proxy.js'
import {raw} from '../../kit/raw-consul.js'
import {cliPath, runCli, startCli} from '../../kit/run-cli.js'
import {runInProcess, startInProcess} from '../../kit/run-in-process.js'
import {waitUntil} from '../../kit/wait-until.js'

const directory = mkdtempSync(join(tmpdir(), 'baton-test-'))
afterAll(() => rmSync(directory, {recursive: true, force: true}))

let scripts = 0
/** Writes a script that serves as an editor or a command. For an editor, `$1` is the file. */
function script(text: string): string {
  const path = join(directory, `script-${(scripts += 1)}`)
  writeFileSync(path, `#!/bin/sh\n${text}\n`)
  chmodSync(path, 0o755)
  return path
}

describe.each(backends)('the commands for use in scripts, on $name', backend => {
  const agent = sharedAgent(backend, {datacenters: ['dc1', 'dc2']})
  const consul = () => raw(agent.address)
  /**
   * `kv update` runs a child that inherits stderr, so the command runs in a separate process, not in that of the test.
   */
  const kv = (...words: string[]) => (words[0] === 'update' ? runCli : runInProcess)(['kv', ...words], {agent})
  /** Returns a shell command that writes a key as another client would. */
  const put = (key: string, value: string): string =>
    `CONSUL_HTTP_ADDR='${agent.address}' '${process.execPath}' '${cliPath}' kv put ${key} ${value} >/dev/null`
  const valueOf = async (key: string): Promise<string> => (await kv('get', '--raw', key)).stdout

  describe('kv incr', () => {
    it('counts each of several concurrent calls, and keeps the flags', async () => {
      await consul().kvPut('n/count', '5', {flags: '7'})
      const results = await Promise.all(Array.from({length: 4}, () => kv('incr', 'n/count', '--by', '10')))
      expect(results.map(({stdout}) => stdout).sort()).toEqual(['15\n', '25\n', '35\n', '45\n'])
      expect((await kv('get', '-detailed', 'n/count')).stdout).toMatch(/^Flags +7$/m)
      expect((await kv('incr', 'n/count', '--by=-50', '--json')).stdout).toBe(
        '{\n  "key": "n/count",\n  "value": "-5"\n}\n',
      )
      expect((await kv('incr', 'n/new')).stdout).toBe('1\n')
    })

    it('refuses a value that is not a whole number, and a sum that is too large', async () => {
      await consul().kvPut('n/text', 'a secret that is long enough to be cut')
      const refused = await kv('incr', 'n/text')
      expect(refused).toMatchObject({exitCode: 1, stdout: ''})
      expect(refused.stderr).toBe("Error! Did not write to n/text: 'a secret that is lo…' is not a whole number\n")
      await consul().kvPut('n/most', '9223372036854775807')
      expect((await kv('incr', 'n/most')).exitCode).toBe(1)
      expect(await valueOf('n/most')).toBe('9223372036854775807')
    })
  })

  describe('kv update', () => {
    it("passes the value to the command byte for byte, and writes the command's output", async () => {
      const bytes = Buffer.from([0, 255, 10, 128])
      await consul().kvPut('u/bytes', bytes, {flags: '9'})
      const {stdout} = await kv('update', 'u/bytes', '--', 'sh', '-c', 'cat; printf x')
      expect(stdout).toBe('Success! Data written to: u/bytes\n')
      expect((await kv('get', '--raw', 'u/bytes')).stdoutBytes).toEqual(Buffer.concat([bytes, Buffer.from('x')]))
      expect((await kv('get', '-detailed', 'u/bytes')).stdout).toMatch(/^Flags +9$/m)
      expect((await kv('update', 'u/bytes', '--', 'cat')).stdout).toBe('Unchanged: u/bytes\n')
      expect((await kv('update', 'u/new', '--', 'printf', '--debug')).exitCode).toBe(0)
      expect(await valueOf('u/new')).toBe('--debug')
    })

    it('runs the command again if another client wrote the key in the meantime', async () => {
      await consul().kvPut('u/race', 'a')
      const marker = join(directory, `${backend.name}.raced`)
      const command = script(`test -e ${marker} || { touch ${marker}; ${put('u/race', 'b')}; }; cat; printf c`)
      expect((await kv('update', 'u/race', '--', command)).exitCode).toBe(0)
      expect(await valueOf('u/race')).toBe('bc')
    })

    it('writes nothing if the command fails, prints nothing, or cannot be started', async () => {
      await consul().kvPut('u/safe', 'kept')
      const failed = await kv('update', 'u/safe', '--', 'sh', '-c', 'echo half; echo why >&2; exit 7')
      expect(failed).toMatchObject({exitCode: 7, stdout: ''})
      expect(failed.stderr).toBe('why\nError! Did not write to u/safe: sh ended with 7\n')
      const empty = await kv('update', 'u/safe', '--', 'true')
      expect(empty.exitCode).toBe(1)
      expect(empty.stderr).toContain('--allow-empty')
      expect((await kv('update', 'u/safe', '--', '/no/such/command')).exitCode).toBe(127)
      expect((await kv('update', 'u/safe')).exitCode).toBe(64)
      expect(await valueOf('u/safe')).toBe('kept')
      expect((await kv('update', '--allow-empty', 'u/safe', '--', 'true')).exitCode).toBe(0)
      expect(await valueOf('u/safe')).toBe('')
    })

    it('stops the command if baton is stopped, and writes nothing', async () => {
      await consul().kvPut('u/stop', 'kept')
      await using running = startCli(
        ['kv', 'update', 'u/stop', '--', 'sh', '-c', 'echo started >&2; printf x; sleep 1000'],
        {agent},
      )
      await running.waitForOutput(/started/, {stream: 'stderr'})
      running.kill('SIGTERM')
      expect((await running.exited).exitCode).toBe(143)
      expect(await valueOf('u/stop')).toBe('kept')
    })
  })

  describe('kv edit', () => {
    const edit = (editor: string, ...words: string[]) =>
      runInProcess(['kv', 'edit', ...words], {agent, env: {EDITOR: editor, VISUAL: undefined, TMPDIR: directory}})
    const keptFile = (stderr: string): string => /the edited text is in (\S+)/.exec(stderr)?.[1] ?? ''

    it('writes the edited value, without the newline that the editor added', async () => {
      await consul().kvPut('e/a', 'one', {flags: '3'})
      const seen = join(directory, `${backend.name}.seen`)
      const {stdout} = await edit(script(`echo "$1" >${seen}; echo two >"$1"`), 'e/a')
      expect(stdout).toBe('Success! Data written to: e/a\n')
      expect(await valueOf('e/a')).toBe('two')
      expect((await kv('get', '-detailed', 'e/a')).stdout).toMatch(/^Flags +3$/m)
      expect(existsSync(readFileSync(seen, 'utf8').trim())).toBe(false)
      expect((await edit('true', 'e/a')).stdout).toBe('Unchanged: e/a\n')
      expect((await edit(script('printf new >"$1"'), 'e/new', '--json')).stdout).toContain('"written": true')
      expect(await valueOf('e/new')).toBe('new')
    })

    it('writes nothing if the key has changed in the meantime, and names a file with the edited text', async () => {
      await consul().kvPut('e/race', 'a')
      const result = await edit(script(`printf mine >"$1"; ${put('e/race', 'theirs')}`), 'e/race')
      expect(result).toMatchObject({exitCode: 1, stdout: ''})
      expect(result.stderr).toMatch(
        /^Error! Did not write to e\/race: it has changed meanwhile; the edited text is in /,
      )
      expect(readFileSync(keptFile(result.stderr), 'utf8')).toBe('mine')
      expect(await valueOf('e/race')).toBe('theirs')
    })

    it('keeps the edited text if the editor or Consul fails', async () => {
      await consul().kvPut('e/fail', 'a')
      const failed = await edit(script('printf mine >"$1"; exit 3'), 'e/fail')
      expect(failed.exitCode).toBe(3)
      expect(readFileSync(keptFile(failed.stderr), 'utf8')).toBe('mine')
      await using proxy = await HttpProxy.start(agent.address)
      proxy.on({method: 'PUT', path: '/v1/kv/e/fail'}, 'reset')
      const cut = await runInProcess(['kv', 'edit', 'e/fail'], {
        agent: {address: proxy.address},
        env: {EDITOR: script('printf mine >"$1"'), TMPDIR: directory},
      })
      expect(cut.exitCode).toBe(69)
      expect(readFileSync(keptFile(cut.stderr), 'utf8')).toBe('mine')
      expect(await valueOf('e/fail')).toBe('a')
    })

    it('refuses to empty a key, and refuses to run without a terminal if no editor is set', async () => {
      await consul().kvPut('e/kept', 'a')
      expect((await edit(script(': >"$1"'), 'e/kept')).exitCode).toBe(1)
      expect(await edit(script('rm "$1"'), 'e/kept')).toMatchObject({
        exitCode: 1,
        stderr:
          'Error! Did not write to e/kept: the editor left no file that can be read, or a file of more than 64 MB\n',
      })
      expect((await edit(script('ln -sf /dev/zero "$1"'), 'e/kept')).exitCode).toBe(1)
      expect(await valueOf('e/kept')).toBe('a')
      const none = await edit('', 'e/kept')
      expect([none.exitCode, none.stderr]).toEqual([
        64,
        'baton: kv edit: there is no terminal and no editor (set VISUAL or EDITOR)\n',
      ])
    })
  })

  describe('kv wait-for', () => {
    it('waits until the key exists, and prints its value', async () => {
      await using proxy = await HttpProxy.start(agent.address)
      await using waiting = startInProcess(['kv', 'wait-for', 'w/ready'], {agent: {address: proxy.address}})
      await waitUntil(() => proxy.count({path: /ready\?.*index=/}) > 0, {what: 'the blocking query'})
      await consul().kvPut('w/ready', 'yes')
      expect(await waiting.exited).toMatchObject({exitCode: 0, stdout: 'yes\n', stderr: ''})
      expect((await kv('wait-for', 'w/ready')).stdout).toBe('yes\n')
    })

    it('waits for a value, or for a write after a given index', async () => {
      await consul().kvPut('w/phase', 'starting')
      await using waiting = startInProcess(['kv', 'wait-for', 'w/phase=running=fast'], {agent})
      await consul().kvPut('w/phase', 'running')
      await consul().kvPut('w/phase', 'running=fast')
      expect(await waiting.exited).toMatchObject({exitCode: 0, stdout: 'running=fast\n'})
      const {modifyIndex} = JSON.parse((await kv('get', '--json', 'w/phase')).stdout) as {modifyIndex: number}
      await using later = startInProcess(['kv', 'wait-for', 'w/phase', '--index', String(modifyIndex), '--json'], {
        agent,
      })
      await consul().kvPut('w/phase', 'stopped')
      expect(JSON.parse((await later.exited).stdout)).toMatchObject({value: Buffer.from('stopped').toString('base64')})
    })

    it('exits with 75 after its time limit, and with 69 if Consul cannot be reached', async () => {
      const late = await kv('wait-for', 'w/never', '--timeout', '100ms')
      expect([late.exitCode, late.stderr]).toEqual([75, 'Error! w/never: timed out: the key does not exist\n'])
      await consul().kvPut('w/other', 'x')
      const {stdout, exitCode} = await kv('wait-for', 'w/other=y', '--timeout=0', '--json')
      const message = expect.stringContaining('it has another value, and its ModifyIndex is')
      expect([exitCode, JSON.parse(stdout)]).toMatchObject([75, {error: {code: 'BATON_TIMEOUT', message}}])
      expect((await kv('wait-for', 'w/x', '-http-addr=127.0.0.1:1')).exitCode).toBe(69)
    })

    it('exits with 75 if Consul does not answer within the time limit', async () => {
      await using slow = await startEmbeddedAgent()
      using _delay = slow.faults.inject({path: '/v1/kv/', delayMs: 60_000})
      const {exitCode, stderr} = await kv('wait-for', 'w/x', '--timeout=100ms', `-http-addr=${slow.address}`)
      expect([exitCode, stderr]).toEqual([75, 'Error! w/x: timed out: Consul has not answered\n'])
    })
  })

  describe('kv diff', () => {
    it('lists keys that exist on one side only or differ in value or flags, and exits with 1', async () => {
      for (const [key, value] of [
        ['same', '1'],
        ['value', '1'],
        ['left', '1'],
        ['flags', '1'],
      ])
        await consul().kvPut(`d/a/${key}`, value ?? '')
      for (const [key, value] of [
        ['same', '1'],
        ['value', '2'],
        ['right', '1'],
      ])
        await consul().kvPut(`d/b/${key}`, value ?? '')
      await consul().kvPut('d/b/flags', '1', {flags: '5'})
      const result = await kv('diff', 'd/a/', 'd/b/')
      expect(result).toMatchObject({exitCode: 1, stderr: ''})
      expect(result.stdout).toBe('~ flags (flags)\n- left\n+ right\n~ value (value)\n')
      expect(await kv('diff', 'd/a/', '/d/a/')).toMatchObject({exitCode: 0, stdout: ''})
    })

    it('compares datacenters, and says which side has no keys', async () => {
      await consul().kvPut('x/only1', '1')
      const result = await kv('diff', 'x/@dc1', 'x/@dc2')
      expect(result).toMatchObject({exitCode: 1, stdout: '- only1\n', stderr: 'baton: x/@dc2: there are no keys\n'})
      expect((await kv('diff', 'x/@dc1', 'x/@nowhere')).exitCode).not.toBe(0)
    })
  })

  it('kv import --prefix puts a folder name before each key', async () => {
    const data = '[{"key":"a","value":"eA=="},{"key":"f/","value":""}]'
    expect((await kv('import', '--prefix', 'p', data)).stdout).toBe('Imported: p/a\nImported: p/f/\n')
    expect((await kv('import', '--prefix=p/', '--dry-run', data)).stdout).toBe('unchanged p/a\nunchanged p/f/\n')
    expect((await kv('import', '--prefix=p/', '[{"key":"","value":""}]')).exitCode).toBe(64)
  })

  it('baton members lists the agents of the LAN and of the WAN', async () => {
    const lan = await runInProcess(['members'], {agent})
    expect(lan).toMatchObject({exitCode: 0, stderr: ''})
    expect(lan.stdout).toMatch(
      /^Node +Address +Status +Type +Build +Protocol +DC +Segment\n\S+ +\S+:\d+ +alive +server /,
    )
    const wan = await runInProcess(['members', '--wan', '--json'], {agent})
    const {members} = JSON.parse(wan.stdout) as {members: {name: string; tags: {dc: string}}[]}
    expect(members.map(({tags}) => tags.dc).sort()).toEqual(['dc1', 'dc2'])
    expect(await runInProcess(['members', '-status=failed'], {agent})).toMatchObject({exitCode: 2, stdout: ''})
    expect((await runInProcess(['members', '--status', '('], {agent})).exitCode).toBe(64)
  })
})
