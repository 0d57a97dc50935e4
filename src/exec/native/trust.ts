import type {KeyObject} from 'node:crypto'
import {readdir} from 'node:fs/promises'
import {join} from 'node:path'
import {z} from 'zod'
import {checkOptions, name as nameRule, texts} from '../../core/check-options.js'
import {type BatonError, isBatonError, messageOf} from '../../core/errors.js'
import {readInput} from '../../core/input.js'
import {schemaFault} from '../../core/schema-fault.js'
import {parseObject} from './envelope.js'
import {misplaced, refuseForeignWriters} from './foreign-writers.js'
import {issueText} from './issue-text.js'
import {publicKeyOf, toKid} from './keys.js'
import {fromPolicyFile, openPolicy, type Policy, policySchema} from './policy.js'
import {allowedSignersFile, parseAllowedSigners} from './ssh/allowed-signers.js'

/** A public key that may sign jobs. */
export interface TrustedKey {
  readonly kid: string
  readonly name: string
  readonly publicKey: KeyObject
  /** Time range in which the key is valid, by the wall clock. */
  readonly notBeforeMs: number | undefined
  readonly expiresAtMs: number | undefined
  /** Policies of the key. A job must satisfy all of them. */
  readonly policies: readonly Policy[]
}

/** Adds an entry for a key. If the key already has one, the restrictions of all its entries apply. */
function addKey(keys: Map<string, TrustedKey>, key: TrustedKey): void {
  const other = keys.get(key.kid)
  if (!other) keys.set(key.kid, key)
  else {
    keys.set(key.kid, {
      ...other,
      notBeforeMs: Math.max(other.notBeforeMs ?? Number.NEGATIVE_INFINITY, key.notBeforeMs ?? Number.NEGATIVE_INFINITY),
      expiresAtMs: Math.min(other.expiresAtMs ?? Number.POSITIVE_INFINITY, key.expiresAtMs ?? Number.POSITIVE_INFINITY),
      policies: [...other.policies, ...key.policies],
    })
  }
}

/** The trusted keys at one moment. */
export interface TrustStore {
  /** The trusted keys, by kid. */
  readonly keys: ReadonlyMap<string, TrustedKey>
  /** IDs of keys that are not trusted, even if `keys` contains them. */
  readonly revoked: ReadonlySet<string>
  /**
   * Reason why the newest state could not be read. `keys` then contains the keys that were last read, except those
   * whose file no longer exists.
   */
  readonly trouble?: BatonError
}

/**
 * Returns the trusted keys. Called for every job, so that a revocation takes effect with the next job. If the call
 * rejects, the job is refused.
 */
export type TrustSource = () => Promise<TrustStore>

export const revocationFile = 'revoked.json'

const entrySchema = z.object({
  v: z.literal(1),
  kid: z.string(),
  name: z.string(),
  x: z.string(),
  nbf: z.string().optional(),
  exp: z.string().optional(),
  policy: policySchema.optional(),
})
export type TrustEntry = z.infer<typeof entrySchema>

export function parseTrustEntry(text: string, where: string): {readonly entry: TrustEntry; readonly key: TrustedKey} {
  const parsed = entrySchema.safeParse(parseObject(Buffer.from(text)), {error: schemaFault})
  if (!parsed.success) {
    throw untrusted(`${where}: not a public key of baton: ${issueText(parsed.error.issues)}`)
  }
  const entry = parsed.data
  const publicKey = publicKeyOf(entry.x)
  if (!publicKey || toKid(publicKey) !== entry.kid) throw untrusted(`${where}: kid and key do not belong together`)
  const {kid, name} = entry
  const notBeforeMs = parseInstant(entry.nbf, where)
  const expiresAtMs = parseInstant(entry.exp, where)
  return {
    entry,
    key: {
      kid,
      name,
      publicKey,
      notBeforeMs,
      expiresAtMs,
      policies: [entry.policy ? fromPolicyFile(entry.policy) : openPolicy],
    },
  }
}

function parseInstant(text: string | undefined, where: string): number | undefined {
  if (text === undefined) return undefined
  const instant = Date.parse(text)
  if (Number.isNaN(instant)) throw untrusted(`${where}: '${text}' is not a date`)
  return instant
}

/**
 * Returns a source that trusts only these public keys, which have the form that `generateKey` and `baton keys init`
 * write.
 *
 * @example
 * ```ts
 * const {key, publicFile} = generateKey('deploy', Date.now())
 * const {keys} = await trustKeys([publicFile])()
 * keys.has(key.kid) // => true
 * ```
 */
export function trustKeys(publicFiles: readonly string[]): TrustSource {
  checkOptions('trustKeys', {publicFiles}, {publicFiles: texts}, ['publicFiles'])
  const keys = new Map<string, TrustedKey>()
  for (const text of publicFiles) addKey(keys, parseTrustEntry(text, 'key').key)
  return async () => ({keys, revoked: new Set()})
}

/**
 * Returns a source that trusts the keys in every `*.json` file of the directory and in `allowed_signers`, a file of
 * OpenSSH. If other users could have written the directory or a file, or if a file cannot be parsed, `trouble` is set.
 * The keys that were last read then stay trusted, except those whose file is gone and those that `revoked.json` names.
 * A key that is in several files may do only what all of them allow.
 *
 * @example
 * ```ts
 * const {keys} = await trustFromDirectory(directory)()
 * keys.size // => 0
 * ```
 */
export function trustFromDirectory(directory: string): TrustSource {
  checkOptions('trustFromDirectory', {directory}, {directory: nameRule}, ['directory'])
  let lastGood: DirectoryState = {keys: new Map(), revoked: []}
  return async () => {
    const names = await namesOf(directory)
    try {
      lastGood = await readState(directory, names)
      return toStore(lastGood)
    } catch (error) {
      const trouble = isBatonError(error) ? error : untrusted(`${directory}: ${messageOf(error)}`)
      const keys = new Map([...lastGood.keys].filter(([name]) => names?.includes(name.replace(/ .*/, '')) ?? true))
      const revoked = [...lastGood.revoked, ...(await readableRevocations(directory))]
      return {...toStore({keys, revoked}), trouble}
    }
  }
}

/** The keys of a trust directory, by file name. */
interface DirectoryState {
  readonly keys: ReadonlyMap<string, TrustedKey>
  readonly revoked: readonly string[]
}

function toStore({keys, revoked}: DirectoryState): TrustStore {
  const byKid = new Map<string, TrustedKey>()
  for (const key of keys.values()) addKey(byKid, key)
  return {keys: byKid, revoked: new Set(revoked)}
}

const isTrustFile = (name: string): boolean => name.endsWith('.json') || name === allowedSignersFile

/**
 * Resolves with the names of the trust files. The list is empty if the directory does not exist, and undefined if it
 * cannot be listed.
 */
async function namesOf(directory: string): Promise<readonly string[] | undefined> {
  try {
    return (await readdir(directory)).filter(isTrustFile).toSorted()
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? [] : undefined
  }
}

async function readState(directory: string, names: readonly string[] | undefined): Promise<DirectoryState> {
  await refuseForeignWriters(directory, 'trust')
  const keys = new Map<string, TrustedKey>()
  let revoked: readonly string[] = []
  for (const name of names ?? (await readdir(directory))) {
    const path = join(directory, name)
    await refuseForeignWriters(path, 'trust')
    const text = (await readInput(path)).toString()
    if (name === revocationFile) revoked = parseRevocations(text, path)
    else if (name === allowedSignersFile) {
      for (const [at, key] of parseAllowedSigners(text, path).entries()) {
        keys.set(`${name} ${at}`, {...key, policies: [openPolicy]})
      }
    } else keys.set(name, parseTrustEntry(text, path).key)
  }
  return {keys, revoked}
}

/**
 * Reads the list of revoked keys. It applies even if other files cannot be read, because it can only remove
 * permissions.
 */
async function readableRevocations(directory: string): Promise<readonly string[]> {
  const path = join(directory, revocationFile)
  try {
    return parseRevocations((await readInput(path)).toString(), path)
  } catch {
    return []
  }
}

export function parseRevocations(text: string, where: string): readonly string[] {
  const parsed = z.object({v: z.literal(1), kids: z.array(z.string())}).safeParse(parseObject(Buffer.from(text)))
  if (!parsed.success) throw untrusted(`${where}: not a list of revoked keys`)
  return parsed.data.kids
}

const untrusted = (message: string): BatonError => misplaced('trust', message)
