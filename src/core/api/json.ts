import {type Answer, badAnswer} from '../http/caller.js'
import {parseConsulJson} from '../http/json-bigint.js'

/** Decodes an answer's body. Throws an error of code BATON_BAD_ANSWER if the body is not JSON. */
export function decodeJson<T>(what: string, answer: Answer): T {
  try {
    return parseConsulJson(answer.body.toString('utf8')) as T
  } catch (error) {
    throw badAnswer(what, answer, error)
  }
}

export const encodeJson = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))
