import {spawnSync} from 'node:child_process'
import {readFileSync} from 'node:fs'
import {fileURLToPath} from 'node:url'
import {expect, it} from 'vitest'
import {guardianInBash, guardianInNode, releaseInNode} from '../../../src/process/guardian/script-texts.js'
import {pageHtml, pageScript, pageStyle} from '../../../src/status/http/page-texts.js'

const pathOf = (file: string) => fileURLToPath(new URL(`../../../src/${file}`, import.meta.url))

it.each([
  ['process/guardian/guardian.sh', guardianInBash],
  ['process/guardian/guardian.cjs', guardianInNode],
  ['process/guardian/release.cjs', releaseInNode],
  ['status/http/page/page.html', pageHtml],
  ['status/http/page/page.js', pageScript],
  ['status/http/page/page.css', pageStyle],
])('the text built into the package equals the file %s (if not, run: node bin/embed-scripts.mjs)', (file, text) => {
  expect(text).toBe(readFileSync(pathOf(file), 'utf8'))
})

it('bash accepts the syntax of guardian.sh', () => {
  expect(spawnSync('bash', ['-n', pathOf('process/guardian/guardian.sh')], {encoding: 'utf8'})).toMatchObject({
    status: 0,
    stderr: '',
  })
})
