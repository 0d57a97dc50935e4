import {execFileSync} from 'node:child_process'
import {fileURLToPath} from 'node:url'

/** Builds the bundle from the sources: tests of the command line run what users run. */
export default function buildOnce(): void {
  const root = fileURLToPath(new URL('../..', import.meta.url))
  execFileSync(process.execPath, ['-e', "import('./bin/build.mjs').then(m => m.buildCli())"], {
    cwd: root,
    stdio: 'inherit',
  })
}
