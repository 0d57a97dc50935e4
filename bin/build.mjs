// Builds the command line into bundles in dist/cli, and the library with its types into dist/src.
import {execFileSync} from 'node:child_process'
import {mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {fileURLToPath} from 'node:url'
import {build} from 'esbuild'
import {noticesOf} from './notices.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const {version} = JSON.parse(readFileSync(`${root}package.json`, 'utf8'))

/**
 * Returns the names of all commands with their files: `commands/kv/get.ts` is `kv get`, and `commands/event/index.ts`
 * is `event`.
 */
export function commandIds() {
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

/** An esbuild plugin that generates the table of commands from the names of the files in commands/. */
const commandTable = isIncluded => ({
  name: 'command-table',
  setup(bundler) {
    bundler.onResolve({filter: /^virtual:command-table$/}, ({path}) => ({path, namespace: 'virtual'}))
    bundler.onLoad({filter: /.*/, namespace: 'virtual'}, () => {
      const commands = commandIds().filter(({id}) => isIncluded(id))
      const rows = commands.map(({id, file}) => `${JSON.stringify(id)}: () => import('./commands/${file}')`)
      const names = JSON.stringify(commandIds().map(({id}) => id))
      return {
        contents: `export default {${rows.join(',')}}; export const commandNames = ${names}`,
        resolveDir: root,
        loader: 'ts',
      }
    })
  },
})

/**
 * Large packages that few commands need. Each is a file of its own, so that other commands do not read it at each
 * start.
 */
const vendored = ['execa', 'js-hcl-parser', 'prom-client', 're2js', 'undici', 'yaml', 'zod']

const vendorFiles = {
  name: 'vendor-files',
  setup(bundler) {
    bundler.onResolve({filter: new RegExp(`^(${vendored.join('|')})$`)}, ({path, importer}) =>
      importer.includes('node_modules') ? undefined : {path: `./vendor/${path}.cjs`, external: true},
    )
  },
}

/**
 * Parts of oclif that its parser loads but baton never calls. They would be half of the code that runs at each start.
 */
const leftOut = [
  {importer: 'cache.js', paths: ['@oclif/core/package.json'], contents: "exports.version = 'unknown'"},
  {importer: 'command.js', paths: ['./config'], contents: 'exports.Config = class {}'},
  {importer: 'command.js', paths: ['./help/util', './ux'], contents: ''},
  {importer: 'errors/error.js', paths: ['./errors/pretty-print'], contents: ''},
  {importer: 'errors/errors/cli.js', paths: ['clean-stack'], contents: 'module.exports = stack => stack'},
  {
    importer: 'errors/errors/cli.js',
    paths: ['indent-string', 'wrap-ansi', '../../screen', '../../ux/theme'],
    contents: '',
  },
  {importer: 'errors/index.js', paths: ['./handle'], contents: ''},
  {importer: 'errors/warn.js', paths: ['./errors/pretty-print'], contents: ''},
  {importer: 'flags.js', paths: ['./help'], contents: ''},
  {importer: 'logger.js', paths: ['debug'], contents: 'module.exports = () => () => {}'},
  {importer: 'parser/errors.js', paths: ['../ux/list'], contents: "module.exports = () => ''"},
  {importer: 'parser/errors.js', paths: ['../ux/theme'], contents: 'exports.colorize = (_color, text) => text'},
  {importer: 'parser/index.js', paths: ['./help'], contents: ''},
  // Used only for kinds of flags and arguments that baton does not have.
  {importer: 'parser/parse.js', paths: ['node:readline'], contents: later('node:readline')},
  {importer: 'util/fs.js', paths: ['node:fs/promises'], contents: later('node:fs/promises')},
]

function later(name) {
  return `module.exports = new Proxy({}, {get: (_, part) => require('${name}')[part]})`
}

/**
 * Modules of Node that take long to load and that most runs do not need. Each is loaded when one of its exports is first
 * used.
 */
const loadedLate = ['node:fs/promises', 'node:timers/promises']

const lateModules = {
  name: 'late-modules',
  setup(bundler) {
    bundler.onResolve({filter: new RegExp(`^(${loadedLate.join('|')})$`)}, ({path, namespace}) =>
      namespace === 'file' ? {path, namespace: 'late'} : undefined,
    )
    bundler.onLoad({filter: /./, namespace: 'late'}, async ({path}) => {
      const names = Object.keys(await import(path)).filter(name => name !== 'default')
      const getters = names.map(name => `get ${name}() {return require('${path}').${name}}`)
      return {contents: `module.exports = {${getters.join(',')}}`, loader: 'js', resolveDir: root}
    })
  },
}

const withoutRunner = {
  name: 'without-runner',
  setup(bundler) {
    bundler.onResolve({filter: /./}, ({path, importer}) => {
      const part = leftOut.find(
        one => one.paths.includes(path) && importer.endsWith(`/@oclif/core/lib/${one.importer}`),
      )
      return part && {path: `${part.importer} ${path}`, namespace: 'left-out', pluginData: part.contents}
    })
    bundler.onLoad({filter: /./, namespace: 'left-out'}, ({pluginData}) => ({
      contents: pluginData,
      loader: 'js',
      resolveDir: root,
    }))
  },
}

/**
 * A plugin that leaves help out of the bundle of `lock`, because the launcher starts the bundle of all commands for
 * help.
 */
const withoutHelp = {
  name: 'without-help',
  setup(bundler) {
    bundler.onResolve({filter: /^\.\/help\/show\.js$/}, ({importer}) =>
      importer.endsWith('/src/main/main.ts') ? {path: 'help', namespace: 'left-out', pluginData: ''} : undefined,
    )
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
  // The file's name is enough for createRequire, and cheaper than computing its URL at each start.
  define: {BATON_VERSION: JSON.stringify(version), 'import.meta.url': '__filename'},
  external: ['typescript', 'ts-node', 'tsx', 'esbuild'],
  logLevel: 'warning',
  // The build writes every licence to dist/cli/THIRD-PARTY-NOTICES.
  legalComments: 'none',
  metafile: true,
}

/**
 * Builds one script for all commands. Its modules run only when they are needed, so that the launcher's code cache
 * covers all of them. `lock` and `kv`, which run most often, have scripts of their own: these are a quarter of the
 * size, which saves a tenth of the start-up time.
 */
export async function buildCli() {
  mkdirSync(`${root}dist/cli/vendor`, {recursive: true})
  const vendor = vendored.map(name =>
    build({
      ...common,
      stdin: {contents: `module.exports = require('${name}')`, resolveDir: root},
      outfile: `dist/cli/vendor/${name}.cjs`,
      minify: true,
    }),
  )
  const built = await Promise.all([
    buildBundle('main', () => true),
    buildBundle('lock', id => id === 'lock', [withoutHelp]),
    buildBundle('kv', id => id.startsWith('kv')),
    ...vendor,
  ])
  const files = built.flatMap(({metafile}) => Object.keys(metafile.inputs))
  writeFileSync(`${root}dist/cli/THIRD-PARTY-NOTICES`, noticesOf(files, root))
}

/**
 * The script is ASCII, so that Node need not decode it, and has no comments, which halves its size. Names are kept for
 * stack traces.
 */
async function buildBundle(name, isIncluded, plugins = []) {
  const result = await build({
    ...common,
    entryPoints: ['src/main/main.ts'],
    outfile: `dist/cli/${name}.cjs`,
    plugins: [...plugins, commandTable(isIncluded), vendorFiles, lateModules, withoutRunner],
    minifyWhitespace: true,
    minifySyntax: true,
    lineLimit: 160,
    write: false,
  })
  // esbuild escapes strings but not regular expressions.
  const text = result.outputFiles[0].text.replace(
    /[^\0-\x7f]/g,
    unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  writeFileSync(
    `${root}dist/cli/${name}.cjs`,
    `(function (exports, require, module, __filename, __dirname) {${text}\n})\n`,
  )
  return result
}

/**
 * Builds one file for each sub-path that the package exports, and shared files for modules that several of them import.
 * Node would take four times as long to import the same code if each module were a file.
 */
async function buildLibrary() {
  const {exports} = JSON.parse(readFileSync(`${root}package.json`, 'utf8'))
  const files = Object.values(exports).flatMap(({default: file}) => (file ? [file] : []))
  await build({
    absWorkingDir: root,
    entryPoints: files.map(file => file.replace('./dist/', '').replace(/js$/, 'ts')),
    outbase: '.',
    outdir: 'dist',
    chunkNames: 'src/shared/[hash]',
    bundle: true,
    splitting: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'warning',
  })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  rmSync(`${root}dist`, {recursive: true, force: true})
  const compiler = `${root}node_modules/typescript/bin/tsc`
  await Promise.all([buildCli(), buildLibrary()])
  execFileSync(process.execPath, [compiler, '-p', '.config/tsconfig.build.json'], {cwd: root, stdio: 'inherit'})
}
