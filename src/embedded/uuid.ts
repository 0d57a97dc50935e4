import type {Random} from '../core/types.js'

/** Returns a random UUID, made from the given source of randomness. */
export function randomUuid(random: Random): string {
  const hex = Array.from({length: 32}, () => Math.floor(random() * 16).toString(16)).join('')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/**
 * Returns the message with which Consul's tables refuse a malformed ID; undefined if the ID is well
 * formed.
 */
export function uuidError(id: string): string | undefined {
  if (Buffer.byteLength(id) !== 36) return 'index error: UUID must be 36 characters'
  if (uuid.test(id)) return undefined
  const wrong = /[^0-9a-f-]/i.exec(id)?.[0] ?? '-'
  return `index error: Invalid UUID: encoding/hex: invalid byte: ${goRune(wrong)}`
}

const goRune = (char: string): string =>
  `U+${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')} '${char}'`
