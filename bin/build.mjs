// Builds the command line into one lazy bundle and the library into dist/src.
import {execFileSync} from 'node:child_process'
import {mkdirSync, readdirSync, readFileSync, rmSync} from 'node:fs'
import {fileURLToPath} from 'node:url'
import {build} from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const {version} = JSON.parse(readFileSync(`${root}package.json`, 'utf8'))

/** `commands/kv/get.ts` is `kv get`, `commands/event/index.ts` is `event`. */
function commandIds() {
  return readdirSync(`${root}commands`, {recursive: true, encoding: 'utf8'})
    .filter(file => file.endsWith('.ts'))
    .sort()
    .map(file => ({
      id: file
        .replace(/\.ts$/, '')
        .replace(/(^|\/)index$/, '')
        .replaceAll('/', ' '),
      file,
    }))
}

/** The table of commands, made from the files themselves. */
const commandTable = {
  name: 'command-table',
  setup(bundler) {
    bundler.onResolve({filter: /^virtual:command-table$/}, ({path}) => ({path, namespace: 'virtual'}))
    bundler.onLoad({filter: /.*/, namespace: 'virtual'}, () => {
      const rows = commandIds().map(({id, file}) => `${JSON.stringify(id)}: () => import('./commands/${file}')`)
      return {contents: `export default {${rows.join(',')}}`, resolveDir: root, loader: 'ts'}
    })
  },
}

/** One CommonJS file: the launcher's code cache covers it whole, and a command's modules run only when it is asked for. */
export async function buildCli() {
  mkdirSync(`${root}dist/cli`, {recursive: true})
  await build({
    absWorkingDir: root,
    entryPoints: ['src/cli/main.ts'],
    outfile: 'dist/cli/main.cjs',
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    plugins: [commandTable],
    define: {BATON_VERSION: JSON.stringify(version), 'import.meta.url': '__importMetaUrl'},
    banner: {js: 'const __importMetaUrl = require("node:url").pathToFileURL(__filename).href;'},
    external: ['typescript', 'ts-node', 'tsx', 'esbuild'],
    logLevel: 'warning',
    legalComments: 'none',
  })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  rmSync(`${root}dist`, {recursive: true, force: true})
  await buildCli()
  const compiler = `${root}node_modules/typescript/bin/tsc`
  execFileSync(process.execPath, [compiler, '-p', '.config/tsconfig.build.json'], {cwd: root, stdio: 'inherit'})
}
