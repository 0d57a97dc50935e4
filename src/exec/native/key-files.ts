import {existsSync} from 'node:fs'
import {readdir, rm, stat} from 'node:fs/promises'
import {basename, join} from 'node:path'
import {briefPath} from '../../core/brief.js'
import {BatonError, messageOf, UsageError} from '../../core/errors.js'
import {readInput} from '../../core/input.js'
import {createFile} from '../../process/create-file.js'
import {makeFolder} from '../../process/make-folder.js'
import {replaceFile} from '../../process/replace-file.js'
import type {SigningKey} from './envelope.js'
import {refuseForeignWriters} from './foreign-writers.js'
import {generateKey, isKeyName, parsePrivateKey} from './keys.js'
import {openPolicy, type Policy, toPolicyFile} from './policy.js'
import {allowedSignersFile, parseAllowedSigners} from './ssh/allowed-signers.js'
import {
  isSshPrivateFile,
  isSshPublicLine,
  parseSshPrivateFile,
  parseSshPublicLine,
  type SshPublicKey,
} from './ssh/keys.js'
import {parseRevocations, parseTrustEntry, revocationFile, type TrustEntry, type TrustedKey} from './trust.js'

export const defaultKeyName = 'default'
export const privateSuffix = '.key.json'
export const publicSuffix = '.pub.json'

export interface KeyFiles {
  readonly kid: string
  readonly name: string
  readonly privatePath: string
  readonly publicPath: string
}

/** Creates a key pair. Rejects with a UsageError if a key of this name exists. */
export async function initKey(directory: string, name: string, nowMs: number): Promise<KeyFiles> {
  refuseBadName(name)
  const {key, privateFile, publicFile} = generateKey(name, nowMs)
  const privatePath = join(directory, `${name}${privateSuffix}`)
  const publicPath = join(directory, `${name}${publicSuffix}`)
  try {
    makeFolder(directory, 0o700)
  } catch (error) {
    throw new UsageError(`keys: cannot create the directory ${directory}: ${messageOf(error)}`, {cause: error})
  }
  try {
    createFile(privatePath, privateFile, 0o600)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw cannot('write', privatePath, error)
    throw new UsageError(`key ${name}: ${privatePath} exists`, {hint: 'choose another name, or move that file away'})
  }
  try {
    await replaceFile(publicPath, publicFile, 0o644)
  } catch (error) {
    await rm(privatePath, {force: true})
    throw cannot('write', publicPath, error)
  }
  return {kid: key.kid, name, privatePath, publicPath}
}

/**
 * Reads a key by its name in the directory, or by the path of its file. The file contains a private key of baton or of
 * OpenSSH, or an OpenSSH public key, for which the agent behind `agentSocket` signs. Rejects with a UsageError if other
 * users can read a private file, or if the agent does not have the key.
 */
export async function readSigningKey(directory: string, nameOrPath: string, agentSocket?: string): Promise<SigningKey> {
  const path = nameOrPath.includes('/') ? nameOrPath : join(directory, `${nameOrPath}${privateSuffix}`)
  let mode: number
  let text: string
  try {
    mode = (await stat(path)).mode
    text = (await readInput(path)).toString()
  } catch (error) {
    // A word without a slash is a name, but a file of that name may be what is meant.
    const hint = !nameOrPath.includes('/') && existsSync(nameOrPath) ? `for the file, write ./${nameOrPath}` : undefined
    throw cannot('read', path, error, hint)
  }
  if (isSshPublicLine(text)) return findAgentKey(parseSshPublicLine(text, path), path, agentSocket)
  if ((mode & 0o077) !== 0) {
    throw new UsageError(`key ${path}: may be read by group or others`, {hint: `run: chmod 600 ${path}`})
  }
  return isSshPrivateFile(text) ? parseSshPrivateFile(text, path) : parsePrivateKey(text, path)
}

async function findAgentKey(wanted: SshPublicKey, path: string, socket: string | undefined): Promise<SigningKey> {
  if (socket === undefined || socket === '') {
    throw new UsageError(`key ${path}: it is a public key, and there is no ssh-agent (SSH_AUTH_SOCK)`, {
      hint: 'start one and run ssh-add, or name the private file',
    })
  }
  const {agentKey, listAgentKeys} = await import('./ssh/agent.js')
  if ((await listAgentKeys(socket)).some(({kid}) => kid === wanted.kid)) return agentKey(socket, wanted)
  throw new UsageError(`key ${path}: the ssh-agent does not have it`, {hint: 'add it with ssh-add'})
}

/** Resolves with the default key, or with undefined if it does not exist. */
export async function readDefaultKey(directory: string): Promise<SigningKey | undefined> {
  const path = join(directory, `${defaultKeyName}${privateSuffix}`)
  const isThere = await stat(path).then(
    () => true,
    () => false,
  )
  return isThere ? readSigningKey(directory, defaultKeyName) : undefined
}

/** Reads the public keys in the user's key directory. */
export async function listOwnKeys(directory: string): Promise<readonly TrustedKey[]> {
  const names = await namesIn(directory, publicSuffix)
  return Promise.all(names.map(async name => (await readEntry(join(directory, name))).key))
}

/** The content of a trust directory. */
export interface TrustListing {
  readonly keys: readonly {readonly key: TrustedKey; readonly entry: TrustEntry; readonly path: string}[]
  /** IDs of the revoked keys. */
  readonly revoked: readonly string[]
  /**
   * Reasons why responders cannot read this directory. As long as there are any, responders keep the keys that they
   * last read.
   */
  readonly problems: readonly string[]
}

/** Lists the keys of all files that can be read, and reports the other files as problems. */
export async function listTrust(directory: string): Promise<TrustListing> {
  const names = await namesIn(directory, '.json')
  const problems: string[] = []
  const attempt = async <T>(work: Promise<T>): Promise<T | undefined> => {
    try {
      return await work
    } catch (error) {
      problems.push(messageOf(error))
      return undefined
    }
  }
  if (names.length > 0) await attempt(refuseForeignWriters(directory, 'trust'))
  const keys: TrustListing['keys'][number][] = []
  for (const name of names) {
    const path = join(directory, name)
    await attempt(refuseForeignWriters(path, 'trust'))
    const found = name === revocationFile ? undefined : await attempt(readEntry(path))
    if (found) keys.push({...found, path})
  }
  keys.push(...((await attempt(listAllowedSigners(join(directory, allowedSignersFile)))) ?? []))
  return {keys, revoked: (await attempt(readRevocations(directory))) ?? [], problems}
}

async function listAllowedSigners(path: string): Promise<TrustListing['keys']> {
  const bytes = await readInput(path).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  })
  if (bytes === undefined) return []
  await refuseForeignWriters(path, 'trust')
  return parseAllowedSigners(bytes.toString(), path).map(one => {
    const {kid, name, publicKey} = one
    const entry = {v: 1 as const, kid, name, x: publicKey.export({format: 'jwk'}).x ?? ''}
    return {key: {...one, policies: [openPolicy]}, entry, path}
  })
}

/** A key, and the file that contains it. */
export interface KeyPlace {
  readonly kid: string
  readonly path: string
}

export interface AddedKey extends KeyPlace {
  /** Restrictions that were kept from an earlier entry of this name because the new entry does not mention them. */
  readonly kept: readonly ('policy' | 'exp' | 'nbf')[]
  /** Other files with the same key. The restrictions of all these files apply. */
  readonly alsoIn: readonly string[]
  /** Reasons why responders cannot read the directory and therefore do not trust the key yet. */
  readonly problems: readonly string[]
}

export interface AddOptions {
  /** Restrictions to add to the key's file. */
  readonly changes: {
    readonly name?: string
    readonly policy?: Policy
    /** Date after which the key is not trusted, in a form that `Date.parse` reads. */
    readonly expires?: string
  }
  readonly nowMs: number
}

/**
 * Trusts a public key. Rejects with a UsageError if the name belongs to another key, or if the key is revoked or has
 * expired. If a key is added again under the same name, it keeps the restrictions that are not given again.
 */
export async function addTrust(directory: string, text: string, {changes, nowMs}: AddOptions): Promise<AddedKey> {
  const {name, policy, expires} = changes
  const given: TrustEntry = {
    ...entryOf(text),
    ...(name !== undefined && {name}),
    ...(policy && {policy: toPolicyFile(policy)}),
    ...(expires !== undefined && {exp: expires}),
  }
  refuseBadName(given.name)
  const path = join(directory, `${given.name}.json`)
  if (basename(path) === revocationFile) throw new UsageError(`key ${given.name}: the name is taken`)
  const {keys} = await listTrust(directory)
  const revoked = await readRevocations(directory)
  const known = keys.find(one => one.path === path)
  if (!known) await refuseUnread(path)
  refuseOtherKey(given, known)
  const kept = restrictions.filter(field => known?.entry[field] !== undefined && given[field] === undefined)
  const before = Object.fromEntries(kept.map(field => [field, known?.entry[field]]))
  const {entry, key} = parseTrustEntry(JSON.stringify({...given, ...before}), 'key')
  if (revoked.includes(entry.kid)) {
    throw new UsageError(`key ${entry.kid} (${entry.name}): revoked in ${join(directory, revocationFile)}`, {
      hint: 'make a new key',
    })
  }
  if (key.expiresAtMs !== undefined && key.expiresAtMs <= nowMs) {
    throw new UsageError(`key ${entry.kid} (${entry.name}): expired at ${entry.exp}`, {
      hint: 'set `expires` to a date in the future',
    })
  }
  await replaceIn(directory, path, `${JSON.stringify(entry, undefined, 2)}\n`)
  const others = keys.filter(one => one.path !== path && one.key.kid === entry.kid)
  const {problems} = await listTrust(directory)
  return {kid: entry.kid, path, kept, alsoIn: others.map(one => one.path), problems}
}

function entryOf(text: string): TrustEntry {
  if (!isSshPublicLine(text)) return parseTrustEntry(text, 'key').entry
  const {kid, name, x} = parseSshPublicLine(text, 'given')
  return {v: 1, kid, name, x}
}

/**
 * Rejects if the file exists but cannot be read. Such a file may contain another key, so it must not be overwritten.
 */
async function refuseUnread(path: string): Promise<void> {
  try {
    await readEntry(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

const restrictions = ['policy', 'exp', 'nbf'] as const

function refuseOtherKey({kid, name}: TrustEntry, known: TrustListing['keys'][number] | undefined): void {
  if (known && known.key.kid !== kid) {
    throw new UsageError(`key ${name}: ${known.path} holds another key, ${known.key.kid}`, {
      hint: 'set `name` to another name',
    })
  }
}

/** Adds a key, given by kid or name, to the list of revoked keys. */
export async function revokeTrust(directory: string, kidOrName: string): Promise<KeyPlace> {
  const {keys} = await listTrust(directory)
  const revoked = await readRevocations(directory)
  const known = keys.find(({key}) => key.kid === kidOrName || key.name === kidOrName)
  const kid = known?.key.kid ?? kidOrName
  if (!/^[0-9a-f]{16}$/.test(kid)) {
    const names = keys.map(({key}) => key.name).join(', ')
    throw new UsageError(`key '${kidOrName}': no such key in ${directory}`, {
      hint: names === '' ? 'this directory contains no key' : `the keys there are: ${names}`,
    })
  }
  const path = join(directory, revocationFile)
  const kids = [...new Set([...revoked, kid])]
  await replaceIn(directory, path, `${JSON.stringify({v: 1, kids}, undefined, 2)}\n`)
  return {kid, path}
}

async function readRevocations(directory: string): Promise<readonly string[]> {
  const path = join(directory, revocationFile)
  try {
    return parseRevocations((await readInput(path)).toString(), path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

async function readEntry(path: string): Promise<{readonly entry: TrustEntry; readonly key: TrustedKey}> {
  return parseTrustEntry((await readInput(path)).toString(), path)
}

async function namesIn(directory: string, suffix: string): Promise<readonly string[]> {
  try {
    return (await readdir(directory)).filter(name => name.endsWith(suffix)).toSorted()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw cannot('read', directory, error)
  }
}

/** Replaces a file of the directory, and creates the directory if it is missing. */
async function replaceIn(directory: string, path: string, text: string): Promise<void> {
  try {
    makeFolder(directory, 0o755)
    await replaceFile(path, text, 0o644)
  } catch (error) {
    throw cannot('write', path, error)
  }
}

function refuseBadName(name: string): void {
  if (!isKeyName(name)) {
    throw new UsageError(`key '${name}': a name is made of letters, digits, '.', '_', '@' and '-'`)
  }
}

const cannot = (verb: string, path: string, error: unknown, hint?: string): BatonError =>
  new UsageError(`key ${briefPath(path)}: cannot ${verb} it: ${whyOf(error)}`, {
    cause: error,
    ...(hint !== undefined && {hint}),
  })

/** Returns the reason for a failure, without the path that Node's own message would repeat. */
const whyOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : messageOf(error)
