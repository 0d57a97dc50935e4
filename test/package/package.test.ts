import {execFile} from 'node:child_process'
import {cp, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {promisify} from 'node:util'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {root} from '../kit/bundle-example.js'

const run = promisify(execFile)
const quiet = ['--no-audit', '--no-fund', '--loglevel=error']
const left = new Set(['node_modules', 'dist', 'coverage', '.git'])

let home: string
let checkout: string
let project: string
let installed: string

/**
 * Packs a copy of the checkout, because packing builds again and would replace the `dist` that other tests
 * use.
 */
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'baton-package-'))
  checkout = join(home, 'checkout')
  project = join(home, 'project')
  installed = join(project, 'node_modules', 'consul-baton')
  for (const name of await readdir(root)) {
    if (!left.has(name)) await cp(join(root, name), join(checkout, name), {recursive: true})
  }
  await symlink(join(root, 'node_modules'), join(checkout, 'node_modules'))
  const {stdout} = await run('npm', ['pack', '--silent', '--pack-destination', home], {cwd: checkout})
  const tarball = join(home, stdout.trim().split('\n').at(-1) ?? '')
  await mkdir(project)
  await writeFile(join(project, 'package.json'), '{"private": true}')
  await run('npm', ['install', ...quiet, tarball], {cwd: project})
}, 300_000)

afterAll(() => rm(home, {recursive: true, force: true}))

describe('the package, installed into an empty project', () => {
  it('installs at most 35 packages and 20 MB', async () => {
    const {stdout} = await run('npm', ['ls', '--all', '--parseable'], {cwd: project})
    expect(stdout.trim().split('\n').length - 1).toBeLessThanOrEqual(35)
    expect(await sizeOf(join(project, 'node_modules'))).toBeLessThanOrEqual(20_000_000)
  })

  it('contains the licences of bundled code, and neither scripts nor development dependencies', async () => {
    const published = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8')) as Record<string, unknown>
    expect(published).not.toHaveProperty('scripts')
    expect(published).not.toHaveProperty('devDependencies')
    const notices = await readFile(join(installed, 'dist/cli/THIRD-PARTY-NOTICES'), 'utf8')
    for (const name of ['@oclif/core', 'pino', 'js-hcl-parser', 'undici', 'yaml', 'zod']) {
      expect(notices).toContain(`\n${name} `)
    }
  })

  it('can be imported through each sub-path separately', async () => {
    const {exports} = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {exports: object}
    const paths = Object.keys(exports).filter(path => path !== './package.json')
    expect(paths).toContain('./lock')
    for (const path of paths) {
      const code = `console.log(Object.keys(await import('${path.replace('.', 'consul-baton')}')).length > 0)`
      const {stdout} = await run(process.execPath, ['--input-type=module', '-e', code], {cwd: project})
      expect(stdout, path).toBe('true\n')
    }
  })

  // Node takes about half a millisecond for each file that it loads.
  it.each(['client', 'lock', 'discover', 'event', 'replicate'])(
    'loads at most 20 files for the sub-path %s',
    async name => {
      const files = new Set([join(installed, `dist/src/library/${name}.js`)])
      for (const file of files) {
        const text = await readFile(file, 'utf8')
        const paths = text.matchAll(/^(?:\} from |import )"(\.[^"]+)";$/gm)
        for (const [, path = ''] of paths) files.add(join(file, '..', path))
      }
      expect(files.size).toBeGreaterThan(1)
      expect(files.size).toBeLessThanOrEqual(20)
    },
  )

  it('does not change the package.json of the checkout', async () => {
    const name = 'package.json'
    expect(await readFile(join(checkout, name), 'utf8')).toBe(await readFile(join(root, name), 'utf8'))
  })

  it('installs the command `baton`', async () => {
    const {stdout} = await run(join(project, 'node_modules/.bin/baton'), ['version'])
    expect(stdout).toMatch(/^baton \d/)
  })

  it('runs commands without any other package', async () => {
    const alone = join(home, 'alone')
    await cp(installed, alone, {recursive: true})
    const settings = join(home, 'replicate.hcl')
    await writeFile(settings, 'prefix {\n  source = "global@dc2"\n}\n')
    const env = {...process.env, XDG_CACHE_HOME: join(home, 'cache'), BATON_NO_CODE_CACHE: '1'}
    const baton = (...argv: string[]): Promise<{readonly stdout: string}> =>
      run(process.execPath, [join(alone, 'bin/run.cjs'), ...argv], {cwd: home, env})
    expect((await baton('kv', 'get', '--help')).stdout).toContain('USAGE')
    const printed = await baton('replicate', '--config', settings, '--print-config')
    expect(printed.stdout).toContain('global@dc2')
  })
})

/** Returns the number of bytes of all files below a folder. */
async function sizeOf(folder: string): Promise<number> {
  const entries = await readdir(folder, {recursive: true, withFileTypes: true})
  const files = entries.filter(entry => entry.isFile())
  const sizes = await Promise.all(files.map(async file => (await stat(join(file.parentPath, file.name))).size))
  return sizes.reduce((sum, size) => sum + size, 0)
}
