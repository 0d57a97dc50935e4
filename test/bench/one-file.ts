import {execFile} from 'node:child_process'
import {existsSync, mkdtempSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {promisify} from 'node:util'
import {cliPath} from '../kit/run-cli.js'

const run = promisify(execFile)
const rounds = 25

/** The one-file build: `ONE_FILE`, or the file that `npm run one-file` makes. `undefined` if it was not built. */
export function findOneFile(): string | undefined {
  const file = process.env.ONE_FILE ?? fileURLToPath(new URL('../../dist/one-file/baton', import.meta.url))
  return existsSync(file) ? file : undefined
}

/** Processor time in milliseconds of a command and of all processes that it starts and waits for. */
async function processorMs(command: readonly string[], env: Record<string, string>): Promise<number> {
  const {stdout} = await run('bash', ['-c', '"$@" >/dev/null || exit; times', 'bash', ...command], {env})
  const [user, system] = [...(stdout.split('\n')[1] ?? '').matchAll(/(\d+)m([\d.]+)s/g)].map(
    ([, minutes, seconds]) => Number(minutes) * 60_000 + Number(seconds) * 1000,
  )
  return (user ?? Number.NaN) + (system ?? Number.NaN)
}

/** The median of each case. In each round, every case runs once, so that other load affects all of them. */
async function medians(
  cases: Readonly<Record<string, readonly string[]>>,
  start: (command: readonly string[]) => Promise<number>,
): Promise<Record<string, number>> {
  const all = Object.entries(cases).map(([name, command]) => ({name, command, times: [] as number[]}))
  for (let round = 0; round < rounds; round += 1) {
    for (const {command, times} of all) times.push(await start(command))
  }
  return Object.fromEntries(
    all.map(({name, times}) => [name, times.toSorted((a, b) => a - b)[rounds >> 1] ?? Number.NaN]),
  )
}

/**
 * Compares the processor time of starts of the one-file build with that of the npm package, which runs on the Node of
 * this process, with the code cache warm and without one.
 */
export async function compareOneFile(oneFile: string, env: Record<string, string>): Promise<void> {
  const forms = {npm: [process.execPath, cliPath], oneFile: [oneFile]}
  const starts = {
    '--version': ['--version'],
    'kv get': ['kv', 'get', 'bench/key'],
    'lock K -- true': ['lock', 'bench/form', '--', 'true'],
  }
  const cases: Record<string, readonly string[]> = {node: [process.execPath, '-e', '0']}
  for (const [form, program] of Object.entries(forms)) {
    for (const [name, args] of Object.entries(starts)) cases[`${form} ${name}`] = [...program, ...args]
  }
  const cache = mkdtempSync(join(tmpdir(), 'bench-cache-'))
  const own = {...env, XDG_CACHE_HOME: cache}
  // The first start of a command writes its code cache.
  for (const command of Object.values(cases)) await processorMs(command, own)
  const warm = await medians(cases, command => processorMs(command, own))
  const cold = await medians(cases, command => {
    rmSync(join(cache, 'baton'), {recursive: true, force: true})
    return processorMs(command, own)
  })
  rmSync(cache, {recursive: true, force: true})
  for (const [state, of] of [
    ['warm code cache', warm],
    ['no code cache', cold],
  ] as const) {
    console.log(
      `processor time with ${state}, median of ${rounds} rounds (node -e 0: ${of['node']?.toFixed(0)} ms, Node ${process.version})`,
    )
    for (const name of Object.keys(starts)) {
      const [npm, file, node] = [of[`npm ${name}`]!, of[`oneFile ${name}`]!, of['node']!]
      console.log(
        `  ${name.padEnd(16)} npm ${(npm / node).toFixed(2)}x, one file ${(file / node).toFixed(2)}x of node -e 0; one file to npm ${(file / npm).toFixed(2)}x   goal <= 1.00`,
      )
    }
  }
}
