/**
 * Compares `baton template` with consul-template, in one run on one agent: the time from a write of a key to the changed
 * file, from the start to the first file, and the peak memory with 100 templates. Needs `consul` on the PATH and a
 * consul-template. Run it on a quiet machine: CONSUL_TEMPLATE=/path/to/consul-template npm run bench:template
 */
import {type ChildProcess, spawn} from 'node:child_process'
import {existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import buildOnce from '../kit/build-once.js'
import {startDevAgent} from '../kit/consul-server.js'
import {raw} from '../kit/raw-consul.js'
import {cleanEnv, cliPath} from '../kit/run-cli.js'
import {waitUntil} from '../kit/wait-until.js'

const changes = Number(process.env['CHANGES'] ?? 100)
const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN
const text = (path: string): string => (existsSync(path) ? readFileSync(path, 'utf8') : '')

buildOnce()
await using agent = await startDevAgent()
const consul = raw(agent.address)
const folder = mkdtempSync(join(tmpdir(), 'bench-template-'))
const programs: Readonly<Record<string, readonly [string, ...string[]]>> = {
  'consul-template': [process.env['CONSUL_TEMPLATE'] ?? 'consul-template', `-consul-addr=${agent.address.slice(7)}`],
  baton: [process.execPath, cliPath, 'template', `--http-addr=${agent.address}`],
}

function start(name: string, count: number): {readonly child: ChildProcess; readonly outputs: readonly string[]} {
  const outputs = Array.from({length: count}, (_, at) => join(folder, `${name}-${count}-${at}`))
  for (const output of outputs) rmSync(output, {force: true})
  const blocks = outputs.map(
    (output, at) => `template {\n  contents = "{{ key \\"bench/${at}\\" }}"\n  destination = "${output}"\n}`,
  )
  const config = join(folder, `${name}-${count}.hcl`)
  writeFileSync(config, blocks.join('\n'))
  const [file = '', ...words] = programs[name] ?? []
  return {child: spawn(file, [...words, `-config=${config}`], {env: cleanEnv(), stdio: 'ignore'}), outputs}
}

async function stop(child: ChildProcess): Promise<void> {
  const ended = new Promise(resolve => child.once('exit', resolve))
  child.kill('SIGINT')
  await ended
}

async function measure(name: string): Promise<Readonly<Record<string, number>>> {
  for (let at = 0; at < 100; at += 1) await consul.kvPut(`bench/${at}`, 'first')
  const starts: number[] = []
  for (let run = 0; run < 5; run += 1) {
    const startedAt = performance.now()
    const {child, outputs} = start(name, 1)
    await waitUntil(() => text(outputs[0] ?? '') === 'first', {what: 'the file', intervalMs: 1})
    starts.push(performance.now() - startedAt)
    await stop(child)
  }
  const {child, outputs} = start(name, 1)
  await waitUntil(() => text(outputs[0] ?? '') === 'first', {what: 'the file'})
  const latencies: number[] = []
  for (let change = 0; change < changes; change += 1) {
    // Waits until the program has sent its next blocking query.
    await new Promise(resolve => setTimeout(resolve, 150))
    const writtenAt = performance.now()
    await consul.kvPut('bench/0', `${name} ${change}`)
    await waitUntil(() => text(outputs[0] ?? '') === `${name} ${change}`, {what: 'the change', intervalMs: 1})
    latencies.push(performance.now() - writtenAt)
  }
  await stop(child)
  const many = start(name, 100)
  await waitUntil(() => many.outputs.every(output => text(output) !== ''), {what: '100 files', timeoutMs: 60_000})
  await new Promise(resolve => setTimeout(resolve, 2000))
  const peak = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${many.child.pid}/status`, 'utf8'))?.[1]
  await stop(many.child)
  return {startMs: median(starts), changeMs: median(latencies), peakMB: Number(peak) / 1024}
}

const theirs = await measure('consul-template')
const ours = await measure('baton')
rmSync(folder, {recursive: true})
for (const [what, value] of Object.entries(ours)) {
  const other = theirs[what] ?? Number.NaN
  console.log(`${what}: baton ${value.toFixed(1)}, consul-template ${other.toFixed(1)}, ${(value / other).toFixed(2)}x`)
}
