import {linkSignal} from '../../core/cancel/link-signal.js'
import type {ConsulClient} from '../../core/client.js'
import {CancelledError} from '../../core/errors.js'
import {createInitiator} from '../../exec/initiator/initiator.js'
import type {AttachOptions} from '../../exec/initiator-types.js'
import {listOwnKeys} from '../../exec/native/key-files.js'
import {type TrustedKey, type TrustSource, trustFromDirectory} from '../../exec/native/trust.js'
import type {ExecSummary} from '../../exec/types.js'
import type {CommandHost} from '../base-command.js'
import type {Paint} from '../colour.js'
import {defined} from '../defined.js'
import {keysDirectory} from '../directories.js'
import type {Output} from '../output.js'
import type {StatusLine} from '../status-line.js'
import {exitCodeOf, exitCodes} from './exit-code.js'
import {printable} from './printable.js'
import {RunView} from './run-view.js'
import {knownFile, readKeys} from './signing.js'

export interface AttachFlags {
  readonly json: boolean
  readonly ndjson: boolean
  readonly fold: boolean
  readonly diff: boolean
  readonly verbose: boolean
  readonly quiet: boolean
  readonly pin: string
  readonly 'known-responders'?: string | undefined
  readonly 'require-signed': boolean
  readonly 'keys-dir'?: string | undefined
  readonly 'trust-dir': string
  readonly key?: readonly string[] | undefined
  readonly unsigned?: boolean
}

export interface AttachContext {
  readonly client: ConsulClient
  readonly flags: AttachFlags
  readonly out: Output
  readonly host: CommandHost
  readonly statusLine: StatusLine
  readonly paint: Paint
  readonly stopSignal: AbortSignal
}

/** Prints the answers to a job that was written earlier. Resolves with the exit code of the run. */
export async function showJob(
  id: string,
  mode: NonNullable<AttachOptions['mode']>,
  context: AttachContext,
): Promise<number> {
  const {client, flags, out, host, statusLine, paint, stopSignal} = context
  const initiator = createInitiator(client, {
    isUnsigned: flags.unsigned === true,
    isListOnly: flags.pin === 'list',
    mustBeSigned: flags['require-signed'],
    keys: await readKeys(flags, host.env),
    ...defined({knownRespondersFile: knownFile(flags, host.env)}),
  })
  using stop = linkSignal(stopSignal)
  out.onClosed(() => stop.abort(new CancelledError()))
  const jobTrust = ownAndTrusted(flags['keys-dir'] ?? keysDirectory(host.env), flags['trust-dir'])
  await using run = await initiator.attach(id, {mode, jobTrust, signal: stop.signal})
  if (run.doubt !== undefined) {
    out.warn(`exec: the job is not verified: ${printable(run.doubt)}. Another list of nodes would not be noticed`)
  }
  const summary = await new RunView({out, host, statusLine, flags, paint}).show(run, {isSnapshot: mode === 'snapshot'})
  if (stopSignal.aborted && isUnfinished(summary)) out.say(`exec: the job goes on: baton exec attach ${run.id}`)
  stopSignal.throwIfAborted()
  return stop.signal.aborted ? exitCodes.cancelled : exitCodeOf(summary)
}

const isUnfinished = ({nodes}: ExecSummary): boolean => nodes.some(({outcome}) => outcome.type === 'unfinished')

/**
 * Trusts the user's own public keys and the keys of a trust directory. If that directory cannot be read, trusts none of
 * its keys.
 */
export const ownAndTrusted =
  (keys: string, trust: string): TrustSource =>
  async () => {
    const own = await listOwnKeys(keys).catch((): readonly TrustedKey[] => [])
    const {keys: trusted, revoked} = await trustFromDirectory(trust)()
    return {revoked, keys: new Map([...trusted, ...own.map(key => [key.kid, key] as const)])}
  }
