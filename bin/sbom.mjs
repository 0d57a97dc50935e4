// Makes a software bill of materials (CycloneDX) of the packages that are part of a build: node bin/sbom.mjs [FILE].
import {execFileSync} from 'node:child_process'
import {readFileSync, writeFileSync} from 'node:fs'
import {fileURLToPath} from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

/**
 * Returns the bill of materials as text. Of all packages in the checkout, which npm lists, it contains those in the
 * bundles, which dist/cli/THIRD-PARTY-NOTICES names, and those that an installation from npm adds. It contains no
 * random number and no time, so that two builds are equal.
 */
export function sbom() {
  const list = args =>
    JSON.parse(
      execFileSync('npm', ['sbom', '--package-lock-only', '--sbom-format', 'cyclonedx', ...args], {
        cwd: root,
        encoding: 'utf8',
        maxBuffer: 64 * 1024 * 1024,
      }),
    )
  const all = list([])
  const installed = list(['--omit', 'dev'])
  const notices = readFileSync(`${root}dist/cli/THIRD-PARTY-NOTICES`, 'utf8')
  const bundled = [...notices.matchAll(/^={80}\n(\S+) (\S+) \(/gm)].map(([, name, version]) => `${name}@${version}`)
  const wanted = new Set([...bundled, ...installed.components.map(one => one['bom-ref'])])
  const components = all.components.filter(one => wanted.has(one['bom-ref']))
  const missing = bundled.filter(name => !components.some(one => one['bom-ref'] === name))
  if (missing.length > 0) throw new Error(`the bill lacks ${missing.join(', ')}`)
  const {timestamp: _time, ...metadata} = all.metadata
  const {serialNumber: _number, ...bill} = all
  const dependencies = all.dependencies
    .filter(({ref}) => wanted.has(ref) || ref === metadata.component['bom-ref'])
    .map(({ref, dependsOn}) => ({ref, dependsOn: dependsOn.filter(name => wanted.has(name))}))
  return `${JSON.stringify({...bill, metadata, components, dependencies}, null, 2)}\n`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [file] = process.argv.slice(2)
  if (file === undefined) process.stdout.write(sbom())
  else writeFileSync(file, sbom())
}
