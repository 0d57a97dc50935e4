import {appendFile, readFile} from 'node:fs/promises'
import {dirname} from 'node:path'
import {BatonError, messageOf} from '../../core/errors.js'
import {makeFolder} from '../../process/make-folder.js'
import type {ResponderTarget} from './targets.js'

/** A responder that receives no job, with the reason. */
export interface KeyRefusal {
  readonly node: string
  readonly code: 'responder-key-changed' | 'responder-key-unknown' | 'unsigned-answers'
  readonly reason: string
}

export interface KnownRespondersOptions {
  /** File with a line `datacenter/name key` for each known responder. It need not exist. */
  readonly path: string
  readonly datacenter: string
  /**
   * True if only responders listed in the file may answer. If false, the key of a new responder is added to the file.
   */
  readonly isListOnly: boolean
}

/**
 * Compares the keys that responders have registered with the keys in a file, and adds responders that the file does not
 * contain. If a responder has several lines, the first one counts. Resolves with the responders that must not receive a
 * job. Rejects with BATON_CONFIG if the file cannot be read or written.
 */
export async function compareKeys(
  responders: readonly ResponderTarget[],
  {path, datacenter, isListOnly}: KnownRespondersOptions,
): Promise<readonly KeyRefusal[]> {
  const known = parseLines(await readKnown(path))
  const refusals: KeyRefusal[] = []
  const added: string[] = []
  for (const {name: node, answerKey} of responders) {
    const place = `${datacenter}/${node}`
    const pinned = known.get(place)
    if (pinned === undefined && isListOnly) {
      refusals.push({node, code: 'responder-key-unknown', reason: `${path} has no key for it`})
    } else if (pinned === undefined && answerKey !== undefined) added.push(`${place} ${answerKey}\n`)
    else if (pinned !== undefined && pinned !== answerKey) {
      const reason = `it registered another key than ${path} holds for ${place}; remove that line if this is right`
      refusals.push({node, code: 'responder-key-changed', reason})
    }
  }
  if (added.length > 0) await addLines(path, added)
  return refusals
}

/** Resolves with the keys that the file contains for the responders of a datacenter, by responder name. */
export async function readPins(path: string, datacenter: string): Promise<ReadonlyMap<string, string>> {
  const start = `${datacenter}/`
  const lines = [...parseLines(await readKnown(path))].filter(([place]) => place.startsWith(start))
  return new Map(lines.map(([place, key]) => [place.slice(start.length), key]))
}

async function readKnown(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw new BatonError('BATON_CONFIG', `known responders ${path}: ${messageOf(error)}`, {cause: error})
  }
}

function parseLines(text: string): ReadonlyMap<string, string> {
  const known = new Map<string, string>()
  for (const line of text.split('\n')) {
    const [place = '', key] = line.replace(/#.*/, '').trim().split(/\s+/)
    if (key !== undefined && !known.has(place)) known.set(place, key)
  }
  return known
}

async function addLines(path: string, lines: readonly string[]): Promise<void> {
  try {
    makeFolder(dirname(path), 0o700)
    await appendFile(path, lines.join(''), {mode: 0o600})
  } catch (error) {
    throw new BatonError('BATON_CONFIG', `known responders ${path}: ${messageOf(error)}`, {cause: error})
  }
}
