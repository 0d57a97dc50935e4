import {createHash} from 'node:crypto'
import {gunzipSync, gzipSync} from 'node:zlib'
import type {StateImage} from '../store/state.js'
import {parseImage, printImage} from './image-text.js'
import {readTar, writeTar} from './tar.js'

/**
 * Name of the first file in the archive. Consul refuses an archive with an unknown file before it changes its state,
 * and names the file in its message.
 */
const mark = 'snapshot of baton dev, not of Consul'
const stateName = 'state.json'
const sumsName = 'SHA256SUMS'

const sumLine = (data: Buffer): string => `${createHash('sha256').update(data).digest('hex')}  ${stateName}\n`

/** Returns an archive that only the embedded agent can restore. */
export function packSnapshot(image: StateImage): Buffer {
  const state = Buffer.from(printImage(image))
  return gzipSync(
    writeTar([
      {name: mark, data: Buffer.alloc(0)},
      {name: stateName, data: state},
      {name: sumsName, data: Buffer.from(sumLine(state))},
    ]),
  )
}

/** Reads the state from an archive. Throws an Error with Consul's message if the archive cannot be read. */
export function unpackSnapshot(packed: Buffer): StateImage {
  let archive: Buffer
  try {
    archive = gunzipSync(packed)
  } catch {
    const why = packed.length < 10 ? (packed.length === 0 ? 'EOF' : 'unexpected EOF') : 'gzip: invalid header'
    throw new Error(`failed to decompress snapshot: ${why}`)
  }
  try {
    return readState(readTar(archive))
  } catch (error) {
    throw new Error(`failed to read snapshot file: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function readState(files: ReadonlyMap<string, Buffer>): StateImage {
  if (files.has('state.bin')) throw new Error('a snapshot of Consul itself cannot be restored here')
  const state = files.get(stateName)
  if (!files.has(mark) || !state) throw new Error('not a snapshot of baton dev')
  if (files.get(sumsName)?.toString('utf8') !== sumLine(state)) throw new Error(`hash check failed for "${stateName}"`)
  return parseImage(state.toString('utf8'))
}
