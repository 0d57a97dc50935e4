/**
 * Compares the hand-over of a lock by baton and by `consul lock`, in one run on one agent: the time from the end of one
 * command to the start of the next, and the entries in Consul's log for each contender. Each contender of baton acts as
 * if on a host of its own. Needs `consul` on the PATH. Run it on a quiet machine: WAITERS=2,10,50 npm run bench:lock
 */
import {mkdirSync, mkdtempSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import buildOnce from '../kit/build-once.js'
import {type ConsulServer, startDevAgent} from '../kit/consul-server.js'
import {checkNoOverlap, criticalSection, readHistory} from '../kit/history.js'
import {raw} from '../kit/raw-consul.js'
import {cliPath, startCommand} from '../kit/run-cli.js'
import {waitUntil} from '../kit/wait-until.js'

const counts = (process.env.WAITERS ?? '2,10').split(',').map(Number)
const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN

interface Measured {
  readonly medianMs: number
  readonly longestMs: number
  readonly entriesPerContender: number
}

async function logIndex(agent: ConsulServer): Promise<number> {
  const self = (await raw(agent.address).get('/v1/agent/self')) as {Stats: {raft: {last_log_index: string}}}
  return Number(self.Stats.raft.last_log_index)
}

async function measure(agent: ConsulServer, command: readonly [string, ...string[]], count: number): Promise<Measured> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-lock-'))
  const history = join(folder, 'history')
  const key = `bench/${command.includes(cliPath) ? 'baton' : 'consul'}-${count}`
  const start = (name: string, seconds: string) => {
    const place = join(folder, name)
    mkdirSync(place)
    const [file, ...words] = command
    return startCommand(file, [...words, key, criticalSection, history, name, seconds], {agent, env: {TMPDIR: place}})
  }
  const before = await logIndex(agent)
  const holder = start('holder', String(3 + count / 2))
  await waitUntil(() => readHistory(history).length > 0, {what: 'the holder', timeoutMs: 30_000})
  const waiters = Array.from({length: count}, (_, at) => start(`w${at}`, '0.02'))
  await Promise.all([holder, ...waiters].map(one => one.exited))
  const entries = (await logIndex(agent)) - before
  checkNoOverlap(history)
  const lines = readHistory(history)
  const gaps = lines.flatMap((line, at) =>
    line.what === 'start' && at > 0 ? [Number(line.ns - lines[at - 1]!.ns) / 1e6] : [],
  )
  rmSync(folder, {recursive: true, force: true})
  return {medianMs: median(gaps), longestMs: Math.max(...gaps), entriesPerContender: entries / (count + 1)}
}

async function main(): Promise<void> {
  buildOnce()
  await using agent = await startDevAgent()
  for (const count of counts) {
    const theirs = await measure(agent, ['consul', 'lock', '-shell=false'], count)
    const ours = await measure(agent, [process.execPath, cliPath, 'lock', '-shell=false'], count)
    for (const [name, one] of Object.entries({baton: ours, consul: theirs})) {
      const {medianMs, longestMs, entriesPerContender} = one
      process.stdout.write(
        `${count} waiters, ${name}: median ${medianMs.toFixed(1)} ms, longest ${longestMs.toFixed(0)} ms, ` +
          `${entriesPerContender.toFixed(1)} entries for each contender\n`,
      )
    }
    const ratio = (pick: (one: Measured) => number): string => (pick(ours) / pick(theirs)).toFixed(2)
    process.stdout.write(
      `  ratios: median ${ratio(one => one.medianMs)}, longest ${ratio(one => one.longestMs)}, ` +
        `entries ${ratio(one => one.entriesPerContender)}\n`,
    )
  }
}

await main()
