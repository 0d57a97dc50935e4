import {mkdtempSync, readdirSync, readFileSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, afterEach, beforeAll, describe, expect, it, vi} from 'vitest'
import {z} from 'zod'
import {backends, sharedAgent} from '../kit/backend.js'
import {raw} from '../kit/raw-consul.js'
import {runCli, startCli} from '../kit/run-cli.js'
import {type InProcessResult, runInProcess} from '../kit/run-in-process.js'
import {loadCommands, root} from './command-files.js'
import {expectCommitted} from './committed.js'
import {type SchemaName, schemaOf, schemas} from './schemas.js'

const folder = 'docs/reference/json-output'
const jsonFlags = ['json', 'ndjson', 'events']

/** Commands without --json, each with what it prints. */
const otherOutput: Readonly<Record<string, string>> = {
  completion: 'a script for a shell',
  dev: 'runs until it is stopped; --ready-file holds its facts as JSON',
  env: 'its stdout belongs to the program',
  'event watch': 'prints JSON lines without a flag',
  'kv export': 'prints JSON without a flag',
  lock: 'its stdout belongs to the command; --events writes JSON lines',
  responder: 'runs until it is stopped',
  'service run': 'its stdout belongs to the program',
  template: 'writes files; --dry prints what they would contain',
  tour: 'is read by people',
  'tour services': 'is read by people',
  ui: 'runs until it is stopped',
}

describe('the JSON schemas', () => {
  it.each(Object.keys(schemas) as SchemaName[])('equal the committed files (schema: %s)', name => {
    const schema = z.toJSONSchema(schemas[name])
    expectCommitted(`${folder}/${name}.json`, `${JSON.stringify(schema, undefined, 2)}\n`)
  })

  it.each(Object.keys(schemas) as SchemaName[])('describe an object, never a list (schema: %s)', name => {
    const {anyOf, oneOf, ...whole} = z.toJSONSchema(schemas[name])
    const types = (anyOf ?? oneOf ?? [whole]).map(part => part.type)
    expect([...new Set(types)]).toEqual(['object'])
  })

  it('are the only files in their folder', () => {
    const files = readdirSync(`${root}${folder}`).filter(file => file.endsWith('.json'))
    expect(files.sort()).toEqual(
      Object.keys(schemas)
        .map(name => `${name}.json`)
        .sort(),
    )
  })

  it('cover every command and flag that prints JSON', async () => {
    const missing: string[] = []
    for (const [id, command] of await loadCommands()) {
      const flags = [
        ...Object.keys({...command.baseFlags, ...command.flags}),
        ...(command.enableJsonFlag ? ['json'] : []),
      ]
      for (const flag of jsonFlags.filter(name => flags.includes(name)))
        if (schemaOf(id, flag) === undefined) missing.push(`${id} --${flag}`)
    }
    // This command prints JSON lines even without a flag.
    expect(schemaOf('event watch', 'json')).toBe('event.watch')
    expect(missing).toEqual([])
  })

  it('exist for every command, apart from those that this test lists with their other output', async () => {
    const without: string[] = []
    for (const [id, command] of await loadCommands()) {
      const hasLines = Object.hasOwn({...command.flags}, 'ndjson')
      if (!command.enableJsonFlag && !hasLines && !Object.hasOwn(otherOutput, id)) without.push(id)
    }
    expect(without).toEqual([])
  })
})

/** Throws an error with the path of the first difference from the schema. */
function expectValid(name: SchemaName, value: unknown): void {
  const result = schemas[name].safeParse(value)
  if (!result.success) expect.fail(`${name}: ${z.prettifyError(result.error)}\n${JSON.stringify(value)}`)
}
const linesOf = (text: string): unknown[] =>
  text
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as unknown)
const typesOf = (lines: readonly unknown[]): string[] => lines.map(line => (line as {type: string}).type)

let home = ''
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'baton-test-'))
})
afterAll(() => rmSync(home, {recursive: true, force: true}))
afterEach(() => vi.unstubAllEnvs())

describe('the JSON output', () => {
  const agent = sharedAgent(backends.find(({name}) => name === 'embedded') ?? backends[0]!)
  const consul = () => raw(agent.address)
  const options = () => ({agent, env: {XDG_CONFIG_HOME: home}})
  const run = (...words: string[]): Promise<InProcessResult> => runInProcess(words, options())

  /** Expects stdout to be one object that matches the schema. */
  async function expectJson(name: SchemaName, words: readonly string[], exitCode = 0): Promise<InProcessResult> {
    const result = await run(...words)
    expect(result.exitCode, `${words.join(' ')}: ${result.stdout}${result.stderr}`).toBe(exitCode)
    expectValid(name, JSON.parse(result.stdout))
    return result
  }

  it('of the kv commands matches its schemas', async () => {
    await consul().kvPut('j/a', Buffer.from([0, 255]), {flags: '18446744073709551615'})
    const {stdout} = await expectJson('kv.get', ['kv', 'get', '--json', 'j/a'])
    expect(stdout, 'no number is rounded').toContain('"flags": 18446744073709551615')
    await expectJson('kv.get', ['kv', 'get', '-json', '-recurse', 'j/'])
    await expectJson('kv.get', ['kv', 'get', '--json', '--keys', 'j/'])
    await expectJson('kv.ls', ['kv', 'ls', '--json'])
    await expectJson('kv.put', ['kv', 'put', '--json', 'j/put', '1'])
    await expectJson('kv.cas', ['kv', 'cas', '--json', 'j/put', '2', '--expect', '1'])
    await expectJson('error', ['kv', 'cas', '--json', 'j/put', '3', '--expect', '1'], 1)
    await expectJson('error', ['kv', 'put', '--json', '--cas', '--modify-index', '1', 'j/put', '3'], 1)
    await expectJson('error', ['kv', 'delete', '--json', '--cas', '--modify-index', '1', 'j/put'], 1)
    await expectJson('kv.delete', ['kv', 'delete', '--json', 'j/put'])
    await expectJson('kv.delete', ['kv', 'delete', '--json', '--recurse', 'j/none/'])
    const data = '[{"key":"j/b","value":"eA=="},{"key":"j/a","value":"eA=="}]'
    await expectJson('kv.import', ['kv', 'import', '--json', '--dry-run', '--create', data])
    await expectJson('kv.import', ['kv', 'import', '--json', '--create', data])
    await expectJson('kv.incr', ['kv', 'incr', '--json', 'j/count'])
    await expectJson('kv.update', ['kv', 'update', '--json', 'j/a', '--', 'printf', 'new'])
    await expectJson('kv.wait-for', ['kv', 'wait-for', '--json', 'j/a=new'])
    await expectJson('kv.diff', ['kv', 'diff', '--json', 'j/', 'none/'], 1)
    vi.stubEnv('EDITOR', 'true')
    await expectJson('kv.edit', ['kv', 'edit', '--json', 'j/a'])
  })

  it('of the service commands matches its schemas', async () => {
    await expectJson('service.register', ['service', 'register', '--name', 'web', '--json'])
    const host = ['--node', 'far', '--node-address', '10.0.0.9']
    await expectJson('service.register', ['service', 'register', '--name', 'db', ...host, '--json'])
    await expectJson('service.ls', ['service', 'ls', '--json'])
    await expectJson('service.maint', ['service', 'maint', 'web', '--on', '--json'])
    await expectJson('service.maint', ['service', 'maint', '--off', '--json'])
    await expectJson('error', ['service', 'maint', 'none', '--on', '--json'], 2)
    await expectJson('service.deregister', ['service', 'deregister', 'web', '--json'])
    await expectJson('service.deregister', ['service', 'deregister', 'db', '--node', 'far', '--json'])
    await expectJson('error', ['service', 'deregister', 'web', '--json'], 2)
  })

  it('of members matches its schema', async () => {
    await expectJson('members', ['members', '--json'])
    await expectJson('members', ['members', '--json', '--status=failed'], 2)
  })

  it('of the event commands matches its schemas', async () => {
    await expectJson('event', ['event', '-name', 'deploy', '--json', 'v1'])
    await expectJson('event.fire', ['event', 'fire', '--json', 'deploy', 'v1'])
    await expectJson('event.fire', ['event', 'fire', '--json', '--durable', 'deploy', 'v1'])
    await expectJson('event.prune', ['event', 'prune', '--json', 'deploy', '--keep', '1'])
    await expectJson('event.list', ['event', 'list', '--json'])
    await using watch = startCli(['event', 'watch', '--from', 'earliest'], {agent})
    await watch.waitForOutput(/\n/, {stream: 'stdout'})
    for (const line of linesOf(watch.stdout)) expectValid('event.watch', line)
  })

  it('of a watch matches its schema, both in a snapshot and in changes', async () => {
    await consul().kvPut('w/a', '1')
    await using watch = startCli(['watch', 'keyprefix', 'w/', '--ndjson'], {agent})
    await watch.waitForOutput(/end-of-snapshot/, {stream: 'stdout'})
    await consul().kvPut('w/b', '2', {flags: '18446744073709551615'})
    await watch.waitForOutput(/"key":"w\/b".*"Flags":18446744073709551615.*\n/, {stream: 'stdout'})
    await consul().kvDelete('w/b')
    await watch.waitForOutput(/"type":"delete".*\n/, {stream: 'stdout'})
    const lines = linesOf(watch.stdout)
    for (const line of lines) expectValid('watch.ndjson', line)
    for (const type of ['new-snapshot-to-follow', 'upsert', 'end-of-snapshot', 'delete'])
      expect(typesOf(lines)).toContain(type)
  })

  it('of lock, of its events file and of the reports about locks matches its schemas', async () => {
    const file = join(home, 'lock.events')
    const killed = await runCli(['lock', '--events', file, 'l/free', '--', 'sh', '-c', 'kill $$'], options())
    expect(killed).toMatchObject({exitCode: 143})
    const session = await consul().sessionCreate()
    await consul().kvPut('l/held/.lock', '', {acquire: session, flags: '3304740253564472344'})
    expect(await run('lock', '--events', file, '--try=1s', 'l/held', '--', 'true')).toMatchObject({exitCode: 75})
    const lines = linesOf(readFileSync(file, 'utf8'))
    for (const line of lines) expectValid('lock.events', line)
    const types = typesOf(lines)
    for (const type of ['session.created', 'lock.acquired', 'child.started', 'child.exited', 'lock.released'])
      expect(types).toContain(type)
    expect(types).toContain('lock.waiting')
    await expectJson('lock.status', ['lock', 'status', '--json', 'l/held'])
    await expectJson('lock.ls', ['lock', 'ls', '--json'])
    expect((await runCli(['lock', '--record', 'l/free', '--', 'true'], options())).exitCode).toBe(0)
    await expectJson('lock.history', ['lock', 'history', '--json', 'l/free'])
    await expectJson('lock.why', ['lock', 'why', '--json', 'l/free'])
    await expectJson('lock.overdue', ['lock', 'overdue', '--json', '--every', '1h', 'l/free'])
  })

  it('of lock hold and of the commands that watch, use and break its lock matches its schemas', async () => {
    await using watch = startCli(['lock', 'watch', '--ndjson', 'l/steered'], options())
    await watch.waitForOutput(/\n/)
    await using holder = startCli(['lock', 'hold', '--json', 'l/steered'], options())
    const [line] = await holder.waitForOutput(/^\{.*\}$/m)
    const held = JSON.parse(line) as {readonly session: string}
    expectValid('lock.hold', held)
    await watch.waitForOutput(/"lock hold".*\n/)
    for (const one of linesOf(watch.stdout)) expectValid('lock.watch.ndjson', one)
    const claim = ['--lock-prefix', 'l/steered', '--lock-session', held.session]
    await expectJson('lock.assert', ['lock', 'assert', '--json', ...claim])
    await expectJson('lock.put', ['lock', 'put', '--json', ...claim, 'l/data', '1'])
    await expectJson('lock.break', ['lock', 'break', '--json', '--yes', 'l/steered'])
    await expectJson('lock.assert', ['lock', 'assert', '--json', ...claim], 1)
    await expectJson('error', ['lock', 'break', '--json', '--yes', 'l/steered'], 1)
  })

  it('of replicate and its sub-commands matches its schemas', async () => {
    await consul().kvPut('r/a', '1')
    await expectJson('replicate', ['replicate', 'verify', '--json', 'r/@dc1:copy/'], 1)
    await expectJson('replicate', ['replicate', '--once', '--json', 'r/@dc1:copy/'])
    await consul().kvDelete('r/a')
    const {stdout} = await expectJson('replicate', ['replicate', '--once', '-json', 'r/@dc1:copy/'], 16)
    expect(stdout).toContain('"empty-source"')
    const held = await expectJson('replicate.held', ['replicate', 'held', '--json'])
    const [set] = (JSON.parse(held.stdout) as {readonly sets: readonly {readonly id: string}[]}).sets
    await expectJson('replicate.approve', ['replicate', 'approve', set!.id, '--json'])
    await expectJson('replicate.approve', ['replicate', 'approve', set!.id, '--json'])
    await expectJson('replicate.approve', ['replicate', 'approve', '00000000', '--json'], 1)
    const lines = await run('replicate', '--once', '--ndjson', 'r/@dc1:copy/')
    for (const line of linesOf(lines.stdout)) expectValid('replicate.ndjson', line)
    expect(typesOf(linesOf(lines.stdout))).toEqual(['approval.finished', 'pass'])
    await consul().kvPut('r/b', '1')
    await run('replicate', '--once', 'r/@dc1:copy/')
    await consul().kvPut('r/b', '2')
    await run('replicate', '--once', '--undo-dir', join(home, 'undo'), 'r/@dc1:copy/')
    const undo = ['replicate', 'undo', '--json', '--undo-dir', join(home, 'undo')]
    await expectJson('replicate.undo', undo)
    await expectJson('replicate.undo', [...undo, '--since', '1h'])
    await expectJson('replicate.undo', [...undo, '--release', 'all'])
    await expectJson('replicate.status', ['replicate', 'status', '--json'])
    await expectJson('replicate.status', ['replicate', 'status', '--json', '--status-dir', 'none'], 3)
  })

  it('of discover, doctor, selftest, status and --print-config matches its schemas', async () => {
    await consul().kvPut(
      'app/services',
      '{"services":[{"uri":"http://a:1","capabilities":[{"name":"r","capacity":2.5}]}]}',
    )
    await expectJson('discover', ['discover', '--once', '--json', 'app/services'])
    await expectJson('doctor', ['doctor', '-json'])
    await expectJson('selftest', ['selftest', '-json'])
    await using _watch = startCli(['event', 'watch', '--name', 'a', '--state', join(home, 'status')], {agent})
    await expectJson('status', ['status', '--json'])
    await expectJson('print-config', ['kv', 'get', '--print-config', '--token', 'secret'])
  })

  it('of the keys, exec and responder commands matches its schemas', async () => {
    const trust = join(home, 'trust.d')
    await expectJson('keys.init', ['keys', 'init', '--json'])
    await expectJson('keys.add', [
      'keys',
      'add',
      '--json',
      '--trust-dir',
      trust,
      join(home, 'baton/keys/default.pub.json'),
    ])
    const flags = ['--name', 'n1', '--trust-dir', trust, '--state-dir', join(home, 'state')]
    await using responder = startCli(['responder', ...flags], {agent})
    await responder.waitForOutput(/ready/, {stream: 'stdout'})
    const script = ['--via', 'native', '--', 'sh', '-c', 'echo out; printf "\\377" >&2; exit 3']
    await expectJson('exec', ['exec', '--json', ...script], 2)
    const {stdout, exitCode} = await run('exec', '--ndjson', ...script)
    expect(exitCode).toBe(2)
    const lines = linesOf(stdout)
    for (const line of lines) expectValid('exec.ndjson', line)
    for (const type of ['targets', 'output', 'exit', 'outcome', 'summary']) expect(typesOf(lines)).toContain(type)
    const once = ['--via', 'native', '--', 'true']
    const {stdout: detached} = await expectJson('exec.detach', ['exec', '--detach', '--json', ...once])
    const {job} = JSON.parse(detached) as {job: string}
    const attach = async (...words: string[]) => expectJson('exec.attach', ['exec', 'attach', ...words, '--json'])
    await attach('--trust-dir', trust, job)
    await expectJson('exec.ls', ['exec', 'ls', '--json'])
    await expectJson('exec.show', ['exec', 'show', '--json', job])
    await expectJson('exec.cancel', ['exec', 'cancel', '--json', job])
    await expectJson('responder.status', ['responder', 'status', '--json', '--state-dir', join(home, 'state')])
    const file = join(home, 'one.job')
    await expectJson('exec.prepare', ['exec', '--json', '--prepare', file, ...once])
    await expectJson('keys.sign', ['keys', 'sign', '--json', file])
    await expectJson('keys.verify', ['keys', 'verify', '--json', '--trust-dir', trust, file])
    await expectJson('responder.check', ['responder', 'check', '--json', ...flags, file])
    await expectJson('exec.submit', ['exec', 'submit', '--json', file])
    await expectJson('responder.check', ['responder', 'check', '--json', ...flags, file], 6)
    await expectJson('keys.init', ['keys', 'init', '--json', '--trust', '--trust-dir', trust, 'second'])
    await expectJson('keys.ls', ['keys', 'ls', '--json', '--trust-dir', trust])
    await expectJson('keys.revoke', ['keys', 'revoke', '--json', '--trust-dir', trust, 'default'])
  })

  it.each([
    ['kv get --json nope', 1],
    ['kv get --json', 64],
    ['kv get -json a b', 64],
    ['kv import --json nonsense', 64],
    ['kv ls --json --http-addr=127.0.0.1:1', 69],
    ['kv put --json', 64],
    ['kv put --json --base64 k !!', 64],
    ['kv cas --json k v', 64],
    ['kv delete --json', 64],
    ['event --json', 64],
    ['event fire --json', 64],
    ['event list --json --http-addr=127.0.0.1:1', 69],
    ['discover -json --once nope', 1],
    ['discover --json nope', 64],
    ['doctor --json --bogus', 64],
    ['replicate --json', 13],
    ['replicate --json r/@dc1:copy/', 13],
    ['exec --json --node=( true', 64],
    ['keys revoke --json nope', 64],
  ] as const)('is an object on stdout if the command fails: %s', async (words, exit) => {
    const {stdout, stderr} = await expectJson('error', words.split(' '), exit)
    expect(JSON.parse(stdout)).toMatchObject({error: {exit}})
    expect(stderr).toBe('')
  })
})
