import type {EventFilters} from '../../core/api/event.js'
import {checkShape} from '../call-rules.js'

/** Maximum size of an event's gossip message in bytes. No setting of Consul changes it. */
const eventSizeLimit = 512

export interface EventShape extends EventFilters {
  readonly name: string
}

const bytes = (text: string): number => Buffer.byteLength(text)

/** Returns the number of header bytes of a text or byte string of this length in MessagePack. */
const textHeader = (length: number): number => (length < 32 ? 1 : length < 256 ? 2 : 3)
/** The outer message uses the older form of MessagePack, which has no header for texts whose length takes 1 byte. */
const outerHeader = (length: number): number => (length < 32 ? 1 : 3)
const binaryHeader = (length: number): number => (length < 256 ? 2 : 3)

const idField = 3 + textHeader(36) + 36
const versionField = 2 + 1

/** Returns the size of Consul's own envelope: ID, name, payload, filters, version. Empty fields are left out. */
function innerSize(shape: EventShape, payloadLength: number): number {
  const name = 2 + textHeader(bytes(shape.name)) + bytes(shape.name)
  const payload = payloadLength === 0 ? 0 : 2 + binaryHeader(payloadLength) + payloadLength
  const filters = [shape.node, shape.service, shape.tag]
    .filter(filter => filter !== undefined && filter !== '')
    .reduce((sum, filter = '') => sum + 3 + textHeader(bytes(filter)) + bytes(filter), 0)
  return 1 + idField + name + payload + filters + versionField
}

const lTimeWidth = (lTime: bigint): number => {
  if (lTime < 128n) return 1
  if (lTime < 256n) return 2
  if (lTime < 65_536n) return 3
  return lTime < 2n ** 32n ? 5 : 9
}

/** Returns the exact size of the gossip message. `lTime` is the Lamport time that the firing agent uses next. */
function encodedEventSize(shape: EventShape, payloadLength: number, lTime: bigint): number {
  const inner = innerSize(shape, payloadLength)
  const outerName = bytes('consul:event:') + bytes(shape.name)
  const names = 6 + 5 + 8 + 3
  return 1 + 1 + names + lTimeWidth(lTime) + outerHeader(outerName) + outerName + outerHeader(inner) + inner + 1
}

/**
 * Returns the maximum length of a payload for this name and these filters. The result is negative if not even an empty
 * payload fits.
 *
 * @example
 * ```ts
 * maxPayload({name: 'deploy'}, 1n) > maxPayload({name: 'deploy', node: '^web-'}, 1n) // => true
 * ```
 */
export function maxPayload(shape: EventShape, lTime: bigint): number {
  checkShape('maxPayload', {...shape}, {lTime}, 'lTime')
  let room = eventSizeLimit - encodedEventSize(shape, 0, lTime)
  if (room < 0) return room
  while (room > 0 && encodedEventSize(shape, room, lTime) > eventSizeLimit) room -= 1
  return room
}

/**
 * `fits` and `too-large` hold for every Lamport time of the agent. `depends`: the result depends on the length of the
 * Lamport time, which takes up to 8 bytes.
 */
export type SizeVerdict =
  | {readonly verdict: 'fits' | 'depends'; readonly leftBytes: number}
  | {readonly verdict: 'too-large'; readonly overBytes: number; readonly maxBytes: number}

const smallestLTime = 1n
const largestLTime = 2n ** 64n - 1n

/**
 * Predicts whether a payload of this length fits in an event with this name and these filters. If the event's Lamport
 * time is known, the verdict is never `depends`.
 *
 * @example
 * ```ts
 * judgeSize({name: 'deploy'}, 100).verdict // => 'fits'
 * judgeSize({name: 'deploy'}, 1000).verdict // => 'too-large'
 * judgeSize({name: 'deploy'}, 403).verdict // => 'depends'
 * judgeSize({name: 'deploy'}, 403, 70_000n) // => {verdict: 'too-large', overBytes: 3, maxBytes: 400}
 * ```
 */
export function judgeSize(shape: EventShape, payloadLength: number, lTime?: bigint): SizeVerdict {
  checkShape('judgeSize', {...shape}, {payloadLength, lTime}, 'payloadLength')
  const most = maxPayload(shape, lTime ?? smallestLTime)
  if (payloadLength > most || most < 0) {
    return {verdict: 'too-large', overBytes: payloadLength - most, maxBytes: Math.max(0, most)}
  }
  const surely = maxPayload(shape, lTime ?? largestLTime)
  return payloadLength <= surely
    ? {verdict: 'fits', leftBytes: surely - payloadLength}
    : {verdict: 'depends', leftBytes: most - payloadLength}
}
