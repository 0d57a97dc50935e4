#!/usr/bin/env node
'use strict'
// Starts baton: answers --version itself, and otherwise runs the bundle, with compiled code from V8's code cache.
const fs = require('node:fs')
const path = require('node:path')

/** The class of `node:module`, without the parts of Node that this module would load. */
const Module = module.constructor

/** The sub-commands of `lock`, whose code is only in the bundle of all commands. */
const lockVerbs = ['status', 'ls', 'watch', 'break', 'hold', 'assert', 'put', 'why', 'history', 'overdue']

/** The one-file build defines BATON_ONE_FILE, and contains as assets the files that the npm package has in folders. */
const parts = typeof BATON_ONE_FILE === 'undefined' ? partsOfPackage() : partsOfOneFile()

const argv = process.argv.slice(2)
const called = path.basename(process.argv[1])
const compat = /^consul-(lock|exec|replicate)$/.exec(called)
if (compat) argv.unshift(compat[1], ...(compat[1] === 'replicate' ? [] : ['--compat', 'consul']))

if (argv.length === 1 && ['--version', '-version', 'version'].includes(argv[0])) {
  process.stdout.on('error', ({code, message}) => {
    // It is not an error if the reader of stdout has closed the pipe.
    if (code === 'EPIPE') return
    process.exitCode = 1
    process.stderr.write(`baton: stdout: ${message.replace(/^E[A-Z]+: (.*), [a-z]+$/, '$1')}\n`)
  })
  process.stdout.write(`baton ${parts.version()}\n`)
} else if (argv[0] === '-e' && parts.isNode) {
  runScript(argv.slice(1))
} else {
  const command = /^[a-z]+$/.test(argv[0]) ? argv[0] : 'none'
  const bundle = command === 'kv' || (command === 'lock' && runsProgram(argv)) ? `${command}.cjs` : 'main.cjs'
  loadBundle(bundle, command)
    .main(argv)
    // All output has been written. Exiting without Node's clean-up saves 2 ms.
    .then(() => process.once('exit', code => process.exit(code)))
}

/** False if `lock` shows help or has a sub-command, because those are in the bundle of all commands. */
function runsProgram([, first, ...words]) {
  const own = words.includes('--') ? words.slice(0, words.indexOf('--')) : words
  return !lockVerbs.includes(first) && ![first, ...own].some(word => /^--?h(elp)?$/.test(word))
}

/**
 * Runs a script as `node -e` does. This is how `lock` starts its guardian process in the one-file build, because the
 * machine may have no other Node. The guardian process stops the command if baton dies.
 */
function runScript([script, ...words]) {
  process.argv = [process.execPath, ...(words[0] === '--' ? words.slice(1) : words)]
  new Function('require', script)(require)
}

function partsOfPackage() {
  const folder = path.join(__dirname, '..', 'dist', 'cli')
  return {
    isNode: false,
    // Node's loader would take longer to find and to read the file.
    version: () => /"version": "([^"]+)"/.exec(fs.readFileSync(path.join(__dirname, '..', 'package.json'), 'utf8'))[1],
    // Latin-1 is enough, because the built files contain only ASCII.
    read: name => fs.readFileSync(path.join(folder, name), 'latin1'),
    pathOf: name => path.join(folder, name),
    onDisk: name => path.join(folder, name),
    requireFor: file => Module.createRequire(file),
  }
}

/** In the one-file build, bundles and packages are assets, and `require` knows only Node's built-in modules. */
function partsOfOneFile() {
  const {getAsset} = require('node:sea')
  const read = name => getAsset(name, 'utf8')
  const loaded = new Map()
  const own = name => {
    if (!name.startsWith('./vendor/')) return require(name)
    if (!loaded.has(name)) {
      const module = {exports: {}}
      loaded.set(name, module)
      const code = `(function (exports, require, module) {${read(name.slice(2))}\n})`
      ;new (require('node:vm').Script)(code, {filename: name}).runInThisContext()(module.exports, own, module)
    }
    return loaded.get(name).exports
  }
  return {
    isNode: true,
    version: () => read('version'),
    read,
    pathOf: name => name,
    onDisk: () => process.execPath,
    requireFor: () => own,
  }
}

/**
 * Compiles the bundle, with cached code if there is any. A missing or rejected cache is written after the run, so that
 * it contains the functions that the command needs.
 */
function loadBundle(name, command) {
  const vm = require('node:vm')
  const file = parts.pathOf(name)
  const cacheFile = cachePath(name, command)
  const cachedData = readCache(cacheFile)
  const script = new vm.Script(parts.read(name), {filename: file, cachedData})
  // Releases the memory immediately. While `lock` waits, no garbage collection would release it.
  cachedData?.buffer.resize(0)
  const bundle = new Module(file, module)
  bundle.filename = file
  bundle.paths = Module._nodeModulePaths(path.dirname(file))
  if (cacheFile && (!cachedData || script.cachedDataRejected))
    process.once('exit', code => {
      // No cache is written if the arguments do not name a command.
      if (code !== 64) writeCache(cacheFile, script)
    })
  script.runInThisContext()(bundle.exports, parts.requireFor(file), bundle, file, path.dirname(file))
  return bundle.exports
}

/**
 * Cached code is executed, so it is read only from a directory that belongs to the user. Each version of V8 has a cache
 * file of its own, because V8 refuses cached code from another version.
 */
function cachePath(name, command) {
  if (process.env.BATON_NO_CODE_CACHE === '1') return undefined
  try {
    const home = process.env.XDG_CACHE_HOME || path.join(require('node:os').homedir(), '.cache')
    const {mtimeMs, size} = fs.statSync(parts.onDisk(name))
    const place = hash(`${parts.onDisk(name)} ${name} ${process.arch} ${process.versions.v8}`)
    return path.join(home, 'baton', `${place}-${command}-${hash(`${size} ${mtimeMs}`)}.bin`)
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
    const descriptor = fs.openSync(file)
    const {size} = fs.fstatSync(descriptor)
    const data = new Uint8Array(new ArrayBuffer(size, {maxByteLength: size}))
    const count = fs.readSync(descriptor, data)
    fs.closeSync(descriptor)
    return count === size ? data : undefined
  } catch {
    return undefined
  }
}

function writeCache(file, script) {
  try {
    const dir = path.dirname(file)
    // Created one level after another, because a recursive mkdir below /proc never returns.
    for (const level of [path.dirname(dir), dir]) if (!fs.existsSync(level)) fs.mkdirSync(level, {mode: 0o700})
    const temporary = `${file}.${process.pid}`
    fs.writeFileSync(temporary, script.createCachedData(), {mode: 0o600})
    fs.renameSync(temporary, file)
    const [place, command] = path.basename(file).split('-')
    for (const name of fs.readdirSync(dir)) {
      if (name.startsWith(`${place}-${command}-`) && name !== path.basename(file))
        fs.rmSync(path.join(dir, name), {force: true})
    }
  } catch {
    // Without a cache, the start only takes longer.
  }
}
