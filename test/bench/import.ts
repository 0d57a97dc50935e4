/**
 * For each sub-path of the built library: the processor time of importing it, minus that of `node -e 0`, and the size
 * of everything that the import loads immediately, as one minified file. Reports the minimum of several rounds, because
 * other load on the machine can only add time: npm run bench:import.
 */
import {spawnSync} from 'node:child_process'
import {readFileSync} from 'node:fs'
import {dirname} from 'node:path'
import {build} from 'esbuild'

const root = dirname(dirname(import.meta.dirname))
const rounds = Number(process.env.ROUNDS ?? 20)
const {exports} = JSON.parse(readFileSync(`${root}/package.json`, 'utf8')) as {
  exports: Readonly<Record<string, {readonly default?: string}>>
}

const cases = new Map([['node -e 0', '0']])
for (const [path, {default: file}] of Object.entries(exports)) if (file) cases.set(path, `import '${file}'`)

const report = '; console.log(process.cpuUsage().user + process.cpuUsage().system)'
const least = new Map<string, number>()
for (let round = 0; round < rounds; round += 1) {
  for (const [name, code] of cases) {
    const options = {cwd: root, encoding: 'utf8'} as const
    const {status, stdout} = spawnSync(process.execPath, ['--input-type=module', '-e', code + report], options)
    if (status !== 0) throw new Error(`${name}: exit code ${status}; run npm run build first`)
    least.set(name, Math.min(least.get(name) ?? Infinity, Number(stdout) / 1000))
  }
}

/**
 * With esbuild's option `splitting`, the files of the entry point do not contain modules that are imported dynamically.
 */
async function minifiedKb(file: string): Promise<number> {
  const {metafile} = await build({
    absWorkingDir: root,
    entryPoints: {entry: file},
    bundle: true,
    splitting: true,
    minify: true,
    write: false,
    platform: 'node',
    format: 'esm',
    metafile: true,
    outdir: 'out',
    logLevel: 'error',
  })
  const needed = new Set<string>(['out/entry.js'])
  for (const name of needed) {
    for (const {path, kind} of metafile.outputs[name]?.imports ?? []) if (kind === 'import-statement') needed.add(path)
  }
  return [...needed].reduce((sum, name) => sum + (metafile.outputs[name]?.bytes ?? 0), 0) / 1000
}

const start = least.get('node -e 0') ?? 0
for (const [name, ms] of least) {
  const file = exports[name]?.default
  const kb = file ? `${(await minifiedKb(file)).toFixed(0)} kB` : ''
  console.log(`${name.padEnd(12)} ${ms.toFixed(0)} ms (+${(ms - start).toFixed(0)}) ${kb.padStart(9)}`)
}
