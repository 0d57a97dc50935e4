// Writes scripts and pages into modules as text, so that the bundle, the library and tests need not read files at run
// time.
import {readFileSync, writeFileSync} from 'node:fs'
import {fileURLToPath} from 'node:url'

/** Files to embed, by the module that contains their texts. */
const modules = {
  'src/process/guardian/script-texts.ts': {
    guardianInBash: 'guardian.sh',
    guardianInNode: 'guardian.cjs',
    releaseInNode: 'release.cjs',
  },
  'src/status/http/page-texts.ts': {
    pageHtml: 'page/page.html',
    pageScript: 'page/page.js',
    pageStyle: 'page/page.css',
  },
}

const count = (text, part) => text.split(part).length - 1

/** Returns the text as a literal with the quotes that need fewer escapes, as the formatter writes it. */
function literal(text) {
  const quoted = JSON.stringify(text)
  if (count(text, '"') <= count(text, "'")) return quoted
  return `'${quoted.slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`
}

for (const [module, files] of Object.entries(modules)) {
  const path = fileURLToPath(new URL(`../${module}`, import.meta.url))
  const folder = path.slice(0, path.lastIndexOf('/') + 1)
  const lines = Object.entries(files).map(([name, file]) => {
    const text = literal(readFileSync(`${folder}${file}`, 'utf8'))
    return `/** The text of ${file}. */\nexport const ${name} =\n  ${text}\n`
  })
  writeFileSync(path, `// Made by bin/embed-scripts.mjs.\n\n${lines.join('\n')}`)
}
