import {execFileSync} from 'node:child_process'
import {mkdtempSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'

/**
 * Builds the bundle from the sources, because tests of the command line run the same file as users. Also creates the
 * directory for the settings, keys and state of the commands, and returns a function that removes that directory.
 */
export default function buildOnce(): () => void {
  const home = mkdtempSync(join(tmpdir(), 'baton-test-'))
  process.env['BATON_TEST_HOME'] = home
  const root = fileURLToPath(new URL('../..', import.meta.url))
  execFileSync(process.execPath, ['-e', "import('./bin/build.mjs').then(m => m.buildCli())"], {
    cwd: root,
    stdio: 'inherit',
  })
  return () => rmSync(home, {recursive: true, force: true})
}
