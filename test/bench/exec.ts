/**
 * The time of `baton exec uptime` as a ratio to `consul exec uptime`, on four real agents, in one run.
 * Needs `consul` on the PATH. Run it on a quiet machine: npx tsx test/bench/exec.ts
 */
import {spawnSync} from 'node:child_process'
import buildOnce from '../kit/build-once.js'
import {startCluster} from '../kit/consul-cluster.js'
import {cleanEnv, cliPath} from '../kit/run-cli.js'

const rounds = Number(process.env.ROUNDS ?? 10)
const target = 0.4
const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN

function timeOnce(command: readonly string[], env: Record<string, string>): number {
  const start = process.hrtime.bigint()
  const {status, stdout} = spawnSync(command[0] ?? '', command.slice(1), {env, encoding: 'utf8'})
  const ms = Number(process.hrtime.bigint() - start) / 1e6
  if (status !== 0 || !stdout.includes('4 / 4 node(s)')) throw new Error(`${command.join(' ')}: ${stdout}`)
  return ms
}

async function main(): Promise<void> {
  buildOnce()
  const cluster = await startCluster({servers: 1, clients: 3, config: {disable_remote_exec: false}})
  try {
    const env = cleanEnv({agent: cluster})
    const own = [process.execPath, cliPath, 'exec', 'uptime']
    timeOnce(own, env)
    const times: {own: number; theirs: number}[] = []
    for (let round = 0; round < rounds; round += 1) {
      times.push({own: timeOnce(own, env), theirs: timeOnce(['consul', 'exec', 'uptime'], env)})
    }
    const ratio = median(times.map(one => one.own / one.theirs))
    const [mine, theirs] = [median(times.map(one => one.own)), median(times.map(one => one.theirs))]
    process.stdout.write(`baton exec ${mine.toFixed(0)} ms, consul exec ${theirs.toFixed(0)} ms (medians)\n`)
    process.stdout.write(`ratio ${ratio.toFixed(2)}, target ${target}: ${ratio <= target ? 'reached' : 'missed'}\n`)
  } finally {
    await cluster[Symbol.asyncDispose]()
  }
}

await main()
