import {execFileSync} from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {parse} from 'yaml'
// @ts-expect-error the build has no types
import {buildDeb as untypedDeb} from '../../bin/deb.mjs'
// @ts-expect-error the build has no types
import {checkReady as untypedReady} from '../../bin/release.mjs'
// @ts-expect-error the build has no types
import {sbom as untypedSbom} from '../../bin/sbom.mjs'

const buildDeb = untypedDeb as (arch: string, options: {binary: string; folder: string}) => string
const checkReady = untypedReady as (facts: {status: string; changelog: string; name: string}) => void
const sbom = untypedSbom as () => string

const folder = mkdtempSync(join(tmpdir(), 'baton-release-'))
afterAll(() => rmSync(folder, {recursive: true}))

describe('a release', () => {
  const changelog = '# Changelog\n\n## Pending\n\n## 1.1.0 (2026-01-02)\n\n- One change.\n\n## 1.0.0\n\n- The first.\n'

  it('is accepted if nothing is uncommitted and the changelog has lines for the version', () => {
    expect(() => checkReady({status: '', changelog, name: '1.1.0'})).not.toThrow()
  })

  it.each([
    ['the tree has changes', {status: ' M src/index.ts', changelog, name: '1.1.0'}, /not committed:\n M src\/index.ts/],
    ['the section of the version is empty', {status: '', changelog, name: 'Pending'}, /no lines below "## Pending"/],
    ['the section of the version is missing', {status: '', changelog, name: '1.2.0'}, /no lines below "## 1.2.0"/],
  ])('is refused if %s', (_, facts, message) => {
    expect(() => checkReady(facts)).toThrow(message)
  })

  it('has a bill of materials with every package in the bundles, but without a time and without a serial number', () => {
    const first = sbom()
    const bill = JSON.parse(first) as {
      readonly bomFormat: string
      readonly components: readonly {readonly name: string; readonly licenses?: readonly unknown[]}[]
    }
    expect(bill.bomFormat).toBe('CycloneDX')
    const names = bill.components.map(({name}) => name)
    expect(names).toEqual(expect.arrayContaining(['@oclif/core', 'undici', 'zod', 'js-hcl-parser', 'dns-packet']))
    expect(names).not.toContain('vitest')
    expect(bill.components.filter(({licenses = []}) => licenses.length === 0)).toEqual([])
    expect(sbom()).toBe(first)
  })
})

describe('the Debian package', () => {
  const root = join(folder, 'root')
  const dpkg = (...words: string[]): string =>
    execFileSync('dpkg', [`--root=${root}`, '--force-script-chrootless,depends', ...words], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  const filesBelow = (path: string): readonly string[] =>
    existsSync(path)
      ? readdirSync(path, {recursive: true, encoding: 'utf8'})
          .filter(file => !statSync(join(path, file)).isDirectory())
          .sort()
      : []
  let deb = ''

  beforeAll(() => {
    execFileSync('npm', ['run', '--silent', 'man'])
    // The contents of the program do not matter here, because one-file.test.ts tests the real program.
    const binary = join(folder, 'baton')
    writeFileSync(binary, '#!/bin/sh\necho baton\n')
    chmodSync(binary, 0o755)
    deb = buildDeb('x64', {binary, folder})
    for (const path of ['var/lib/dpkg/updates', 'var/lib/dpkg/info', 'etc']) {
      mkdirSync(join(root, path), {recursive: true})
    }
    writeFileSync(join(root, 'var/lib/dpkg/status'), '')
  })

  it('is byte for byte the same when it is built again', () => {
    const first = readFileSync(deb)
    const again = buildDeb('x64', {binary: join(folder, 'baton'), folder})
    expect(readFileSync(again).equals(first)).toBe(true)
  })

  it('installs the program, units, manual pages and notices, and leaves no trace after a purge', () => {
    dpkg('--install', deb)
    const files = [...filesBelow(join(root, 'usr')), ...filesBelow(join(root, 'etc'))]
    expect(files).toEqual(
      expect.arrayContaining([
        'bin/baton',
        'lib/systemd/system/baton-replicate.service',
        'lib/systemd/system/baton-locked@.timer',
        'share/man/man1/baton-lock.1.gz',
        'share/doc/baton/copyright',
        'baton/environment',
      ]),
    )
    expect(execFileSync(join(root, 'usr/bin/baton'), {encoding: 'utf8'})).toBe('baton\n')
    mkdirSync(join(root, 'var/lib/baton/replicate'), {recursive: true})
    writeFileSync(join(root, 'etc/baton/environment'), 'CONSUL_HTTP_ADDR=10.0.0.1:8500\n')
    dpkg('--remove', 'baton')
    expect(filesBelow(join(root, 'usr'))).toEqual([])
    expect(filesBelow(join(root, 'etc'))).toEqual(['baton/environment'])
    dpkg('--purge', 'baton')
    expect([...filesBelow(join(root, 'etc')), ...readdirSync(join(root, 'var/lib'))]).toEqual(['dpkg'])
  })

  it('contains units that systemd accepts', () => {
    const tree = join(folder, 'tree')
    execFileSync('dpkg-deb', ['--extract', deb, tree])
    // The units call /bin/kill, and systemd-analyze looks for it below the given root.
    mkdirSync(join(tree, 'bin'))
    writeFileSync(join(tree, 'bin/kill'), '', {mode: 0o755})
    const units = readdirSync(join(tree, 'usr/lib/systemd/system')).map(unit => unit.replace('@.', '@x.'))
    const verify = ['verify', '--man=no', '--recursive-errors=no', `--root=${tree}`, ...units]
    const {SYSTEMD_LOG_LEVEL: _level, ...env} = process.env
    expect(execFileSync('systemd-analyze', verify, {encoding: 'utf8', env, stdio: ['ignore', 'pipe', 'pipe']})).toBe('')
  })
})

describe('the files for schedulers', () => {
  const text = (name: string): string => readFileSync(join('packaging', name), 'utf8')

  it('are valid YAML and HCL, and start baton', async () => {
    const compose = parse(text('compose.yaml')) as {
      readonly services: Readonly<Record<string, {readonly image: string}>>
    }
    expect(compose.services['ui']?.image).toBe('baton')
    expect(parse(text('kubernetes.yaml'))).toMatchObject({kind: 'CronJob'})
    const {default: hcl} = await import('js-hcl-parser')
    expect(JSON.parse(hcl.parse(text('nomad.hcl')))).toHaveProperty('job')
  })
})

describe('the Dockerfile', () => {
  const text = readFileSync('packaging/Dockerfile', 'utf8')

  it('runs baton as a dedicated user, and names the tags of its base images', () => {
    expect([...text.matchAll(/^FROM (\S+)/gm)].map(([, image]) => image)).toEqual([
      'node:22-bookworm-slim',
      'debian:bookworm-slim',
    ])
    expect(text).toMatch(/^USER baton$/m)
    expect(text).toMatch(/^ENTRYPOINT \["\/usr\/bin\/baton"\]$/m)
    expect(existsSync('bin/one-file.mjs')).toBe(true)
  })
})
