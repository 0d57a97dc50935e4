// Makes all artefacts of a release and checks them: node bin/release.mjs [--trial] [FOLDER], by default dist/release.
//
// The script ends before it builds anything if the tree has uncommitted changes or the CHANGELOG has no lines for the
// version. `--trial` also takes the section "Pending", allows changes, and builds for this architecture only.
import {execFileSync} from 'node:child_process'
import {createHash} from 'node:crypto'
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import {tmpdir} from 'node:os'
import {join, resolve} from 'node:path'
import {fileURLToPath} from 'node:url'
import {buildDeb} from './deb.mjs'
import {buildOneFile} from './one-file.mjs'
import {sbom} from './sbom.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const {version} = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

const call = (program, args, options = {}) =>
  execFileSync(program, args, {cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], ...options}).trim()

/** Returns the lines of a version's section in the text of a changelog; none if the section is missing or empty. */
export function changesOf(changelog, name) {
  const sections = changelog.split(/^## /m).slice(1)
  const section = sections.find(one => one.split('\n')[0].split(' ')[0] === name) ?? ''
  return section.split('\n').filter(line => line.startsWith('- '))
}

/** Throws if the tree or the changelog is not ready for a release. `status` is the output of `git status --porcelain`. */
export function checkReady({status, changelog, name}) {
  if (status !== '') throw new Error(`the tree has changes that are not committed:\n${status}`)
  if (changesOf(changelog, name).length === 0) throw new Error(`CHANGELOG.md has no lines below "## ${name}"`)
}

/** Builds all artefacts into a folder. */
async function make(folder, architectures) {
  rmSync(folder, {recursive: true, force: true})
  mkdirSync(folder, {recursive: true})
  // Packing builds everything first, and removes what dist contained.
  call('npm', ['pack', '--silent', '--pack-destination', folder])
  call('npm', ['run', '--silent', 'man'])
  for (const arch of architectures) {
    const binary = await buildOneFile(arch, folder)
    buildDeb(arch, {binary, folder})
    const named = join(folder, `baton-${version}-linux-${arch}`)
    renameSync(binary, named)
    call('xz', ['-6', '--threads=1', named])
  }
  writeFileSync(join(folder, `baton-${version}.cdx.json`), sbom())
  copyFileSync(join(root, 'dist/cli/THIRD-PARTY-NOTICES'), join(folder, 'THIRD-PARTY-NOTICES'))
  const sums = readdirSync(folder)
    .sort()
    .map(
      file =>
        `${createHash('sha256')
          .update(readFileSync(join(folder, file)))
          .digest('hex')}  ${file}\n`,
    )
  writeFileSync(join(folder, 'SHA256SUMS'), sums.join(''))
}

/** Tries the artefacts of this architecture as a user would receive them. */
function check(folder) {
  call('sha256sum', ['--check', '--quiet', 'SHA256SUMS'], {cwd: folder})
  const work = mkdtempSync(join(tmpdir(), 'baton-release-'))
  try {
    const env = {PATH: '/usr/bin:/bin', HOME: work}
    const compressed = join(folder, `baton-${version}-linux-${process.arch}.xz`)
    writeFileSync(join(work, 'baton'), execFileSync('xz', ['--decompress', '--stdout', compressed], {maxBuffer: 1e9}), {
      mode: 0o755,
    })
    const said = call(join(work, 'baton'), ['--version'], {cwd: work, env})
    if (!said.includes(version)) throw new Error(`the one file says it is ${said}`)
    const deb = readdirSync(folder).find(file => file.endsWith(process.arch === 'x64' ? '_amd64.deb' : '_arm64.deb'))
    call('dpkg-deb', ['--extract', join(folder, deb), join(work, 'deb')])
    if (call(join(work, 'deb/usr/bin/baton'), ['--version'], {env}) !== said) throw new Error('the package differs')
    call('npm', ['install', '--silent', '--prefix', work, join(folder, `consul-baton-${version}.tgz`)])
    if (call(join(work, 'node_modules/.bin/baton'), ['--version']) !== said) throw new Error('the npm package differs')
  } finally {
    rmSync(work, {recursive: true})
  }
}

async function release(words) {
  const isTrial = words.includes('--trial')
  const changelog = readFileSync(join(root, 'CHANGELOG.md'), 'utf8')
  const isPending = isTrial && changesOf(changelog, version).length === 0
  const folder = resolve(words.find(word => !word.startsWith('-')) ?? join(root, 'dist/release'))
  checkReady({
    status: isTrial ? '' : call('git', ['status', '--porcelain']),
    changelog,
    name: isPending ? 'Pending' : version,
  })
  const architectures = isTrial ? [process.arch] : ['x64', 'arm64']
  // Outside dist, which each build empties. The folder of the release is replaced only when everything was checked.
  const work = mkdtempSync(join(tmpdir(), 'baton-release-'))
  try {
    const builds = ['first', 'second'].map(name => join(work, name))
    for (const build of builds) await make(build, architectures)
    const [first, second] = builds.map(build => readFileSync(join(build, 'SHA256SUMS'), 'utf8'))
    if (first !== second) throw new Error(`two builds differ:\n${first}\n${second}`)
    check(builds[0])
    rmSync(folder, {recursive: true, force: true})
    cpSync(builds[0], folder, {recursive: true})
    process.stdout.write(`${first}two builds are equal: ${folder}\n`)
  } finally {
    rmSync(work, {recursive: true})
    // If packing failed, npm has not put back the whole package.json.
    call(process.execPath, ['bin/pack.mjs', 'end'])
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await release(process.argv.slice(2)).catch(({message}) => {
    process.stderr.write(`release: ${message}\n`)
    process.exitCode = 1
  })
}
