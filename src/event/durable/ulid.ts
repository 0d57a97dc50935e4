import {randomBytes} from 'node:crypto'

/** Crockford's base32 digits, which leave out I, L, O and U. */
const digits = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const shape = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/

/**
 * Creates a unique ID that begins with the time. Because clocks differ, IDs are not guaranteed to be in
 * order.
 */
export function newUlid(wallMs: number): string {
  let rest = (BigInt(Math.floor(wallMs)) << 80n) | BigInt(`0x${randomBytes(10).toString('hex')}`)
  let text = ''
  while (text.length < 26) {
    text = `${digits[Number(rest & 31n)] ?? ''}${text}`
    rest >>= 5n
  }
  return text
}

export const isUlid = (text: string): boolean => shape.test(text)

/** Returns the wall time in the ULID, by the clock of its writer. */
export const ulidTimeMs = (ulid: string): number =>
  Array.from(ulid.slice(0, 10)).reduce((sum, digit) => sum * 32 + digits.indexOf(digit), 0)
