import {readFileSync, writeFileSync} from 'node:fs'
import {expect} from 'vitest'
import {root} from './command-files.js'

const renewal = 'UPDATE_SURFACE=1 npx vitest run --config .config/vitest.config.ts --project integration test/surface'

/** Compares a text with a file in the repository. With UPDATE_SURFACE=1, writes the file instead. */
export function expectCommitted(path: string, text: string): void {
  if (process.env['UPDATE_SURFACE'] === '1') writeFileSync(`${root}${path}`, text)
  let committed = ''
  try {
    committed = readFileSync(`${root}${path}`, 'utf8')
  } catch {
    // A missing file counts as a difference.
  }
  expect(text, `${path} is out of date. If the change is meant, renew it and commit it:\n${renewal}`).toBe(committed)
}
