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
