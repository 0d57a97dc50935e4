import {execFileSync, spawnSync} from 'node:child_process'
import {mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {buildSync} from 'esbuild'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {backends, sharedAgent} from '../../kit/backend.js'
import {checkNoOverlap, criticalSection} from '../../kit/history.js'
import {useLeakCheck} from '../../kit/leaks.js'
import {raw} from '../../kit/raw-consul.js'
import {runCli, runCommand} from '../../kit/run-cli.js'

const [real] = backends.filter(backend => backend.name === 'real')
const root = fileURLToPath(new URL('../../..', import.meta.url))
/** The first version whose contenders of a mutex form a queue. A clone without the history lacks it. */
const older = '61c34a86'
const hasOlder = spawnSync('git', ['cat-file', '-e', `${older}^{commit}`], {cwd: root}).status === 0
const runs = 4

/** Acquires the lock again and again, and runs the command that is given as arguments under it. */
const script = `
  import {spawn} from 'node:child_process'
  import {createClient} from './src/core/client.js'
  import {createMutex} from './src/lock/mutex.js'
  const [address, prefix, runs, name, file, ...words] = process.argv.slice(2)
  const client = createClient({address})
  const mutex = createMutex(client, {prefix})
  for (let run = 0; run < Number(runs); run += 1) {
    await mutex.withLock(() => new Promise(resolve => {
      const all = words.map(word => word === 'NAME' ? name + '-' + run : word)
      spawn(file, all, {stdio: 'inherit'}).once('exit', resolve)
    }))
  }
  await client[Symbol.asyncDispose]()
`

describe.runIf(real !== undefined && hasOlder)('an older version, this version and consul lock on one key', () => {
  const agent = sharedAgent(real!)
  const leaks = useLeakCheck({agent, graceMs: 20_000, mayStay: ({Name}) => / consul-\d/.test(Name)})
  let folder = ''
  let contender = ''
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'baton-test-'))
    const archive = execFileSync('git', ['archive', older, 'src', 'package.json'], {cwd: root, maxBuffer: 2 ** 28})
    execFileSync('tar', ['x', '-C', folder], {input: archive})
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
    writeFileSync(join(folder, 'contender.ts'), script)
    contender = join(folder, 'contender.mjs')
    buildSync({
      entryPoints: [join(folder, 'contender.ts')],
      outfile: contender,
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      banner: {js: "import {createRequire} from 'node:module'; const require = createRequire(import.meta.url)"},
    })
  })
  afterAll(() => rmSync(folder, {recursive: true}))

  it.each(['queue', 'share'])(
    'never hold the lock at the same time, and all have their turns (--fair=%s)',
    async fair => {
      const key = `${leaks.prefix}versions`
      const history = join(folder, `history-${fair}`)
      const section = (name: string) =>
        [criticalSection, history, name, '0.05', join(folder, `exclusive-${fair}`)] as const
      // Each contender acts as if it were on a host of its own.
      const env = (name: string) => {
        const place = join(folder, name)
        mkdirSync(place, {recursive: true})
        return {TMPDIR: place, XDG_RUNTIME_DIR: place}
      }
      const old = async (name: string): Promise<void> => {
        const words = [contender, agent.address, key, String(runs), name, ...section('NAME')]
        expect((await runCommand(process.execPath, words, {agent, env: env(name)})).exitCode).toBe(0)
      }
      const others = async (name: string, start: (id: string) => Promise<{readonly exitCode: number | null}>) => {
        for (let run = 0; run < runs; run += 1) expect((await start(`${name}-${run}`)).exitCode).toBe(0)
      }
      const ours = (name: string) =>
        others(name, id => runCli(['lock', '--fair', fair, key, '--', ...section(id)], {agent, env: env(name)}))
      const theirs = (name: string) =>
        others(name, id => runCommand('consul', ['lock', '-shell=false', key, ...section(id)], {agent}))
      await Promise.all([old('o1'), old('o2'), ours('b1'), ours('b2'), theirs('g1'), theirs('g2')])
      expect(checkNoOverlap(history).finished).toHaveLength(6 * runs)
      await raw(agent.address).kvDelete(`${key}/.lock`)
    },
    300_000,
  )
})
