import {execFileSync} from 'node:child_process'
import {fileURLToPath} from 'node:url'

/** Builds the bundle from the sources, because tests of the command line run the same file that users run. */
export default function buildOnce(): void {
  const root = fileURLToPath(new URL('../..', import.meta.url))
  execFileSync(process.execPath, ['-e', "import('./bin/build.mjs').then(m => m.buildCli())"], {
    cwd: root,
    stdio: 'inherit',
  })
}
