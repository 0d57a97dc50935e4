import {randomUUID} from 'node:crypto'
import {retry} from '../../core/retry.js'
import {Backoff} from '../../core/time/backoff.js'
import {openAnswer} from '../native/answers.js'
import {parseObject} from '../native/envelope.js'
import {controlKey} from '../native/layout.js'
import type {Manifest} from '../native/manifest.js'
import {type Answerer, answersTo} from './job-answers.js'

const maxRetryMs = 2000

/**
 * `taken`: another responder of the same name has claimed the job. `expired`: the job may no longer begin. Otherwise,
 * `control` is the value of the job's control key at the time of the claim, and the responder may begin the job unless
 * this value is a request to cancel.
 */
export type Claim = 'taken' | 'expired' | {readonly control: Buffer}

/**
 * Claims a job for this node. If several responders have the same name, only one of them succeeds. Repeats the write
 * until Consul answers.
 */
export async function claimJob(answerer: Answerer, manifest: Manifest): Promise<Claim> {
  const {client, node, signal} = answerer
  const answers = answersTo(answerer, manifest)
  const key = answers.key('a')
  const nonce = randomUUID()
  const body = Buffer.from(JSON.stringify({v: 1, t: client.clock.wallMs(), nonce, stop: true}))
  const backoff = new Backoff({minMs: 100, maxMs: maxRetryMs, random: client.random})
  const isValid = (): boolean => client.clock.wallMs() <= manifest.expiresAtMs
  const attempt = async (): Promise<Claim> => {
    if (!isValid()) return 'expired'
    const result = await client.txn.commit([
      {verb: 'check-not-exists', key},
      answers.write('a', body, manifest.session),
      // `get` would fail the transaction if the key did not exist; `get-tree` does not.
      {verb: 'get-tree', key: controlKey(manifest.id)},
    ])
    if (result.committed) {
      const control = result.entries.find(entry => entry.key === controlKey(manifest.id))
      return isValid() ? {control: control?.value ?? Buffer.alloc(0)} : 'expired'
    }
    // An earlier attempt may have been applied although its answer was lost.
    const found = (await client.kv.get(key, {consistency: 'consistent'})).value?.value
    const written = found && (openAnswer({...manifest, node}, {name: 'a', value: found}, undefined)?.body ?? found)
    if (!written || parseObject(written)?.['nonce'] !== nonce) return 'taken'
    const {value} = await client.kv.get(controlKey(manifest.id), {consistency: 'consistent'})
    return isValid() ? {control: value?.value ?? Buffer.alloc(0)} : 'expired'
  }
  return retry(attempt, {signal, clock: client.clock, backoff})
}
