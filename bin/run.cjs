#!/usr/bin/env node
'use strict'
// Starts baton: answers --version itself, and runs the bundle from V8's code cache.
const fs = require('node:fs')
const path = require('node:path')

/** The sub-commands of `lock`, whose code is only in the bundle of all commands. */
const lockVerbs = ['status', 'ls', 'watch', 'break', 'hold', 'assert', 'put', 'why', 'history', 'overdue']
const argv = process.argv.slice(2)
const called = path.basename(process.argv[1])
const compat = /^consul-(lock|exec|replicate)$/.exec(called)
if (compat) argv.unshift(compat[1], ...(compat[1] === 'replicate' ? [] : ['--compat', 'consul']))

if (argv.length === 1 && ['--version', '-version', 'version'].includes(argv[0])) {
  process.stdout.write(`baton ${require('../package.json').version}\n`)
} else {
  const command = /^[a-z]+$/.test(argv[0]) ? argv[0] : 'none'
  const bundle = command === 'lock' && runsProgram(argv) ? 'lock.cjs' : 'main.cjs'
  loadBundle(path.join(__dirname, '..', 'dist', 'cli', bundle), command)
    .main(argv)
    // All output is written by now. Exiting without Node's clean-up saves 2 ms.
    .then(() => process.once('exit', code => process.exit(code)))
}

/** False if `lock` shows help or has a sub-command: these are in the bundle of all commands. */
function runsProgram([, first, ...words]) {
  const own = words.includes('--') ? words.slice(0, words.indexOf('--')) : words
  return !lockVerbs.includes(first) && ![first, ...own].some(word => /^--?h(elp)?$/.test(word))
}

/** Compiles the bundle with cached code. A cache is created after a run, so that it contains the functions which that command needs. */
function loadBundle(file, command) {
  const vm = require('node:vm')
  const Module = require('node:module')
  // The build writes ASCII only, including the function that wraps the module.
  const source = fs.readFileSync(file, 'latin1')
  const cacheFile = cachePath(file, command)
  const cachedData = readCache(cacheFile)
  const script = new vm.Script(source, {filename: file, cachedData})
  const bundle = new Module(file, module)
  bundle.filename = file
  bundle.paths = Module._nodeModulePaths(path.dirname(file))
  if (cacheFile && (!cachedData || script.cachedDataRejected))
    process.once('exit', code => {
      // No cache is written for arguments that do not name a command.
      if (code !== 64) writeCache(cacheFile, script)
    })
  script.runInThisContext()(bundle.exports, Module.createRequire(file), bundle, file, path.dirname(file))
  return bundle.exports
}

/** Cached code is executed, so it is read only from a directory that belongs to the user. */
function cachePath(file, command) {
  if (process.env.BATON_NO_CODE_CACHE === '1') return undefined
  try {
    const home = process.env.XDG_CACHE_HOME || path.join(require('node:os').homedir(), '.cache')
    const {mtimeMs, size} = fs.statSync(file)
    const build = hash(`${process.versions.v8} ${process.arch} ${size} ${mtimeMs}`)
    const name = `${hash(file)}-${command}-${build}.bin`
    return path.join(home, 'baton', name)
  } catch {
    return undefined
  }
}

function hash(text) {
  let value = 0
  for (let at = 0; at < text.length; at += 1) value = (value * 31 + text.charCodeAt(at)) | 0
  return (value >>> 0).toString(36)
}

function readCache(file) {
  if (!file) return undefined
  try {
    const {uid, mode} = fs.statSync(path.dirname(file))
    if (process.getuid && (uid !== process.getuid() || (mode & 0o022) !== 0)) return undefined
    return fs.readFileSync(file)
  } catch {
    return undefined
  }
}

function writeCache(file, script) {
  try {
    const dir = path.dirname(file)
    // Created level by level, because a recursive mkdir below /proc never returns.
    for (const level of [path.dirname(dir), dir]) if (!fs.existsSync(level)) fs.mkdirSync(level, {mode: 0o700})
    const temporary = `${file}.${process.pid}`
    fs.writeFileSync(temporary, script.createCachedData(), {mode: 0o600})
    fs.renameSync(temporary, file)
    const [bundle, command] = path.basename(file).split('-')
    for (const name of fs.readdirSync(dir)) {
      if (name.startsWith(`${bundle}-${command}-`) && name !== path.basename(file))
        fs.rmSync(path.join(dir, name), {force: true})
    }
  } catch {
    // Without a cache, the start is only slower.
  }
}
