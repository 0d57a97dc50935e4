import {execFileSync} from 'node:child_process'
import {fileURLToPath} from 'node:url'

/** Tests of the command line run what users run: the bundle, built anew from the sources. */
export default function buildOnce(): void {
  const root = fileURLToPath(new URL('../..', import.meta.url))
  execFileSync(process.execPath, ['-e', "import('./bin/build.mjs').then(m => m.buildCli())"], {
    cwd: root,
    stdio: 'inherit',
  })
}
