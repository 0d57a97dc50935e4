import {createPrivateKey, type KeyObject, randomBytes, sign} from 'node:crypto'
import type {GeneratedKey} from '../../../src/exec/native/keys.js'
import {raw} from '../../kit/raw-consul.js'

/** A key that signs forged jobs. `kid` is the ID that the signature claims. */
export interface Signer {
  readonly kid: string
  readonly secret: KeyObject
}

export function signerOf({privateFile}: GeneratedKey, kid?: string): Signer {
  const jwk = JSON.parse(privateFile) as {kid: string}
  return {kid: kid ?? jwk.kid, secret: createPrivateKey({key: jwk, format: 'jwk'})}
}

/** A job to forge. What is not given is written as an honest initiator would write it. */
export interface Forgery {
  readonly signers?: readonly Signer[]
  /** Fields of the manifest to replace. A field whose value is `undefined` is left out. */
  readonly changes?: Readonly<Record<string, unknown>>
  /** Changes the payload after it was signed. */
  readonly alter?: (payload: string) => string
  /** Changes the signatures. */
  readonly resign?: (signatures: {k: string; g: string}[]) => unknown[]
  /** Type of document for which the signatures are made. @default 'baton-exec/1' */
  readonly type?: string
}

/** Returns a version 7 UUID without using baton's code. */
export function newJobId(nowMs = Date.now()): string {
  const bytes = randomBytes(16)
  bytes.writeUIntBE(nowMs, 0, 6)
  bytes[6] = 0x70 | ((bytes[6] ?? 0) & 15)
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 63)
  return bytes.toString('hex').replace(/(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}

function seal(payload: Buffer, type: string, signers: readonly Signer[]): {k: string; g: string}[] {
  const signed = Buffer.concat([Buffer.from(`baton1 ${type.length} ${type} ${payload.length} `), payload])
  return signers.map(({kid, secret}) => ({k: kid, g: sign(null, signed, secret).toString('base64url')}))
}

/**
 * A client with write permission below `baton/exec/v1/`. It shares no code with baton, except for the files of keys.
 */
export class Attacker {
  readonly #address: string
  readonly session: string

  private constructor(address: string, session: string) {
    this.#address = address
    this.session = session
  }

  static async open(address: string): Promise<Attacker> {
    const body = JSON.stringify({TTL: '3600s', Behavior: 'delete', LockDelay: '0s', NodeChecks: []})
    const answer = await raw(address).ok('PUT', '/v1/session/create', {body})
    return new Attacker(address, (answer.json() as {ID: string}).ID)
  }

  /** Returns the value of a job for `node` that runs `line`. */
  forge(
    {id, node, line}: {readonly id: string; readonly node: string; readonly line: string},
    {signers = [], changes = {}, alter = text => text, resign = list => list, type = 'baton-exec/1'}: Forgery,
  ): string {
    const now = Date.now()
    const manifest = {
      v: 2,
      id,
      cluster: {dc: 'dc1', name: ''},
      iat: now,
      nbf: now,
      exp: now + 60_000,
      target: {nodes: [node]},
      cmd: {shell: line},
      timeout: 60_000,
      kill_after: 1000,
      out_max: 1000,
      hb: 15_000,
      session: this.session,
      requester: {name: 'attacker', host: 'elsewhere'},
      ...changes,
    }
    const payload = JSON.stringify(manifest)
    const signatures = resign(seal(Buffer.from(payload), type, signers))
    return JSON.stringify({t: 'baton-exec/1', p: Buffer.from(alter(payload)).toString('base64url'), s: signatures})
  }

  /** Returns the value of the key for a signed request to cancel a job. */
  forgeControl(fields: object, signers: readonly Signer[]): string {
    const payload = Buffer.from(JSON.stringify({v: 1, verb: 'cancel', exp: Date.now() + 60_000, ...fields}))
    return JSON.stringify({
      t: 'baton-ctl/1',
      p: payload.toString('base64url'),
      s: seal(payload, 'baton-ctl/1', signers),
    })
  }

  /** Writes a key below `baton/exec/v1/`. If `isHeld` is true, the attacker's session locks the key. */
  async put(rest: string, value: string | Buffer, isHeld = false): Promise<void> {
    const entry = {Key: `baton/exec/v1/${rest}`, Value: Buffer.from(value).toString('base64')}
    const operation = isHeld ? {Verb: 'lock', Session: this.session, ...entry} : {Verb: 'set', ...entry}
    await raw(this.#address).ok('PUT', '/v1/txn', {body: JSON.stringify([{KV: operation}])})
  }

  async delete(rest: string): Promise<void> {
    const operation = {Verb: 'delete', Key: `baton/exec/v1/${rest}`}
    await raw(this.#address).ok('PUT', '/v1/txn', {body: JSON.stringify([{KV: operation}])})
  }

  /** Returns the code of a node's refusal; undefined if the node has not refused the job. */
  async refusalOf(node: string, id: string): Promise<string | undefined> {
    const value = (await raw(this.#address).kvGet(`baton/exec/v1/run/${node}/${id}/k`))?.value
    const body = value?.split('\n').at(-1)
    return body === undefined ? undefined : (JSON.parse(body) as {code: string}).code
  }

  /** Ends the session, and with it all keys that belong to it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await raw(this.#address).ok('PUT', `/v1/session/destroy/${this.session}`)
  }
}
