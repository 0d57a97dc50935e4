// Writes the licences of the packages in the bundles.
import {readdirSync, readFileSync} from 'node:fs'
import {join} from 'node:path'

const licenceFile = /^(licen[cs]e|copying|notice)([.-].*)?$/i

/** Licences of code that a package has taken from elsewhere. */
const remarks = {
  'js-hcl-parser':
    "Contains HashiCorp's HCL, Copyright (c) HashiCorp, Inc., under the Mozilla Public License 2.0\n" +
    '(https://www.mozilla.org/MPL/2.0/), in its original form at https://github.com/hashicorp/hcl, compiled by GopherJS.',
}

/**
 * Returns the text of THIRD-PARTY-NOTICES for the files of a bundle. Throws if a package does not state its licence.
 */
export function noticesOf(files, root) {
  const folders = new Set(files.map(packageFolder).filter(folder => folder !== undefined))
  const notices = [...folders].map(folder => noticeOf(join(root, folder))).sort()
  return `The files in this folder contain parts of these packages.\n\n${[...new Set(notices)].join('\n')}`
}

/**
 * Returns `node_modules/a/node_modules/@b/c` for a file of the package `@b/c`, and undefined for a file
 * of baton.
 */
function packageFolder(file) {
  return /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0]
}

function noticeOf(folder) {
  const {name, version, license, author} = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  if (typeof license !== 'string') throw new Error(`${name}: its package.json names no licence`)
  const texts = readdirSync(folder)
    .filter(file => licenceFile.test(file))
    .sort()
    .map(file => readFileSync(join(folder, file), 'utf8').trim())
  // The package has no licence file, so the facts in its package.json are used.
  if (texts.length === 0) texts.push(`Licence: ${license}. Author: ${author?.name ?? author ?? 'not named'}.`)
  if (remarks[name]) texts.push(remarks[name])
  return `${'='.repeat(80)}\n${name} ${version} (${license})\n\n${texts.join('\n\n')}\n`
}
