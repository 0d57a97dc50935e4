import {isUtf8} from 'node:buffer'
import type {ExecEvent, ExecSummary, NodeResult, OutputStream} from '../../exec/types.js'
import {NodeLines} from './line-buffer.js'

type OutputKey = {readonly node: string; readonly stream: OutputStream}

/** Returns bytes as text if they are UTF-8, otherwise as base64. */
const toJsonBytes = (chunk: Buffer): {readonly text: string} | {readonly base64: string} =>
  isUtf8(chunk) ? {text: chunk.toString('utf8')} : {base64: chunk.toString('base64')}

/**
 * Converts a run to the objects of `--ndjson`, one per line, or to the single object of `--json`. Output is divided at
 * line ends.
 */
export class JsonOutput {
  readonly #lines = new NodeLines<OutputKey>()
  readonly #collected = new Map<string, Map<OutputStream, Buffer[]>>()

  /** Returns the objects of `--ndjson` for an event. */
  show(event: ExecEvent): readonly object[] {
    if (event.type === 'output') {
      const {node, stream} = event
      const chunk = this.#lines.push({node, stream}, event.chunk)
      return chunk.length === 0 ? [] : [toOutput({node, stream}, chunk)]
    }
    const rest = event.type === 'exit' || event.type === 'outcome' ? this.#unfinished(event.node) : []
    return [...rest, event]
  }

  /** Keeps output for {@link document}. */
  collect(event: ExecEvent): void {
    if (event.type !== 'output') return
    const streams = this.#collected.get(event.node) ?? new Map<OutputStream, Buffer[]>()
    this.#collected.set(event.node, streams)
    const chunks = streams.get(event.stream) ?? []
    streams.set(event.stream, chunks)
    chunks.push(event.chunk)
  }

  finish(summary: ExecSummary, exitCode: number): readonly object[] {
    return [...this.#unfinished(), {type: 'summary', ...toSummary(summary, exitCode)}]
  }

  /** Returns the object of `--json`. */
  document(job: string, summary: ExecSummary, exitCode: number): object {
    const {nodes, ...totals} = toSummary(summary, exitCode)
    return {job, ...totals, nodes: nodes.map(node => ({...node, output: this.#outputOf(node)}))}
  }

  #outputOf({node}: NodeResult): object {
    const streams = [...(this.#collected.get(node) ?? [])]
    return Object.fromEntries(streams.map(([stream, chunks]) => [stream, toJsonBytes(Buffer.concat(chunks))]))
  }

  #unfinished(node?: string): object[] {
    return this.#lines.flush(node).map(({key, chunk}) => toOutput(key, chunk))
  }
}

const toOutput = (key: OutputKey, chunk: Buffer): object => ({type: 'output', ...key, ...toJsonBytes(chunk)})

function toSummary(summary: ExecSummary, exitCode: number): Omit<ExecSummary, 'durationMs'> & {readonly exit: number} {
  const {durationMs, ...rest} = summary
  return {...rest, exit: exitCode, ...{durationMs: Math.round(durationMs)}}
}
