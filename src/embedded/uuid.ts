import type {Random} from '../core/types.js'

/** A random UUID from the injected source. */
export function randomUuid(random: Random): string {
  const hex = Array.from({length: 32}, () => Math.floor(random() * 16).toString(16)).join('')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
