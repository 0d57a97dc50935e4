import {foldNodes} from '../../exec/node-set.js'
import type {ExecEvent, ExecRun, ExecSummary} from '../../exec/types.js'
import type {CommandHost} from '../base-command.js'
import type {Paint} from '../colour.js'
import type {Output} from '../output.js'
import type {StatusLine} from '../status-line.js'
import {exitCodeOf} from './exit-code.js'
import {FoldedOutput} from './folded-output.js'
import {JsonOutput} from './json-output.js'
import {LiveLine} from './live-line.js'
import type {NodeFiles} from './node-files.js'
import {printable} from './printable.js'
import {TextOutput} from './text-output.js'

interface ViewFlags {
  readonly json?: boolean
  readonly ndjson?: boolean
  readonly fold?: boolean
  readonly diff?: boolean
  readonly verbose?: boolean
  readonly quiet?: boolean
  readonly compat?: 'consul' | undefined
  readonly batch?: unknown
}

interface ViewOptions {
  readonly out: Output
  readonly host: CommandHost
  readonly statusLine: StatusLine
  readonly flags: ViewFlags
  /** Styles text that goes to stdout. */
  readonly paint: Paint
}

/**
 * Prints a run in the form that the flags request: output and results to stdout, remarks to stderr.
 */
export class RunView {
  readonly #options: ViewOptions

  constructor(options: ViewOptions) {
    this.#options = options
  }

  /**
   * Prints the run until it has ended. With `isSnapshot`, the answers are read only once, so no live line is
   * shown.
   */
  async show(
    run: ExecRun,
    {files, isSnapshot = false}: {readonly files?: NodeFiles | undefined; readonly isSnapshot?: boolean} = {},
  ): Promise<ExecSummary> {
    const {out, flags} = this.#options
    const {json = false, ndjson = false, verbose = false, compat, batch} = flags
    const text = this.#text()
    const objects = new JsonOutput()
    using live = isSnapshot ? undefined : this.#live()
    for await (const event of run) {
      files?.take(event)
      live?.take(event)
      this.remark(event)
      if (json) objects.collect(event)
      else if (ndjson) for (const object of objects.show(event)) out.json(object, {compact: true})
      else if (event.type !== 'batch' || verbose || batch !== undefined) out.raw(text.show(event))
    }
    const summary = await run.summary
    live?.[Symbol.dispose]()
    const exitCode = exitCodeOf(summary, compat)
    if (json) out.json(objects.document(run.id, summary, exitCode))
    else if (ndjson) for (const object of objects.finish(summary, exitCode)) out.json(object, {compact: true})
    else out.raw(text.finish(summary))
    if (compat === undefined) this.#explain(summary)
    return summary
  }

  /** Prints the remark about an event, if there is one. */
  remark(event: ExecEvent): void {
    const {out} = this.#options
    if (event.type === 'retrying') out.say(`exec: reading again: ${printable(event.reason)}`)
    if (event.type === 'foreign') {
      out.warn(
        `exec: ignored a report for ${printable(event.node)}, a node that the job does not name: ` +
          'something else writes below baton/exec/v1/run/',
      )
    }
    if (event.type === 'forged') {
      out.warn(
        `exec: ignored an answer of ${printable(event.node)} that its responder did not sign: ` +
          'something else writes below baton/exec/v1/run/',
      )
    }
    if (event.type !== 'targets' || event.nodes.length > 0 || event.serviceNamesMatched.length === 0) return
    const names = event.serviceNamesMatched.slice(0, 5).map(printable).join(', ')
    out.warn(`exec: --service matches service IDs, not names: no ID matched, but these names did: ${names}`)
  }

  #text(): Pick<TextOutput, 'show' | 'finish'> {
    const {out, paint} = this.#options
    const {fold = false, diff = false, verbose = false, compat} = this.#options.flags
    const how = {isVerbose: verbose, isTerminal: out.isTty, paint}
    return fold ? new FoldedOutput({...how, isDiff: diff}) : new TextOutput({...how, isCompat: compat !== undefined})
  }

  #live(): LiveLine | undefined {
    const {host, statusLine: line, flags} = this.#options
    const {quiet = false, compat} = flags
    return quiet || compat !== undefined ? undefined : new LiveLine({stderr: host.stderr, line})
  }

  /** Names the nodes that failed and why, after all other output. */
  #explain({verdict, nodes}: ExecSummary): void {
    const {out} = this.#options
    if (verdict === 'no-nodes') {
      out.warn('exec: no node matched, so nothing ran (nodes that the token may not read never match)')
    }
    const cut = nodes.filter(node => node.droppedBytes !== undefined)
    if (cut.length > 0) {
      const all = cut.map(node => `${node.droppedBytes ?? 0} bytes of ${printable(node.node)}`)
      out.warn(`exec: output was dropped: ${all.join(', ')} (more is kept with --max-output)`)
    }
    const unsigned = nodes.filter(({via, isAcked, isSigned}) => via === 'native' && isAcked && !isSigned)
    if (unsigned.length > 0) {
      const names = foldNodes(unsigned.map(({node}) => printable(node)))
      out.warn(`exec: not signed, so that others may have written them: the answers of ${names}`)
    }
    const silent = nodes.filter(node => node.outcome.type === 'no-answer')
    if (silent.length === 0) return
    out.warn(`exec: no answer from ${silent.map(node => printable(node.node)).join(', ')}`)
    if (silent.some(node => node.via === 'rexec')) {
      out.warn(
        "exec: agents answer only with disable_remote_exec = false (Consul's default is true) and key:write on the prefix; " +
          'baton responder needs neither',
      )
    }
  }
}
