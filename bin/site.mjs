// Builds the documentation as a static site into dist/site: every page of docs/, the pages at the root of the
// repository, a reference of all commands from their tables of flags, and one of the library. Fails if a link leads to a page or a heading
// that does not exist.
import {cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {dirname, join, posix} from 'node:path'
import {fileURLToPath, pathToFileURL} from 'node:url'
import {Marked} from 'marked'
import {commandIds} from './build.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))

/** The folder of the library's reference, in the site. */
const libraryFolder = 'library'

/** The pages in the menu, by section. An entry is a file, or a folder with all of its files. */
const sections = [
  [
    'Start',
    [
      'README.md',
      'docs/index.md',
      'docs/packages.md',
      'docs/ten-minutes.md',
      'docs/coming-from.md',
      'docs/operations.md',
      'docs/scale.md',
      'docs/guarantees.md',
    ],
  ],
  ['Commands', ['docs/commands']],
  ['Flags', ['docs/flags']],
  ['Concepts', ['docs/concepts']],
  ['Library', ['docs/library.md']],
  ['Reference', ['docs/reference', 'docs/benchmarks', 'docs/test']],
  ['Project', ['docs/architecture.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CODE_OF_CONDUCT.md', 'CHANGELOG.md']],
  ['Decisions', ['docs/decisions']],
]

const escaped = text => text.replace(/[&<>"]/g, character => `&#${character.charCodeAt(0)};`)
const plain = html =>
  html.replace(/<[^>]*>/g, ' ').replace(/&#?(\w+);/g, (_, name) => entities[name] ?? String.fromCharCode(Number(name)))
const entities = {amp: '&', lt: '<', gt: '>', quot: '"', 39: "'"}

/** Makes the ID of a heading as GitHub does, because the links in the pages are written for that. */
const slugOf = text =>
  text
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')

const addressOf = path => {
  if (path === 'README.md') return 'index.html'
  if (path === 'docs/index.md') return 'contents.html'
  return path.replace(/^docs\//, '').replace(/\.md$/, '.html')
}

/** Matches files for which the site has no page. Links to such files lead to the repository that package.json names. */
const filesOutside = /^(examples|src|test|commands|bin|\.config|\.ci|LICENSE|package\.json)/

/** Returns the Markdown of all pages by path. */
async function readPages() {
  const pages = new Map()
  for (const path of ['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CODE_OF_CONDUCT.md'])
    pages.set(path, readFileSync(`${root}${path}`, 'utf8'))
  for (const file of readdirSync(`${root}docs`, {recursive: true, encoding: 'utf8'}).sort())
    if (file.endsWith('.md')) pages.set(posix.join('docs', file), readFileSync(`${root}docs/${file}`, 'utf8'))
  for (const [path, text] of await flagPages()) pages.set(path, text)
  return pages
}

/** Returns a page with the flags, arguments and exit codes of each command, as `--help` shows them. */
async function flagPages() {
  const {commandPage} = await import(pathToFileURL(`${root}src/main/help/page.ts`))
  const table = Object.fromEntries(commandIds().map(({id, file}) => [id, () => import(`${root}commands/${file}`)]))
  const pages = []
  for (const [id, load] of Object.entries(table)) {
    const command = (await load()).default
    if (!command.hidden)
      pages.push([`docs/flags/${id.replaceAll(' ', '-')}.md`, flagPage(await commandPage(id, command, table))])
  }
  return pages
}

function flagPage({name, summary, sections: parts}) {
  const body = parts.map(part => {
    if (part.kind === 'text') return `## ${part.title}\n\n${part.paragraphs.map(escaped).join('\n\n')}`
    const lines = part.kind === 'commands' ? part.lines : undefined
    if (lines) return `## ${part.title}\n\n\`\`\`\n${lines.join('\n')}\n\`\`\``
    const rows = part.rows.map(
      ({term, text}) => `<dt><code>${escaped(term.trim())}</code></dt><dd>${escaped(text)}</dd>`,
    )
    return `## ${part.title}\n\n<dl>${rows.join('')}</dl>`
  })
  return `# ${name}\n\n${escaped(summary)}\n\n${body.join('\n\n')}\n`
}

const titleOf = (path, text) =>
  path === 'docs/index.md' ? 'Contents' : (/^# (.*)$/m.exec(text)?.[1]?.replaceAll('`', '') ?? path)

/** Renders a page. Returns its HTML, title, headings and links. */
function render(path, text) {
  const headings = new Map()
  const links = []
  const marked = new Marked({
    renderer: {
      heading({tokens, depth}) {
        const html = this.parser.parseInline(tokens)
        const slug = slugOf(plain(html).trim())
        const count = headings.get(slug) ?? 0
        headings.set(slug, count + 1)
        const id = count === 0 ? slug : `${slug}-${count}`
        return `<h${depth} id="${escaped(id)}">${html}</h${depth}>\n`
      },
      link({href, tokens}) {
        const html = this.parser.parseInline(tokens)
        if (/^[a-z]+:/.test(href)) return `<a href="${escaped(href)}">${html}</a>`
        const [file = '', anchor] = href.split('#')
        const target = file === '' ? path : posix.join(dirname(path), file)
        links.push({target, anchor})
        if (!target.endsWith('.md')) return html
        const address = posix.relative(dirname(addressOf(path)), addressOf(target))
        return `<a href="${escaped(anchor === undefined ? address : `${address}#${anchor}`)}">${html}</a>`
      },
    },
  })
  const html = marked.parse(text)
  return {path, html, headings, links, title: titleOf(path, text)}
}

function brokenLinks(pages) {
  const problems = []
  for (const {path, links} of pages.values()) {
    for (const {target, anchor} of links) {
      if (filesOutside.test(target) || target === 'docs/reference/json-output') continue
      const page = pages.get(target)
      if (!page && !target.endsWith('.json')) problems.push(`${path}: no page ${target}`)
      else if (page && anchor !== undefined && !page.headings.has(anchor))
        problems.push(`${path}: ${target} has no heading #${anchor}`)
    }
  }
  return problems
}

function menu(pages, current) {
  const at = dirname(addressOf(current))
  return sections
    .map(([title, paths]) => {
      const shown = paths.flatMap(one => [...pages.keys()].filter(path => path === one || dirname(path) === one))
      const items = shown.map(path => {
        const mark = path === current ? ' aria-current="page"' : ''
        return `<li><a href="${posix.relative(at, addressOf(path))}"${mark}>${escaped(pages.get(path).title)}</a></li>`
      })
      if (title === 'Library')
        items.push(
          `<li><a href="${posix.relative(at, `${libraryFolder}/index.html`)}">Reference of all exports</a></li>`,
        )
      const isOpen = shown.includes(current) || title === 'Start'
      return `<details${isOpen ? ' open' : ''}><summary>${title}</summary><ul>${items.join('')}</ul></details>`
    })
    .join('')
}

function layout(pages, {path, html, title}) {
  const up = posix.relative(dirname(addressOf(path)), '.') || '.'
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'self'; img-src 'self' data:">
<title>${escaped(title)} · baton</title><link rel="stylesheet" href="${up}/style.css"></head>
<body data-root="${up}"><a class="skip" href="#content">Skip to the content</a>
<nav aria-label="Pages"><a class="home" href="${up}/index.html">baton</a>
<input type="search" id="search" placeholder="Search" aria-label="Search" autocomplete="off"><ul id="found" aria-live="polite"></ul>
${menu(pages, path)}</nav>
<main id="content">${html}</main>
<script src="${up}/pages.js"></script><script src="${up}/search.js"></script></body></html>
`
}

/** TypeDoc is loaded only where the reference is built, because that takes a second. */
const libraryReference = async folder => (await import('./site/library.mjs')).buildLibrary(folder)

/**
 * Builds the site. Throws an error that lists the broken links.
 *
 * @param addLibrary writes the library's reference into a folder, and returns its entries for the search
 */
export async function buildSite(folder = `${root}dist/site`, addLibrary = libraryReference) {
  const sources = await readPages()
  const pages = new Map([...sources].map(([path, text]) => [path, render(path, text)]))
  const problems = brokenLinks(pages)
  if (problems.length > 0) throw new Error(`broken links:\n${problems.join('\n')}`)
  rmSync(folder, {recursive: true, force: true})
  mkdirSync(folder, {recursive: true})
  for (const page of pages.values()) {
    const file = `${folder}/${addressOf(page.path)}`
    mkdirSync(dirname(file), {recursive: true})
    writeFileSync(file, layout(pages, page))
  }
  const index = [...pages.values()].map(({path, title, html}) => [
    addressOf(path),
    title,
    plain(html).replace(/\s+/g, ' '),
  ])
  const exported = await addLibrary(join(folder, libraryFolder))
  for (const [address, title, text] of exported) index.push([`${libraryFolder}/${address}`, title, text])
  writeFileSync(`${folder}/pages.js`, `const pages = ${JSON.stringify(index)}\n`)
  for (const name of ['style.css', 'search.js']) cpSync(`${root}bin/site/${name}`, `${folder}/${name}`)
  return pages.size + exported.length
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    console.log(`${await buildSite()} pages in dist/site: open dist/site/index.html`)
  } catch (error) {
    console.error(error.message)
    process.exitCode = 1
  }
}
