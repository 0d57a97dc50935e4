import type {StateImage} from '../store/state.js'

/** Returns JSON in which values of types that JSON lacks are tagged: maps, big integers, bytes. */
export const printImage = (image: StateImage): string => JSON.stringify(tag(image))

export const parseImage = (text: string): StateImage => untag(JSON.parse(text)) as StateImage

function tag(value: unknown): unknown {
  if (typeof value === 'bigint') return {$int: String(value)}
  if (value instanceof Uint8Array) return {$bytes: Buffer.from(value).toString('base64')}
  if (value instanceof Map) return {$map: [...(value as Map<string, unknown>)].map(([key, item]) => [key, tag(item)])}
  if (Array.isArray(value)) return value.map(tag)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, tag(item)]))
}

function untag(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(untag)
  if (typeof value !== 'object' || value === null) return value
  const [[name, item] = [], ...more] = Object.entries(value) as [string, unknown][]
  if (more.length === 0 && typeof item === 'string') {
    if (name === '$int') return BigInt(item)
    if (name === '$bytes') return Buffer.from(item, 'base64')
  }
  if (more.length === 0 && name === '$map') {
    return new Map((item as [string, unknown][]).map(([key, inner]) => [key, untag(inner)]))
  }
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, untag(inner)]))
}
