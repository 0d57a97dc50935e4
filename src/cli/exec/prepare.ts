import {briefPath} from '../../core/brief.js'
import {UsageError} from '../../core/errors.js'
import {whyUnreadable} from '../../core/input.js'
import type {PreparedRun} from '../../exec/initiator-types.js'
import {createFile} from '../../process/create-file.js'
import type {Output} from '../output.js'
import {exitCodes} from './exit-code.js'
import {printable} from './printable.js'

/** Writes a prepared job to a new file, and prints the next steps. Returns the exit code. */
export async function reportPrepared(
  run: PreparedRun,
  {path, out, isJson}: {readonly path: string; readonly out: Output; readonly isJson: boolean},
): Promise<number> {
  const {id, nodes, refused, document, beginsUntilMs} = run
  const beginsUntil = new Date(beginsUntilMs).toISOString()
  const exit = id === '' && refused.length === 0 ? exitCodes['no-nodes'] : refused.length > 0 ? 6 : 0
  if (id !== '') write(path, document)
  if (isJson) out.json({job: id, file: path, nodes, refused, beginsUntil, exit})
  for (const one of refused) out.warn(`exec: ${printable(one.node)}: refused: ${one.code}: ${printable(one.reason)}`)
  if (exit === exitCodes['no-nodes']) out.warn('exec: no node matched, so nothing was prepared')
  if (id === '') return exit
  if (!isJson) out.line(id)
  out.say(`exec: ${nodes.length} node(s) may begin it until ${beginsUntil}, once it is submitted`)
  out.say(`exec: another signature: baton keys sign ${path}; then: baton exec submit ${path}`)
  return exit
}

function write(path: string, document: Uint8Array): void {
  try {
    createFile(path, document)
  } catch (error) {
    throw new UsageError(`prepare: cannot write ${briefPath(path)}: ${whyUnreadable(error)}`, {cause: error})
  }
}
