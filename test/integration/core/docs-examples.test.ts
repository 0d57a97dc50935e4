import {execFile} from 'node:child_process'
import {mkdirSync, readFileSync, rmSync} from 'node:fs'
import {join} from 'node:path'
import {promisify} from 'node:util'
import {afterAll, describe, expect, it} from 'vitest'
import {backends, sharedAgent} from '../../kit/backend.js'
import {bundleExample, root} from '../../kit/bundle-example.js'

// Inside the repository, so that Node finds its packages.
const folder = join(root, 'dist', `docs-examples-${process.pid}`)
const run = promisify(execFile)

interface Example {
  readonly name: string
  readonly code: string
  readonly output: string
}

/** Returns every TypeScript block of a page, with the text that the block should print. */
function examplesOf(page: string): readonly Example[] {
  const text = readFileSync(join(root, 'docs', page), 'utf8')
  const blocks = [...text.matchAll(/^```ts\n(.*?)^```\n\nprints\n\n^```text\n(.*?)^```/gms)]
  expect(blocks).toHaveLength(text.match(/^```ts$/gm)?.length ?? 0)
  return blocks.map(([, code = '', output = ''], at) => ({name: `${page} ${at + 1}`, code, output}))
}

const embedded = backends.filter(backend => backend.name === 'embedded')
const chosen = embedded.length > 0 ? embedded : backends

describe.each(chosen)('examples of the docs on $name', backend => {
  const agent = sharedAgent(backend)
  afterAll(() => rmSync(folder, {recursive: true, force: true}))

  it.each([...examplesOf('library.md'), ...examplesOf('concepts/adding-a-topic.md')])(
    '$name prints the output that the page shows',
    async ({name, code, output}) => {
      mkdirSync(folder, {recursive: true})
      const outfile = join(folder, `${name.replaceAll(/\W+/g, '-')}.mjs`)
      await bundleExample(code, outfile)
      const {stdout} = await run(process.execPath, [outfile], {env: {CONSUL_HTTP_ADDR: agent.address}})
      expect(stdout).toBe(output)
    },
  )
})
