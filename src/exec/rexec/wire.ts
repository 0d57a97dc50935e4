import {posix} from 'node:path'
import {UsageError} from '../../core/errors.js'
import {nodePattern} from '../initiator/selector.js'
import type {NewKey} from '../reader.js'
import type {Report} from '../reports.js'
import type {JobCommand, NodeSelector} from '../types.js'

/** Name of the event that every agent treats as a request to run a job. */
export const rexecEvent = '_rexec'

const nanosecondsPerMs = 1_000_000
/** Measured sizes: bytes that an event may contain besides its name, and bytes that a filter needs besides its text. */
const eventBudgetBytes = 400
const filterOverheadBytes = 6

/** Characters that Go's JSON encoder escapes. `consul exec` therefore escapes them in its jobs. */
const escapes: Readonly<Record<string, string>> = {'<': '\\u003c', '>': '\\u003e', '&': '\\u0026'}

/**
 * Encodes the job as agents expect it. `Wait` must be above 0, because agents otherwise write heartbeats without a
 * pause.
 */
export function encodeRexecJob(command: JobCommand, waitMs: number): Buffer {
  const wait = Math.max(1, Math.round(waitMs * nanosecondsPerMs))
  const job = {...toJobFields(command), Wait: wait}
  return Buffer.from(JSON.stringify(job).replaceAll(/[<>&]/g, character => escapes[character] ?? character))
}

function toJobFields(command: JobCommand): Record<string, unknown> {
  if (command.kind === 'shell') return {Command: command.line}
  if (command.kind === 'argv') return {Args: command.argv}
  return {Script: Buffer.from(command.script).toString('base64')}
}

export const encodeRexecPayload = (prefix: string, session: string): Buffer =>
  Buffer.from(`{"Prefix":${JSON.stringify(prefix)},"Session":${JSON.stringify(session)}}`)

/** Returns the prefix of a job's keys. Double and trailing slashes are removed, as in Consul. */
export const jobRoot = (prefix: string, session: string): string => posix.join(prefix, session)

/**
 * Matches the key of a frame (one numbered piece) of output. Consul numbers frames with at least five hexadecimal
 * digits.
 */
const outKey = /^(.+)\/out\/([0-9a-f]+)$/
const otherKey = /^(.+)\/(ack|exit)$/

export const needsRexecValue = (rest: string): boolean => outKey.test(rest) || rest.endsWith('/exit')

/** Parses a key below a job. Returns undefined for the job itself and for unknown keys. */
export function parseRexecKey({rest, value}: NewKey): Report | undefined {
  const [, node = '', digits = ''] = outKey.exec(rest) ?? []
  if (node !== '') {
    const seq = Number.parseInt(digits, 16)
    if (value.length === 0) return {type: 'heartbeat', node, seq}
    return {type: 'output', node, seq, parts: [{stream: 'merged', chunk: value}]}
  }
  const [, answering = '', kind] = otherKey.exec(rest) ?? []
  if (kind === 'ack') return {type: 'ack', node: answering}
  if (kind !== 'exit') return undefined
  const code = Number.parseInt(value.toString('utf8'), 10)
  return {type: 'exit', node: answering, exit: {code: Number.isNaN(code) ? 255 : code}}
}

/**
 * Filters of one event. The events of one job must match different nodes, because a node that is matched twice would
 * run the job twice.
 */
export type EventFilter = Pick<NodeSelector, 'node' | 'service' | 'tag'>

function filterBytes(filter: EventFilter): number {
  const texts = [filter.node, filter.service, filter.tag].filter(text => text !== undefined && text !== '')
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text ?? '') + filterOverheadBytes, 0)
}

const roomFor = (payloadBytes: number): number => eventBudgetBytes - 2 * rexecEvent.length - payloadBytes

/** Throws a UsageError if the filter does not fit into an event. Called before anything is written. */
export function checkEventRoom(filter: EventFilter, payloadBytes: number): void {
  const room = roomFor(payloadBytes)
  const size = filterBytes(filter)
  if (size > room) {
    throw new UsageError(`filters: ${size} bytes do not fit into an event, which has room for ${room}`, {
      hint: "shorten the expressions, or reach the nodes through responders (`via: 'native'`)",
    })
  }
}

/** Divides a list of node names among as few events as their maximum size allows. */
export async function packNodes(nodes: readonly string[], payloadBytes: number): Promise<readonly EventFilter[]> {
  const toPattern = await nodePattern()
  const filters: EventFilter[] = []
  let pack: string[] = []
  for (const node of nodes) {
    const grown = {node: toPattern([...pack, node])}
    if (pack.length > 0 && filterBytes(grown) > roomFor(payloadBytes)) {
      filters.push({node: toPattern(pack)})
      pack = []
    }
    pack.push(node)
    checkEventRoom({node: toPattern(pack)}, payloadBytes)
  }
  if (pack.length > 0) filters.push({node: toPattern(pack)})
  return filters
}
