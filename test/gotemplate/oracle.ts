import {spawnSync} from 'node:child_process'
import {mkdtempSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import type {Answer, Case} from './ours.js'

const source = new URL('oracle/main.go', import.meta.url).pathname

/** Executes templates with real Go. Ends the process if Go is not installed. */
export function askGo(cases: readonly Case[]): readonly Answer[] {
  const folder = mkdtempSync(join(tmpdir(), 'baton-oracle-'))
  try {
    const binary = join(folder, 'oracle')
    const built = spawnSync('go', ['build', '-o', binary, source], {encoding: 'utf8'})
    if (built.error !== undefined) {
      console.error('This script needs Go (Debian: apt-get install golang-go).')
      process.exit(1)
    }
    if (built.status !== 0) throw new Error(built.stderr)
    const input = cases.map(given => JSON.stringify(given)).join('\n')
    const ran = spawnSync(binary, {input, encoding: 'utf8', maxBuffer: 2 ** 30})
    if (ran.status !== 0) throw new Error(ran.stderr)
    const lines = ran.stdout.split('\n').filter(line => line !== '')
    return lines.map(line => JSON.parse(line) as Answer)
  } finally {
    rmSync(folder, {recursive: true, force: true})
  }
}
