import {jsonReplacer} from './json-replacer.js'

/** Adds a `toJSON` that is not enumerable, so that `JSON.stringify` writes a snapshot as `jsonReplacer` does. */
export function toWritable<T extends object>(snapshot: T): T {
  return Object.defineProperty(snapshot, 'toJSON', {value: toJson})
}

function toJson(this: object): unknown {
  return JSON.parse(JSON.stringify({...this}, jsonReplacer))
}
