import {deepStrictEqual} from 'node:assert'
import {mkdtempSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {
  type ConsulClient,
  createClient,
  createResponder,
  generateKey,
  type ResponderEvent,
  type SigningKey,
  trustKeys,
} from '../../../src/index.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {bundleExample, root} from '../../kit/bundle-example.js'
import {readPublicSurface, typeErrors, writeExampleProgram} from '../../kit/doc-examples.js'

type Compare = (at: number, actual: unknown, expected: unknown) => void
interface Given {
  readonly client: ConsulClient
  readonly address: string
  readonly directory: string
  readonly key: SigningKey
}
type Examples = Readonly<Record<string, (given: Given, compare: Compare) => Promise<void>>>

const surface = readPublicSurface(root)
const {code, expectations} = writeExampleProgram(surface.values)

describe('the public interface of the library', () => {
  it('documents every export', () => {
    expect(surface.undocumented).toEqual([])
  })

  it('has an example for every function and class', () => {
    const without = surface.values.filter(({examples}) => examples.length === 0 || examples.includes(''))
    expect(without.map(({name}) => name)).toEqual([])
  })

  it('shows an expected value in every example', () => {
    expect([...expectations].filter(([, count]) => count === 0)).toEqual([])
  })

  it('has examples that pass the type check', () => {
    expect(typeErrors(root, code)).toEqual([])
  })
})

// Inside the repository, so that Node finds its packages.
const folder = join(root, 'dist', `library-examples-${process.pid}`)
let examples: Examples = {}
beforeAll(async () => {
  const outfile = join(folder, 'examples.mjs')
  await bundleExample(code, outfile)
  ;({examples} = (await import(outfile)) as {examples: Examples})
})
afterAll(() => rmSync(folder, {recursive: true, force: true}))

describe.each(backends)("the examples in the library's comments, on $name", backend => {
  const agent = sharedAgent(backend)
  const {key, publicFile} = generateKey('examples', Date.now())
  const directory = mkdtempSync(join(tmpdir(), 'baton-test-'))
  const stop = new AbortController()
  let client: ConsulClient
  let serving: Promise<void>

  beforeAll(async () => {
    client = createClient({address: agent.address})
    const stateDirectory = join(directory, 'responder')
    await new Promise<void>((resolve, reject) => {
      const observer = ({type}: ResponderEvent): void => {
        if (type === 'responder.registered') resolve()
      }
      const responder = createResponder(client, {trust: trustKeys([publicFile]), stateDirectory, observer})
      serving = responder.serve({signal: stop.signal})
      serving.catch(reject)
    })
  })
  afterAll(async () => {
    stop.abort()
    await serving
    await client[Symbol.asyncDispose]()
    rmSync(directory, {recursive: true, force: true})
  })

  it.each([...expectations])('return the values in their comments (example: %s)', async (name, count) => {
    const given = {client, address: agent.address, directory: mkdtempSync(join(directory, 'empty-')), key}
    const met = new Set<number>()
    await examples[name]?.(given, (at, actual, expected) => {
      deepStrictEqual(actual, expected)
      met.add(at)
    })
    expect(met.size, 'every expected value was compared').toBe(count)
  })
})
