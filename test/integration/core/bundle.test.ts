import {readFileSync} from 'node:fs'
import {build} from 'esbuild'
import {describe, expect, it} from 'vitest'
import {root} from '../../kit/bundle-example.js'

describe('a bundle of createClient alone', () => {
  it('is small, and holds no other package', async () => {
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

describe('the library', () => {
  it('imports all packages that package.json makes its users install, and no others', async () => {
    const {metafile} = await build({
      entryPoints: [`${root}/src/index.ts`, `${root}/src/internal.ts`],
      bundle: true,
      packages: 'external',
      platform: 'node',
      format: 'esm',
      outdir: 'nowhere',
      metafile: true,
      write: false,
    })
    const imports = Object.values(metafile.inputs).flatMap(input => input.imports)
    const packages = imports.filter(({external, path}) => external && !path.startsWith('node:')).map(({path}) => path)
    const {dependencies} = JSON.parse(readFileSync(`${root}/package.json`, 'utf8')) as {dependencies: object}
    expect([...new Set(packages)].sort()).toEqual(Object.keys(dependencies).sort())
  })
})
