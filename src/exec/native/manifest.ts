import {z} from 'zod'
import {schemaFault} from '../../core/schema-fault.js'
import type {SessionId} from '../../core/types.js'
import type {JobCommand} from '../types.js'
import {parseObject} from './envelope.js'
import {issueText} from './issue-text.js'
import {newestVersion, oldestVersion} from './versions.js'

const milliseconds = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER)
/**
 * Maximum length of a text about the sender, because such a text is shown and logged even if no signature proves it.
 */
const maxClaimLength = 200
const claim = z.string().transform(value => value.slice(0, maxClaimLength))
const text = z.string().refine(value => !value.includes('\0'), 'contains a NUL')

/** Unknown fields are ignored, but a different major version is refused. */
const manifestSchema = z.object({
  v: z.number().int().min(oldestVersion).max(newestVersion),
  mode: z.enum(['run', 'check']).optional(),
  id: z.string(),
  cluster: z.object({dc: z.string(), name: z.string()}),
  iat: milliseconds,
  nbf: milliseconds,
  exp: milliseconds,
  target: z.object({nodes: z.array(z.string()).min(1)}),
  cmd: z.union([
    z.object({shell: text}).strict(),
    z.object({argv: z.array(text).min(1)}).strict(),
    z.object({script: z.base64()}).strict(),
  ]),
  timeout: milliseconds,
  kill_after: milliseconds,
  out_max: milliseconds,
  hb: milliseconds,
  session: z.string(),
  requester: z.object({name: claim, host: claim}),
  keep: milliseconds.optional(),
})

/** The signed content of a job. Times are milliseconds since 1970, durations milliseconds, sizes bytes. */
export interface Manifest {
  readonly version: number
  /**
   * True for a dry run: the responder reports whether it would run the job, but runs nothing. Since
   * version 2.
   */
  readonly isDryRun: boolean
  readonly id: string
  readonly datacenter: string
  readonly cluster: string
  readonly issuedAtMs: number
  readonly notBeforeMs: number
  readonly expiresAtMs: number
  readonly nodes: readonly string[]
  readonly command: JobCommand
  /**
   * `Infinity` for no limit, which is written as 2^53-1 so that every responder reads it as a
   * number.
   */
  readonly timeoutMs: number
  readonly killAfterMs: number
  /** `Infinity` for no limit, which is written as for `timeoutMs`. */
  readonly maxOutputBytes: number
  readonly heartbeatMs: number
  /** The session to which every key of the job belongs. When it ends, Consul deletes the keys. */
  readonly session: SessionId
  readonly requester: {readonly name: string; readonly host: string}
  /** Earliest time at which Consul removes the answers. Undefined if an initiator renews the session. */
  readonly keptUntilMs?: number
}

export function encodeManifest(manifest: Manifest): Buffer {
  const raw: z.infer<typeof manifestSchema> = {
    v: manifest.version,
    ...(manifest.isDryRun && {mode: 'check' as const}),
    id: manifest.id,
    cluster: {dc: manifest.datacenter, name: manifest.cluster},
    iat: manifest.issuedAtMs,
    nbf: manifest.notBeforeMs,
    exp: manifest.expiresAtMs,
    target: {nodes: [...manifest.nodes]},
    cmd: toRawCommand(manifest.command),
    timeout: toRawLimit(manifest.timeoutMs),
    kill_after: manifest.killAfterMs,
    out_max: toRawLimit(manifest.maxOutputBytes),
    hb: manifest.heartbeatMs,
    session: manifest.session,
    requester: manifest.requester,
    ...(manifest.keptUntilMs !== undefined && {keep: manifest.keptUntilMs}),
  }
  return Buffer.from(JSON.stringify(raw))
}

/**
 * Facts that a job states about itself. They suffice to address an answer even if the rest of the manifest is not
 * valid.
 */
export interface JobClaims extends Pick<Manifest, 'nodes' | 'session' | 'requester'> {
  readonly version: number
}

const claimsSchema = z.object({
  v: z.number(),
  target: z.object({nodes: z.array(z.string())}),
  session: z.string(),
  requester: z.object({name: claim, host: claim}).catch({name: 'unknown', host: 'unknown'}),
})

/** Reads the {@link JobClaims} of a manifest of any version. Returns undefined if one of them is missing. */
export function parseClaims(payload: Buffer): JobClaims | undefined {
  const parsed = claimsSchema.safeParse(parseObject(payload))
  if (!parsed.success) return undefined
  const {v: version, target, session, requester} = parsed.data
  return {version, nodes: target.nodes, session: session as SessionId, requester}
}

/** Parses a manifest. Returns a description of the fault if it is not valid. */
export function parseManifest(payload: Buffer): Manifest | string {
  const parsed = manifestSchema.safeParse(parseObject(payload), {error: schemaFault})
  if (!parsed.success) {
    return `manifest: ${issueText(parsed.error.issues)}`
  }
  const raw = parsed.data
  return {
    version: raw.v,
    isDryRun: raw.mode === 'check',
    id: raw.id,
    datacenter: raw.cluster.dc,
    cluster: raw.cluster.name,
    issuedAtMs: raw.iat,
    notBeforeMs: raw.nbf,
    expiresAtMs: raw.exp,
    nodes: raw.target.nodes,
    command: fromRawCommand(raw.cmd),
    timeoutMs: fromRawLimit(raw.timeout),
    killAfterMs: raw.kill_after,
    maxOutputBytes: fromRawLimit(raw.out_max),
    heartbeatMs: raw.hb,
    session: raw.session as SessionId,
    requester: raw.requester,
    ...(raw.keep !== undefined && {keptUntilMs: raw.keep}),
  }
}

const noLimit = Number.MAX_SAFE_INTEGER
const toRawLimit = (limit: number): number => Math.min(Math.ceil(limit), noLimit)
const fromRawLimit = (raw: number): number => (raw === noLimit ? Number.POSITIVE_INFINITY : raw)

type RawCommand = z.infer<typeof manifestSchema>['cmd']

function toRawCommand(command: JobCommand): RawCommand {
  if (command.kind === 'shell') return {shell: command.line}
  if (command.kind === 'argv') return {argv: [...command.argv]}
  return {script: Buffer.from(command.script).toString('base64')}
}

function fromRawCommand(raw: RawCommand): JobCommand {
  if ('shell' in raw) return {kind: 'shell', line: raw.shell}
  if ('argv' in raw) return {kind: 'argv', argv: raw.argv}
  return {kind: 'script', script: Buffer.from(raw.script, 'base64')}
}
