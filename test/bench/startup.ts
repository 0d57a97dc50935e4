/**
 * Measures start-up time and memory of baton, as ratios to those of `node -e 0` and of Consul's own tool in the same
 * run, on one agent. Needs `consul` on the PATH. Run it on a quiet machine: npm run bench
 * If the one-file build exists (`npm run one-file`, or `ONE_FILE=PATH`), its starts are compared with those of the npm
 * package, too. `ONLY=one-file npm run bench` measures nothing else.
 */
import {spawn} from 'node:child_process'
import {readFileSync} from 'node:fs'
import buildOnce from '../kit/build-once.js'
import {startDevAgent} from '../kit/consul-server.js'
import {cleanEnv, cliPath, startCommand} from '../kit/run-cli.js'
import {waitUntil} from '../kit/wait-until.js'
import {compareOneFile, findOneFile} from './one-file.js'

const rounds = Number(process.env.ROUNDS ?? 15)
const starts = Number(process.env.STARTS ?? 60)
const baton = (...args: string[]): string[] => [process.execPath, cliPath, ...args]

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN
const now = (): number => Number(process.hrtime.bigint()) / 1e6

/**
 * spawnSync is not used, because it would block this process, so that nothing would read the agent's log, and that
 * would block the agent.
 */
function timeOnce(command: readonly string[], env: Record<string, string>): Promise<number> {
  const start = now()
  return new Promise((resolve, reject) => {
    const child = spawn(command[0] ?? '', command.slice(1), {env, stdio: 'ignore'})
    child.on('error', reject)
    child.on('exit', code => {
      if (code === 0) resolve(now() - start)
      else reject(new Error(`${command.join(' ')} exited with ${String(code)}`))
    })
  })
}

/** In each round, every case runs once, so that other load on the machine affects all of them. */
async function compare(
  cases: Readonly<Record<string, readonly string[]>>,
  env: Record<string, string>,
): Promise<Map<string, number[]>> {
  const times = new Map<string, number[]>(Object.keys(cases).map(name => [name, []]))
  for (const command of Object.values(cases)) await timeOnce(command, env)
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, command] of Object.entries(cases)) times.get(name)?.push(await timeOnce(command, env))
  }
  return times
}

async function allAtOnce(commands: readonly (readonly string[])[], env: Record<string, string>): Promise<number> {
  const start = now()
  await Promise.all(commands.map(command => timeOnce(command, env)))
  return now() - start
}

/** Private memory in kB, which is the memory that one more waiting process costs. */
function privateKb(pid: number): number {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
  return [...rollup.matchAll(/^Private_\w+:\s+(\d+) kB/gm)].reduce((sum, match) => sum + Number(match[1]), 0)
}

const treeKb = (pid: number): number => {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean)
  return privateKb(pid) + children.reduce((sum, child) => sum + treeKb(Number(child)), 0)
}

const row = (name: string, value: number, goal: string): void => {
  console.log(`  ${name.padEnd(54)}${value.toFixed(2).padStart(6)}x   goal ${goal}`)
}

async function main(): Promise<void> {
  buildOnce()
  await using agent = await startDevAgent()
  const env = cleanEnv({agent})
  await timeOnce(['consul', 'kv', 'put', 'bench/key', 'value'], env)
  const oneFile = findOneFile()
  if (oneFile) await compareOneFile(oneFile, env)
  if (process.env.ONLY === 'one-file') return

  const times = await compare(
    {
      node: [process.execPath, '-e', '0'],
      version: baton('--version'),
      kvGet: baton('kv', 'get', 'bench/key'),
      lock: baton('lock', 'bench/lock', '--', 'true'),
      consulLock: ['consul', 'lock', 'bench/consul-lock', 'true'],
    },
    env,
  )
  const of = (name: string): number => median(times.get(name) ?? [])
  console.log(
    `start-up, median of ${rounds} rounds (node -e 0: ${of('node').toFixed(0)} ms, consul lock: ${of('consulLock').toFixed(0)} ms)`,
  )
  row('--version to node -e 0', of('version') / of('node'), '<= 1.2')
  row('kv get with its request to node -e 0', of('kvGet') / of('node'), '<= 2.0')
  row('lock K -- true to node -e 0', of('lock') / of('node'), '<= 2.2')
  row('lock K -- true to consul lock K true', of('lock') / of('consulLock'), '<= 4')

  const many = (make: (n: number) => readonly string[]): (readonly string[])[] =>
    Array.from({length: starts}, (_, n) => make(n))
  const consulMany = await allAtOnce(
    many(n => ['consul', 'lock', `bench/many/c${n}`, 'true']),
    env,
  )
  const batonMany = await allAtOnce(
    many(n => baton('lock', `bench/many/b${n}`, '--', 'true')),
    env,
  )
  const consulOne = await allAtOnce(
    many(() => ['consul', 'lock', 'bench/one/c', 'true']),
    env,
  )
  const batonOne = await allAtOnce(
    many(() => baton('lock', 'bench/one/b', '--', 'true')),
    env,
  )
  console.log(`${starts} starts at once`)
  row(`on ${starts} keys to consul lock`, batonMany / consulMany, '<= 3.5')
  row('on one key to consul lock', batonOne / consulOne, '<= 1.0')

  await using holder = startCommand('consul', ['lock', '-verbose', 'bench/held', 'sleep 60'], {agent})
  await holder.waitForOutput(/Starting handler/)
  await using consulWaiter = startCommand('consul', ['lock', '-verbose', 'bench/held', 'true'], {agent})
  await consulWaiter.waitForOutput(/Attempting lock acquisition/)
  await using batonWaiter = startCommand(process.execPath, [cliPath, 'lock', '-v', 'bench/held', '--', 'true'], {agent})
  await waitUntil(() => /wait|held/i.test(batonWaiter.stderr), {what: 'baton waits'})
  const settle = now() + 3000
  await waitUntil(() => now() > settle, {what: 'both settled', timeoutMs: 10_000})
  const [batonKb, consulKb] = [treeKb(batonWaiter.pid), treeKb(consulWaiter.pid)]
  console.log(
    `private memory of a waiter (baton ${(batonKb / 1024).toFixed(1)} MB, consul ${(consulKb / 1024).toFixed(1)} MB)`,
  )
  row('baton lock to consul lock', batonKb / consulKb, '<= 2.2')
}

await main()
