import {type Answer, badAnswer} from '../http/caller.js'
import {parseConsulJson} from '../http/json-bigint.js'

/** Decodes an answer's body, or says that it was not Consul who answered. */
export function decodeJson<T>(what: string, answer: Answer): T {
  try {
    return parseConsulJson(answer.body.toString('utf8')) as T
  } catch (error) {
    throw badAnswer(what, answer, error)
  }
}

export const encodeJson = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))
