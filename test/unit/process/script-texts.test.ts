import {spawnSync} from 'node:child_process'
import {readFileSync} from 'node:fs'
import {fileURLToPath} from 'node:url'
import {expect, it} from 'vitest'
import {guardianInBash, guardianInNode, releaseInNode} from '../../../src/process/guardian/script-texts.js'

const pathOf = (file: string) => fileURLToPath(new URL(`../../../src/process/guardian/${file}`, import.meta.url))

it.each([
  ['guardian.sh', guardianInBash],
  ['guardian.cjs', guardianInNode],
  ['release.cjs', releaseInNode],
])('the text built into the package equals the file %s (if not: node bin/embed-scripts.mjs)', (file, text) => {
  expect(text).toBe(readFileSync(pathOf(file), 'utf8'))
})

it('bash accepts the syntax of guardian.sh', () => {
  expect(spawnSync('bash', ['-n', pathOf('guardian.sh')], {encoding: 'utf8'})).toMatchObject({status: 0, stderr: ''})
})
