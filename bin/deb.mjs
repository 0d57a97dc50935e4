// Builds a Debian package from the one-file executable: node bin/deb.mjs [x64|arm64] [FOLDER]. Needs Debian's dpkg-deb.
import {execFileSync} from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import {dirname, join, resolve} from 'node:path'
import {fileURLToPath} from 'node:url'
import {constants, gzipSync} from 'node:zlib'

const root = fileURLToPath(new URL('..', import.meta.url))
const {version, description, license} = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
/** Names of architectures: Node's name and Debian's. */
const debianArch = {x64: 'amd64', arm64: 'arm64'}

/** Files that an administrator may change, and that an upgrade therefore keeps. */
const conffiles = ['/etc/baton/environment']

/** Scripts of the package. If DPKG_ROOT is set, the package is installed into another root, where no services run. */
const maintainerScripts = {
  postinst: `#!/bin/sh
set -e
if [ "$1" = configure ] && [ -z "$DPKG_ROOT" ] && [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
`,
  prerm: `#!/bin/sh
set -e
if [ "$1" = remove ] && [ -z "$DPKG_ROOT" ] && [ -d /run/systemd/system ]; then
  systemctl stop 'baton-*.service' 'baton-*.timer'
fi
`,
  postrm: `#!/bin/sh
set -e
if [ -z "$DPKG_ROOT" ] && [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
if [ "$1" = purge ]; then
  rm -rf "$DPKG_ROOT/etc/baton" "$DPKG_ROOT/var/lib/baton" "$DPKG_ROOT/var/lib/private/baton"
fi
`,
}

/**
 * Builds the package for an architecture from the one-file executable into a folder, and returns the path of the
 * package. The manual pages must have been written to dist/man. Two builds of one commit are equal, because every
 * timestamp in the package is that of the commit.
 */
export function buildDeb(arch, {binary, folder}) {
  const tree = join(folder, `deb-${arch}`)
  rmSync(tree, {recursive: true, force: true})
  const put = (path, content, mode = 0o644) => {
    const target = join(tree, path)
    mkdirSync(dirname(target), {recursive: true})
    writeFileSync(target, content)
    chmodSync(target, mode)
  }
  const compressed = file => gzipSync(readFileSync(file), {level: constants.Z_BEST_COMPRESSION})

  put('usr/bin/baton', '')
  copyFileSync(binary, join(tree, 'usr/bin/baton'))
  chmodSync(join(tree, 'usr/bin/baton'), 0o755)
  for (const unit of readdirSync(join(root, 'packaging/systemd')))
    put(`usr/lib/systemd/system/${unit}`, readFileSync(join(root, 'packaging/systemd', unit)))
  for (const page of readdirSync(join(root, 'dist/man/man1')))
    put(`usr/share/man/man1/${page}.gz`, compressed(join(root, 'dist/man/man1', page)))
  put('etc/baton/environment', readFileSync(join(root, 'packaging/environment')))
  mkdirSync(join(tree, 'etc/baton/trust.d'))
  put('usr/share/doc/baton/changelog.gz', compressed(join(root, 'CHANGELOG.md')))
  put('usr/share/doc/baton/packages.md', readFileSync(join(root, 'docs/packages.md')))
  const notices = readFileSync(join(root, 'dist/cli/THIRD-PARTY-NOTICES'), 'utf8')
  put('usr/share/doc/baton/copyright', `${readFileSync(join(root, 'LICENSE'), 'utf8')}\n${notices}`)

  put('DEBIAN/control', controlOf(arch, tree))
  put('DEBIAN/conffiles', conffiles.map(file => `${file}\n`).join(''))
  for (const [name, text] of Object.entries(maintainerScripts)) put(`DEBIAN/${name}`, text, 0o755)
  normalizeFolders(tree)
  const target = join(folder, `baton_${version}_${debianArch[arch]}.deb`)
  const time = execFileSync('git', ['log', '-1', '--format=%ct'], {cwd: root, encoding: 'utf8'}).trim()
  execFileSync('dpkg-deb', ['--root-owner-group', '-Zxz', '--build', tree, target], {
    env: {...process.env, SOURCE_DATE_EPOCH: time},
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  rmSync(tree, {recursive: true})
  return target
}

/** Node's executable is linked against these libraries; fuser, flock and systemd-notify are part of the system. */
const depends = 'libc6 (>= 2.28), libstdc++6 (>= 8), bash, util-linux'

function controlOf(arch, tree) {
  const bytes = sizeOf(tree)
  return `Package: baton
Version: ${version}
Architecture: ${debianArch[arch]}
Maintainer: The baton authors <baton@users.noreply.github.com>
Installed-Size: ${Math.ceil(bytes / 1024)}
Depends: ${depends}
Recommends: ca-certificates
Section: admin
Priority: optional
Description: ${description.replace(/\.$/, '')}
 Runs commands under locks, on many nodes and for changes in Consul, copies keys
 between datacenters, and writes files from templates. Licence: ${license}.
`
}

function sizeOf(folder) {
  let bytes = 0
  for (const entry of readdirSync(folder, {withFileTypes: true})) {
    const path = join(folder, entry.name)
    bytes += entry.isDirectory() ? sizeOf(path) : statSync(path).size
  }
  return bytes
}

/** Sets the modes of all folders, which otherwise depend on the umask of the build. */
function normalizeFolders(folder) {
  chmodSync(folder, 0o755)
  for (const entry of readdirSync(folder, {withFileTypes: true}))
    if (entry.isDirectory()) normalizeFolders(join(folder, entry.name))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [arch = process.arch, given = join(root, 'dist/one-file')] = process.argv.slice(2)
  const folder = resolve(given)
  const binary = join(folder, arch === process.arch ? 'baton' : `baton-${arch}`)
  if (!existsSync(binary)) throw new Error(`${binary} is missing: run npm run one-file -- ${arch}`)
  process.stdout.write(`${buildDeb(arch, {binary, folder})}\n`)
}
