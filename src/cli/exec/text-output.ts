import {foldNodes} from '../../exec/node-set.js'
import type {ExecEvent, ExecSummary, NodeOutcome} from '../../exec/types.js'
import type {Paint, Style} from '../colour.js'
import {NodeLines} from './line-buffer.js'
import {describeBriefly, describeFailures, describeOutcome, dryRunLine, outcomeStyles} from './outcome-text.js'
import {printable, printableLines} from './printable.js'

export interface TextOptions {
  readonly isVerbose: boolean
  /** True to print exactly what `consul exec` prints, including the empty line at its end, and nothing else. */
  readonly isCompat: boolean
  /**
   * True to escape control characters in output, because a terminal would interpret them. If false, output is
   * unchanged.
   */
  readonly isTerminal: boolean
  /** Styles names, failures and silent nodes. */
  readonly paint: Paint
}

type OutputKey = Pick<Extract<ExecEvent, {type: 'output'}>, 'node' | 'stream'>

/**
 * Prints a run in the format of `consul exec`, except that it prints only whole lines, and the exit of a node after all
 * of the node's lines.
 */
export class TextOutput {
  readonly #options: TextOptions
  readonly #lines = new NodeLines<OutputKey>()

  constructor(options: TextOptions) {
    this.#options = options
  }

  /** Returns the bytes for stdout. */
  show(event: ExecEvent): Buffer {
    switch (event.type) {
      case 'output': {
        const {node, stream} = event
        const lines = this.#lines.push({node, stream}, event.chunk)
        return lines.length === 0 ? lines : this.#prefix(node, lines)
      }
      case 'exit':
        return this.#afterLines(
          event.node,
          this.#about(event.node, `finished with exit code ${event.code}`, event.code === 0 ? undefined : 'red'),
        )
      case 'outcome':
        return this.#afterLines(event.node, this.#outcomeLine(event.node, event.outcome))
      case 'truncated':
        return this.#note(event.node, `${event.droppedBytes} bytes of the output were dropped`)
      case 'missing':
        return this.#note(event.node, `${event.count} part(s) of the output are missing`)
      case 'late':
        return this.#note(event.node, 'answered late')
      case 'batch':
        return this.#line(`==> batch ${event.number}: ${event.nodes.length} node(s): ${foldNodes(event.nodes)}`)
      case 'retry':
        return Buffer.concat([
          this.#unfinished(event.node),
          this.#note(event.node, `${describeBriefly(event.outcome)}: attempt ${event.attempt} begins`),
        ])
      case 'gate':
        return this.#line(gateLine(event))
      case 'unexpected':
        return this.#note(event.node, 'answered unexpectedly')
      default:
        return this.#options.isVerbose ? toLine(verboseLine(event)) : Buffer.alloc(0)
    }
  }

  /** Returns unfinished lines and the summary. */
  finish(summary: ExecSummary): Buffer {
    const {completedCount, ackedCount, durationMs} = summary
    const seconds = (durationMs / 1000).toFixed(2)
    if (summary.isDryRun) return Buffer.concat([toLine(dryRunLine(summary)), this.#failures(summary)])
    return Buffer.concat([
      this.#unfinished(),
      toLine(`${completedCount} / ${ackedCount} node(s) completed / acknowledged`),
      toLine(this.#options.isVerbose ? `Completed in ${seconds} seconds` : undefined),
      this.#failures(summary),
    ])
  }

  #failures(summary: ExecSummary): Buffer {
    return this.#options.isCompat ? Buffer.alloc(0) : toStyledLine(describeFailures(summary, this.#options.paint))
  }

  #line(text: string): Buffer {
    return toStyledLine(this.#options.paint('bold', printable(text)))
  }

  #note(node: string, text: string): Buffer {
    return this.#options.isCompat ? Buffer.alloc(0) : toStyledLine(this.#about(node, text, 'red'))
  }

  #afterLines(node: string, line: string | undefined): Buffer {
    return Buffer.concat([this.#unfinished(node), toStyledLine(line)])
  }

  /**
   * Returns a line about a node. Its name and text come from other machines, so they are escaped before styles are
   * added.
   */
  #about(node: string, text: string, style: Style | undefined): string {
    const paint: Paint = this.#options.isCompat ? (_style, plain) => plain : this.#options.paint
    const shown = printable(text)
    return `==> ${paint('bold', printable(node))}: ${style === undefined ? shown : paint(style, shown)}`
  }

  #unfinished(node?: string): Buffer {
    return Buffer.concat(this.#lines.flush(node).map(({key, chunk}) => this.#prefix(key.node, chunk)))
  }

  #outcomeLine(node: string, outcome: NodeOutcome): string | undefined {
    if (this.#options.isCompat) return undefined
    const text = describeOutcome(outcome)
    const style = outcomeStyles[outcome.type] ?? 'red'
    return text === undefined ? undefined : this.#about(node, text, style)
  }

  /** Puts the node's prefix before each line. Works on bytes (as latin1 text), because output may be binary. */
  #prefix(node: string, lines: Buffer): Buffer {
    const start = `    ${Buffer.from(printable(node)).toString('latin1')}: `
    const text = (this.#options.isTerminal ? printableLines(lines) : lines).toString('latin1')
    if (!this.#options.isCompat) {
      const body = text.endsWith('\n') ? text.slice(0, -1) : text
      return Buffer.from(`${start}${body.replaceAll('\n', `\n${start}`)}\n`, 'latin1')
    }
    const all = `${start}${text.replaceAll('\n', `\n${start}`)}`
    return Buffer.from(`${all.replace(/[\t\n\v\f\r ]+$/, '')}\n`, 'latin1')
  }
}

const toLine = (text: string | undefined): Buffer => toStyledLine(text === undefined ? undefined : printable(text))

/** Returns the bytes of a line with a line end. Does not escape control characters; the caller must have done so. */
const toStyledLine = (line: string | undefined): Buffer =>
  line === undefined ? Buffer.alloc(0) : Buffer.from(`${line}\n`)

function verboseLine(event: ExecEvent): string | undefined {
  switch (event.type) {
    case 'ack':
      return `==> ${event.node}: acknowledged`
    case 'heartbeat':
      return `==> ${event.node}: heartbeat received`
    case 'session-created':
      return `Created remote execution session: ${event.id}`
    case 'job-written':
      return 'Uploaded remote execution spec'
    case 'event-fired':
      return `Fired remote execution event: ${event.id}`
    case 'unknown-key':
      return `Unknown key '${event.key}', ignoring.`
    default:
      return undefined
  }
}

function gateLine({service, state, nodes}: Extract<ExecEvent, {type: 'gate'}>): string {
  if (state === 'waiting') return `==> waiting until ${service} is healthy on ${foldNodes(nodes)}`
  return state === 'open' ? `==> ${service} is healthy` : `==> ${service} did not become healthy`
}
