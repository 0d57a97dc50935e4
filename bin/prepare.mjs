// Runs after an install. Builds baton if the build tools are installed. Does nothing without them (--omit=dev).
import {execFileSync} from 'node:child_process'
import {existsSync} from 'node:fs'
import {fileURLToPath} from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const hasTools = ['esbuild', 'typescript'].every(name => existsSync(`${root}node_modules/${name}/package.json`))
if (hasTools) execFileSync(process.execPath, [`${root}bin/build.mjs`], {cwd: root, stdio: 'inherit'})
