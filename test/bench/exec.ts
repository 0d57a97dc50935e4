/**
 * The time of `baton exec uptime` as a ratio to `consul exec uptime`, in one run on one cluster of four real agents:
 * first by the remote execution of the agents themselves, then by three responders. Needs `consul` on the PATH. Run it
 * on a quiet machine: npm run bench:exec
 */
import {mkdtempSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import buildOnce from '../kit/build-once.js'
import {type ConsulCluster, startCluster} from '../kit/consul-cluster.js'
import {cliPath, runCli, runCommand, startCli} from '../kit/run-cli.js'

const rounds = Number(process.env.ROUNDS ?? 10)
const target = 0.4
const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN

interface Contender {
  readonly name: string
  readonly command: readonly [string, ...string[]]
  /** Number of nodes that must have run the command. */
  readonly nodes: number
}

async function timeOnce(cluster: ConsulCluster, {command, nodes}: Contender): Promise<number> {
  const [file, ...args] = command
  const started = process.hrtime.bigint()
  const {exitCode, stdout} = await runCommand(file, args, {agent: cluster})
  const ms = Number(process.hrtime.bigint() - started) / 1e6
  if (exitCode !== 0 || !stdout.includes(`${nodes} / ${nodes} node(s)`))
    throw new Error(`${command.join(' ')}: ${stdout}`)
  return ms
}

async function compare(cluster: ConsulCluster, ours: Contender): Promise<void> {
  const theirs: Contender = {name: 'consul exec', command: ['consul', 'exec', 'uptime'], nodes: 4}
  await timeOnce(cluster, ours)
  const times: {ours: number; theirs: number}[] = []
  for (let round = 0; round < rounds; round += 1) {
    times.push({ours: await timeOnce(cluster, ours), theirs: await timeOnce(cluster, theirs)})
  }
  const ratio = median(times.map(one => one.ours / one.theirs))
  const [mine, others] = [median(times.map(one => one.ours)), median(times.map(one => one.theirs))]
  process.stdout.write(`${ours.name}: ${mine.toFixed(0)} ms, ${theirs.name}: ${others.toFixed(0)} ms (medians)\n`)
  process.stdout.write(`  ratio ${ratio.toFixed(2)}, target ${target}: ${ratio <= target ? 'reached' : 'missed'}\n`)
}

const baton = (...words: string[]): readonly [string, ...string[]] => [process.execPath, cliPath, 'exec', ...words]

async function main(): Promise<void> {
  buildOnce()
  const folder = mkdtempSync(join(tmpdir(), 'bench-exec-'))
  await using cluster = await startCluster({servers: 1, clients: 3, config: {disable_remote_exec: false}})
  await compare(cluster, {name: 'baton exec, four agents', command: baton('uptime'), nodes: 4})
  const keys = ['--keys-dir', join(folder, 'keys')]
  const trust = ['--trust-dir', join(folder, 'trust')]
  await runCli(['keys', 'init', ...keys])
  await runCli(['keys', 'add', join(folder, 'keys/default.pub.json'), ...trust])
  const start = (agent: {readonly address: string}) =>
    startCli(['responder', '--state-dir', join(folder, 'state'), ...trust], {agent})
  const responders = cluster.clients.map(start)
  try {
    for (const responder of responders) await responder.waitForOutput(/: ready/, {timeoutMs: 30_000})
    const command = baton('--via', 'native', ...keys, 'uptime')
    await compare(cluster, {name: 'baton exec, three responders', command, nodes: 3})
  } finally {
    for (const responder of responders) await responder[Symbol.asyncDispose]()
    rmSync(folder, {recursive: true, force: true})
  }
}

await main()
