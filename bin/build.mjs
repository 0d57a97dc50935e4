// Builds the command line into one lazy bundle and the library into dist/src.
import {execFileSync} from 'node:child_process'
import {mkdirSync, readFileSync, rmSync} from 'node:fs'
import {fileURLToPath} from 'node:url'
import {build} from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const {version} = JSON.parse(readFileSync(`${root}package.json`, 'utf8'))

/** One CommonJS file: the launcher's code cache covers it whole, and each command's modules run only when it is asked for. */
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
  execFileSync(process.execPath, [`${root}node_modules/typescript/bin/tsc`, '-p', '.config/tsconfig.build.json'], {
    cwd: root,
    stdio: 'inherit',
  })
}
