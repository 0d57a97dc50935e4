// Builds the reference of the library: one page for each export, by TypeDoc, from the declarations and their comments.
// test/integration/library runs the examples in these comments.
import {join, posix} from 'node:path'
import {fileURLToPath} from 'node:url'
import {Application, PageEvent} from 'typedoc'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** The sub-paths of the package. An export that two of them share has its page at the first. */
const doors = ['client', 'lock', 'discover', 'event', 'exec', 'replicate'].map(name => `src/library/${name}.ts`)

/** Replaced in the finished pages by the way to the root of the site, because TypeDoc accepts only whole addresses. */
const siteRoot = 'https://site.invalid/'

/**
 * Writes the reference into a folder, which it empties first. Returns the pages for the search, as `[address, title,
 * text]` with addresses in the folder. Throws if a comment is wrong, or if a link leads nowhere.
 */
export async function buildLibrary(folder) {
  const app = await Application.bootstrap({
    entryPoints: [...doors, 'src/index.ts'].map(path => join(root, path)),
    tsconfig: join(root, 'tsconfig.json'),
    // `npm run types` checks types.
    skipErrorChecking: true,
    // TypeDoc would empty its default folder, which is docs.
    out: folder,
    name: 'consul-baton',
    readme: 'none',
    disableSources: true,
    disableGit: true,
    excludeExternals: true,
    excludeInternal: true,
    excludePrivate: true,
    hideGenerator: true,
    includeHierarchySummary: false,
    includeVersion: true,
    groupOrder: ['Functions', 'Classes', 'Variables', 'Interfaces', 'Type Aliases', 'References'],
    kindSortOrder: ['Module', 'Function', 'Class', 'Variable', 'Interface', 'TypeAlias', 'Reference'],
    sort: ['kind', 'alphabetical'],
    navigationLinks: {Documentation: siteRoot},
    validation: {notExported: false, invalidLink: true, invalidPath: true},
    logLevel: 'Warn',
  })
  const project = await app.convert()
  if (!project) throw new Error('TypeDoc cannot read the library')
  app.validate(project)
  if (app.logger.hasErrors() || app.logger.hasWarnings()) throw new Error('TypeDoc has warnings; see above')
  const texts = new Map()
  const entries = []
  app.renderer.on(PageEvent.END, page => {
    const up = posix.relative(posix.dirname(page.url), '..')
    page.contents = page.contents.replaceAll(siteRoot, `${up}/index.html`)
    texts.set(page.url, page.contents)
    if (page.isReflectionEvent()) entries.push([page.url, page.model.name, textOf(page.model)])
  })
  await app.generateDocs(project, folder)
  const problems = brokenLinks(texts)
  if (problems.length > 0) throw new Error(`broken links in the library's reference:\n${problems.join('\n')}`)
  return entries
}

function brokenLinks(texts) {
  return [...texts].flatMap(([page, html]) => {
    const links = [...html.matchAll(/<a [^>]*href="([^"]*)"/g)].map(([, href]) => href)
    return [...new Set(links)].flatMap(href => {
      if (/^[a-z]+:/.test(href)) return []
      const [file = '', anchor = ''] = href.split('#')
      const target = file === '' ? page : posix.join(posix.dirname(page), file)
      if (target.startsWith('../')) return []
      const text = texts.get(target)
      if (text === undefined) return [`${page}: no page ${target}`]
      return anchor === '' || text.includes(`id="${anchor}"`) ? [] : [`${page}: ${target} has no #${anchor}`]
    })
  })
}

/** Returns the text by which the search finds an export: its sub-path, its name and the description. */
function textOf({name, parent, comment, signatures}) {
  const {summary = []} = comment ?? signatures?.[0]?.comment ?? {}
  return `${parent?.name ?? ''} ${name} ${summary.map(part => part.text).join('')}`.replace(/\s+/g, ' ').trim()
}
