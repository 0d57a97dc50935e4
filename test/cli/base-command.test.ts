import {existsSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {cliPath, runCli, runCommand} from '../kit/run-cli.js'
import {runInProcess} from '../kit/run-in-process.js'

const noAgent = {CONSUL_HTTP_ADDR: '127.0.0.1:1'}
const secret = 's3cret-t0ken'
let dir: string
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'baton-cli-'))
})
afterAll(() => rmSync(dir, {recursive: true}))

const lines = (text: string): string[] => text.split('\n').filter(line => line !== '')

describe('an unknown command', () => {
  it.each([
    [['kv', 'gte', 'x'], "unknown command 'kv gte' (did you mean 'baton kv get'?)"],
    [['loc', 'x', '--', 'true'], "unknown command 'loc x' (did you mean 'baton lock'?)"],
    [['foo'], "unknown command 'foo' (see 'baton help')"],
    [['-v'], '-v: not a command (flags come after it: baton COMMAND [FLAGS])'],
    [['kv', '--bogus'], "unknown command 'kv --bogus' (did you mean 'baton kv'?)"],
    [['--token', 'x', 'kv', 'get'], '--token: not a command (flags come after it: baton COMMAND [FLAGS])'],
    [
      ['watch', 'keys', 'a'],
      "unknown command 'watch keys' (did you mean 'baton watch key'? A command to run needs -type before it)",
    ],
    [['frobnicate'], "unknown command 'frobnicate' (see 'baton help')"],
  ])('results in a suggestion and is not run: %j', async (args, message) => {
    const result = await runInProcess(args, {env: noAgent})
    expect(result).toMatchObject({exitCode: 64, stdout: ''})
    expect(lines(result.stderr)).toEqual([`baton: ${message}`])
  })
})

describe('invalid arguments', () => {
  it.each([
    [['kv', 'get', 'a', 'b'], 'unexpected argument: b (see baton kv get --help)'],
    [['kv', 'get', 'a', '--bogus'], 'unknown flag: --bogus (see baton kv get --help)'],
    [['kv', 'get', 'a', '--log-level=loud'], "--log-level: 'loud' is not one of trace, debug"],
    [['kv', 'get', 'a', '--http-addr'], '--http-addr: a value is missing'],
    [['kv', 'get', 'a', '--http-addr=ftp://x'], "Consul address: 'ftp://x' cannot be used"],
    [['kv', 'get', 'a', '--token-file=/nowhere'], 'token-file: cannot read /nowhere: ENOENT'],
    [['kv', 'get', 'a', '--client-cert=x'], 'client-cert and client-key: one is given without the other'],
    [['lock', '-n', 'two', 'a', 'true'], "--limit: 'two' is not a whole number"],
    [['lock', '-n', '', 'a', 'true'], "--limit: '' is not a whole number"],
    [['lock', '-n', '1.5', 'a', 'true'], "--limit: '1.5' is not a whole number"],
    [['lock', '-n', '-try', '5m', 'a', 'true'], '--limit'],
    [['lock', '-monitor-retry=abc', 'a', 'true'], "--monitor-retry: 'abc' is not a whole number"],
    [['dev', '--responders', '-1'], "--responders: '-1' is less than 0"],
    [['dev', '--responders', 'x'], "--responders: 'x' is not a whole number"],
    [['lock', '-child-exit-code=yes', 'a', 'true'], "--child-exit-code: 'yes' is neither true nor false"],
    [['lock', '-try', '', 'jobs/x', 'true'], "--try: '' is not a value of it"],
    [['lock', '-try', '"5m"', 'jobs/x', 'true'], `--try: '"5m"' is not a value of it`],
    [['lock', '-try', '5', 'jobs/x', 'true'], "--try: '5' is not a duration"],
    [['lock', '-try', ' 5m', 'jobs/x', 'true'], "--try: ' 5m' is not a value of it"],
    [['lock', '-try=', 'jobs/x', 'true'], "--try: '' is not a duration"],
    [['lock', '-timeout', '', 'jobs/x', 'true'], "--timeout: '' is not a duration"],
    [['kv', 'get', 'a', '--config=/nowhere'], 'config: cannot read /nowhere: ENOENT'],
  ])('result in one line that says what to do, and in exit code 64: %j', async (args, message) => {
    const result = await runInProcess(args, {env: noAgent})
    expect(result).toMatchObject({exitCode: 64, stdout: ''})
    expect(lines(result.stderr)).toHaveLength(1)
    expect(result.stderr).toContain(message)
  })
})

describe('an agent that cannot be reached', () => {
  it('makes a command exit with 69 and print one line with the address', async () => {
    const result = await runCli(['kv', 'get', 'x'], {env: noAgent})
    expect(result).toMatchObject({exitCode: 69, stdout: ''})
    expect(lines(result.stderr)).toEqual([
      'baton: Consul at 127.0.0.1:1: connection refused (is the agent running there? set --http-addr or CONSUL_HTTP_ADDR)',
    ])
  })

  it('is reported as such, and not as a missing key, even if -http-addr is written with one dash', async () => {
    const result = await runCli(['kv', 'get', '-http-addr=127.0.0.1:2', 'x'], {env: noAgent})
    expect(result.stderr).toContain('127.0.0.1:2: connection refused')
  })
})

describe('secrets', () => {
  it.each([
    [['kv', 'get', 'a', '--bogus']],
    [['kv', 'get', 'a', 'b']],
    [['kv', 'get', 'a']],
    [['kv', 'get', 'a', '--print-config']],
    [['kv', 'get', 'a', '--log-level=trace']],
  ])('do not appear in the output of a failed command: %j', async args => {
    const result = await runInProcess(args, {
      env: {...noAgent, CONSUL_HTTP_TOKEN: secret, CONSUL_HTTP_AUTH: `u:${secret}`},
    })
    expect(result.stdout + result.stderr).not.toContain(secret)
  })
})

describe('--json', () => {
  it.each([
    [['discover', 'key', '--once', '--json'], 69, 'BATON_CONNECT'],
    [['discover', 'key', '--once', '--json', '--bogus'], 64, 'BATON_USAGE'],
    [['discover', 'key', '--once', '--json', '--http-addr=ftp://x'], 64, 'BATON_USAGE'],
  ])(
    'makes a failing command print one object without secrets, and keeps its exit code: %j',
    async (args, exit, code) => {
      const result = await runInProcess(args, {env: {...noAgent, CONSUL_HTTP_TOKEN: secret}})
      expect(result.exitCode).toBe(exit)
      expect(JSON.parse(result.stdout)).toEqual({error: {code, message: expect.any(String), exit}})
      expect(result.stdout + result.stderr).not.toContain(secret)
    },
  )

  it('is an argument of the child if it comes after --', async () => {
    const result = await runInProcess(['lock', 'key', '--', 'echo', '--json'], {env: noAgent})
    expect(result).toMatchObject({exitCode: 69, stdout: ''})
  })
})

describe('settings', () => {
  it('are shown with their sources by --print-config', async () => {
    const file = join(dir, 'settings.yaml')
    writeFileSync(file, 'datacenter: dc9\nkv-get:\n  tls_server_name: consul.internal\n')
    const result = await runInProcess(['kv', 'get', 'a', '--print-config', '--config', file], {
      env: {...noAgent, BATON_STALE: 'true', CONSUL_HTTP_TOKEN: secret},
    })
    expect(JSON.parse(result.stdout)).toMatchObject({
      'http-addr': {value: '127.0.0.1:1', source: 'CONSUL_HTTP_ADDR'},
      datacenter: {value: 'dc9', source: file},
      'tls-server-name': {value: 'consul.internal', source: file},
      stale: {value: true, source: 'BATON_STALE'},
      token: {value: '(hidden)', source: 'CONSUL_HTTP_TOKEN'},
      quiet: {value: false, source: 'default'},
    })
  })
})

describe('stdin', () => {
  it('is not read if an argument is missing', async () => {
    const result = await runCommand('sh', ['-c', `${process.execPath} bin/run.cjs kv get 2>/dev/null; cat`], {
      input: 'for another reader\n',
    })
    expect(result.stdout).toBe('for another reader\n')
  })
})

describe('help', () => {
  it('lists the commands, and describes a single command', async () => {
    expect(await runCli([])).toMatchObject({exitCode: 64, stdout: ''})
    const list = await runCli(['help'])
    expect(list).toMatchObject({exitCode: 0, stderr: ''})
    expect(list.stdout).toMatch(/^DATA\n {2}kv /m)
    for (const args of [
      ['help', 'kv', 'get'],
      ['kv', 'get', '--help'],
      ['kv', 'get', '-h'],
    ]) {
      const one = await runCli(args)
      expect(one).toMatchObject({exitCode: 0, stderr: ''})
      expect(one.stdout).toContain('baton help connection')
    }
    expect((await runCli(['help', 'connection'])).stdout).toMatch(/--token-file=FILE .*\[env: CONSUL_HTTP_TOKEN_FILE,/s)
  })
})

describe('the launcher', () => {
  it('prints the version for --version', async () => {
    expect(await runCli(['--version'])).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/^baton \d+\.\d+\.\d+\n$/),
    })
  })

  it('behaves as consul lock if it is started under the name consul-lock', async () => {
    const name = join(dir, 'consul-lock')
    symlinkSync(cliPath, name)
    const result = await runCommand(name, ['-n=0', 'key', 'true'], {env: noAgent})
    expect(result).toMatchObject({exitCode: 1, stdout: ''})
    expect(lines(result.stderr)[0]).toBe('Lock holder limit must be positive')
  })

  it('caches compiled code only in a directory of the user, and works without a cache', async () => {
    const open = join(dir, 'open')
    const env = {...noAgent, XDG_CACHE_HOME: open}
    const first = await runCli(['kv', 'get', 'a'], {env})
    expect(first.exitCode).toBe(69)
    const kept = join(open, 'baton')
    expect(statSync(kept).mode & 0o777).toBe(0o700)
    expect(readdirSync(kept)).toHaveLength(1)
    writeFileSync(join(kept, readdirSync(kept)[0]!), 'rubbish')
    expect((await runCli(['kv', 'get', 'a'], {env})).exitCode).toBe(69)
    const without = await runCli(['kv', 'get', 'a'], {env: {...noAgent, XDG_CACHE_HOME: '/proc/nowhere'}})
    expect(without).toMatchObject({exitCode: 69, stdout: ''})
    expect(lines(without.stderr)).toHaveLength(1)
  })
})

describe.runIf(existsSync('/dev/full'))('a result that cannot be written to stdout', () => {
  it.each(['kv get --print-config', '--version', '--help'])('makes a command exit with 1: %s', async line => {
    const script = 'exec "$0" "$@" >/dev/full'
    const words = [process.execPath, cliPath, ...line.split(' ')]
    const {exitCode, stderr} = await runCommand('sh', ['-c', script, ...words], {env: noAgent})
    expect(exitCode).toBe(1)
    expect(stderr).toBe('baton: stdout: no space left on device\n')
  })

  it('is not an error if the reader of --version has closed the pipe', async () => {
    const script = '{ sleep 0.1; "$0" "$@"; echo $? >&2; } | true'
    const {stderr} = await runCommand('sh', ['-c', script, process.execPath, cliPath, '--version'], {env: noAgent})
    expect(stderr).toBe('0\n')
  })
})
