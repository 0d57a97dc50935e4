import {createHash} from 'node:crypto'
import {BatonError} from '../core/errors.js'
import {schemaFault} from '../core/schema-fault.js'
import type {DiscoveredService} from './types.js'

/**
 * Decodes the value of one key. Throws a BatonError that names the faulty place in the document.
 */
export type DocumentDecoder = (key: string, bytes: Uint8Array) => readonly DiscoveredService[]

/**
 * `document`: the one key contains `{services: […]}`. `folder`: each key of a folder contains that, or a single
 * service.
 */
export type DocumentKind = 'document' | 'folder'

export const fingerprint = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex')

/** Returns a decoder. The schema library is loaded only here, because services of the catalog do not need it. */
export async function createDecoder(kind: DocumentKind): Promise<DocumentDecoder> {
  const {z} = await import('zod')
  const service = z.object({
    uri: z.string().refine(hasHost, 'not a URI with a host'),
    capabilities: z.array(z.object({name: z.string().min(1), capacity: z.number().min(0)})).default([]),
  })
  const document = z.object({services: z.array(service)})
  return (key, bytes) => {
    const value = parseJson(key, bytes)
    const isSingle = kind === 'folder' && typeof value === 'object' && value !== null && !('services' in value)
    const result = (isSingle ? service.transform(one => ({services: [one]})) : document).safeParse(value, {
      error: schemaFault,
    })
    if (result.success) return result.data.services
    const [issue] = result.error.issues
    throw badDocument(key, issue ? `${formatPath(issue.path)}: ${issue.message}` : 'not valid')
  }
}

/** True if the text is a URI that names a host. */
export function hasHost(uri: string): boolean {
  try {
    return new URL(uri).hostname !== ''
  } catch {
    return false
  }
}

function parseJson(key: string, bytes: Uint8Array): unknown {
  let text: string
  try {
    text = new TextDecoder('utf-8', {fatal: true}).decode(bytes)
  } catch {
    throw badDocument(key, 'not UTF-8')
  }
  if (text.trim() === '') throw badDocument(key, 'empty')
  try {
    return JSON.parse(text)
  } catch (error) {
    throw badDocument(key, `not JSON: ${lowerFirst((error as Error).message).replaceAll(/\s+/g, ' ')}`)
  }
}

function badDocument(key: string, what: string): BatonError {
  return new BatonError('BATON_CONFIG', `services document ${key}: ${what.slice(0, 200)}`, {
    hint: 'it has to look like {"services":[{"uri":"http://host:1234","capabilities":[{"name":"resize","capacity":3}]}]}',
  })
}

function formatPath(path: readonly PropertyKey[]): string {
  const text = path.map(part => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('')
  return text === '' ? 'document' : text.replace(/^\./, '')
}

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1)
