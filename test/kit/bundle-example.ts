import {dirname} from 'node:path'
import {build} from 'esbuild'

export const root = dirname(dirname(import.meta.dirname))

/**
 * Bundles a program that imports `consul-baton` together with the library, which is read from the
 * sources.
 */
export async function bundleExample(code: string, outfile: string): Promise<void> {
  await build({
    stdin: {contents: code, loader: 'ts', resolveDir: root},
    alias: {'consul-baton': `${root}/src/index.ts`},
    external: ['undici'],
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    outfile,
    logLevel: 'silent',
  })
}
