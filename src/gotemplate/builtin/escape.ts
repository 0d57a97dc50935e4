import {sprint} from '../format/printer.js'
import {encodeText, isBrokenByte, isPrintable} from '../value/text.js'
import type {Argument} from '../value/types.js'
import {makeString} from '../value/values.js'
import {indirect} from './access.js'

const html: Readonly<Record<string, string>> = {
  '\0': '\uFFFD',
  '"': '&#34;',
  "'": '&#39;',
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
}

/** Joins the arguments of `html`, `js` and `urlquery` into one string. */
export function joinValues(values: readonly Argument[]): string {
  return sprint(values.map(printable))
}

/**
 * Returns the value that an action prints: the target of a pointer, `<no value>` for a missing value, or the value
 * itself.
 */
export function printable(value: Argument): Argument {
  if (value === undefined) return makeString('<no value>')
  if (value.type.kind !== 'pointer' || value.type.methods.has('String') || value.type.methods.has('Error')) {
    return value
  }
  const found = indirect(value)
  return found.nil ? value : found.value
}

export function escapeHtml(text: string): string {
  return text.replace(/[\0"'&<>]/g, character => html[character] ?? character)
}

const js: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  "'": "\\'",
  '"': '\\"',
  '<': '\\u003C',
  '>': '\\u003E',
  '&': '\\u0026',
  '=': '\\u003D',
}

export function escapeJs(text: string): string {
  let escaped = ''
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0
    const known = js[character]
    if (known !== undefined) escaped += known
    else if (code < 0x20) escaped += `\\u00${code.toString(16).toUpperCase().padStart(2, '0')}`
    else if (code < 0x80 || isPrintable(character) || isBrokenByte(character)) escaped += character
    else escaped += `\\u${code.toString(16).toUpperCase().padStart(4, '0')}`
  }
  return escaped
}

export function escapeQuery(text: string): string {
  let escaped = ''
  for (const byte of encodeText(text)) {
    const character = String.fromCharCode(byte)
    if (/[A-Za-z0-9\-_.~]/.test(character)) escaped += character
    else if (character === ' ') escaped += '+'
    else escaped += `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return escaped
}
