import {createHash} from 'node:crypto'
import {gunzipSync, gzipSync} from 'node:zlib'
import type {StateImage} from '../store/state.js'
import {parseImage, printImage} from './image-text.js'
import {readTar, writeTar} from './tar.js'

const sumOf = (data: Buffer): string => createHash('sha256').update(data).digest('hex')

/** The archive of `consul snapshot save`: its wrapping and sums are Consul's, the state inside is our own. */
export function packSnapshot(image: StateImage): Buffer {
  const state = Buffer.from(printImage(image))
  const index = Number(image.index)
  const meta = Buffer.from(
    JSON.stringify({
      Version: 1,
      ID: `2-${index}-0`,
      Index: index,
      Term: 2,
      Peers: '',
      Configuration: {Servers: []},
      ConfigurationIndex: 1,
      Size: state.length,
    }),
  )
  const sums = Buffer.from(`${sumOf(meta)}  meta.json\n${sumOf(state)}  state.bin\n`)
  return gzipSync(
    writeTar([
      {name: 'meta.json', data: meta},
      {name: 'state.bin', data: state},
      {name: 'SHA256SUMS', data: sums},
    ]),
  )
}

/** Throws an Error in Consul's words. */
export function unpackSnapshot(packed: Buffer): StateImage {
  let archive: Buffer
  try {
    archive = gunzipSync(packed)
  } catch {
    const why = packed.length < 10 ? (packed.length === 0 ? 'EOF' : 'unexpected EOF') : 'gzip: invalid header'
    throw new Error(`failed to decompress snapshot: ${why}`)
  }
  try {
    const files = readTar(archive)
    const state = files.get('state.bin')
    if (!state) throw new Error('missing "state.bin" in archive')
    if (!files.get('SHA256SUMS')?.includes(sumOf(state))) throw new Error('hash check failed for "state.bin"')
    return parseImage(state.toString('utf8'))
  } catch (error) {
    throw new Error(`failed to read snapshot file: ${error instanceof Error ? error.message : String(error)}`)
  }
}
