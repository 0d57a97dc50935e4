import {createWriteStream, fstatSync, openSync, type WriteStream} from 'node:fs'
import {brief, briefPath} from '../core/brief.js'
import {UsageError} from '../core/errors.js'
import {whyUnreadable} from '../core/input.js'

/**
 * Writes the lines of `--events FILE|fd:N`. Never waits for its reader: lines for a slow reader are
 * buffered, lines for a closed one or for a full disk are discarded, which is reported once. Disposing writes the
 * buffered lines and closes the file.
 */
export class EventWriter implements AsyncDisposable {
  readonly #stream: WriteStream
  #isBroken = false

  /** Throws a UsageError that names the flag if the file or descriptor cannot be written. */
  constructor(place: string, flag: string, warn: (text: string) => void) {
    const fd = openPlace(place, flag)
    this.#stream = createWriteStream('', {fd})
    this.#stream.on('error', error => {
      if (!this.#isBroken) warn(`--${flag}: cannot write to ${briefPath(place)} any more: ${whyUnreadable(error)}`)
      this.#isBroken = true
    })
  }

  line(text: string): void {
    if (!this.#isBroken) this.#stream.write(`${text}\n`)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return new Promise(resolve => {
      this.#stream.once('close', () => resolve())
      if (this.#stream.closed) resolve()
      else this.#stream.end()
    })
  }
}

function openPlace(place: string, flag: string): number {
  const [, number] = /^fd:(\d+)$/.exec(place) ?? []
  if (number === undefined && place.startsWith('fd:')) {
    throw new UsageError(`--${flag}: '${brief(place)}' does not name a descriptor`, {
      hint: `write it as fd:3, or a file of this name as ./${briefPath(place)}`,
    })
  }
  try {
    if (number === undefined) return openSync(place, 'a')
    const found = fstatSync(Number(number))
    // Node itself has open descriptors that are none of these kinds; another process cannot read them.
    const isOutput = found.isFile() || found.isFIFO() || found.isSocket() || found.isCharacterDevice()
    if (!isOutput) throw new Error('it is not open for output')
    return Number(number)
  } catch (cause) {
    throw new UsageError(`--${flag}: cannot write to ${briefPath(place)}: ${whyUnreadable(cause)}`, {
      cause,
      hint: number === undefined ? 'name a file, or fd:N for an open descriptor' : `open it first: ${number}>file`,
    })
  }
}
