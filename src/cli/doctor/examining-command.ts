import type {Command} from '@oclif/core'
import type {ExamineOptions} from '../../doctor/examine.js'
import type {TokenSource} from '../../doctor/machine.js'
import {ConsulCommand} from '../consul-command.js'
import {printable} from '../exec/printable.js'
import {wrap} from '../wrap.js'
import {machineReport} from './machine-report.js'

/** Returns the exit code of checks that failed: 77 if all of them concern permissions, otherwise 69. */
export const failureCode = (failed: readonly Pick<Finding, 'check'>[]): number =>
  failed.every(({check}) => check === 'acl' || check === 'rights') ? 77 : 69

/** A line of a report: what was checked, the result, and what to do about it. */
interface Finding {
  readonly check: string
  readonly verdict: 'ok' | 'warn' | 'fail' | 'skip'
  readonly text: string
  readonly fix?: string
}

/**
 * Indent of a wrapped line: as wide as the verdict and the name of the check, which precede the text of the first line.
 */
const indent = ' '.repeat(17)
const narrowIndent = '     '
const colours = {warn: 'yellow', fail: 'red', skip: 'yellow'} as const

/** A command that examines the cluster and prints a line for each finding. */
export abstract class ExaminingCommand<T extends typeof Command = typeof Command> extends ConsulCommand<T> {
  /** Returns the facts about this machine and the token that an examination needs. */
  protected async examinationOptions(): Promise<Omit<ExamineOptions, 'client' | 'key'>> {
    return {...(await machineReport(this.host.env)), token: this.#tokenSource()}
  }

  /**
   * Prints the findings as lines, or as `{"ok", "findings"}`. Returns true if none of them is a
   * failure.
   */
  protected printFindings(findings: readonly Finding[]): boolean {
    const phrased = findings.map(one => (one.fix === undefined ? one : {...one, fix: this.phrase(one.fix)}))
    const isOk = findings.every(({verdict}) => verdict !== 'fail')
    if (this.jsonEnabled()) {
      this.out.json({ok: isOk, findings: phrased})
      return isOk
    }
    const paint = this.painterFor('stdout')
    for (const {verdict, check, text, fix} of phrased) {
      const line = printable(`${text}${fix === undefined ? '' : ` (${fix})`}`.replaceAll(/\s*\n\s*/g, ' '))
      const mark = verdict.padEnd(4)
      const shown = verdict === 'ok' ? mark : paint(colours[verdict], mark)
      this.out.line(this.#wrapped(`${shown} ${check.padEnd(11)}`, line))
    }
    return isOk
  }

  /** Wraps a text on a terminal: beside its head or, on a narrow terminal, below it. */
  #wrapped(head: string, text: string): string {
    const {isTTY, columns} = this.host.stdout
    if (!isTTY || columns <= 0) return `${head} ${text}`
    if (columns < 2 * indent.length) return `${head.trimEnd()}\n${wrap(text, columns, narrowIndent)}`
    return `${head} ${wrap(text, columns, indent).trimStart()}`
  }

  #tokenSource(): TokenSource {
    const {token, 'token-file': file} = this.flags
    if (file !== undefined && file !== '') return {file}
    if (token === undefined || token === '') return 'none'
    return this.sources.get('token') === 'flag' ? 'flag' : 'other'
  }
}
