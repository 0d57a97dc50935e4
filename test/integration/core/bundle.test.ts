import {readFileSync} from 'node:fs'
import {build} from 'esbuild'
import {describe, expect, it} from 'vitest'
import {root} from '../../kit/bundle-example.js'

describe('a bundled program that uses only createClient', () => {
  it('is small, and contains no package other than consul-baton', async () => {
    const {outputFiles, metafile} = await build({
      stdin: {contents: "export {createClient} from './src/index.js'", resolveDir: root, loader: 'ts'},
      bundle: true,
      minify: true,
      platform: 'node',
      format: 'esm',
      metafile: true,
      write: false,
    })
    const [output] = Object.values(metafile.outputs)
    const used = Object.entries(output?.inputs ?? {}).filter(([, {bytesInOutput}]) => bytesInOutput > 0)
    expect(used.map(([file]) => file).filter(file => file.includes('node_modules'))).toEqual([])
    expect(outputFiles[0]?.contents.byteLength).toBeLessThan(60_000)
  })
})

/**
 * Returns the packages that these modules of the library import: `now` statically, `later` with a dynamic
 * import.
 */
async function packagesOf(modules: readonly string[]): Promise<Record<'now' | 'later', readonly string[]>> {
  const {metafile} = await build({
    entryPoints: modules.map(name => `${root}/src/${name}.ts`),
    absWorkingDir: root,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    outdir: 'nowhere',
    metafile: true,
    write: false,
  })
  const {inputs} = metafile
  const found = {now: new Set<string>(), later: new Set<string>()}
  const seen = new Set<string>()
  const visit = (file: string, when: 'now' | 'later'): void => {
    if (seen.has(`${when} ${file}`)) return
    seen.add(`${when} ${file}`)
    for (const {path, kind, external} of inputs[file]?.imports ?? []) {
      const then = kind === 'dynamic-import' ? 'later' : when
      if (external !== true) visit(path, then)
      else if (!path.startsWith('node:')) found[then].add(path)
    }
  }
  for (const name of modules) visit(`src/${name}.ts`, 'now')
  return {now: [...found.now], later: [...found.later]}
}

describe('the library', () => {
  it('imports exactly the packages that its package.json lists as dependencies', async () => {
    const {now, later} = await packagesOf(['index', 'internal'])
    const {dependencies} = JSON.parse(readFileSync(`${root}/package.json`, 'utf8')) as {dependencies: object}
    expect([...new Set([...now, ...later])].sort()).toEqual(Object.keys(dependencies).sort())
  })

  it.each(['client', 'lock', 'discover', 'event', 'replicate'])(
    'loads no other package when consul-baton/%s is imported',
    async name => {
      expect((await packagesOf([`library/${name}`])).now).toEqual([])
    },
  )
})
