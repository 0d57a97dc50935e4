// Runs before and after `npm pack` and `npm publish`: builds baton, and packs a package.json without the parts that
// only a checkout needs.
import {execFileSync} from 'node:child_process'
import {existsSync, readFileSync, renameSync, writeFileSync} from 'node:fs'
import {fileURLToPath} from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const manifest = `${root}package.json`
/** Keeps the whole package.json while the shortened one, which is published, is in its place. */
const whole = `${root}node_modules/.package-whole.json`

function begin() {
  // Restores package.json if an earlier run was killed.
  end()
  execFileSync(process.execPath, [`${root}bin/build.mjs`], {cwd: root, stdio: ['ignore', 2, 2]})
  const text = readFileSync(manifest, 'utf8')
  const {scripts: _scripts, devDependencies: _devDependencies, ...published} = JSON.parse(text)
  writeFileSync(whole, text)
  writeFileSync(manifest, `${JSON.stringify(published, null, 2)}\n`)
}

function end() {
  if (existsSync(whole)) renameSync(whole, manifest)
}

if (process.argv[2] === 'begin') begin()
else end()
