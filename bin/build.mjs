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

/** Large packages that few commands need: files of their own, so that the others do not read them at each start. */
const vendored = ['execa', 'js-hcl-parser', 'prom-client', 're2js', 'undici', 'yaml', 'zod']

const vendorFiles = {
  name: 'vendor-files',
  setup(bundler) {
    bundler.onResolve({filter: new RegExp(`^(${vendored.join('|')})$`)}, ({path, importer}) =>
      importer.includes('node_modules') ? undefined : {path: `./vendor/${path}.cjs`, external: true},
    )
  },
}

/** Parts of oclif's runner and screen that its parser drags along and baton never calls: a fifth of the start-up. */
const leftOut = [
  {importer: '/@oclif/core/lib/command.js', path: './config', contents: 'exports.Config = class {}'},
  {importer: '/@oclif/core/lib/command.js', path: './help/util', contents: ''},
  {importer: '/@oclif/core/lib/command.js', path: './ux', contents: ''},
  {importer: '/@oclif/core/lib/errors/index.js', path: './handle', contents: ''},
  {importer: '/@oclif/core/lib/flags.js', path: './help', contents: ''},
]

const withoutRunner = {
  name: 'without-runner',
  setup(bundler) {
    bundler.onResolve({filter: /^\.\/(config|help|help\/util|ux|handle)$/}, ({path, importer}) => {
      const part = leftOut.find(one => one.path === path && importer.endsWith(one.importer))
      return part && {path: `${part.importer} ${path}`, namespace: 'left-out', pluginData: part.contents}
    })
    bundler.onLoad({filter: /.*/, namespace: 'left-out'}, ({pluginData}) => ({contents: pluginData, loader: 'js'}))
  },
}

const common = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20',
  // The bundle runs from a vm.Script, which has no import().
  supported: {'dynamic-import': false},
  define: {BATON_VERSION: JSON.stringify(version), 'import.meta.url': '__importMetaUrl'},
  banner: {js: 'const __importMetaUrl = require("node:url").pathToFileURL(__filename).href;'},
  external: ['typescript', 'ts-node', 'tsx', 'esbuild'],
  logLevel: 'warning',
  legalComments: 'none',
}

/** One CommonJS file: the launcher's code cache covers it whole, and a command's modules run only when it is asked for. */
export async function buildCli() {
  mkdirSync(`${root}dist/cli/vendor`, {recursive: true})
  const main = build({
    ...common,
    entryPoints: ['src/cli/main.ts'],
    outfile: 'dist/cli/main.cjs',
    plugins: [commandTable, vendorFiles, withoutRunner],
  })
  const vendor = vendored.map(name =>
    build({
      ...common,
      stdin: {contents: `module.exports = require('${name}')`, resolveDir: root},
      outfile: `dist/cli/vendor/${name}.cjs`,
      minify: true,
    }),
  )
  await Promise.all([main, ...vendor])
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  rmSync(`${root}dist`, {recursive: true, force: true})
  await buildCli()
  const compiler = `${root}node_modules/typescript/bin/tsc`
  execFileSync(process.execPath, [compiler, '-p', '.config/tsconfig.build.json'], {cwd: root, stdio: 'inherit'})
}
