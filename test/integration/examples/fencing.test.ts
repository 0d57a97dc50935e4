import {execFileSync} from 'node:child_process'
import {createHash} from 'node:crypto'
import {mkdirSync, mkdtempSync, readFileSync, rmSync} from 'node:fs'
import {createServer, type Server} from 'node:http'
import type {AddressInfo} from 'node:net'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {text} from 'node:stream/consumers'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {backends, sharedAgent} from '../../kit/backend.js'
import {bundleExample, root} from '../../kit/bundle-example.js'
import {useLeakCheck} from '../../kit/leaks.js'
import {raw} from '../../kit/raw-consul.js'
import {runCli, runCommand} from '../../kit/run-cli.js'

const recipes = join(root, 'examples/fencing')
const folder = mkdtempSync(join(tmpdir(), 'baton-fencing-'))
const programs = join(root, 'dist', `fencing-${process.pid}`)
const hasSqlite = ((): boolean => {
  try {
    execFileSync('sqlite3', ['--version'], {stdio: 'ignore'})
    return true
  } catch {
    return false
  }
})()

/** A store with conditional writes, in memory. Before the first write of each object, another writer may come. */
const objects = new Map<string, string>()
let intruder: string | undefined
const etagOf = (body: string): string => `"${createHash('sha256').update(body).digest('hex')}"`
const store: Server = createServer((request, response) => {
  void (async () => {
    const {url = '', method, headers} = request
    const body = await text(request)
    if (method === 'PUT' && intruder !== undefined) {
      objects.set(url, intruder)
      intruder = undefined
    }
    const now = objects.get(url)
    if (method === 'GET') {
      response.writeHead(now === undefined ? 404 : 200, now === undefined ? {} : {etag: etagOf(now)}).end(now)
      return
    }
    const isAllowed = now === undefined ? headers['if-none-match'] === '*' : headers['if-match'] === etagOf(now)
    if (isAllowed) objects.set(url, body)
    response.writeHead(isAllowed ? 200 : 412).end()
  })()
})

beforeAll(async () => {
  mkdirSync(programs, {recursive: true})
  const code = readFileSync(join(recipes, 'object-store.ts'), 'utf8')
  await bundleExample(code, join(programs, 'object-store.mjs'))
  await new Promise<void>(resolve => store.listen(0, '127.0.0.1', resolve))
})
afterAll(() => {
  store.close()
  rmSync(folder, {recursive: true})
  rmSync(programs, {recursive: true})
})

interface Recipe {
  readonly name: string
  readonly isMissing?: boolean
  /** The command without its input, for a place that no other test uses. */
  readonly command: (place: string) => readonly [string, ...string[]]
  /** Returns what is stored at the place. */
  readonly read: (place: string) => string
}

const storeUrl = (place: string): string => `http://127.0.0.1:${(store.address() as AddressInfo).port}/${place}`
const table: readonly Recipe[] = [
  {
    name: 'file.sh',
    command: place => ['sh', join(recipes, 'file.sh'), join(folder, place)],
    read: place => readFileSync(join(folder, place), 'utf8'),
  },
  {
    name: 'sqlite.sh (skipped without sqlite3)',
    isMissing: !hasSqlite,
    command: place => ['sh', join(recipes, 'sqlite.sh'), join(folder, 'reports.db'), `${place}'s`],
    read: place =>
      execFileSync('sqlite3', [join(folder, 'reports.db'), `SELECT body FROM report WHERE name = '${place}''s'`], {
        encoding: 'utf8',
      }).replace(/\n$/, ''),
  },
  {
    name: 'object-store.ts',
    command: place => [process.execPath, join(programs, 'object-store.mjs'), storeUrl(place)],
    read: place => (JSON.parse(objects.get(`/${place}`) ?? '') as {readonly body: string}).body,
  },
]

describe.each(backends)('the recipes for fencing on $name', backend => {
  const agent = sharedAgent(backend)
  const leaks = useLeakCheck({agent, ignoreHandles: true})
  const tokenOf = async (prefix: string): Promise<string> => {
    const {stdout} = await runCli(['lock', prefix, '--', 'sh', '-c', 'echo $BATON_FENCING_TOKEN'], {agent})
    return stdout.trim()
  }

  for (const {name, isMissing = false, command, read} of table) {
    it.skipIf(isMissing)(`${name} writes below baton lock, and refuses a holder whose lock has passed on`, async () => {
      const place = `${backend.name}-report`
      const prefix = `${leaks.prefix}job`
      const [file, ...args] = command(place)
      const write = (input: string) => runCli(['lock', prefix, '--', file, ...args], {agent, input})
      expect(await write('first')).toMatchObject({exitCode: 0, stderr: ''})
      // A holder that froze before its write, and continues when the next holder has written.
      const old = await tokenOf(prefix)
      expect(await write('second')).toMatchObject({exitCode: 0, stderr: ''})
      const late = await runCommand(file, args, {env: {BATON_FENCING_TOKEN: old}, input: 'late'})
      expect(late).toMatchObject({exitCode: 76, stderr: expect.stringMatching(/was written by a later holder/)})
      expect(read(place)).toBe('second')
      await raw(agent.address).kvDelete(leaks.prefix, {recurse: true})
    })
  }
})

describe('the recipe for object stores', () => {
  it('compares tokens again if another writer comes between its read and its write', async () => {
    const [file, ...args] = table.at(-1)!.command('raced')
    intruder = JSON.stringify({token: '9', body: 'newer'})
    const late = await runCommand(file, args, {env: {BATON_FENCING_TOKEN: '5'}, input: 'late'})
    expect(late.exitCode).toBe(76)
    intruder = JSON.stringify({token: '9', body: 'older'})
    const newer = await runCommand(file, args, {env: {BATON_FENCING_TOKEN: '10'}, input: 'newest'})
    expect(newer).toMatchObject({exitCode: 0, stderr: ''})
    expect(objects.get('/raced')).toContain('newest')
  })
})
