import {type KeyObject, sign, verify} from 'node:crypto'
import type {KvOperation, SessionId} from '../../core/types.js'
import {parseObject} from './envelope.js'
import {answerRoot} from './layout.js'
import {signedVersion} from './versions.js'

/** The job and the node that an answer belongs to. */
export interface AnswerPlace {
  /** Version of the job's manifest. */
  readonly version: number
  readonly id: string
  readonly node: string
}

/**
 * Last part of an answer's key: the ack (`a`), the result (`r`), a refusal (`k`), or a frame (one numbered piece) of
 * output.
 */
export type AnswerName = 'a' | 'r' | 'k' | `o/${string}`

export const frameName = (seq: number): AnswerName => `o/${seq.toString(16).padStart(6, '0')}`

/**
 * Returns the bytes that are signed. They include job, node and name, so that an answer is not valid if it is copied to
 * another key.
 */
function signedBytes({id, node}: AnswerPlace, name: string, body: Buffer): Buffer {
  const place = `${id} ${node} ${name}`
  return Buffer.concat([Buffer.from(`baton1 baton-answer/1 ${place.length} ${place} ${body.length} `), body])
}

/** Makes the keys and values of a responder's answers to one job. */
export class AnswerWriter {
  readonly #place: AnswerPlace
  readonly #privateKey: KeyObject

  constructor(place: AnswerPlace, privateKey: KeyObject) {
    this.#place = place
    this.#privateKey = privateKey
  }

  key(name: AnswerName): string {
    return answerRoot(this.#place) + name
  }

  /** Returns the value of an answer: one line of JSON with the signature, followed by the body. */
  value(name: AnswerName, body: Buffer): Buffer {
    if (this.#place.version < signedVersion) return body
    const signature = sign(null, signedBytes(this.#place, name, body), this.#privateKey).toString('base64url')
    return Buffer.concat([Buffer.from(`${JSON.stringify({v: 2, g: signature})}\n`), body])
  }

  /** Returns the KV operation that writes an answer so that its key belongs to the job's session. */
  write(name: AnswerName, body: Buffer, session: SessionId): KvOperation {
    return {verb: 'lock', key: this.key(name), value: this.value(name, body), session}
  }
}

/** An answer as it was read from KV. */
export interface OpenedAnswer {
  readonly body: Buffer
  readonly isSigned: boolean
}

/**
 * Returns the body of an answer, and whether `publicKey` signed it. If no key is given, the answer counts as unsigned.
 * Returns undefined if the signature does not match the key.
 */
export function openAnswer(
  place: AnswerPlace,
  {name, value}: {readonly name: string; readonly value: Buffer},
  publicKey: KeyObject | undefined,
): OpenedAnswer | undefined {
  if (place.version < signedVersion) return {body: value, isSigned: false}
  const end = value.indexOf(10)
  const {v, g} = parseObject(value.subarray(0, Math.max(0, end))) ?? {}
  if (v !== 2 || typeof g !== 'string') return publicKey ? undefined : {body: value, isSigned: false}
  const body = value.subarray(end + 1)
  if (!publicKey) return {body, isSigned: false}
  const isSigned = verify(null, signedBytes(place, name, body), publicKey, Buffer.from(g, 'base64url'))
  return isSigned ? {body, isSigned} : undefined
}
