import type {WriteOptions} from './write.js'

/** Syntax and restrictions of a template. */
export interface TemplateSyntax {
  /** Text that begins an action. @default '{{' */
  readonly leftDelimiter?: string
  /** Text that ends an action. @default '}}' */
  readonly rightDelimiter?: string
  /** True to fail if a map has no entry with the given key. @default false */
  readonly errorOnMissingKey?: boolean
  /** Names of functions that this template may not call. `sprig_*` is a pattern. @default none */
  readonly deniedFunctions?: readonly string[]
  /** Folder to which the function `file` is restricted. @default no restriction */
  readonly sandbox?: string
}

/** A command that runs when files change. */
export interface TemplateCommand {
  readonly argv: readonly [string, ...string[]]
  readonly env: Readonly<Record<string, string>>
  readonly timeoutMs: number
  /** The command as shown in messages. */
  readonly text: string
}

/** How long data must stay unchanged before a file is written, and the maximum total delay. */
export interface Quiet {
  readonly minMs: number
  /** Maximum total delay in milliseconds. @default 4 times `minMs` */
  readonly maxMs?: number
}

/** A template and its destination. */
export interface TemplateSpec extends TemplateSyntax, WriteOptions {
  /** Name of the template in errors and events: the path of its file. */
  readonly name: string
  /** The text of the template. */
  readonly text: string
  /** The file to write. If undefined, the text is only reported. */
  readonly destination?: string
  /** Runs after the file has changed. */
  readonly command?: TemplateCommand
  /** Runs on the new file before it replaces the old one. */
  readonly check?: TemplateCommand
  /** How long data must stay unchanged before the file is written. @default that of the run */
  readonly quiet?: Quiet
  /** True to end the run if this template fails to execute. @default true with `once`, otherwise false */
  readonly isErrorFatal?: boolean
  /** The variables that the function `env` reads. @default those of the run */
  readonly env?: Readonly<Record<string, string | undefined>>
}

/** A template and its rendered text. */
export interface Rendered {
  readonly template: TemplateSpec
  readonly bytes: Uint8Array
}

/** Data for which a template waits. */
export interface Missing {
  readonly name: string
  readonly why: string
}

/** Events of a run. */
export type TemplateEvent =
  | ({readonly type: 'rendered'} & Rendered)
  | {
      readonly type: 'written'
      readonly template: TemplateSpec
      readonly destination: string
      readonly bytes: Uint8Array
      /** The content before the change; undefined if the file is new. */
      readonly before: Uint8Array | undefined
    }
  | {readonly type: 'waiting'; readonly template: TemplateSpec; readonly missing: readonly Missing[]}
  | {readonly type: 'failed'; readonly template: TemplateSpec; readonly error: Error}
  /** A check failed, so no file was changed. */
  | {readonly type: 'refused'; readonly template: TemplateSpec; readonly error: unknown}
  | {
      readonly type: 'command failed'
      readonly template: TemplateSpec
      readonly command: TemplateCommand
      readonly error: unknown
    }
  | {readonly type: 'rolled back'; readonly template: TemplateSpec; readonly destination: string}
