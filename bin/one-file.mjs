// Builds `baton` as one executable file with Node in it: node bin/one-file.mjs [x64|arm64] [FOLDER].
//
// The file is Node's single executable application: the launcher is its script, the bundles and the packages are its
// assets. The Node binary in it comes from npm. The part that is added to this binary is written by a Node binary that
// runs on this machine.
import {execFileSync} from 'node:child_process'
import {chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {join, resolve} from 'node:path'
import {fileURLToPath} from 'node:url'
import {build} from 'esbuild'
import {inject} from 'postject'
import {buildCli} from './build.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
/** A version of Node with long-term support. */
const nodeVersion = '22.23.5'
/**
 * Marks the place in Node's executable where the blob is added;
 * https://nodejs.org/api/single-executable-applications.html
 */
const fuse = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2'

/** Returns the path of a Node binary for an architecture, which comes from its npm package. */
function nodeFor(arch) {
  const folder = join(root, 'node_modules/.cache/nodes', `${nodeVersion}-${arch}`)
  const file = join(folder, 'package/bin/node')
  if (!existsSync(file)) {
    mkdirSync(folder, {recursive: true})
    const options = {cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit']}
    const name = `node-linux-${arch}@${nodeVersion}`
    const tarball = execFileSync('npm', ['pack', '--silent', name], options).trim()
    execFileSync('tar', ['xzf', tarball], options)
    rmSync(join(folder, tarball))
  }
  return file
}

/** Returns the path of each file that the launcher reads, by its name among the assets. */
function assetsOf(work) {
  const {version} = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  writeFileSync(join(work, 'version'), version)
  const folder = join(root, 'dist/cli')
  const vendor = readdirSync(join(folder, 'vendor')).sort()
  const names = ['main.cjs', 'lock.cjs', 'kv.cjs', ...vendor.map(name => `vendor/${name}`), 'THIRD-PARTY-NOTICES']
  return {version: join(work, 'version'), ...Object.fromEntries(names.map(name => [name, join(folder, name)]))}
}

/**
 * Builds the file for an architecture into a folder, and returns its path. The bundles must have been built.
 *
 * @param node the Node binary to which the bundles are added, for this machine's architecture @default the one from npm
 */
export async function buildOneFile(arch, folder, node) {
  const target = join(folder, arch === process.arch ? 'baton' : `baton-${arch}`)
  const work = `${target}.parts`
  rmSync(work, {recursive: true, force: true})
  mkdirSync(work, {recursive: true})
  await build({
    entryPoints: [join(root, 'bin/run.cjs')],
    outfile: join(work, 'main.cjs'),
    bundle: true,
    platform: 'node',
    target: 'node20',
    define: {BATON_ONE_FILE: 'true'},
    external: ['../package.json'],
    logLevel: 'warning',
  })
  const settings = {
    main: 'main.cjs',
    output: 'blob',
    disableExperimentalSEAWarning: true,
    // Code for another architecture cannot be compiled on this machine. The launcher itself caches the code of the
    // bundles.
    useCodeCache: false,
    assets: assetsOf(work),
  }
  writeFileSync(join(work, 'settings.json'), JSON.stringify(settings))
  const here = node ?? nodeFor(process.arch)
  // The blob contains the path of the script. A relative path keeps the folder out of it, so that builds in different
  // folders are equal.
  execFileSync(here, ['--experimental-sea-config', 'settings.json'], {
    cwd: work,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  copyFileSync(node ?? nodeFor(arch), target)
  await inject(target, 'NODE_SEA_BLOB', readFileSync(join(work, 'blob')), {sentinelFuse: fuse})
  chmodSync(target, 0o755)
  rmSync(work, {recursive: true})
  return target
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [arch = process.arch, folder = join(root, 'dist/one-file')] = process.argv.slice(2)
  await buildCli()
  process.stdout.write(`${await buildOneFile(arch, resolve(folder))}\n`)
}
