import {type KeyObject, sign, verify} from 'node:crypto'
import type {KvOperation, SessionId} from '../../core/types.js'
import {parseObject} from './envelope.js'
import {answerRoot} from './layout.js'
import {signedVersion} from './versions.js'

/** The place of a responder's answers to one job. */
export interface AnswerPlace {
  /** Version of the job's manifest. */
  readonly version: number
  readonly id: string
  readonly node: string
}

/** The last part of an answer's key: the ack, the result, a refusal, or a frame of output. */
export type AnswerName = 'a' | 'r' | 'k' | `o/${string}`

export const frameName = (seq: number): AnswerName => `o/${seq.toString(16).padStart(6, '0')}`

/** Job, node and name are signed too, so that an answer is valid in its own place only. */
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

  /** Returns what is written for an answer: a line of JSON with the signature, and the body. */
  value(name: AnswerName, body: Buffer): Buffer {
    if (this.#place.version < signedVersion) return body
    const signature = sign(null, signedBytes(this.#place, name, body), this.#privateKey).toString('base64url')
    return Buffer.concat([Buffer.from(`${JSON.stringify({v: 2, g: signature})}\n`), body])
  }

  /** Returns the write of an answer, held by the session of the job. */
  write(name: AnswerName, body: Buffer, session: SessionId): KvOperation {
    return {verb: 'lock', key: this.key(name), value: this.value(name, body), session}
  }
}

/** An answer as it was found. */
export interface OpenedAnswer {
  readonly body: Buffer
  readonly isSigned: boolean
}

/**
 * Returns the body of an answer, and whether the key signed it. Without a key nothing counts as signed. Undefined if the
 * answer should be signed by this key and is not.
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
