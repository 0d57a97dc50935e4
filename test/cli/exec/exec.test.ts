import {appendFileSync, chmodSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {type ConsulClient, createClient} from '../../../src/core/client.js'
import {expectNothingLeft, openFolder} from '../../integration/exec/support.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {isAlive} from '../../kit/processes.js'
import {type CommandHandle, type CommandResult, cliPath, runCli, startCli, startCommand} from '../../kit/run-cli.js'
import {waitUntil} from '../../kit/wait-until.js'

const embedded = backends.filter(backend => backend.name === 'embedded')
const backend = embedded[0] ?? backends[0]
if (!backend) throw new Error('no backend')

describe('baton exec, baton responder and baton keys', () => {
  const agent = sharedAgent(backend)
  let folder: Awaited<ReturnType<typeof openFolder>>
  let client: ConsulClient
  const responders: CommandHandle[] = []
  const at = (name: string): string => join(folder.path, name)
  const keys = (): string[] => ['--keys-dir', at('keys')]
  const trust = (): string[] => ['--trust-dir', at('trust')]
  const exec = (...words: string[]): Promise<CommandResult> =>
    runCli(['exec', '--ack-timeout', '20s', ...keys(), ...words], {agent})

  async function startResponder(name: string, ...more: string[]): Promise<CommandHandle> {
    const words = ['responder', '--name', name, '--state-dir', at('state'), ...trust(), ...more]
    const handle = startCli(words, {agent, env: {SECRET_TOKEN: 'hush'}})
    responders.push(handle)
    await handle.waitForOutput(new RegExp(`responder ${name}: ready`), {timeoutMs: 30_000})
    return handle
  }

  beforeAll(async () => {
    folder = await openFolder()
    client = createClient({address: agent.address})
    expect((await runCli(['keys', 'init', ...keys()])).exitCode).toBe(0)
    expect((await runCli(['keys', 'add', at('keys/default.pub.json'), ...trust()])).exitCode).toBe(0)
    await Promise.all(['r1', 'r2', 'r3'].map(name => startResponder(name)))
  })
  afterAll(async () => {
    await Promise.all(responders.map(one => one[Symbol.asyncDispose]()))
    await client[Symbol.asyncDispose]()
    await folder[Symbol.asyncDispose]()
  })

  it("run a command on three responders, and hide the responders' secrets from it", async () => {
    const {stdout, exitCode} = await exec('echo "on $BATON_EXEC_NODE $SECRET_TOKEN"')
    for (const node of ['r1', 'r2', 'r3']) {
      const output = stdout.indexOf(`    ${node}: on ${node} \n`)
      expect(output).toBeGreaterThanOrEqual(0)
      expect(stdout.indexOf(`==> ${node}: finished with exit code 0\n`)).toBeGreaterThan(output)
    }
    expect(stdout).toMatch(/\n3 \/ 3 node\(s\) completed \/ acknowledged\n$/)
    expect(exitCode).toBe(0)
    await expectNothingLeft(client)
  })

  it('join arguments by spaces for a shell, but pass arguments after -- unchanged', async () => {
    const go = await exec('-node=r1', 'echo', 'a', ' b;', 'echo', '$HOME')
    expect(go.stdout).toContain(`    r1: a b\n    r1: ${process.env['HOME'] ?? ''}\n`)
    const native = await exec('-node=r1', '--', 'printf', '%s|', 'a b', '$HOME', '-x', '--')
    expect(native.stdout).toContain('    r1: a b|$HOME|-x|--|\n')
    const bare = await exec('-node=r1', '-shell=false', 'echo', '$HOME')
    expect(bare.stdout).toContain('    r1: $HOME\n')
  })

  it('run a script from a file or from stdin', async () => {
    writeFileSync(at('script'), '#!/bin/sh\necho "script on $BATON_EXEC_NODE"\n')
    expect((await exec('--node', 'r1', '--script', at('script'))).stdout).toContain('    r1: script on r1\n')
    const piped = await runCli(['exec', ...keys(), '--node', 'r1', '-'], {agent, input: 'echo from stdin\n'})
    expect(piped.stdout).toContain('    r1: from stdin\n')
  })

  it("run a script even if the responder's state directory is a relative path", async () => {
    const words = ['responder', '--name', 'near', '--state-dir', './near-state', ...trust()]
    await using near = startCli(words, {agent, cwd: folder.path})
    await near.waitForOutput(/responder near: ready/, {timeoutMs: 30_000})
    writeFileSync(at('near-script'), '#!/bin/sh\necho near\n')
    const {stdout} = await exec('--node', '^near$', '--script', at('near-script'))
    expect(stdout).toContain('    near: near\n')
  })

  it('print one object with --json, and one object per line with --ndjson', async () => {
    const one = await exec('--json', '--node', 'r[12]', 'echo "$BATON_EXEC_NODE"; exit 4')
    expect(one.exitCode).toBe(2)
    expect(JSON.parse(one.stdout)).toMatchObject({
      verdict: 'failed',
      exit: 2,
      nodes: [
        {node: 'r1', outcome: {type: 'failed', code: 4}, output: {stdout: {text: 'r1\n'}}},
        {node: 'r2', outcome: {type: 'failed', code: 4}, output: {stdout: {text: 'r2\n'}}},
      ],
    })
    const many = await exec('--ndjson', '--node', 'r1', 'echo hi')
    const types = many.stdout
      .trimEnd()
      .split('\n')
      .map(line => (JSON.parse(line) as {type: string}).type)
    expect(types).toEqual(['targets', 'ack', 'output', 'exit', 'outcome', 'summary'])
  })

  it('report dropped output with an exit code of its own, and drop nothing with --max-output 0', async () => {
    const line = 'head -c 2000000 /dev/zero'
    const cut = await exec('--json', '--node', 'r1', '--max-output', '64K', line)
    expect([cut.exitCode, JSON.parse(cut.stdout)]).toMatchObject([
      8,
      {verdict: 'truncated', exit: 8, nodes: [{outcome: {type: 'ok'}, droppedBytes: 2_000_000 - 65_536}]},
    ])
    expect(cut.stderr).toContain('1934464 bytes of r1')
    const whole = await exec('--json', '--node', 'r1', '--max-output', '0', line)
    expect([whole.exitCode, JSON.parse(whole.stdout)]).toMatchObject([
      0,
      {nodes: [{output: {stdout: {text: '\0'.repeat(2_000_000)}}}]},
    ])
  })

  it('refuse an unsigned job and a job of an untrusted key with exit code 6', async () => {
    const ran = at('refused')
    const unsigned = await exec('--node', 'r1', '--unsigned', `touch ${ran}`)
    expect([unsigned.exitCode, unsigned.stdout]).toEqual([6, expect.stringContaining('==> r1: refused: unsigned:')])
    await runCli(['keys', 'init', 'stranger', ...keys()])
    const stranger = await exec('--node', 'r1', '--key', 'stranger', `touch ${ran}`)
    expect([stranger.exitCode, stranger.stdout]).toEqual([6, expect.stringContaining('==> r1: refused: unknown-key:')])
    const keyless = await runCli(['exec', '--keys-dir', at('none'), '--node', 'r1', `touch ${ran}`], {agent})
    expect([keyless.exitCode, keyless.stderr]).toEqual([6, expect.stringMatching(/baton keys init .*: --via rexec\)/)])
    expect(() => readFileSync(ran)).toThrow(/ENOENT/)
    await expectNothingLeft(client)
  })

  it('refuse jobs that were signed with a revoked key', async () => {
    await runCli(['keys', 'init', 'brief', ...keys()])
    await runCli(['keys', 'add', at('keys/brief.pub.json'), ...trust()])
    expect((await exec('--node', 'r1', '--key', 'brief', 'true')).exitCode).toBe(0)
    expect((await runCli(['keys', 'revoke', 'brief', ...trust()])).exitCode).toBe(0)
    const after = await exec('--node', 'r1', '--key', 'brief', 'true')
    expect([after.exitCode, after.stdout]).toEqual([6, expect.stringContaining('key-revoked')])
    const listed = await runCli(['keys', 'ls', ...keys(), ...trust()])
    expect(listed.stdout).toMatch(/trust {2}brief {2}revoked\n/)
  })

  it('keep the trusted keys if an invalid file is added, and report the invalid file, also in `keys ls`', async () => {
    const words = ['--trust-dir', at('pushed')]
    await runCli(['keys', 'add', at('keys/default.pub.json'), ...words])
    await using pushed = startCli(['responder', '--name', 'pushed', '--state-dir', at('state'), ...words], {agent})
    await pushed.waitForOutput(/responder pushed: ready/, {timeoutMs: 30_000})
    writeFileSync(at('pushed/bad.json'), '{')
    expect((await exec('--node', '^pushed$', 'true')).exitCode).toBe(0)
    await pushed.waitForOutput(/bad\.json: not a public key of baton.*: the 1 key\(s\) of before stay trusted/)
    expect((await runCli(['keys', 'ls', ...keys(), ...words])).stderr).toContain('bad.json')
    rmSync(at('pushed/bad.json'))
    expect((await exec('--node', '^pushed$', 'true')).exitCode).toBe(0)
    await pushed.waitForOutput(/trust read again: 1 key\(s\)/)
  })

  it('never run a job again after its responder was killed, and report that the end of the job is unknown', async () => {
    const victim = await startResponder('victim')
    const job = startCli(
      [
        'exec',
        ...keys(),
        '--ack-timeout',
        '20s',
        '--wait',
        '1s',
        '--node',
        'victim',
        `echo $$ >> ${at('runs')}; sleep 600`,
      ],
      {
        agent,
      },
    )
    await using running = job
    await waitUntil(() => folder.lines('runs').length === 1, {what: 'the job to run'})
    victim.kill('SIGKILL')
    await victim.exited
    await startResponder('victim')
    const {stdout, exitCode} = await running.exited
    expect(stdout).toContain('==> victim: lost: its responder was restarted while the job ran\n')
    expect(exitCode).toBe(3)
    expect(folder.lines('runs')).toHaveLength(1)
    await expectNothingLeft(client)
  })

  it('report a node as lost if its responder died during the job, and stop the command that ran there', async () => {
    const mortal = await startResponder('mortal', '--ttl', '1s')
    const words = [
      '--wait',
      '500ms',
      '--grace',
      '1s',
      '--ack-timeout',
      '20s',
      '--node',
      'mortal',
      `trap '' TERM; echo $$ >> ${at('lost')}; while :; do sleep 0.1; done`,
    ]
    await using running = startCli(['exec', ...keys(), ...words], {agent})
    await waitUntil(() => folder.lines('lost').length === 1, {what: 'the job to run'})
    mortal.kill('SIGKILL')
    await waitUntil(() => !isAlive(Number(folder.lines('lost')[0])), {what: 'the guardian to stop the job'})
    const {stdout, exitCode} = await running.exited
    expect(stdout).toMatch(/==> mortal: lost: nothing heard for .*, and its health check fails\n/)
    expect(exitCode).toBe(3)
    await expectNothingLeft(client)
  })

  it('stop the remote children if the command is interrupted', async () => {
    await using command = startCli(['exec', ...keys(), '--node', 'r1', `echo $$ >> ${at('pids')}; exec sleep 600`], {
      agent,
    })
    await waitUntil(() => folder.lines('pids').length === 1, {what: 'the job to run'})
    command.kill('SIGTERM')
    const {exitCode, stdout} = await command.exited
    expect([exitCode, stdout]).toEqual([143, expect.stringContaining('==> r1: cancelled\n')])
    expect(() => process.kill(Number(folder.lines('pids')[0]), 0)).toThrow(/ESRCH/)
    await expectNothingLeft(client)
  })

  it.each([['--ndjson'], ['--verbose']])(
    'stop the remote command and end if stdout is closed (with the flag %s)',
    async flag => {
      const line = `echo $$ >> ${at(`unread${flag}`)}; while :; do echo again; sleep 0.1; done`
      const words = ['exec', ...keys(), '--node', 'r1', '--ack-timeout', '20s', flag, line]
      const script = '{ "$0" "$@"; echo "ended with $?" >&2; } | head -n 1'
      await using command = startCommand('sh', ['-c', script, process.execPath, cliPath, ...words], {agent})
      const {stdout, stderr} = await command.exited
      expect(stdout.trimEnd().split('\n')).toHaveLength(1)
      expect(stderr).toMatch(flag === '--ndjson' ? /^ended with 1\n$/ : /ended with 1\n$/)
      const [pid] = folder.lines(`unread${flag}`)
      if (pid !== undefined) expect(() => process.kill(Number(pid), 0)).toThrow(/ESRCH/)
      await expectNothingLeft(client)
    },
  )

  it.concurrent.each([
    [['exec'], 'Must specify a command to execute'],
    [['exec', '--node', '(', 'true'], "node filter '('"],
    [['exec', '--tag', 'x', 'true'], 'Cannot provide tag filter without service filter.'],
    [['exec', '--max-output', '1.5M', 'true'], "'1.5M' is not a size"],
    [['exec', '--timeout', '5', 'true'], "'5' is not a duration"],
    [['exec', '--via', 'ssh', 'true'], '--via'],
    [['exec', '--', '', 'x'], 'the name of the program is empty'],
    [['exec', '--script', '/no/such/file'], 'cannot read /no/such/file'],
    [['exec', '--script', '/dev/null', 'true'], 'both a script and a command'],
    [['exec', '--shell=false', '-'], 'Cannot configure -shell=false when reading from stdin'],
    [['exec', '--no-such-flag', 'true'], '--no-such-flag'],
    [['exec', '--key', 'nobody', 'true'], 'nobody.key.json: cannot read it'],
    [['responder', '--trust-dir', '/no/such/dir'], 'trust /no/such/dir'],
    [['responder', '--allow-unsigned', '--trust-dir', '/etc'], '--unsigned-policy'],
    [['keys', 'add', '/no/such/file'], 'cannot read it'],
    [['keys', 'init', 'a/b'], "key 'a/b'"],
    [['keys', 'revoke', 'nobody', '--trust-dir', '/no/such/dir'], "key 'nobody': no such key"],
  ])('refuse the invalid arguments %j with one line', async (words, message) => {
    const {stdout, stderr, exitCode} = await runCli(words, {agent})
    expect([exitCode, stdout]).toEqual([64, ''])
    expect(stderr).toContain(message)
    expect(stderr.trimEnd().split('\n')).toHaveLength(1)
  })

  it('trust the public part of a private file, and warn that the file was given', async () => {
    await runCli(['keys', 'init', 'whole', ...keys()])
    const file = at('keys/whole.key.json')
    const {exitCode, stderr} = await runCli(['keys', 'add', file, '--trust-dir', at('whole.d')])
    expect({exitCode, stderr}).toEqual({
      exitCode: 0,
      stderr: expect.stringMatching(
        /^baton: keys: .* is the private file of the key: only its public part was stored /,
      ),
    })
    expect(readFileSync(at('whole.d/whole.json'), 'utf8')).not.toContain(JSON.parse(readFileSync(file, 'utf8')).d)
  })

  it('refuse a private key that other users can read, or that is damaged', async () => {
    await runCli(['keys', 'init', 'open', ...keys()])
    chmodSync(at('keys/open.key.json'), 0o644)
    const open = await exec('--key', 'open', 'true')
    expect([open.exitCode, open.stderr]).toEqual([64, expect.stringContaining('may be read by group or others')])
    chmodSync(at('keys/open.key.json'), 0o600)
    appendFileSync(at('keys/open.key.json'), 'x')
    const damaged = await exec('--key', 'open', 'true')
    expect([damaged.exitCode, damaged.stderr]).toEqual([64, expect.stringContaining('not a private key')])
  })

  it('report that no agent answers, and name the responders that do not answer', async () => {
    const nobody = await runCli(['exec', 'true'], {env: {CONSUL_HTTP_ADDR: '127.0.0.1:1'}})
    expect([nobody.exitCode, nobody.stdout]).toEqual([69, ''])
    const silent = await startResponder('silent')
    silent.kill('SIGSTOP')
    const {stdout, exitCode} = await runCli(['exec', ...keys(), '--ack-timeout', '2s', '--node', 'silent|r1', 'true'], {
      agent,
    })
    silent.kill('SIGCONT')
    expect([exitCode, stdout]).toEqual([4, expect.stringContaining('==> silent: no answer: no ack within 2s\n')])
  })
})
