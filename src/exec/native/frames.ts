import {deflateRawSync, inflateRawSync} from 'node:zlib'
import type {ExitReport, OutputPart} from '../reports.js'
import {parseObject} from './envelope.js'

/** Maximum output in one frame (one numbered piece of output), before compression. */
export const frameBytes = 64 * 1024
/** Maximum size of a decompressed frame, whatever its header says. */
const maxUnpackedBytes = 4 * frameBytes
/** Minimum size of output that is compressed, because compressing shorter output gains nothing. */
const packFromBytes = 256

const numberOf = {stdout: 1, stderr: 2, merged: 3} as const
const streamOf = new Map([
  [1, 'stdout' as const],
  [2, 'stderr' as const],
  [3, 'merged' as const],
])

/**
 * Encodes output as a line of JSON followed by the bytes. The line contains stream and length of each part, and whether
 * the bytes are compressed: `{"v":1,"s":[[1,12],[2,3]],"z":true}`. `"x":true` announces that the command is being
 * stopped because of its timeout.
 */
export function encodeFrame(parts: readonly OutputPart[], isStopping = false): Buffer {
  const body = Buffer.concat(parts.map(part => part.chunk))
  const packed = body.length >= packFromBytes ? deflateRawSync(body) : body
  const isPacked = packed.length < body.length
  const sections = parts.map(part => [numberOf[part.stream], part.chunk.length])
  const header = {v: 1, s: sections, ...(isPacked && {z: true}), ...(isStopping && {x: true})}
  return Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), isPacked ? packed : body])
}

/** The content of a frame. */
export interface Frame {
  readonly parts: readonly OutputPart[]
  readonly isStopping: boolean
}

/** Decodes a frame. Returns undefined if the value is not a frame. */
export function decodeFrame(value: Buffer): Frame | undefined {
  const end = value.indexOf(10)
  const header = parseObject(value.subarray(0, Math.max(0, end)))
  if (end < 0 || header?.['v'] !== 1 || !Array.isArray(header['s'])) return undefined
  try {
    const rest = value.subarray(end + 1)
    const body = header['z'] === true ? inflateRawSync(rest, {maxOutputLength: maxUnpackedBytes}) : rest
    const parts = cut(body, header['s'])
    return parts && {parts, isStopping: header['x'] === true}
  } catch {
    return undefined
  }
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

function cut(body: Buffer, sections: readonly unknown[]): readonly OutputPart[] | undefined {
  const parts: OutputPart[] = []
  let at = 0
  for (const section of sections) {
    if (!Array.isArray(section)) return undefined
    const [number, length] = section as unknown[]
    const stream = typeof number === 'number' ? streamOf.get(number) : undefined
    if (!stream || !isCount(length) || at + length > body.length) return undefined
    parts.push({stream, chunk: body.subarray(at, at + length)})
    at += length
  }
  return parts
}

export interface RunResult extends ExitReport {
  readonly frameCount: number
  readonly outputBytes: number
  readonly droppedBytes: number
  readonly startedAtMs: number
  readonly endedAtMs: number
}

export function encodeResult(result: RunResult): Buffer {
  return Buffer.from(
    JSON.stringify({
      v: 1,
      code: result.code,
      ...(result.signal !== undefined && {signal: result.signal}),
      ...(result.isTimedOut === true && {timed_out: true}),
      ...(result.isCancelled === true && {cancelled: true}),
      ...(result.isInterrupted === true && {interrupted: true}),
      frames: result.frameCount,
      bytes: result.outputBytes,
      dropped: result.droppedBytes,
      started: result.startedAtMs,
      ended: result.endedAtMs,
    }),
  )
}

/** Decodes the parts of a result that an initiator needs. Returns undefined if the value is not a result. */
export function decodeResult(value: Buffer): ExitReport | undefined {
  const raw = parseObject(value)
  if (raw?.['v'] !== 1) return undefined
  const {code, frames, dropped, started, ended} = raw
  if (!Number.isSafeInteger(code) || !isCount(frames)) return undefined
  return {
    code: code as number,
    frameCount: frames,
    ...(isCount(dropped) && dropped > 0 && {droppedBytes: dropped}),
    ...(isCount(started) && isCount(ended) && ended >= started && {ranMs: ended - started}),
    ...(typeof raw['signal'] === 'string' && {signal: raw['signal']}),
    ...(raw['timed_out'] === true && {isTimedOut: true}),
    ...(raw['cancelled'] === true && {isCancelled: true}),
    ...(raw['interrupted'] === true && {isInterrupted: true}),
  }
}
