// Writes the guardian's scripts into a module as text: the bundle, the library and tests then read no file at run time.
import {readFileSync, writeFileSync} from 'node:fs'
import {fileURLToPath} from 'node:url'

const folder = fileURLToPath(new URL('../src/process/guardian/', import.meta.url))
const scripts = [
  ['guardianInBash', 'guardian.sh'],
  ['guardianInNode', 'guardian.cjs'],
  ['releaseInNode', 'release.cjs'],
]

const lines = scripts.map(([name, file]) => {
  const text = JSON.stringify(readFileSync(`${folder}${file}`, 'utf8'))
  return `/** The text of ${file}. */\nexport const ${name} =\n  ${text}\n`
})
writeFileSync(`${folder}script-texts.ts`, `// Made by bin/embed-scripts.mjs.\n\n${lines.join('\n')}`)
