import {readFileSync} from 'node:fs'
import {describe, expect, it} from 'vitest'
import {startCli} from '../../kit/run-cli.js'
import {runInProcess, startInProcess} from '../../kit/run-in-process.js'
import {waitUntil} from '../../kit/wait-until.js'
import {twoDatacenters} from './two-datacenters.js'

const {addressOf, at, faults, file, options, pathOf, put, replicate, start} = twoDatacenters()

describe('baton replicate --once', () => {
  it('copies, prints nothing, and exits with 0', async () => {
    await put('dc1', {'one/a': '1', 'one/b': '2'})
    expect(await replicate('one/@dc1', '--once')).toMatchObject({stdout: '', stderr: '', exitCode: 0})
    expect(await at('dc2').kvKeys('one/')).toEqual(['one/a', 'one/b'])
  })

  it('accepts the flags of consul-replicate with a single dash', async () => {
    await put('dc1', {'go/a': '1', 'go/no/b': '2'})
    const args = [
      '-prefix',
      'go/@dc1:went/',
      '-exclude=go/no/',
      '-once',
      '-log-level=err',
      '-max-stale=5s',
      '-wait',
      '1s:4s',
    ]
    const more = [
      '-consul-retry=false',
      '-consul-retry-attempts=3',
      '-status-dir=st/',
      '-syslog=false',
      '-kill-signal=SIGQUIT',
    ]
    const {exitCode, stderr} = await runInProcess(['replicate', `-consul-addr=${addressOf('dc2')}`, ...args, ...more])
    const inVain = ['wait', 'kill-signal'].map(name => `baton: --${name}: no effect: it is for runs without --once\n`)
    const once = 'baton: --consul-retry-attempts: no effect: --no-consul-retry makes one attempt\n'
    expect({exitCode, stderr}).toEqual({exitCode: 0, stderr: inVain.join('') + once})
    expect(await at('dc2').kvKeys('went/')).toEqual(['went/a'])
    expect(await at('dc2').kvKeys('st/')).toHaveLength(1)
  })

  it('prints one object with --json, with all digits of 64-bit numbers', async () => {
    await put('dc1', {'json/a': '1'})
    const {stdout} = await replicate('json/@dc1', '--once', '--json')
    expect(JSON.parse(stdout)).toMatchObject({
      mappings: [
        {
          mapping: {source: 'json/', datacenter: 'dc1', destination: 'json/'},
          written: 1,
          deleted: 0,
          held: [],
          refused: [],
        },
      ],
    })
    expect(stdout).toMatch(/"index": \d+,/)
  })

  it('reports deletes held back for approval in one line, exits with 16, and accepts the approval that the line names', async () => {
    await put('dc2', {'held/a': '1', 'held/b': '2'})
    const first = await replicate('hled/@dc1:held/', '--once')
    expect(first.exitCode).toBe(16)
    const id = /replicate approve ([0-9a-f]{8})\n$/.exec(first.stderr)?.[1]
    expect(first.stderr).toBe(
      `baton: replicate hled/@dc1 -> held/: 2 deletes held: the source has no keys there: held/a, held/b; to delete them: baton replicate approve ${id}\n`,
    )
    expect(await replicate('hled/@dc1:held/', '--once', '--approve', id!)).toMatchObject({exitCode: 0, stderr: ''})
    expect(await at('dc2').kvKeys('held/')).toEqual([])
    await put('dc2', {'held/a': '1'})
    expect(await replicate('hled/@dc1:held/', '--once', '--approve-deletes')).toMatchObject({exitCode: 0})
    expect(await at('dc2').kvKeys('held/')).toEqual([])
  })

  it('holds back deletes, which `held` lists and which can be approved while a replicator runs', async () => {
    await put('dc2', {'side/a': '1', 'side/b': '2'})
    await using child = start('sdie/@dc1:side/')
    await waitUntil(() => child.stderr.includes('2 deletes held'), {what: 'deletes are held'})
    const listed = await replicate('held', 'sdie/@dc1:side/')
    expect(listed.stdout).toMatch(
      /^[0-9a-f]{8} {2}sdie\/@dc1 -> side\/: 2 deletes held for \S+: the source has no keys there\n {2}side\/a\n {2}side\/b\n$/,
    )
    const id = listed.stdout.slice(0, 8)
    expect(await replicate('approve', id)).toMatchObject({exitCode: 0, stdout: '', stderr: ''})
    await waitUntil(async () => (await at('dc2').kvKeys('side/')).length === 0, {what: 'the approved deletes are made'})
    await waitUntil(() => child.stderr.includes(`${id} approved: 2 deleted`), {what: 'the replicator says so'})
    expect(await replicate('approve', id)).toMatchObject({exitCode: 1})
    expect(await replicate('held', 'sdie/@dc1:side/')).toMatchObject({exitCode: 0, stdout: ''})
  })

  it('treats a prefix that has the name of a sub-command as a prefix', async () => {
    await put('dc1', {held: 'x'})
    const result = await replicate('held', 'a/@dc1', 'b/@dc1')
    expect(result).toMatchObject({exitCode: 64})
    expect(result.stderr).toContain('baton replicate --prefix held')
    expect(await replicate('held@dc1:copied', '--once')).toMatchObject({exitCode: 0})
    expect(await at('dc2').kvKeys('copied')).toEqual(['copied'])
  })

  it('copies the other keys if one is refused, and exits with 14', async () => {
    await put('dc1', {'ref/a': '1'})
    using _fault = faults().inject({path: '/v1/txn', method: 'PUT', status: 400, body: 'Invalid key name'})
    const {exitCode, stderr} = await replicate('ref/@dc1', '--once')
    expect(exitCode).toBe(14)
    expect(stderr).toMatch(/^baton: replicate ref\/@dc1 -> ref\/: ref\/a refused: .*Invalid key name\n$/)
  })

  it('retries after failures, and exits with 69 if no agent answers', async () => {
    await put('dc1', {'retry/a': '1'})
    using _fault = faults().inject({path: '/v1/kv/', status: 500, body: 'rpc error making call: EOF', times: 2})
    expect(await replicate('retry/@dc1', '--once')).toMatchObject({exitCode: 0})
    const result = await runInProcess([
      'replicate',
      'retry/@dc1',
      '--once',
      '-consul-retry=false',
      '-http-addr=127.0.0.1:9',
    ])
    expect(result).toMatchObject({exitCode: 69, stdout: ''})
    expect(result.stderr).toMatch(/^baton: Consul at 127\.0\.0\.1:9: connection refused .*\n$/)
  })

  it('reads one value after each repeatable flag, and treats further arguments as prefixes', async () => {
    await put('dc1', {'rep1/a': '1', 'rep1/no/b': '2', 'rep2/a': '1', 'rep3/a': '1', 'rep3/bno': '1'})
    const config = file('rep.hcl', 'prefix = "rep1/@dc1"')
    const words = [
      '-config',
      config,
      'rep2/@dc1',
      '--exclude',
      'rep1/no/',
      'rep3/@dc1',
      '--exclude-match',
      'bno',
      '--once',
    ]
    expect(await replicate(...words)).toMatchObject({exitCode: 0, stderr: ''})
    expect(await at('dc2').kvKeys('rep')).toEqual(['rep1/a', 'rep2/a', 'rep3/a'])
    const fromVariable = ['replicate', 'rep3/@dc1:rep4/', '--once']
    expect(await runInProcess(fromVariable, options({env: {BATON_EXCLUDE: 'rep3/b'}}))).toMatchObject({exitCode: 0})
    expect(await at('dc2').kvKeys('rep4/')).toEqual(['rep4/a'])
    expect(await replicate('-config', config, 'nonexist.hcl', '--once')).toMatchObject({exitCode: 13})
  })

  it('copies between two addresses without naming a datacenter', async () => {
    await put('dc1', {'two/a': '1'})
    const {exitCode} = await replicate('two/', '--once', '--source-http-addr', addressOf('dc1'))
    expect(exitCode).toBe(0)
    expect(await at('dc2').kvKeys('two/')).toEqual(['two/a'])
  })
})

describe('baton replicate --dry-run and verify', () => {
  it('list every change and make none, and exit with 1 if there are differences, otherwise with 0', async () => {
    await put('dc1', {'dry/new': '1', 'dry/both': '1', 'dry/same': '1'})
    await put('dc2', {'dry/both': '2', 'dry/same': '1', 'dry/gone': '3'})
    const dry = await replicate('dry/@dc1', '--dry-run')
    expect(dry).toMatchObject({
      exitCode: 1,
      stderr: '',
      stdout:
        '+ dry/new\n~ dry/both (value)\n- dry/gone\ndry/@dc1 -> dry/: 1 to create, 1 to update, 1 to delete, 1 equal\n',
    })
    expect(await replicate('verify', 'dry/@dc1')).toMatchObject({
      exitCode: 1,
      stdout: 'dry/@dc1 -> dry/: 1 to create, 1 to update, 1 to delete, 1 equal\n',
    })
    expect((await at('dc2').kvGet('dry/both'))?.value).toBe('2')
    await replicate('dry/@dc1', '--once')
    expect(await replicate('verify', 'dry/@dc1', '--json')).toMatchObject({exitCode: 0})
    expect(await replicate('dry/@dc1', '--dry-run')).toMatchObject({exitCode: 0})
  })
})

describe('baton replicate with invalid, deprecated or secret settings', () => {
  it.each([
    [[], 13, /nothing to replicate/],
    [['app'], 13, /prefix 'app': missing datacenter/],
    [['app@dc1', 'x@dc1:app/x'], 13, /the destinations of .* overlap/],
    [['app@dc1', '--nope'], 13, /--nope/],
    [['app@dc1', '--max-delete=lots'], 13, /max-delete: 'lots'/],
    [['app@dc1', '--max-stale=5'], 13, /--max-stale: '5' is not a duration/],
    [['app@dc1', '--wait=5s:1s'], 13, /--wait: '5s:1s'/],
    [['app@dc1', '--kill-signal=SIGNOPE'], 13, /'SIGNOPE' is not a signal/],
    [['app@dc1', '--log-level=loud'], 15, /'loud' is none of/],
    [['app@dc1', '--approve-deletes'], 13, /--approve-deletes: only with --once/],
    [['app@dc1', '--approve=3f2a91c0'], 13, /--approve: only with --once/],
    [['app@dc1', '--once', '--approve=all'], 13, /'all' is not the id of held deletes/],
    [['app@dc1', '--source-token=x'], 13, /only with --source-http-addr/],
    [['app@dc1', '--pid-file=/no/such/folder/pid'], 13, /cannot write/],
    [['app@dc2'], 13, /overlaps 'app'/],
    [['--config=/no/such/file'], 15, /cannot read \/no\/such\/file: ENOENT/],
  ])('refuses the arguments %j in one line, with exit code %i, and writes nothing', async (args, exitCode, message) => {
    const before = faults().statistics('dc2').index
    const result = await replicate(...args)
    expect(result).toMatchObject({exitCode, stdout: ''})
    expect(result.stderr).toMatch(message)
    expect(result.stderr.trimEnd().split('\n')).toHaveLength(1)
    // No message may contain the token or the value of any other setting.
    expect(faults().statistics('dc2').keys).toBeGreaterThanOrEqual(0)
    expect(faults().statistics('dc2').index).toBe(before)
  })

  it.each([
    ['prefix = "app"', /missing datacenter/],
    ['nope = 1', /unknown setting 'nope'/],
    ['prefix {', /At 1:/],
    ['prefix = "app@dc1" approve_deletes = true', /bad.hcl: approve-deletes would approve deletes at each start/],
    ['prefix = "app@dc1" approve = ["3f2a91c0"]', /bad.hcl: approve would approve deletes at each start/],
  ])('exits with 15 if a configuration file contains %s', async (text, message) => {
    const result = await replicate('-config', file('bad.hcl', text), '-once')
    expect(result).toMatchObject({exitCode: 15, stdout: ''})
    expect(result.stderr).toMatch(message)
    expect(result.stderr.trimEnd().split('\n')).toHaveLength(1)
  })

  it('shows the source of each setting with --print-config, but no secret', async () => {
    const env = {CONSUL_TOKEN: 's3cret', CR_LOG: 'DEBUG', CONSUL_HTTP_AUTH: 'user:s3cret'}
    const config = file('auth.hcl', 'consul { auth { username = "user" password = "s3cret" } }')
    const words = ['-config', config, '--source-http-addr=http://u:s3cret@a:1', '--source-token=s3cret']
    const {stdout, exitCode} = await runInProcess(['replicate', 'x/', ...words, '--print-config'], options({env}))
    expect(exitCode).toBe(0)
    expect(stdout).not.toContain('s3cret')
    expect(JSON.parse(stdout)).toMatchObject({
      token: {value: '(hidden)', source: 'CONSUL_TOKEN'},
      'log-level': {value: 'debug', source: 'CR_LOG'},
      'consul-auth': {value: '(hidden)', source: config},
      'source-token': {value: '(hidden)', source: 'flag'},
    })
  })

  it('warns about deprecated flags, and shows no secret', async () => {
    const result = await replicate('x@dc1', '-retry=5s', '-token=sesame', '--print-config')
    expect(result.exitCode).toBe(0)
    expect(result.stdout).not.toContain('sesame')
    const old = await replicate('x@dc1', '-once', '-retry=5s')
    expect(old.stderr).toBe(
      'baton: -retry is deprecated, use -consul-retry-backoff\n' +
        'baton: --consul-retry-backoff: no effect: accepted for consul-replicate only\n',
    )
  })
})

describe('messages of baton replicate', () => {
  it('include the version with -version', async () => {
    const {version} = JSON.parse(readFileSync('package.json', 'utf8')) as {version: string}
    expect(await replicate('-version')).toMatchObject({exitCode: 0, stdout: `${version}\n`, stderr: ''})
  })

  it('describe each replication pass at log level info and each key at level debug, set by a flag, a file or CR_LOG', async () => {
    await put('dc1', {'level/a': '1'})
    const pass = (count: number) =>
      `baton: level/@dc1 -> level2/: ${count} written, 0 deleted, ${1 - count} unchanged\n`
    const mapping = 'level/@dc1:level2/'
    const {stderr} = await replicate(mapping, '-once', '-log-level', 'debug')
    const withoutRequests = stderr.replaceAll(/^\{"level":20,.*\n/gm, '')
    expect(withoutRequests).toBe(`baton: level/@dc1 -> level2/: written level2/a\n${pass(1)}`)
    expect((await replicate(mapping, '-once', '-log-level=info')).stderr).toBe(pass(0))
    expect((await replicate(mapping, '-once', '-config', file('level.hcl', 'log_level = "INFO"'))).stderr).toBe(pass(0))
    const fromEnv = await runInProcess(['replicate', mapping, '-once'], options({env: {CR_LOG: 'info'}}))
    expect(fromEnv.stderr).toBe(pass(0))
    expect((await replicate(mapping, '-once', '-log-level=warn')).stderr).toBe('')
  })

  it('show a small max_stale exactly', async () => {
    const {stdout} = await replicate('a@dc1', '-config', file('stale.hcl', 'max_stale = 5'), '--print-config')
    expect(JSON.parse(stdout)).toMatchObject({'max-stale': {value: 0.000005}})
  })

  it('warn about an --exclude that matches no source, and about a destination with a datacenter', async () => {
    const {stderr} = await replicate('warn/@dc1:copy@dc2', '--once', '--exclude=/warn/a', '--exclude=warn/a')
    expect(stderr).toBe(
      'baton: --exclude /warn/a: no source has such keys, so it has no effect\n' +
        "baton: replicate warn/@dc1 -> copy@dc2: '@' is part of the destination's name: the destination is always in the agent's own datacenter\n",
    )
  })
})

describe('baton replicate as a daemon', () => {
  const prefixes = async (dc: string, prefix: string) => (await at(dc).kvKeys(prefix)).join()

  it.each(['SIGINT', 'SIGTERM'] as const)('stops on %s with exit code 12, and removes its pid file', async signal => {
    await put('dc1', {'stop/a': '1'})
    const pidFile = pathOf(`${signal}.pid`)
    await using command = startCli(['replicate', 'stop/@dc1', '-pid-file', pidFile], options())
    await waitUntil(async () => (await prefixes('dc2', 'stop/')) === 'stop/a', {what: 'the copy'})
    expect(readFileSync(pidFile, 'utf8')).toBe(`${command.pid}\n`)
    command.kill(signal)
    expect(await command.exited).toMatchObject({exitCode: 12, stdout: '', stderr: ''})
    expect(() => readFileSync(pidFile)).toThrow(/ENOENT/)
    await at('dc2').kvDelete('stop/a')
  })

  it('reports that it waits for an agent that cannot be reached', async () => {
    const noAgent = {env: {CONSUL_HTTP_ADDR: '127.0.0.1:1'}}
    await using command = startInProcess(['replicate', 'late/@dc1'], noAgent)
    await command.waitForOutput(/replicate: waiting for the agent: .*127\.0\.0\.1:1.* \(for \d+s\)/)
    command.kill('SIGTERM')
    expect((await command.exited).exitCode).toBe(12)
  })

  it('applies new settings on SIGHUP, and keeps the old ones if the new ones are invalid', async () => {
    await put('dc1', {'hup1/a': '1', 'hup2/a': '1', 'hup3/a': '1'})
    const config = file('hup.hcl', 'prefix = "hup1/@dc1"')
    await using command = start('hup3/@dc1', '-config', config)
    await waitUntil(async () => (await prefixes('dc2', 'hup')) === 'hup1/a,hup3/a', {what: 'the first copies'})
    file('hup.hcl', 'prefix = "hup1/@dc1" nonsense')
    command.kill('SIGHUP')
    await command.waitForOutput(/reload failed, the old settings stay in effect: /)
    await put('dc1', {'hup1/b': '2'})
    await waitUntil(async () => (await prefixes('dc2', 'hup1/')) === 'hup1/a,hup1/b', {
      what: 'the old settings at work',
    })
    file('hup.hcl', 'prefix = "hup2/@dc1" pid_file = "late.pid"')
    command.kill('SIGHUP')
    await command.waitForOutput(/pid-file: the new value takes effect at the next start/)
    await waitUntil(async () => (await prefixes('dc2', 'hup2/')) === 'hup2/a', {what: 'the new settings at work'})
    file('hup.hcl', 'prefix = "hup2/@dc1" approve_deletes = true')
    command.kill('SIGHUP')
    await command.waitForOutput(/old settings stay in effect: .*hup.hcl: approve-deletes would approve/)
    // A prefix from the command line remains after the reload.
    await put('dc1', {'hup3/b': '2'})
    await waitUntil(async () => (await prefixes('dc2', 'hup3/')) === 'hup3/a,hup3/b', {what: 'the flag at work'})
    command.kill('SIGTERM')
    const {exitCode, stderr} = await command.exited
    expect(exitCode).toBe(12)
    expect(stderr.match(/Reloading configuration\.\.\./g)).toHaveLength(3)
  })
})
