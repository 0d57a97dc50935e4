import {jsonReplacer} from './json-replacer.js'

/** Lets `JSON.stringify` write a snapshot by itself, as `jsonReplacer` writes it. The member is not enumerable. */
export function toWritable<T extends object>(snapshot: T): T {
  return Object.defineProperty(snapshot, 'toJSON', {value: toJson})
}

function toJson(this: object): unknown {
  return JSON.parse(JSON.stringify({...this}, jsonReplacer))
}
