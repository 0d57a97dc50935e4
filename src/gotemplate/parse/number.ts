import {quote} from '../format/quote.js'
import type {NumberNode} from './nodes.js'
import {unquoteCharacter} from './unquote.js'

/** The error of an invalid number literal. Its message is Go's. */
export class NumberError extends Error {
  override readonly name = 'NumberError'
}

const maxUint = (1n << 64n) - 1n
const maxInt = (1n << 63n) - 1n

type Parts = Pick<NumberNode, 'int' | 'uint' | 'float' | 'complex'>

const none: Parts = {int: undefined, uint: undefined, float: undefined, complex: undefined}

/** Parses a number, character or complex literal as Go's templates do. */
export function parseNumber(text: string, type: 'charConstant' | 'complex' | 'number', at: number): NumberNode {
  return {kind: 'number', at, text, ...parts(text, type)}
}

function parts(text: string, type: 'charConstant' | 'complex' | 'number'): Parts {
  if (type === 'charConstant') return characterParts(text)
  if (type === 'complex') return complexParts(text)
  if (text.endsWith('i')) {
    const im = parseFloat64(text.slice(0, -1))
    if (im !== undefined) return simplified({re: 0, im})
  }
  return realParts(text)
}

function characterParts(text: string): Parts {
  const found = unquoteCharacter(text)
  if (found === undefined) throw new NumberError('invalid syntax')
  if (found.rest !== "'") throw new NumberError(`malformed character constant: ${text}`)
  const int = BigInt(found.code)
  return {...none, int, uint: int, float: found.code}
}

function complexParts(text: string): Parts {
  const middle = text.slice(1).search(/(?<![eEpP])[+-]/) + 1
  const re = parseFloat64(text.slice(0, middle))
  const im = parseFloat64(text.slice(middle, -1))
  if (re === undefined || im === undefined) throw new NumberError('syntax error scanning complex number')
  return simplified({re, im})
}

/** A complex number whose imaginary part is zero can also be used as a real number. */
function simplified(complex: {re: number; im: number}): Parts {
  return complex.im === 0 ? {...wholeParts(complex.re), float: complex.re, complex} : {...none, complex}
}

function wholeParts(float: number): Parts {
  if (!Number.isInteger(float)) return none
  const whole = BigInt(float)
  return {
    ...none,
    int: whole >= -maxInt - 1n && whole <= maxInt ? whole : undefined,
    uint: whole >= 0n && whole <= maxUint ? whole : undefined,
  }
}

function realParts(text: string): Parts {
  const whole = parseInteger(text)
  if (whole !== undefined && whole >= -maxInt - 1n && whole <= maxUint) {
    const int = whole <= maxInt ? whole : undefined
    const unsigned = whole === 0n || (whole >= 0n && !/^[+-]/.test(text))
    if (int !== undefined || unsigned) {
      return {...none, int, uint: unsigned ? whole : undefined, float: Number(whole)}
    }
  }
  const float = parseFloat64(text)
  if (float === undefined) throw new NumberError(`illegal number syntax: ${quote(text)}`)
  if (!/[.eEpP]/.test(text)) throw new NumberError(`integer overflow: ${quote(text)}`)
  return {...wholeParts(float), float}
}

const integer = /^[+-]?(?:0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|0[0-7_]*|[1-9][0-9_]*)$/

/** Parses an integer with an optional base prefix. A leading 0 means base 8. */
function parseInteger(text: string): bigint | undefined {
  if (!integer.test(text) || !underscoresFit(text)) return undefined
  const digits = text.replace(/^[+-]/, '').replaceAll('_', '')
  const whole = BigInt(/^0[0-7]+$/.test(digits) ? `0o${digits}` : digits.toLowerCase())
  return text.startsWith('-') ? -whole : whole
}

/** True if underscores appear only between digits, or between the prefix and a digit. */
function underscoresFit(text: string): boolean {
  const plain = text.replace(/^[+-]/, '')
  const body = plain.replace(/^0[xXbBoO]/, '0')
  return !body.includes('_') || !/(^|[^0-9a-fA-F])_|_([^0-9a-fA-F]|$)/.test(body)
}

const decimal = /^[+-]?(?:[0-9_]+\.?[0-9_]*|\.[0-9_]+)(?:[eE][+-]?[0-9_]+)?$/
const hexadecimal = /^([+-]?)0[xX](?=\.?[0-9a-fA-F_])([0-9a-fA-F_]*)(?:\.([0-9a-fA-F_]*))?[pP]([+-]?[0-9_]+)$/

/** Parses a float as Go's `strconv.ParseFloat` does. Returns undefined if it is invalid or too large. */
function parseFloat64(text: string): number | undefined {
  if (!underscoresFit(text)) return undefined
  if (decimal.test(text)) return finite(Number(text.replaceAll('_', '')))
  const found = hexadecimal.exec(text)
  if (found === null) return undefined
  const [, sign = '', whole = '', fraction = '', power = '0'] = Array.from(
    found,
    part => (part as string | undefined)?.replaceAll('_', '') ?? '',
  )
  const mantissa = BigInt(`0x0${whole}${fraction}`)
  const value = Number(mantissa) * 2 ** (Number(power) - 4 * fraction.length)
  return finite(sign === '-' ? -value : value)
}

function finite(value: number): number | undefined {
  return Number.isFinite(value) ? value : undefined
}
