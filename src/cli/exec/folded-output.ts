import {createHash} from 'node:crypto'
import {foldNodes} from '../../exec/node-set.js'
import type {ExecEvent, ExecSummary, NodeOutcome, NodeResult} from '../../exec/types.js'
import {diffLines} from './line-diff.js'
import {describeOutcome} from './outcome-text.js'
import {printable, printableLines} from './printable.js'
import {type TextOptions, TextOutput} from './text-output.js'

export interface FoldedOptions extends Omit<TextOptions, 'isCompat'> {
  /**
   * True to show the output of the largest group of nodes in full, and of the other groups only the lines that differ
   * from it.
   */
  readonly isDiff: boolean
}

interface Group {
  readonly nodes: string[]
  readonly outcome: NodeOutcome
  readonly output: Buffer
}

/**
 * Prints output that is the same on several nodes only once, below the folded names of the nodes. Prints it when the
 * run has ended, largest group first; notes and retries are printed immediately.
 */
export class FoldedOutput {
  readonly #options: FoldedOptions
  readonly #text: TextOutput
  readonly #chunks = new Map<string, Buffer[]>()
  /** Output of nodes that have ended, by hash, so that equal output is kept only once. */
  readonly #outputs = new Map<string, Buffer>()
  readonly #hashes = new Map<string, string>()

  constructor(options: FoldedOptions) {
    this.#options = options
    this.#text = new TextOutput({...options, isCompat: false})
  }

  /** Returns the bytes for stdout. */
  show(event: ExecEvent): Buffer {
    switch (event.type) {
      case 'output': {
        const chunks = this.#chunks.get(event.node) ?? []
        chunks.push(event.chunk)
        this.#chunks.set(event.node, chunks)
        return Buffer.alloc(0)
      }
      case 'retry':
        this.#chunks.delete(event.node)
        return this.#text.show(event)
      case 'outcome':
        this.#close(event.node)
        return Buffer.alloc(0)
      case 'exit':
        return Buffer.alloc(0)
      default:
        return this.#text.show(event)
    }
  }

  finish(summary: ExecSummary): Buffer {
    const groups = this.#groups(summary.nodes)
    const [largest] = groups
    const shown = groups.map(group => {
      const isCompared = this.#options.isDiff && largest !== undefined && group !== largest
      return Buffer.concat([
        this.#title(group),
        isCompared ? this.#difference(largest, group) : this.#body(group.output),
      ])
    })
    return Buffer.concat([...shown, this.#text.finish(summary)])
  }

  #close(node: string): void {
    const output = Buffer.concat(this.#chunks.get(node) ?? [])
    this.#chunks.delete(node)
    const hash = createHash('sha256').update(output).digest('base64')
    this.#hashes.set(node, hash)
    if (!this.#outputs.has(hash)) this.#outputs.set(hash, output)
  }

  #groups(nodes: readonly NodeResult[]): readonly Group[] {
    const groups = new Map<string, Group>()
    for (const {node, outcome} of nodes) {
      const hash = this.#hashes.get(node) ?? ''
      const key = `${hash} ${JSON.stringify(outcome)}`
      const group = groups.get(key) ?? {nodes: [], outcome, output: this.#outputs.get(hash) ?? Buffer.alloc(0)}
      group.nodes.push(node)
      groups.set(key, group)
    }
    return [...groups.values()].toSorted((a, b) => b.nodes.length - a.nodes.length)
  }

  #title({nodes, outcome}: Group): Buffer {
    const {paint} = this.#options
    const count = nodes.length === 1 ? '' : ` (${nodes.length} nodes)`
    const code = outcome.type === 'failed' ? outcome.code : 0
    const text = describeOutcome(outcome) ?? `finished with exit code ${code}`
    const shown = outcome.type === 'ok' ? printable(text) : paint('red', printable(text))
    return Buffer.from(`==> ${paint('bold', printable(foldNodes(nodes)))}${count}: ${shown}\n`)
  }

  #body(output: Buffer): Buffer {
    if (output.length === 0) return output
    const text = (this.#options.isTerminal ? printableLines(output) : output).toString('latin1')
    const body = text.endsWith('\n') ? text.slice(0, -1) : text
    return Buffer.from(`    ${body.replaceAll('\n', '\n    ')}\n`, 'latin1')
  }

  #difference(largest: Group, group: Group): Buffer {
    if (largest.output.equals(group.output)) return Buffer.from(`    the same output as ${foldNodes(largest.nodes)}\n`)
    const lines = diffLines(toLines(largest.output), toLines(group.output))
    return lines ? this.#body(Buffer.from(`${lines.join('\n')}\n`, 'latin1')) : this.#body(group.output)
  }
}

const toLines = (output: Buffer): readonly string[] => output.toString('latin1').replace(/\n$/, '').split('\n')
