// Writes the manual pages of all commands to dist/man/man1. `man -M dist/man baton-lock` shows one
// of them.
import {mkdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {fileURLToPath} from 'node:url'
import {manPages} from '../src/main/help/man.ts'
import {commandIds} from './build.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = `${root}dist/man/man1`
const {version} = JSON.parse(readFileSync(`${root}package.json`, 'utf8'))
const table = Object.fromEntries(commandIds().map(({id, file}) => [id, () => import(`${root}commands/${file}`)]))

rmSync(folder, {recursive: true, force: true})
mkdirSync(folder, {recursive: true})
for (const {file, text} of await manPages(table, version)) writeFileSync(`${folder}/${file}`, text)
